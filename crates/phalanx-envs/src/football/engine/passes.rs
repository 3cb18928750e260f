//! Passes: whom they are meant for, and how the ball leaves the foot.

use std::f32::consts::PI;

use phalanx_core::rng::Rng;

use super::contact::{Difficulty, curl, curl_share, spun};
use super::player::Player;
use super::pursuit::SPRINT;
use super::state::{Ball, Kick, KickRequest, PlayerId, Touch};
use super::vec2::Vec2;
use super::{Match, control};
use crate::math::pow;

/// The largest turn of a pass between the decision and the touch.
const LARGEST_TURN: f32 = 0.15 * PI;

/// A pass that has been decided: the mate, and the ball's velocity in units of 36 m/s.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub target: Option<PlayerId>,
    pub direction: Vec2,
    /// The slope of the unit direction before it is normalized.
    pub lift: f32,
    pub power: f32,
}

/// Returns the share of the gauge that counts: 0 for the shortest press, 1 for 1 s.
pub(super) fn gauge_factor(gauge: f32) -> f32 {
    ((gauge - 0.06) / 0.94).clamp(0.0, 1.0)
}

/// Returns where a mate at `target` will be when a pass from `from` arrives: it runs on for
/// `0.7 min(0.3 + 0.05 d, 1)^0.7` s.
fn meeting(player: &Player, from: Vec2) -> Vec2 {
    let seconds = 0.7 * pow((0.3 + 0.05 * player.position.distance(from)).min(1.0), 0.7);
    player.position + player.velocity * seconds
}

/// Decides a pass from a place: that of the ball, or where the feet are.
///
/// The held direction and the gauge give a point `M = position + direction clamp(60 p, 1, 100)` m. The mate with the
/// least `0.8 min(|P - M| / 70, 1)^0.8 + angle / π` is chosen, where `P` is where it will be. A long pass is aimed 0.2 of
/// its length further towards the opponents' goal. The power for a distance `d` is `1.8 (d / 60)^1.4` (low) or
/// `1.15 (d / 60)^1.4` (high).
pub(super) fn decide(
    game: &Match,
    id: PlayerId,
    kick: Kick,
    held: Vec2,
    gauge: f32,
    forced: Option<PlayerId>,
    from: Option<Vec2>,
) -> Pass {
    let player = game.player(id);
    let from = from.unwrap_or(player.position + player.velocity.direction() * 0.2);
    let exponent = match kick {
        Kick::HighPass => 0.55,
        Kick::LongPass => 0.65,
        Kick::ShortPass | Kick::Shot => 0.7,
    };
    let reach = (60.0 * pow(gauge_factor(gauge), exponent).clamp(0.01, 1.0)).clamp(1.0, 100.0);
    let manual = from + held * reach;
    let team = id.team as usize;
    let mut best: Option<(f32, PlayerId)> = None;
    if forced.is_none() {
        for index in 0..game.counts[team] {
            let mate = &game.players[team][index];
            if !mate.on_pitch || index == id.index as usize {
                continue;
            }
            let there = meeting(mate, from);
            let distance = 0.8 * pow((there.distance(manual) / 70.0).min(1.0), 0.8);
            let rating = distance + (there - from).angle_to(held).abs() / PI;
            if best.is_none_or(|(least, _)| rating < least) {
                best = Some((rating, PlayerId { team: id.team, index: index as u8 }));
            }
        }
    }
    let target = forced.or(best.map(|(_, target)| target));
    let mut way = match target {
        Some(target) => meeting(game.player(target), from) - from,
        None => held * 60.0,
    };
    if kick == Kick::LongPass {
        way.x += Match::attack(team) * way.length() * 0.2;
    }
    let distance = way.length();
    let (lift, factor) = if kick == Kick::HighPass {
        (0.45 - 0.15 * (distance / 60.0).min(1.0), 1.15)
    } else {
        (0.11, 1.8)
    };
    let power = pow((distance / 60.0).min(1.0), 1.4) * factor;
    Pass { target, direction: way.direction_or(held), lift, power }
}

/// Kicks a pass: decides it again with the direction held now, turned by at most 27° from the first decision.
pub(super) fn kick(
    game: &mut Match,
    id: PlayerId,
    request: KickRequest,
    held: Vec2,
    rng: &mut Rng,
) {
    let from = Some(game.ball.position);
    let first =
        decide(game, id, request.kick, request.direction, request.gauge, request.target, from);
    let mut pass = decide(game, id, request.kick, held, request.gauge, request.target, from);
    let turn = first.direction.angle_to(pass.direction);
    if turn.abs() >= 2.0 * LARGEST_TURN {
        pass = first;
    } else if turn.abs() > LARGEST_TURN {
        pass.direction = first.direction.turned(LARGEST_TURN.copysign(turn));
        let share = LARGEST_TURN / turn.abs();
        pass.power = first.power * (1.0 - share) + pass.power * share;
    }
    if request.aimed {
        let share = request.gauge.clamp(0.0, 1.0);
        pass.direction = request.direction;
        pass.lift = 0.45 - 0.15 * share;
        pass.power = 1.15 * pow(share, 1.4);
    }
    let mut ball = leave_foot(game, id, request.kick, &pass, rng);
    if game.holder == Some(id) && game.in_play() && request.kick == Kick::HighPass {
        ball.height = THROW_HEIGHT;
    }
    game.holder = None;
    game.set_ball(ball);
    game.record(Touch {
        player: id,
        frame: game.frame,
        kick: Some(request.kick),
        accidental: false,
        target: pass.target,
    });
    if let Some(target) = pass.target {
        control::hand_over(game, target);
    }
}

/// Returns the ball as it leaves the foot: 36 (power + 0.3) m/s, capped by what the body can do, with scatter.
fn leave_foot(game: &Match, id: PlayerId, kick: Kick, pass: &Pass, rng: &mut Rng) -> Ball {
    let player = game.player(id);
    let ball = game.ball;
    let speed = 36.0 * (pass.power + 0.3);
    let unit = 1.0 / (1.0 + pass.lift * pass.lift).sqrt();
    let mut plane = pass.direction * (speed * unit);
    let mut climb = speed * unit * pass.lift;
    // A run-up gives more power; so does a ball that already moves.
    let run_up = (player.velocity.length() / SPRINT).min(1.0);
    let base = if kick == Kick::HighPass { 42.0 } else { 30.0 };
    let pushed = 1.0 - (player.pushed.length() * 2.5).clamp(0.0, 0.25);
    let most = base * (STANDING_POWER + (1.0 - STANDING_POWER) * run_up.sqrt()) * pushed
        + 0.5 * (ball.velocity.length_squared() + ball.climb * ball.climb).sqrt();
    if speed > most {
        plane = plane * (most / speed);
        climb = climb * (most / speed) + (speed - most).min(10.0) * 0.25;
    }
    let skill = if kick == Kick::HighPass {
        player.abilities.high_pass
    } else {
        player.abilities.short_pass
    };
    let difficulty = Difficulty::of(game, id, rng);
    // The difficulty of the kick itself: nothing for a standing player.
    let awkward = SCATTER * run_up * (1.0 - 0.5 * skill * player.form);
    let scatter = 0.15 * difficulty.distance
        + 0.15 * difficulty.height
        + 0.3 * difficulty.keeps
        + 0.5 * awkward;
    plane = plane.turned(rng.range(-0.5 * PI, 0.5 * PI) * scatter.min(0.5));
    plane = plane * (1.0 - 0.3 * difficulty.distance);
    climb += 1.5 * difficulty.distance + 0.5 * ball.climb * difficulty.height + difficulty.height;
    plane = plane.mix(ball.velocity, difficulty.keeps);
    climb += (ball.climb - climb) * difficulty.keeps;
    climb += 5.0 * awkward * rng.range(0.2, 1.0);
    // Low passes roll forwards; high passes roll backwards a little.
    let forwards = if kick == Kick::HighPass { -1.3 } else { 3.5 };
    let spin = plane.length().min(15.0) * forwards;
    let topspin = plane.direction() * spin;
    let curl = curl(player.facing, plane) * if kick == Kick::HighPass { 0.2 } else { 1.0 };
    let bent = plane.turned(curl * curl_share(plane, climb));
    let kicked = Ball { velocity: bent, climb, ..ball };
    spun(game, id, kicked, Vec2::new(-topspin.y, topspin.x), -340.0 * curl, 0.9)
}

/// The height from which a goalkeeper throws the ball, in metres.
const THROW_HEIGHT: f32 = 1.9;
/// The share of the power that needs no run-up.
const STANDING_POWER: f32 = 0.862;
/// The difficulty of a pass at full speed.
const SCATTER: f32 = 0.09;
