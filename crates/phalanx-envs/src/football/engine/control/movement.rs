//! From the held direction to running: the pull of the ball.

use std::f32::consts::PI;

use super::super::Match;
use super::super::ai::ramp::{curve, ramp};
use super::super::pitch::HALF_LENGTH;
use super::super::pursuit::{Pursuit, SPEED_PER_METRE, SPRINT};
use super::super::state::{Command, PlayerId};
use super::super::vec2::Vec2;
use super::{Controller, Wish, possession};
use crate::math::pow;

/// Below this speed a player stands.
const STANDS: f32 = 1.8;
/// Above this speed a player with the ball turns in steps.
const RUNS: f32 = 4.2;
/// From this speed on a wish counts as a sprint.
const SPRINTS: f32 = 6.0;

/// Returns the command for movement.
///
/// A player that the ball is meant for runs to it whatever the agent holds; its wish only takes
/// effect in touches. Others do what the agent holds: without a direction they stand and look at
/// the ball.
pub(super) fn command(game: &Match, id: PlayerId, controller: &Controller, wish: Wish) -> Command {
    let player = game.player(id);
    let to_ball = (game.ball.position - player.position).direction_or(player.facing);
    let waits = match game.referee.taker {
        _ if game.in_play() => false,
        Some(taker) if taker == id => {
            !controller.wants_to_kick() || controller.holds_button() || game.holder == Some(id)
        }
        _ => game.holder.is_none(),
    };
    if waits {
        let facing = if game.holder == Some(id) { wish.direction } else { to_ball };
        return Command { facing, ..Command::default() };
    }
    let mut command = pulled(game, id, controller, wish, to_ball);
    command.knock_on = controller.sprint && controller.dribble;
    if command.knock_on && game.in_play() && !has_best_possession(game, id) {
        command.direction = wish.direction;
        command.speed = wish.speed;
    }
    if command.speed < STANDS {
        command.direction = Vec2::ZERO;
        command.speed = 0.0;
    }
    command.carry = Some(carry(game, id, controller, wish));
    command
}

/// Returns whether a player has possession and is at least as near to the ball as the other team.
fn has_best_possession(game: &Match, id: PlayerId) -> bool {
    game.player(id).has_possession && possession(game, id) >= 1.0
}

/// Returns the velocity that the next touch should give: the wish, slowed down and straight ahead
/// while a kick waits. At a sprint a touch turns by at most 22.5 degrees, unless it turns back.
fn carry(game: &Match, id: PlayerId, controller: &Controller, wish: Wish) -> Vec2 {
    let player = game.player(id);
    let speed = player.velocity.length();
    if controller.wants_to_kick() {
        let forward = (player.facing.dot(wish.direction) * 0.5 + 0.5).max(0.0);
        let direction = if speed >= STANDS { player.facing } else { wish.direction };
        return direction * (speed * 0.9 * (0.2 + 0.8 * forward * forward.sqrt()));
    }
    let mut direction = wish.direction;
    if has_best_possession(game, id) && wish.speed > SPRINTS && speed > RUNS {
        let angle = player.facing.angle_to(direction);
        if angle.abs() > 0.125 * PI && angle.abs() < 0.7 * PI {
            direction = player.facing.turned(0.125 * PI * angle.signum());
        }
    }
    direction * wish.speed
}

/// Returns the wish, mixed with the way to the ball or to the opponent that has it.
fn pulled(
    game: &Match,
    id: PlayerId,
    controller: &Controller,
    wish: Wish,
    to_ball: Vec2,
) -> Command {
    let player = game.player(id);
    let team = usize::from(id.team);
    let (own, forced) = (possession(game, id), controller.wants_to_kick());
    let is_designated = game.designated[team] == id.index;
    let (is_main, best) = (game.main == id, has_best_possession(game, id));
    let touched = player.touch_bias(game.frame, 2.0);
    let they_have_it = game.team_possession[1 - team];
    let near = own > 0.99 || best || (own > 0.5 && (touched > 0.01 || !they_have_it));
    // 1 for a wish towards the own goal, 0 for one towards the other.
    let homewards = wish.direction.x * -Match::attack(team) * 0.5 + 0.5;
    let (way, pull) = if game.holder == Some(id) {
        (None, 0.0)
    } else if forced || is_main || (is_designated && near) {
        if best {
            // Bodies run after a ball that they have by themselves, at the wanted speed.
            let way = game.run_with_ball(id, wish.speed);
            (Some(Pursuit { speed: wish.speed, ..way }), 1.0)
        } else {
            let way = game.run_to_ball(id, wish.velocity(), forced || own < 1.1);
            let mut pull = 1.0;
            if !is_main && !forced {
                let angle = way.direction.angle_to(wish.direction).abs() / PI;
                let same = (1.0 - angle).clamp(0.0, 1.0) * 0.5 + 0.5;
                pull = if touched > 0.01 && player.time_to_ball < 1.7 {
                    pow(touched, 0.4) * same.sqrt()
                } else {
                    0.0
                };
                if !they_have_it {
                    let magnet = curve(same, 0.8).max(wish.blend.sqrt()) * (1.0 - homewards);
                    pull = (((own.max(0.5) - 0.5) * 2.0).sqrt() * magnet).clamp(pull, 1.0);
                }
            }
            (Some(way), pull)
        }
    } else if usize::from(game.main.team) != team && is_designated && wish.blend > 0.0 {
        (Some(hunt(game, id, wish)), wish.blend * 0.3 * (1.0 - homewards))
    } else {
        (None, 0.0)
    };
    let way = way.unwrap_or(Pursuit {
        direction: wish.direction,
        speed: wish.speed,
        facing: to_ball,
        ..Pursuit::default()
    });
    let velocity = wish.velocity() * (1.0 - pull) + way.direction * (way.speed * pull);
    Command {
        direction: velocity.direction_or(wish.direction),
        speed: velocity.length().min(SPRINT),
        facing: way.facing,
        ..Command::default()
    }
}

/// Returns the way of the team's best defender right after a switch: towards the opponent with the
/// ball, and alongside when it is near.
fn hunt(game: &Match, id: PlayerId, wish: Wish) -> Pursuit {
    let player = game.player(id);
    let opponent = game.player(game.main);
    let there = opponent.position + opponent.velocity * 0.14 + opponent.facing * 0.6;
    let goal = Vec2::new(-HALF_LENGTH * Match::attack(usize::from(id.team)), 0.0);
    let distance = there.distance(player.position);
    let alongside = pow(1.0 - curve(ramp(distance, 0.0, 7.0), 0.7), 1.2);
    let target = there + (goal - there).direction() * (distance * 0.3);
    let run = target - player.position;
    let direction = opponent.velocity.direction_or(wish.direction) * alongside
        + run.direction_or(wish.direction) * (1.0 - alongside);
    let speed = opponent.velocity.length() * alongside
        + (run.length() * SPEED_PER_METRE).min(SPRINT) * (1.0 - alongside);
    let facing = (game.ball.position - player.position).direction_or(player.facing);
    Pursuit {
        direction: direction.direction_or(wish.direction),
        speed: speed.min(SPRINT),
        facing,
        seconds: 0.0,
    }
}
