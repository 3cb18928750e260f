//! Restarts: the places of all players, the one that takes it, and its kick.

use phalanx_core::rng::Rng;

use super::formation::{TeamBox, on_pitch};
use super::on_ball::gauge_for;
use super::view::View;
use crate::football::engine::Match;
use crate::football::engine::pitch::{HALF_LENGTH, HALF_WIDTH};
use crate::football::engine::state::{Command, GameMode, Kick, KickRequest, PlayerId, Role};
use crate::football::engine::vec2::Vec2;

/// The distance that opponents keep, in metres.
const DISTANCE: f32 = 9.15;
/// The depth of the penalty area, in metres.
const AREA_DEPTH: f32 = 16.5;

/// Puts all players on their places for a restart and chooses the player that takes it.
///
/// The ball must lie at its place already, and `game.mode` be the restart. At a kick-off, players stand where the
/// scenario starts them; if the other team kicks off than in the scenario, the teams exchange their places.
pub fn arrange(game: &mut Match, team: usize) {
    super::forget(game);
    for side in 0..2 {
        for index in 0..game.counts[side] {
            if !game.players[side][index].on_pitch {
                continue;
            }
            let place = if game.mode == GameMode::KickOff {
                kick_off_place(game, side, index, team)
            } else if game.players[side][index].role == Role::Goalkeeper {
                Vec2::new(-HALF_LENGTH * 0.98, 0.0)
            } else {
                place(&View::new(game, side), index, side == team)
            };
            put(game, side, index, place * Match::attack(side));
        }
        if side != team && game.mode == GameMode::FreeKick {
            build_wall(game, side);
        }
    }
    let taker = choose_taker(game, team);
    game.minds.taker = taker.map(|index| PlayerId { team: team as u8, index: index as u8 });
    for side in 0..2 {
        game.fading_possession[side] = if side == team { 1.5 } else { 0.5 };
        game.possession_amount[side] = game.fading_possession[side];
    }
}

/// Puts a player on a place, at rest and looking at the ball.
fn put(game: &mut Match, team: usize, index: usize, position: Vec2) {
    let ball = game.ball.position;
    let player = &mut game.players[team][index];
    player.position = position;
    player.velocity = Vec2::ZERO;
    player.facing = (ball - position).direction_or(Vec2::new(Match::attack(team), 0.0));
    player.command = Command::default();
}

/// Returns where a player stands at a kick-off by `team`, in its own frame.
fn kick_off_place(game: &Match, side: usize, index: usize, team: usize) -> Vec2 {
    let nearest = |side: usize| {
        let players = &game.setup.players[side][..game.setup.counts[side]];
        players.iter().map(|player| player.position.length_squared()).fold(f32::INFINITY, f32::min)
    };
    let began = usize::from(nearest(1) < nearest(0));
    let exchange = began != team && game.counts[0] == game.counts[1];
    let from = if exchange { 1 - side } else { side };
    game.setup.players[from][index].position * Match::attack(from)
}

/// Returns where an outfield player stands at a restart, in the own frame.
fn place(view: &View, index: usize, takes: bool) -> Vec2 {
    let game = view.game;
    let ball = view.ball(0.0);
    let near_x = |offset: f32| (ball.x + offset).clamp(-HALF_LENGTH, HALF_LENGTH);
    // 0 near the own goal, 1 far from it.
    let advance = (ball.x / HALF_LENGTH).clamp(-1.0, 1.0) * 0.5 + 0.5;
    let along = |share: f32| (share * HALF_LENGTH).clamp(-HALF_LENGTH, HALF_LENGTH);
    let mut area = match game.mode {
        GameMode::GoalKick => {
            let (back, front) = if takes { (-0.5, 0.2) } else { (-0.4, 0.1) };
            let half = HALF_WIDTH * 0.7;
            TeamBox {
                back: along(back),
                front: along(front),
                low: -half,
                high: half,
                ..TeamBox::default()
            }
        }
        GameMode::Corner => {
            let half = HALF_WIDTH * 0.6;
            let mut area = TeamBox { low: -half, high: half, ..TeamBox::default() };
            area.action = Vec2::new(ball.x * 0.95, ball.y * 0.1);
            area.action_strength = 0.9;
            if takes {
                (area.back, area.front) = (along(0.2), along(0.96));
                area.x_focus = [area.front * 0.85, 0.7];
                area.y_focus = [ball.y * 0.1, 0.7];
                area.midfield = [0.9, 0.5];
            } else {
                (area.back, area.front) = (along(-0.98), along(-0.5));
                area.x_focus = [area.back * 0.94, 0.8];
                area.y_focus = [ball.y * 0.1, 0.9];
                area.midfield = [0.1, 0.7];
            }
            area
        }
        GameMode::ThrowIn => {
            let mut area = TeamBox {
                back: near_x(-30.0),
                action: ball,
                action_strength: 0.7,
                ..TeamBox::default()
            };
            if takes {
                area.front = near_x(20.0);
                area.x_focus = [near_x(4.0), 0.4];
                area.y_focus = [ball.y * 0.996, 0.6];
            } else {
                area.front = near_x(15.0);
                area.x_focus = [near_x(-16.0), 0.2];
                area.y_focus = [ball.y * 0.95, 0.5];
            }
            area.low = -HALF_WIDTH * 0.75 + ball.y * 0.25;
            area.high = HALF_WIDTH * 0.75 + ball.y * 0.25;
            area
        }
        GameMode::Penalty => {
            let half = HALF_WIDTH * 0.8;
            let mut area = TeamBox { low: -half, high: half, ..TeamBox::default() };
            if takes {
                (area.back, area.front) = (near_x(-50.0), near_x(10.0));
                area.x_focus = [ball.x, 0.6];
                area.y_focus = [0.0, 0.8];
            } else {
                (area.back, area.front) = (near_x(-11.0), near_x(20.0));
                area.x_focus = [ball.x, 1.0];
                area.y_focus = [0.0, 1.0];
            }
            area
        }
        _ => {
            let half = HALF_WIDTH * 0.7;
            let mut area = TeamBox {
                low: -half,
                high: half,
                action: ball,
                action_strength: 0.4,
                ..TeamBox::default()
            };
            if takes {
                (area.back, area.front) = (along(0.7 * advance - 0.7), along(0.3 + 0.7 * advance));
                area.x_focus = [near_x(10.0), 0.5 + advance * 0.2];
                area.y_focus = [ball.y * 0.4, 0.6 + advance * 0.2];
            } else {
                (area.back, area.front) = (along(0.6 * advance - 1.0), along(0.8 * advance - 0.5));
                area.x_focus = [near_x(-20.0), 0.6 - advance * 0.4];
                area.y_focus = [ball.y * 0.2, 0.8 - advance * 0.4];
            }
            area
        }
    };
    if area.front == area.back {
        area.front += 0.1;
    }
    let mut position = on_pitch(area.position(game.minds.teams[view.team].places[index]));
    if game.mode == GameMode::Penalty {
        let line = HALF_LENGTH - AREA_DEPTH - 0.5;
        if position.x * ball.x.signum() > line {
            position.x = line * ball.x.signum();
        }
        position = keep_away(position, ball, DISTANCE + 0.5);
    } else if game.mode == GameMode::FreeKick && !takes {
        position = keep_away(position, ball, DISTANCE);
    }
    position
}

/// Moves a position away from the ball if it is too near.
fn keep_away(position: Vec2, ball: Vec2, distance: f32) -> Vec2 {
    let away = position - ball;
    if away.length() < distance {
        ball + away.direction_or(Vec2::new(-1.0, 0.0)) * distance
    } else {
        position
    }
}

/// Puts three players between the ball and the goal at a free kick less than 40 m from it.
fn build_wall(game: &mut Match, team: usize) {
    let ball = game.ball.position;
    let goal = Vec2::new(-HALF_LENGTH * Match::attack(team), 0.0);
    if ball.distance(goal) >= 40.0 {
        return;
    }
    let view = View::new(game, team);
    let (wall, count) = view.nearest_few::<3>(team, ball * view.sign);
    for (place, &index) in wall[..count].iter().enumerate() {
        let direction =
            ((goal - ball).direction() + Vec2::new(0.0, (1.0 - place as f32) * 0.07)).direction();
        put(game, team, index, ball + direction * DISTANCE);
    }
}

/// Chooses the player that takes a restart and puts it next to the ball.
fn choose_taker(game: &mut Match, team: usize) -> Option<usize> {
    let ball = game.ball.position;
    let attack = Match::attack(team);
    let view = View::new(game, team);
    let index = view.nearest(team, ball * view.sign, None)?;
    // Behind the ball, seen from the centre spot.
    let outside = ball.direction_or(Vec2::new(0.0, -attack));
    match game.mode {
        GameMode::KickOff | GameMode::Normal => {}
        GameMode::ThrowIn => put(game, team, index, ball + outside * 0.3),
        GameMode::FreeKick => put(game, team, index, ball - Vec2::new(attack * 2.3, 0.0)),
        GameMode::Penalty => put(game, team, index, ball - Vec2::new(attack * 3.0, 0.0)),
        GameMode::Corner | GameMode::GoalKick => put(game, team, index, ball + outside * 2.3),
    }
    Some(index)
}

/// Returns the command of the player that takes a restart or holds the ball in its hands.
pub fn take(view: &View, index: usize, rng: &mut Rng) -> Command {
    let game = view.game;
    let id = PlayerId { team: view.team as u8, index: index as u8 };
    let player = game.player(id);
    let me = view.mate(index);
    let holds = game.holder == Some(id);
    let kick = if game.mode == GameMode::Penalty {
        let aim = Vec2::new(HALF_LENGTH, rng.range(-5.0, 5.0));
        Some(KickRequest {
            kick: Kick::Shot,
            direction: (aim - me.position).direction() * view.sign,
            gauge: gauge_for(rng.range(0.4, 1.0)),
            target: None,
            aimed: true,
        })
    } else if holds && game.counts[view.team] == 1 {
        // There is no mate to whom the taker could pass.
        Some(KickRequest {
            kick: Kick::HighPass,
            direction: player.facing,
            gauge: ALONE,
            target: None,
            aimed: true,
        })
    } else {
        pass_target(view, index, rng).map(|(kick, mate)| KickRequest {
            kick,
            direction: (view.mate(mate).position - me.position).direction() * view.sign,
            gauge: 0.5,
            target: Some(PlayerId { team: view.team as u8, index: mate as u8 }),
            aimed: false,
        })
    };
    let (direction, speed) = if holds {
        let ahead = kick
            .map_or((Vec2::ZERO - player.position).direction_or(player.facing), |kick| {
                kick.direction
            });
        (ahead, 0.0)
    } else {
        let pursuit = game.run_with_ball(id, 5.0);
        (pursuit.direction, pursuit.speed)
    };
    Command { direction, speed, facing: direction, kick, ..Command::default() }
}

/// The share of the longest pass that a goalkeeper plays that is alone.
const ALONE: f32 = 0.33;

/// Returns the kind of pass and the mate of a restart; none while a goalkeeper waits.
fn pass_target(view: &View, index: usize, rng: &mut Rng) -> Option<(Kick, usize)> {
    let game = view.game;
    let me = view.mate(index).position;
    let facing = view.player(view.team, index).facing * view.sign;
    let (kick, target) = match game.mode {
        GameMode::GoalKick => {
            let y = rng.range(-HALF_WIDTH, HALF_WIDTH);
            if rng.uniform() > 0.4 && game.active_agents(view.team) == 0 {
                (Kick::HighPass, Vec2::new(HALF_LENGTH * 0.2, y))
            } else {
                (Kick::ShortPass, Vec2::new(me.x * 0.9, y))
            }
        }
        GameMode::KickOff => (Kick::ShortPass, me + facing),
        GameMode::FreeKick | GameMode::Penalty => {
            let y = rng.range(-10.0, 10.0);
            if rng.uniform() > 0.5 {
                (Kick::HighPass, Vec2::new(HALF_LENGTH, y))
            } else {
                (Kick::ShortPass, me + Vec2::new(10.0, y))
            }
        }
        GameMode::Corner => {
            if rng.uniform() > 0.3 {
                let x = HALF_LENGTH * (0.99 - rng.range(0.0, 0.12));
                (Kick::HighPass, Vec2::new(x, rng.range(-10.0, 10.0)))
            } else {
                (Kick::ShortPass, Vec2::new(HALF_LENGTH * 0.8, me.y * 0.8))
            }
        }
        GameMode::ThrowIn => (Kick::ShortPass, me),
        GameMode::Normal => return throw_out(view, index, rng),
    };
    view.nearest(view.team, target, Some(index)).map(|mate| (kick, mate))
}

/// Returns the pass of a goalkeeper that holds the ball: to the mate nearest to a random place of its goal line, once no
/// opponent is within 10 m of that mate, or after 4 s.
fn throw_out(view: &View, index: usize, rng: &mut Rng) -> Option<(Kick, usize)> {
    let place = Vec2::new(-HALF_LENGTH, rng.range(-HALF_WIDTH, HALF_WIDTH));
    let mate = view.nearest(view.team, place, Some(index))?;
    let there = view.mate(mate).position;
    let waits = view
        .nearest(view.other(), there, None)
        .is_some_and(|opponent| view.opponent(opponent).after(0.1).distance(there) <= 10.0);
    let patient = view.player(view.team, index).possession_frames <= 400;
    if waits && patient { None } else { Some((Kick::HighPass, mate)) }
}
