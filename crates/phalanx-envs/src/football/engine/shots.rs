//! Shots: where they are aimed, how hard they are, and by how much they miss.

use std::f32::consts::PI;

use phalanx_core::rng::Rng;

use super::Match;
use super::contact::{curl, curl_share, spun};
use super::passes::gauge_factor;
use super::pitch::{GOAL_HALF_WIDTH, HALF_LENGTH};
use super::pursuit::SPRINT;
use super::state::{Ball, Kick, KickRequest, PlayerId};
use super::touches::curved;
use super::vec2::Vec2;
use crate::math::pow;

/// The slope of a shot that succeeds.
const LIFT: f32 = 0.05;
/// The largest error of a shot that goes 30° or more across the run, or the held direction, in radians.
const ACROSS: f32 = 0.18;
/// The highest speed of a body at the touch: the run ends before it, in m/s.
const TOUCH_SPEED: f32 = 4.4;

/// Returns the direction of a shot: straight at the goal's centre if the held direction points there, and up to 0.9 of
/// half the goal's width to the side, `3.33 |angle / (π / 2)|^0.7` m, by the angle between the two.
pub(super) fn aim(game: &Match, id: PlayerId, held: Vec2) -> Vec2 {
    let player = game.player(id);
    let from = player.position + player.velocity * 0.12;
    let attack = Match::attack(id.team as usize);
    let goal = Vec2::new(HALF_LENGTH * attack, 0.0);
    let ahead = (goal - from).direction_or(player.facing);
    let side = (ahead.angle_to(held.direction_or(ahead)) / (0.5 * PI)).clamp(-1.0, 1.0);
    let offset = pow(side.abs(), 0.7).copysign(side) * GOAL_HALF_WIDTH * 0.9 * attack;
    (Vec2::new(goal.x, offset) - from).direction_or(ahead)
}

/// Kicks a shot.
///
/// With `q` = the gauge's share^0.6, `a` = how near the shot is to 36° off the run (0 to 1) and `v` = the speed:
/// power = `45 (0.7 + 0.3 √q) (0.7 + 0.3 a^0.8) (0.7 + 0.3 (v / 8)^0.3)` m/s, less if pushed, at most
/// `32 + 13 shot power`, and up to a fifth more for a ball that comes towards the foot. The difficulty is one minus the
/// product of how easy direction, speed, balance, the ball's motion and power make it. The shot is a mix of the best
/// and a worst case, weighted by `U(0, 1)^(0.7 shot)`.
pub(super) fn kick(
    game: &mut Match,
    id: PlayerId,
    request: KickRequest,
    held: Vec2,
    rng: &mut Rng,
) {
    let player = game.player(id);
    let ball = game.ball;
    let first = aim(game, id, request.direction);
    let now = aim(game, id, held);
    let turn = first.angle_to(now);
    let direction = if request.aimed {
        request.direction
    } else if turn.abs() > 0.1 * PI {
        first.turned((0.1 * PI).copysign(turn))
    } else {
        now
    };
    let speed = player.velocity.length().min(TOUCH_SPEED);
    let run = if speed > 1.8 { player.velocity.direction() } else { player.facing };
    let off = run.angle_to(direction).abs();
    let angle = (off - 0.2 * PI).abs();
    let a = pow(curved(1.0 - (angle / PI).min(1.0), 0.8), 0.8);
    let steady = 1.0 - (player.pushed.length() / 0.1).min(1.0);
    let share_of_speed = pow((speed / SPRINT).min(1.0), 0.3);
    let power_of_body = (0.7 + 0.3 * a) * (0.7 + 0.3 * share_of_speed) * (0.4 + 0.6 * steady);
    let q = pow(gauge_factor(request.gauge), 0.6).clamp(0.01, 1.0);
    let most = 32.0 + 13.0 * player.abilities.shot_power * player.form;
    let relative = (player.velocity - ball.velocity).length_squared() + ball.climb * ball.climb;
    let meets = (relative.sqrt() / 10.0).min(1.0);
    let power = (45.0 * (0.7 + 0.3 * q.sqrt()) * power_of_body).min(most) * (1.0 + 0.2 * meets);

    let pace = 1.0 - ((speed - 3.5).abs() / 4.0).min(1.0);
    let volley = 1.0 - meets * (0.5 - 0.3 * player.abilities.shot * player.form);
    let gentle = curved(1.0 - ((power - 30.0) / 70.0).clamp(0.0, 1.0), 1.0);
    let easy = (0.4 + 0.6 * a)
        * (0.7 + 0.3 * pace)
        * (0.3 + 0.7 * steady)
        * (0.6 + 0.4 * volley)
        * (0.6 + 0.4 * gentle);
    let difficulty = (1.0 - easy).clamp(0.0, 1.0);
    let skill = player.abilities.shot * player.form;

    let missing = pow(difficulty, 0.7);
    let best = scaled(direction, LIFT, power);
    let lagged = run.mix(direction, 1.0 - 0.8 * difficulty).direction_or(direction);
    let random = |rng: &mut Rng| rng.range(-1.0, 1.0) * 0.5 * difficulty;
    let mut worst = lagged + Vec2::new(random(rng), random(rng));
    let mut lift = random(rng);
    let length = (worst.length_squared() + lift * lift).sqrt().max(0.1);
    worst = worst * (1.0 / length);
    lift = lift / length + curved(missing, 0.7) * 0.7;
    let length = (worst.length_squared() + lift * lift).sqrt().max(0.1);
    let weak = power * (1.0 - 0.5 * missing) / length;
    let share = pow(rng.uniform(), 0.7 * skill);
    let velocity = best.0.mix(worst * weak, share);
    let climb = best.1 + (lift * weak - best.1) * share;

    // Backspin, some spin at random, and a curl back from where the body looks.
    let noise = 20.0 * (0.3 + 0.7 * share);
    let spin = Vec2::new(
        direction.y * 20.0 + rng.range(-noise, noise),
        -direction.x * 20.0 + rng.range(-noise, noise),
    );
    // A shot across the run is less certain.
    let across = off.max(held.angle_to(direction).abs());
    let across = ACROSS * (across / (PI / 6.0)).min(1.0);
    let velocity = velocity.turned(across * (rng.uniform() + rng.uniform() - 1.0));
    let curl = curl(game.player(id).facing, velocity);
    let bent = velocity.turned(curl * curl_share(velocity, climb));
    let kicked = Ball { velocity: bent, climb, ..ball };
    let sidespin = -420.0 * curl + rng.range(-14.0, 14.0);
    let kicked = spun(game, id, kicked, spin, sidespin, 0.7);
    game.holder = None;
    game.set_ball(kicked);
    game.record_touch(id, Some(Kick::Shot));
}

/// Returns the velocity in the plane and upwards of a direction with a slope.
fn scaled(direction: Vec2, lift: f32, speed: f32) -> (Vec2, f32) {
    let unit = speed / (1.0 + lift * lift).sqrt();
    (direction * unit, lift * unit)
}
