//! How a body changes its velocity.
//!
//! The original blends recorded steps. Their mean is a law on two parts of the velocity: the part along the wanted
//! direction accelerates or brakes, the part across it brakes, and the change of both in a frame is limited.

use super::pitch::FRAME;
use super::player::Player;
use super::vec2::Vec2;
use crate::math::{lesser, pow};

/// Speeds at which [`STEPS`] holds, in m/s.
const SPEEDS: [f32; 7] = [0.0, 1.5, 3.0, 4.0, 4.8, 5.5, 6.2];
/// The acceleration that steps allow at these speeds, in m/s².
const STEPS: [f32; 7] = [11.0, 12.0, 20.0, 6.9, 6.1, 3.4, 3.2];
/// What agility adds to that per unit above 0.8.
const STEPS_AGILITY: [f32; 7] = [0.0, 0.0, 0.0, 0.0, 0.0, 5.4, 4.2];
/// Braking at low speed, in m/s².
const BRAKE: f32 = 26.4;
/// What braking gains per m/s above 3.5 m/s.
const BRAKE_SPEED: f32 = 4.1;
/// The share of braking that acts across the wanted direction.
const ACROSS: f32 = 0.75;
/// The highest acceleration and braking with the ball at the feet, in m/s².
const WITH_BALL: [f32; 2] = [8.5, 10.0];
/// The share of the acceleration after a turn of more than 70°, until the body has turned.
const TURNED: f32 = 0.8;
/// The cosine and the sine of the angle by which a body turns in a frame: 6.3 rad/s.
const TURNED_BY: [f32; 2] = [0.998_016_2, 0.062_958_33];

/// The limits of a body's steps in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The top speed, in m/s.
    pub top_speed: f32,
    /// The factor on every change of the velocity.
    pub power: f32,
    /// Whether it steps with the ball at its feet.
    pub with_ball: bool,
}

impl Limits {
    /// Returns the limits of a player: a touch in the last second costs power.
    #[inline]
    pub(super) fn of(player: &Player, frame: u32) -> Self {
        let bias = player.touch_bias(frame, 1.0);
        let power = if bias > 0.0 { power_after_touch(player, bias) } else { 1.0 };
        Self { top_speed: player.abilities.top_speed, power, with_ball: false }
    }
}

/// Returns the factor on every change of the velocity of a player with a share left of the second after a touch.
fn power_after_touch(player: &Player, bias: f32) -> f32 {
    1.0 - (pow(bias, 0.8) * (0.8 - 0.3 * player.abilities.dribble * player.form)).clamp(0.0, 0.4)
}

/// Returns the largest forward acceleration at a speed: what steps allow, and above 1.8 m/s at most
/// `11 (1 - x^1.8) (0.7 + 0.3 acceleration)` with `x = (v - 1.8) / (v_max - 1.8)`.
fn acceleration(player: &Player, speed: f32, top_speed: f32) -> f32 {
    let agility = player.abilities.agility * player.form - 0.8;
    let at = |index: usize| STEPS[index] + STEPS_AGILITY[index] * agility;
    let steps = match SPEEDS.iter().rposition(|&low| speed >= low) {
        None => at(0),
        Some(6) => at(6) + (speed - 6.2) * 6.0,
        Some(index) => {
            let share = (speed - SPEEDS[index]) / (SPEEDS[index + 1] - SPEEDS[index]);
            at(index) + (at(index + 1) - at(index)) * share
        }
    };
    if speed <= 1.8 {
        return steps;
    }
    let x = ((speed - 1.8) / (top_speed - 1.8)).min(1.0);
    // x (0.2 + 0.8 x) is x^1.8, but for 0.02.
    let most = 11.0
        * (1.0 - x * (0.2 + 0.8 * x))
        * (0.7 + 0.3 * player.abilities.acceleration * player.form);
    lesser(steps, most)
}

/// Changes the velocity of a player by one frame towards a wanted one, and returns the direction of that; zero if it
/// wants to stand.
pub(super) fn step(player: &mut Player, wanted: Vec2, limits: Limits) -> Vec2 {
    let wanted_speed = wanted.length();
    let ahead = if wanted_speed > 1e-6 { wanted * (1.0 / wanted_speed) } else { Vec2::ZERO };
    if player.velocity == wanted {
        return ahead;
    }
    let target = lesser(wanted_speed, limits.top_speed);
    let squared = player.velocity.length_squared();
    if squared < 1e-6 && target < 1e-3 {
        player.velocity = Vec2::ZERO;
        return ahead;
    }
    let direction =
        if ahead == Vec2::ZERO { player.velocity.direction_or(player.facing) } else { ahead };
    if (player.velocity - direction * target).length_squared() < 1e-6 {
        player.velocity = direction * target;
        return ahead;
    }
    let speed = squared.sqrt();
    let along = player.velocity.dot(direction);
    let across = player.velocity - direction * along;
    let mut brake = BRAKE + BRAKE_SPEED * (speed - 3.5).clamp(0.0, 4.5);
    if limits.with_ball {
        brake = WITH_BALL[1];
    }
    let gain = if along >= target {
        -(brake * FRAME).min(along - target)
    } else {
        let most = if along < 0.0 {
            brake
        } else {
            let most = acceleration(player, along, limits.top_speed);
            let most = if limits.with_ball { most.min(WITH_BALL[0]) } else { most };
            if player.facing.dot(direction) < 0.3 { most * TURNED } else { most }
        };
        lesser(most * FRAME, target - along)
    };
    let mut change = direction * gain;
    let sideways = across.length_squared();
    let most = brake * if limits.with_ball { FRAME } else { ACROSS * FRAME };
    change -= if sideways > most * most { across * (most / sideways.sqrt()) } else { across };
    let f = (speed * 0.125).min(1.0);
    let f = f * f.sqrt();
    let limit = 0.3 * (1.2 - 0.4 * f) * limits.power;
    let length = change.length_squared();
    if length > limit * limit {
        change = change * (limit / length.sqrt());
    }
    player.velocity += change;
    ahead
}

/// Turns the body of a player by one frame towards a direction.
#[inline]
pub(super) fn turn(player: &mut Player, direction: Vec2) {
    if direction == Vec2::ZERO || player.facing.dot(direction) > 0.9999 {
        return;
    }
    let (along, across) = (
        player.facing.dot(direction),
        player.facing.x * direction.y - player.facing.y * direction.x,
    );
    player.facing = if along >= TURNED_BY[0] {
        direction
    } else {
        // Straight behind, it turns to the left.
        let sin = if across < 0.0 { -TURNED_BY[1] } else { TURNED_BY[1] };
        let Vec2 { x, y } = player.facing;
        Vec2::new(x * TURNED_BY[0] - y * sin, x * sin + y * TURNED_BY[0])
    };
}

/// Lets a player run for one frame: it obeys its command after the latency, and looks where it runs.
///
/// A new command is obeyed when it is the mind's turn; near the ball no earlier than 22 frames after the last one. A body
/// that stands, or that `watches`, looks towards `facing`.
#[inline]
pub(super) fn run(
    player: &mut Player,
    command: Vec2,
    (facing, watches): (Vec2, bool),
    frame: u32,
    turn_of_mind: bool,
    near: bool,
) {
    player.latency = player.latency.saturating_sub(1);
    let change = (command - player.obeyed).length_squared();
    if change > 0.0 {
        // Small corrections are made within a step.
        if change < 1.0 && command != Vec2::ZERO && player.obeyed != Vec2::ZERO {
            player.obeyed = command;
        } else if player.latency == 0 && turn_of_mind {
            player.obeyed = command;
            player.latency = if near { 22 } else { 0 };
        }
    }
    let limits = Limits::of(player, frame);
    let ahead = step(player, player.obeyed, limits);
    let stands = player.obeyed == Vec2::ZERO;
    turn(player, if stands || watches { facing } else { ahead });
    player.position += player.velocity * FRAME;
}
