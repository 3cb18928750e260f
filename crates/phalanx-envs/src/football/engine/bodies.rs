//! Bodies: they move, touch, kick and save as commanded, and collide.

use phalanx_core::rng::Rng;

use super::movement::{self, Limits};
use super::pitch::FRAME;
use super::player::{Body, Player};
use super::pursuit::speed_class;
use super::state::{PlayerId, Role};
use super::vec2::Vec2;
use super::{Match, collisions, duels, kicking, saves, touches};

/// The share of freshness that a metre costs a player without stamina, halved for a perfect one.
const TIRING: f32 = 0.000_03 * 2.0 / 0.0554;

/// Moves all bodies by a frame.
pub(super) fn frame(game: &mut Match, rng: &mut Rng) {
    duels::block_ball(game, rng);
    let first = game.setup.first_team;
    let mut soon = game.ball_at(0.1).position;
    for team in [first, 1 - first] {
        for index in 0..game.counts[team] {
            if game.players[team][index].on_pitch {
                // A body before this one may have touched the ball.
                if game.path_frame == game.frame {
                    soon = game.ball_at(0.1).position;
                }
                move_body(game, PlayerId { team: team as u8, index: index as u8 }, soon, rng);
            }
        }
    }
    collisions::resolve(game);
}

/// Moves a body by a frame; `soon` is where the ball will be in 0.1 s.
fn move_body(game: &mut Match, id: PlayerId, soon: Vec2, rng: &mut Rng) {
    let before = game.player(id).position;
    let mut runs = false;
    match game.player(id).body {
        Body::Free => runs = !begin_something(game, id, soon, rng),
        Body::Touch { frames, .. } => {
            if !(frames > 0 && kicking::begin(game, id, rng)) {
                touches::frame(game, id, rng);
            }
        }
        Body::WindUp { request, frames } => kicking::wind_up(game, id, request, frames, rng),
        Body::FollowThrough { frames } => {
            let player = game.player_mut(id);
            player.body =
                if frames > 1 { Body::FollowThrough { frames: frames - 1 } } else { Body::Free };
            runs = true;
        }
        Body::Tackle { .. } => duels::tackle_frame(game, id, rng),
        Body::Slide { .. } => duels::slide_frame(game, id),
        Body::Save { .. } => saves::frame(game, id, rng),
        Body::Stumble { frames } => {
            let player = game.player_mut(id);
            player.body =
                if frames > 1 { Body::Stumble { frames: frames - 1 } } else { Body::Free };
            let faster = player.velocity.length() - STUMBLING;
            let brakes = if frames > collisions::STUMBLE { STUMBLE_BRAKE } else { 0.0 };
            slow_down(player, faster.clamp(0.0, brakes));
        }
        Body::Fallen { frames } => {
            let player = game.player_mut(id);
            player.body = if frames > 1 { Body::Fallen { frames: frames - 1 } } else { Body::Free };
            slow_down(player, 0.1);
        }
    }
    if runs {
        run(game, id);
    }
    let difficulty = game.setup.difficulty[id.team as usize];
    let player = game.player_mut(id);
    let way = player.position.distance(before);
    player.tired = (player.tired + way * TIRING * (1.0 - 0.5 * player.abilities.stamina)).min(0.99);
    player.form = (0.3 + 0.7 * difficulty) * (1.0 - 0.3 * player.tired);
    if game.holder == Some(id) {
        carry_in_hands(game, id);
    }
}

/// The speed that a body keeps that stumbles at a sprint, in m/s, and by how much it brakes in a frame.
const STUMBLING: f32 = 3.3;
const STUMBLE_BRAKE: f32 = 0.17;

fn slow_down(player: &mut Player, change: f32) {
    player.velocity -= player.velocity.limited(change);
    player.position += player.velocity * FRAME;
    player.obeyed = Vec2::ZERO;
}

/// The ball stays in the hands of the one that holds it.
fn carry_in_hands(game: &mut Match, id: PlayerId) {
    let player = game.player(id);
    let position = player.position + player.facing * 0.3;
    if game.player(id).role == Role::Goalkeeper && game.ball.height > 0.5 {
        game.hold_ball(id, position);
    }
}

/// Lets a free body begin a save, a kick, a slide, a touch or a tackle. Near the ball it looks for one every few
/// frames, as the original does.
#[inline]
fn begin_something(game: &mut Match, id: PlayerId, soon: Vec2, rng: &mut Rng) -> bool {
    let player = game.player(id);
    let slides = player.command.slide && player.acts();
    if slides && duels::begin_slide(game, id) {
        return true;
    }
    let player = game.player(id);
    let ahead = player.position + player.velocity * 0.1;
    let squared_distance = (ahead - soon).length_squared();
    let turn =
        (squared_distance < 100.0 || game.is_expected(id)) && game.is_turn(id, squared_distance);
    let ready = std::mem::take(&mut game.player_mut(id).ready);
    if !ready && !turn {
        return false;
    }
    saves::begin(game, id)
        || kicking::begin(game, id, rng)
        || touches::begin(game, id, rng)
        || duels::begin_tackle(game, id)
}

/// Lets a body run as commanded, or after the ball if it has best possession.
fn run(game: &mut Match, id: PlayerId) {
    let player = game.player(id);
    let squared_distance = (player.position - game.ball.position).length_squared();
    let chases = game.main == id
        && game.holder.is_none()
        && player.acts()
        && matches!(player.body, Body::Free)
        && game.has_best_possession(id);
    let frame = game.frame;
    if chases {
        // Not that of `carry`, which slows down before a kick.
        let wanted = player.command.speed;
        let pursuit = game.run_with_ball(id, wanted);
        // Steps with the ball have the speed of a class.
        let stands = game.player(id).obeyed == Vec2::ZERO;
        // A body stops a little later than it would begin to run.
        let least = if stands { STANDING } else { STOPPING };
        let speed = if pursuit.speed < least {
            0.0
        } else if wanted > 6.0 {
            pursuit.speed
        } else if wanted > 1.8 {
            pursuit.speed.min(speed_class(wanted).max(DRIBBLE))
        } else {
            pursuit.speed.min(DRIBBLE)
        };
        let near = pursuit.speed < STANDING && speed == 0.0;
        let shift = if near { shift_to_resting_ball(game, id) } else { Vec2::ZERO };
        let player = game.player_mut(id);
        player.position += shift;
        player.obeyed = pursuit.direction * speed;
        let mut limits = Limits::of(player, frame);
        limits.with_ball = true;
        let obeyed = player.obeyed;
        movement::step(player, obeyed, limits);
        movement::turn(player, if speed > 0.5 { pursuit.direction } else { Vec2::ZERO });
        player.position += player.velocity * FRAME;
        return;
    }
    // Far from the ball a new command waits for the end of a step.
    let turn = if squared_distance < FAR * FAR {
        game.is_turn(id, squared_distance)
    } else {
        let frame = frame + 7 * u32::from(id.index);
        if player.obeyed == Vec2::ZERO {
            frame.is_multiple_of(12)
        } else {
            frame.is_multiple_of(25)
        }
    };
    let main = game.main == id;
    let shift = if main { shift_to_line(game, id) } else { Vec2::ZERO };
    // A player that waits for the ball walks a few steps backwards or aside without losing sight of it.
    let waits = main && game.holder.is_none();
    let ball = game.ball.position;
    let player = game.player_mut(id);
    player.position += shift;
    let command = player.command.direction * step_speed(player.command.speed);
    let watches = waits && !player.has_possession && {
        let way = (ball - player.position).direction();
        player.command.direction.dot(way) < 0.5 && player.velocity.length() < SIDESTEP
    };
    let look = (player.command.facing, watches);
    movement::run(player, command, look, frame, turn, squared_distance < 100.0);
}

/// Returns the speed of the steps for a wanted speed: no steps below 1.8 m/s, and those of a dribble or a walk are no
/// faster than 3.5 and 5 m/s.
fn step_speed(wanted: f32) -> f32 {
    if wanted < STANDING { 0.0 } else { wanted.min(speed_class(wanted)) }
}

/// The highest speed of steps backwards and aside, in m/s.
const SIDESTEP: f32 = 4.2;

/// Returns by how much a player that expects the ball steps aside in a frame, so that the ball will come to its feet:
/// at most 1.6 m/s, until the line of the ball's flight is 6 cm away.
fn shift_to_line(game: &Match, id: PlayerId) -> Vec2 {
    let player = game.player(id);
    if player.has_possession || !player.acts() || game.holder.is_some() || !game.in_play() {
        return Vec2::ZERO;
    }
    let seconds = player.time_to_ball.max(0.33);
    let (from, to) = (game.ball_at(0.0).position, game.ball_at(seconds.min(2.9)).position);
    let line = to - from;
    if seconds > 1.2 || line.length_squared() < 0.25 {
        return Vec2::ZERO;
    }
    let speed = player.velocity.length();
    let ahead = if speed > 1.8 { player.velocity.direction() } else { player.facing };
    let feet = player.position + player.velocity * 0.25 + ahead * (0.34 + 0.08 * speed);
    let place = from + line * ((feet - from).dot(line) / line.length_squared());
    let aside = place - feet;
    let distance = aside.length() - 0.06;
    if distance > 0.0 { aside.direction() * distance.min(0.016) } else { Vec2::ZERO }
}

/// Returns by how much a player that stands with the ball steps towards it in a frame: at most 1.6 m/s, until the ball is
/// 0.34 m in front of it, give or take 6 cm.
fn shift_to_resting_ball(game: &Match, id: PlayerId) -> Vec2 {
    let player = game.player(id);
    if player.velocity.length() > 0.5 || !game.in_play() {
        return Vec2::ZERO;
    }
    let way = game.ball_at(0.33).position - player.position - player.facing * 0.34;
    let distance = way.length() - 0.06;
    if distance > 0.0 { way.direction() * distance.min(0.016) } else { Vec2::ZERO }
}

/// The speed below which a player stands, and below which one stops that runs after a ball that it has, in m/s.
const STANDING: f32 = 1.8;
const STOPPING: f32 = 1.4;
/// The distance from the ball beyond which nobody breaks off a step, in metres.
const FAR: f32 = 16.0;
/// The speed of slow steps with the ball.
const DRIBBLE: f32 = 3.84;
