//! How a body prepares a kick: when it may, how long it takes, and where it meets the ball.

use phalanx_core::rng::Rng;

use super::movement::{self, Limits};
use super::pitch::FRAME;
use super::player::{Body, Player};
use super::saves::is_late;
use super::state::{Kick, KickRequest, PlayerId, Role};
use super::touches::{LATE, wanted_carry};
use super::vec2::Vec2;
use super::{Match, passes, shots};

/// The distance from the body at which a ball can be kicked.
const KICK_REACH: f32 = 1.15;
/// The height up to which it can be kicked or headed.
const KICK_HEIGHT: f32 = 1.6;
/// The frames that a kick takes after the touch.
const FOLLOW_THROUGH: u16 = 22;

/// Lets a body begin a kick that it is asked for, if the ball will be there. Returns whether it does.
pub(super) fn begin(game: &mut Match, id: PlayerId, rng: &mut Rng) -> bool {
    let player = game.player(id);
    let Some(request) = player.command.kick else { return false };
    let free = game.in_play() && game.holder.is_none();
    if free && !may_kick(game, id) {
        return false;
    }
    if !player.acts() || game.holder.is_some_and(|holder| holder != id) {
        return false;
    }
    let frames = if game.holder == Some(id) {
        Some(HELD_KICK)
    } else if player.position.distance(game.ball.position) > 8.0 {
        None
    } else {
        let first = wind_up_frames(player, request.kick, rng);
        (first..first + 40).step_by(4).find(|&frames| can_meet(game, id, frames))
    };
    let Some(frames) = frames else { return false };
    let player = game.player_mut(id);
    player.command.kick = None;
    player.body = Body::WindUp { request, frames };
    true
}

/// Returns whether a player may kick a ball in play. Players of the built-in rules own a moving ball first; in half of the
/// cases it is enough to have it, and goalkeepers then clear any ball; those that see the game with a delay clear only one
/// in ten of the balls that come at them at 6 m/s or more. Agents' players take half of the balls that come fast.
fn may_kick(game: &Match, id: PlayerId) -> bool {
    let player = game.player(id);
    let lucky = game.is_flight_lucky();
    let relative = (game.ball.velocity - player.velocity).length();
    if !player.is_commanded_by_agent() {
        let keeper = player.role == Role::Goalkeeper;
        let rests = game.ball.velocity.length() < RESTING;
        let sees = relative < LATE || !is_late(game, id) || game.flight_luck() < LATE_CLEARANCES;
        let takes = player.has_possession || (keeper && sees);
        return rests || game.owner == Some(id) || (lucky && takes);
    }
    player.has_possession || relative <= FAST || lucky
}

/// The share of the fast balls that a goalkeeper clears that sees the game with a delay, among those it would clear else.
const LATE_CLEARANCES: f32 = 0.2;
/// The speed of the ball relative to the body from which on it is hard to kick at once, in m/s.
const FAST: f32 = 6.0;
/// The speed below which a ball counts as resting, in m/s.
const RESTING: f32 = 1.0;
/// The frames that a goalkeeper takes to kick a ball out of its hands.
const HELD_KICK: u16 = 45;

/// Returns whether a running body can be at the ball after some frames.
fn can_meet(game: &Match, id: PlayerId, frames: u16) -> bool {
    let player = game.player(id);
    let seconds = f32::from(frames) * FRAME;
    let ball = game.ball_at(seconds);
    if ball.height > KICK_HEIGHT {
        return false;
    }
    if !player.has_possession {
        // A ball on its way is only met in front of the feet.
        let gap = ball.position - player.position - player.velocity * seconds;
        let heading = player.velocity.direction_or(player.facing);
        let aside = gap - heading * gap.dot(heading);
        return if player.velocity.length() < 1.8 {
            gap.length() < 0.7
        } else {
            (-0.3..1.0).contains(&gap.dot(heading)) && aside.length() < 0.35
        };
    }
    let coast = player.position + player.velocity * (0.5 * seconds);
    let run = 0.5 * player.velocity.length().max(2.5) * seconds;
    coast.distance(ball.position) <= run + 0.9
}

/// Draws the frames from the decision to the touch: mean, standard deviation, least and most by gait and kick.
fn wind_up_frames(player: &Player, kick: Kick, rng: &mut Rng) -> u16 {
    let speed = player.velocity.length();
    let wanted = wanted_carry(player).length();
    let gait = if speed < 1.8 {
        0
    } else if speed.max(wanted) > 6.0 && speed > 5.6 {
        2
    } else if speed < 4.45 && wanted < 4.3 {
        3
    } else {
        1
    };
    let kind = match kick {
        Kick::ShortPass | Kick::LongPass => 0,
        Kick::HighPass => 1,
        Kick::Shot => 2,
    };
    let [mean, deviation, least, most] = WIND_UP[gait][kind];
    // The sum of three uniform draws has a variance of 1/4.
    let normal = 2.0 * (rng.uniform() + rng.uniform() + rng.uniform() - 1.5);
    (mean + deviation * normal).clamp(least, most).round() as u16
}

/// Wind-ups in frames: mean, standard deviation, least, most; by gait (standing, walking, sprinting, dribbling) and
/// kick (low pass, high pass, shot).
const WIND_UP: [[[f32; 4]; 3]; 4] = [
    [[36.0, 0.5, 36.0, 37.0], [26.0, 0.5, 26.0, 27.0], [26.0, 0.5, 26.0, 27.0]],
    [[20.0, 9.0, 10.0, 38.0], [13.0, 4.0, 10.0, 26.0], [20.0, 5.0, 15.0, 34.0]],
    [[23.0, 15.0, 10.0, 70.0], [18.0, 14.0, 12.0, 72.0], [29.0, 16.0, 18.0, 82.0]],
    [[22.0, 8.0, 10.0, 40.0], [22.0, 9.0, 12.0, 40.0], [17.0, 4.0, 14.0, 31.0]],
];

/// The share of the speed that is left after a frame of a wind-up.
const SLOWING: f32 = 0.999;
/// How far a ball may be that a body still follows to kick it.
const FOLLOW: f32 = 2.0;

/// Plays a frame of a wind-up: the body runs to where it kicks the ball, not much faster than before.
pub(super) fn wind_up(
    game: &mut Match,
    id: PlayerId,
    request: KickRequest,
    frames: u16,
    rng: &mut Rng,
) {
    let now = game.frame;
    let seconds = f32::from(frames) * FRAME;
    let held = game.holder == Some(id);
    let ball = game.ball_at(seconds).position;
    let player = game.player_mut(id);
    let wanted = if held {
        Vec2::ZERO
    } else {
        let way = ball - player.position;
        let gap = (way.length() - 0.4).max(0.0);
        let speed = gap / seconds.max(0.03);
        let most = (player.velocity.length() * SLOWING).max(3.5);
        way.direction() * speed.min(most)
    };
    let mut limits = Limits::of(player, now);
    limits.with_ball = true;
    movement::step(player, wanted, limits);
    let look = if held { request.direction } else { wanted.direction() };
    movement::turn(player, look);
    player.position += player.velocity * FRAME;
    player.obeyed = wanted;
    if frames > 1 {
        player.body = Body::WindUp { request, frames: frames - 1 };
        return;
    }
    let held_direction = request.direction;
    let reached = player.position.distance(game.ball.position) <= KICK_REACH
        && game.ball.height <= KICK_HEIGHT + 0.2;
    let free = game.holder.is_none_or(|holder| holder == id);
    if free && (reached || held) {
        game.player_mut(id).body = Body::FollowThrough { frames: FOLLOW_THROUGH };
        match request.kick {
            Kick::Shot => shots::kick(game, id, request, held_direction, rng),
            _ => passes::kick(game, id, request, held_direction, rng),
        }
    } else if free
        && game.player(id).position.distance(game.ball.position) < FOLLOW
        && game.best_team == Some(id.team)
    {
        // It is a step late.
        game.player_mut(id).body = Body::WindUp { request, frames: 4 };
    } else {
        let player = game.player_mut(id);
        player.body = Body::Free;
        player.command.kick = player.command.kick.or(Some(request));
    }
}
