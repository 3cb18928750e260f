//! Touches of a player that has the ball or receives it.

use std::f32::consts::PI;

use phalanx_core::rng::Rng;

use super::Match;
use super::contact::{Difficulty, spun};
use super::movement::{Limits, step};
use super::player::{Body, Player, TouchKind};
use super::pursuit::SPRINT;
use super::reaches::{TRAPS, Tolerance};
use super::saves::{is_late, premonition};
use super::state::{Ball, PlayerId, Role};
use super::vec2::Vec2;
use crate::math::{pow, sin, squared};

/// The frames from the start of a step to the touch.
const STEP: u16 = 12;
/// The frames that the step lasts after the touch.
const REST: u16 = 13;
/// By how many frames a touch may be earlier or later.
const EARLIER: u16 = 2;
/// By how much the speed of a touch differs, and its direction in radians.
const UNEVEN: [f32; 2] = [0.03, 0.025];
/// The most frames that a step lasts after receiving the ball.
const LONGEST_REST: u16 = 20;
/// The relative speed from which on a ball of the opponents is received in half of the cases by a running player, in m/s.
pub(super) const HARD: f32 = 9.0;
/// The same for a goalkeeper that sees an opponent carry the ball with a delay, and the share that such players receive.
pub(super) const LATE: f32 = 6.0;
const LATE_TRAPS: f32 = 0.4;
/// How near a ball has to be to where a step receives it.
const TOLERANCE: Tolerance =
    Tolerance { radius: 0.3, offset: 0.0, angle: 0.25 * PI, height: 1.0, runs: false };
/// The share of the top speed in a step with a touch.
const STEP_SPEED: f32 = 0.95;
/// The speed with the ball that a wanted 3.5 m/s gives.
const DRIBBLE_SPEED: f32 = 3.84;
/// The factor on touches with sprint and dribble held together.
const KNOCK_ON: f32 = 1.35;
/// The speed below which a ball counts as resting: it is pushed on rather than received, in m/s.
const SLOW: f32 = 0.5;
/// A body does not push on a ball that is farther behind it than this, in metres; behind is negative.
const BEHIND: f32 = -0.25;
/// The height of a ball up to which it can be received.
const TRAP_HEIGHT: f32 = 1.9;

/// Returns the velocity that a player wants with the ball.
pub(super) fn wanted_carry(player: &Player) -> Vec2 {
    player.command.carry.unwrap_or(player.command.direction * player.command.speed)
}

/// Returns the velocity with the ball that a wanted one leads to: slow dribbling takes 3.84 m/s.
fn carry(player: &Player) -> Vec2 {
    let wanted = wanted_carry(player);
    let speed = wanted.length();
    if speed < 1.8 {
        Vec2::ZERO
    } else if speed < 4.2 {
        wanted * (DRIBBLE_SPEED / speed)
    } else {
        wanted
    }
}

/// Returns the likelihood (0 to 1) that an opponent does not stand between a player and the ball.
pub(super) fn duel_chance(game: &Match, id: PlayerId) -> f32 {
    let other = 1 - id.team as usize;
    let player = game.player(id);
    let opponent = &game.players[other][game.designated[other] as usize];
    if !opponent.on_pitch || game.counts[other] == 0 {
        return 1.0;
    }
    let there = opponent.position + opponent.velocity * 0.1;
    let to_opponent = (there - player.position - player.velocity * 0.1).direction();
    let to_ball = (game.ball_at(0.1).position - there).direction();
    0.5 - 0.5 * to_opponent.dot(to_ball)
}

/// Lets a free player begin a step to the ball if the ball will be at its feet. Returns whether it does.
pub(super) fn begin(game: &mut Match, id: PlayerId, rng: &mut Rng) -> bool {
    let player = game.player(id);
    let team = id.team as usize;
    if game.holder.is_some() || !player.acts() || player.position.distance(game.ball.position) > 6.0
    {
        return false;
    }
    let main = game.main == id;
    let designated = game.designated[team] == id.index;
    if !(main || designated && duel_chance(game, id) >= 0.25) {
        return false;
    }
    let kind = if player.has_possession { TouchKind::Control } else { TouchKind::Trap };
    let late =
        main || (player.optimistic_time_to_ball < 1.0 && game.team_time_to_ball[1 - team] > 0.4);
    if kind == TouchKind::Trap && !late {
        return false;
    }
    let carry = carry(player);
    let mut meeting_time = 0.0;
    let step = match kind {
        TouchKind::Control => {
            let seconds = f32::from(STEP) * 0.01;
            let ball = game.ball_at(seconds);
            let there = player.position + player.velocity * seconds;
            let near = there.distance(ball.position) <= control_radius(player, game.frame);
            let behind = (ball.position - there).dot(player.facing) < BEHIND;
            (near && !behind && ball.height < TRAP_HEIGHT && needs_touch(game, player))
                .then_some((STEP, REST))
        }
        TouchKind::Trap => {
            let relative = (game.ball.velocity - player.velocity).length_squared();
            let theirs = game.last_touch.is_some_and(|touch| touch.player.team != id.team);
            let carried = game.last_touch.is_some_and(|touch| touch.kick.is_none());
            let runs = player.velocity.length_squared() > 6.0;
            let late = carried && is_late(game, id);
            let lucky = if late { game.flight_luck() < LATE_TRAPS } else { game.is_flight_lucky() };
            let keeps = player.role == Role::Goalkeeper;
            let least = if late && keeps { LATE } else { HARD };
            let hard = (runs || late) && relative > least * least;
            let ahead = premonition(game, id);
            // A ball that hardly moves is not received, only pushed on.
            let moves = game.ball.velocity.length() >= SLOW;
            let found = if hard && theirs && !lucky {
                None
            } else {
                ahead.and_then(|ahead| {
                    game.fitting_move(player, &TRAPS, TOLERANCE, ahead, |step| {
                        moves || step.is_push()
                    })
                })
            };
            meeting_time = ahead.unwrap_or(0.0);
            found.map(|(number, _)| {
                let contact = TRAPS[number].contact;
                (contact, (TRAPS[number].frames - contact).min(LONGEST_REST))
            })
        }
    };
    let Some((mut frames, mut rest)) = step else { return false };
    if kind == TouchKind::Control {
        // Steps differ in when they touch the ball, not in how long they last.
        frames = frames - EARLIER + rng.below(usize::from(2 * EARLIER) + 1) as u16;
        rest = STEP + REST - frames;
    }
    let meeting = game.ball_at(f32::from(frames) * 0.01 + meeting_time).position;
    game.player_mut(id).body = Body::Touch { frames, rest, kind, carry, meeting };
    true
}

/// Returns how far the ball may be at the touch. Just after a touch the ball has to be nearer.
fn control_radius(player: &Player, frame: u32) -> f32 {
    let since = player.last_touch.map_or(10.0, |touch| (frame - touch.frame) as f32 * 0.01) + 0.12;
    0.56 + 0.8 * (since - 0.26).clamp(0.0, 0.5)
}

/// Returns whether a player with the ball has to touch it: always when it runs, or the ball moves.
fn needs_touch(game: &Match, player: &Player) -> bool {
    if wanted_carry(player).length() > 1.8 || game.ball.velocity.length() > 2.0 {
        return true;
    }
    let ball = (game.ball_at(0.25).position - game.ball_at(0.2).position) * 20.0;
    let faster = player.velocity.length() - ball.length();
    (player.velocity - ball).length() >= 2.0 || !(-1.4..0.7).contains(&faster)
}

/// Plays a frame of a step to the ball.
pub(super) fn frame(game: &mut Match, id: PlayerId, rng: &mut Rng) {
    let Body::Touch { frames, rest, kind, carry, meeting } = game.player(id).body else { return };
    if frames > 0 {
        let frames = frames - 1;
        if frames == 0 {
            touch(game, id, (kind, rest), carry, meeting, rng);
        }
        game.player_mut(id).body = Body::Touch { frames, rest, kind, carry, meeting };
    } else if rest > 1 {
        game.player_mut(id).body = Body::Touch { frames, rest: rest - 1, kind, carry, meeting };
    } else {
        let player = game.player_mut(id);
        player.body = Body::Free;
        player.ready = true;
    }
    let now = game.frame;
    let player = game.player_mut(id);
    advance(player, carry, now);
    player.position += player.velocity * 0.01;
}

fn advance(player: &mut Player, wanted: Vec2, frame: u32) {
    let mut limits = Limits::of(player, frame);
    limits.with_ball = true;
    limits.top_speed *= STEP_SPEED;
    step(player, wanted, limits);
    let look = wanted.direction();
    super::movement::turn(player, look);
    player.obeyed = wanted;
}

/// Touches the ball if it is there.
fn touch(
    game: &mut Match,
    id: PlayerId,
    (kind, rest): (TouchKind, u16),
    wanted: Vec2,
    meeting: Vec2,
    rng: &mut Rng,
) {
    let Some(missed) = missed_by(game.ball.position.distance(meeting)) else { return };
    let player = *game.player(id);
    let ball = game.ball;
    if game.holder.is_some()
        || player.position.distance(ball.position) > 1.25
        || ball.height > TRAP_HEIGHT + 0.2
    {
        return;
    }
    let hard = if kind == TouchKind::Trap || !player.has_possession {
        Difficulty::of(game, id, rng)
    } else {
        Difficulty::default()
    };
    let mut after = player;
    for _ in 0..rest {
        advance(&mut after, wanted, game.frame);
        after.position += after.velocity * 0.01;
    }
    let mut pushed = push(game, &player, &after, wanted, f32::from(rest) * 0.01, hard.distance, id);
    pushed.velocity = pushed.velocity.turned(rng.range(-UNEVEN[1], UNEVEN[1]))
        * (1.0 + rng.range(-UNEVEN[0], UNEVEN[0]));
    pushed.climb += ball.climb * hard.height + 4.0 * hard.height;
    if player.command.knock_on {
        pushed.velocity = pushed.velocity * KNOCK_ON;
    }
    pushed.velocity = pushed.velocity.mix(ball.velocity, hard.keeps);
    pushed.climb += (ball.climb - pushed.climb) * hard.keeps;
    pushed.velocity = pushed.velocity.mix(ball.velocity, missed);
    pushed.climb += (ball.climb - pushed.climb) * missed;
    let bias = if kind == TouchKind::Trap { 0.5 } else { 0.6 } * (1.0 - missed);
    let speed = pushed.velocity.length();
    let roll = 2.0 * PI * speed - 30.0 * pow((speed / 10.0).min(1.0), 0.7);
    let ahead = pushed.velocity.direction() * roll;
    let spinning = spun(game, id, pushed, Vec2::new(-ahead.y, ahead.x), 0.0, bias);
    game.set_ball(spinning);
    game.record_touch(id, None);
}

/// Returns the ball after a push to where the player will meet it again.
///
/// The place is `p + v (0.25 + 0.6 (v / 8)²) + f` with `p`, `v` = the position and velocity after the step and `f` =
/// [`front`] m in front of the foot. The speed is `(distance / (1.1 T (0.38 + 0.02 dribble)))^0.7` m/s, with
/// `T` = the time until then, up to 1.2 times that near sprinting; the ball climbs at
/// `0.1 + 1.5 (speed / 10)^1.6` m/s. An opponent within 1.5 m spoils the place.
fn push(
    game: &Match,
    player: &Player,
    after: &Player,
    wanted: Vec2,
    rest: f32,
    extra: f32,
    id: PlayerId,
) -> Ball {
    let ball = game.ball;
    let outgoing = after.velocity.length();
    let direction = if outgoing > 0.5 { after.velocity.direction() } else { after.facing };
    let standing = wanted == Vec2::ZERO;
    let physics = if standing {
        1.0
    } else if player.has_possession {
        0.7
    } else {
        0.9
    };
    let overdrive = if wanted.length() < 4.2 {
        0.0
    } else if wanted.length() > 6.0 {
        1.2
    } else {
        0.6
    };
    let same =
        player.facing.dot(wanted.direction()).min(direction.dot(wanted.direction())) * 0.5 + 0.5;
    let target_speed = wanted.length().min(player.abilities.top_speed);
    let speed = if standing {
        outgoing
    } else {
        target_speed.clamp(outgoing, outgoing + overdrive * same.max(0.0))
    };
    let calm =
        1.0 - (0.5 * player.abilities.reaction + 0.3 * player.abilities.balance) * player.form;
    let rush = curved((speed / SPRINT).min(1.0), 0.7);
    let opponent = game.nearest_opponent(id).map_or(100.0, |(_, distance)| distance);
    let annoyance = (1.0 - (opponent - 0.5).clamp(0.0, 1.0)) * calm * rush;
    let front = direction * (front(speed) + extra + 3.0 * annoyance);
    let delay = 0.25 + 0.6 * squared((speed / SPRINT).min(1.0));
    let mixed = direction * physics + wanted.direction_or(direction) * (1.0 - physics);
    let place = after.position + mixed * (speed * delay) + front;
    let way = place - ball.position;
    let seconds = rest + delay + 0.08;
    let divisor = 1.1 * seconds * (0.38 + 0.02 * player.abilities.dribble * player.form);
    let power = pow(way.length() / divisor, 0.7);
    let fast = ((speed - 5.0) / 2.2).clamp(0.0, 1.0);
    let factor = 1.0 + fast * (0.2 - 0.03 * player.abilities.ball_control * player.form);
    let climb = (0.1 + 1.5 * pow(power / 10.0, 1.6)).min(1.5);
    Ball { velocity: way.direction_or(direction) * (power * factor), climb, ..ball }
}

/// Returns how far in front of the body the ball is meant to be at a speed, in metres. The original's 0.34 + 0.08 v m
/// are measured from the foot; the feet of a running body are behind it.
fn front(speed: f32) -> f32 {
    0.34 + 0.08 * speed - 0.2 * (speed / 4.0).min(1.0)
        + 0.14 * ((speed - 5.0) / 2.5).clamp(0.0, 1.0)
}

/// Returns how much of its own motion the ball keeps if it is some metres from where it was expected, from 0 to 1; none
/// if it cannot be touched there.
pub(super) fn missed_by(distance: f32) -> Option<f32> {
    (distance < 0.4).then(|| curved(curved(distance / 0.4, 1.0), 0.5))
}

impl Match {
    /// Returns one of two answers, the same for as long as nobody touches the ball.
    pub(super) fn is_flight_lucky(&self) -> bool {
        !self.flight_hash().is_multiple_of(2)
    }

    /// Returns a number from 0 to 1 that does not depend on [`Self::is_flight_lucky`] and is the same for as long as
    /// nobody touches the ball.
    pub(super) fn flight_luck(&self) -> f32 {
        ((self.flight_hash() >> 1) % 1024) as f32 / 1024.0
    }

    fn flight_hash(&self) -> u32 {
        self.last_touch.map_or(0, |touch| touch.frame).wrapping_mul(2_654_435_761) >> 16
    }
}

/// Mixes a straight line from 0 to 1 with a sine by the share `bias`.
pub(super) fn curved(x: f32, bias: f32) -> f32 {
    (sin((x - 0.5) * PI) * 0.5 + 0.5) * bias + x * (1.0 - bias)
}
