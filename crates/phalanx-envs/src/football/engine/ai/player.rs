//! What a single player is commanded to do.

use std::f32::consts::PI;

use phalanx_core::rng::Rng;

use super::view::View;
use super::{keeper, off_ball, on_ball, set_piece};
use crate::football::engine::Match;
use crate::football::engine::player::Body;
use crate::football::engine::pursuit::{Pursuit, SPRINT, speed_class};
use crate::football::engine::state::{Command, Kick, KickRequest, PlayerId, Role};
use crate::football::engine::vec2::Vec2;
use crate::math::pow;

/// The speed below which a player stands and looks instead of running, in m/s.
const STANDING: f32 = 1.8;

/// How near to the ball the players that are expected to play it pay more attention, in metres.
const ATTENTION: f32 = 16.0;

impl Match {
    /// Returns whether a player is the one that is expected to play the ball, in the match or in its team.
    #[inline]
    pub fn is_expected(&self, id: PlayerId) -> bool {
        self.main == id || self.designated[id.team as usize] == id.index
    }

    /// Returns whether a player may change its mind in this frame, at a squared distance from the ball: every other frame
    /// next to it, every 25th one far away from it. The two teams take turns.
    #[inline]
    pub fn is_turn(&self, id: PlayerId, squared_distance: f32) -> bool {
        let second = u32::from(self.setup.first_team != id.team as usize);
        // The original's clock starts at 2 s.
        let frame = self.frame + 200;
        let near = squared_distance < ATTENTION * ATTENTION;
        if near && self.main == id {
            let frame = frame + second;
            if squared_distance < 9.0 { frame.is_multiple_of(2) } else { frame.is_multiple_of(3) }
        } else if near && self.designated[id.team as usize] == id.index {
            (frame + 2 * second).is_multiple_of(4)
        } else if squared_distance < 25.0 {
            (frame + 2 * second).is_multiple_of(5)
        } else if squared_distance < 100.0 {
            (frame + 4 * second).is_multiple_of(8)
        } else {
            let stands = self.player(id).obeyed == Vec2::ZERO;
            let phase = self.minds.players[id.team as usize][id.index as usize].phase;
            let frame = self.frame + u32::from(phase);
            if stands {
                frame.is_multiple_of(12)
            } else {
                frame.is_multiple_of(super::LONGEST_TURN as u32)
            }
        }
    }
}

/// Returns whether a player decides in this frame: in those in which its body may begin something near the ball or obeys
/// a new command far away from it.
///
/// `ball` is where the ball will be in 0.1 s.
#[inline]
pub(super) fn is_due(game: &Match, team: usize, index: usize, ball: Vec2) -> bool {
    let player = &game.players[team][index];
    let id = PlayerId { team: team as u8, index: index as u8 };
    let ahead = player.position + player.velocity * 0.1;
    game.is_turn(id, (ahead - ball).length_squared())
}

/// Returns the command of a player, in the frame of the left team.
pub(super) fn command(view: &View, index: usize, rng: &mut Rng) -> Command {
    let game = view.game;
    let player = view.player(view.team, index);
    let id = PlayerId { team: view.team as u8, index: index as u8 };
    if player.lazy {
        return stand(view, index, rng);
    }
    if game.holder == Some(id) || (!game.in_play() && game.minds.taker == Some(id)) {
        return set_piece::take(view, index, rng);
    }
    if !game.in_play() {
        return Command {
            facing: (game.ball.position - player.position).direction_or(player.facing),
            ..Command::default()
        };
    }

    let mut plan = Plan::default();
    if player.role == Role::Goalkeeper {
        keep_goal(view, index, rng, &mut plan);
    } else if !view.is_main(index) {
        plan.input = off_ball::run(view, index);
    } else if (game.active_agents(view.team) == 0 || player.builtin) && player.time_to_ball < 1.0 {
        decide(view, index, rng, &mut plan);
    }
    let carry = plan.carry.unwrap_or(plan.input);
    let pursuit = match plan.keeper_run {
        Some(run) => {
            let look = view.seen_ball(0.04, view.delay(index)).position - view.mate(index).position;
            Pursuit {
                direction: run.direction_or(player.facing * view.sign),
                speed: run.length(),
                facing: look.direction(),
                seconds: 0.0,
            }
        }
        None => run(view, index, plan.input),
    };
    Command {
        direction: pursuit.direction * view.sign,
        speed: pursuit.speed,
        facing: pursuit.facing * view.sign,
        kick: plan.kick,
        slide: slides(view, index),
        knock_on: false,
        carry: Some(carry * view.sign),
    }
}

/// What a player wants before it is decided how it gets to the ball, in the own frame.
#[derive(Default)]
struct Plan {
    /// Where it would run by itself: a velocity.
    input: Vec2,
    /// Where it would carry the ball, if not there.
    carry: Option<Vec2>,
    /// A kick to make, in the frame of the left team.
    kick: Option<KickRequest>,
    /// Where a goalkeeper runs that does not go for the ball: a velocity.
    keeper_run: Option<Vec2>,
}

/// Decides what to do with the ball.
fn decide(view: &View, index: usize, rng: &mut Rng, plan: &mut Plan) {
    let decision = on_ball::decide(view, index, rng);
    plan.input = decision.carry;
    plan.carry = Some(decision.carry);
    plan.kick = decision.kick.map(|mut kick| {
        kick.direction = kick.direction * view.sign;
        kick
    });
}

/// Decides what a goalkeeper does.
fn keep_goal(view: &View, index: usize, rng: &mut Rng, plan: &mut Plan) {
    let bound = keeper::bound_for_goal(view, index);
    if bound.is_some() || !view.is_main(index) {
        plan.keeper_run = Some(keeper::run(view, index, bound));
    }
    if view.is_main(index) && view.player(view.team, index).time_to_ball < 1.0 {
        decide(view, index, rng, plan);
    }
}

/// Returns how an outfield player runs that would like to run with the velocity `input`: to the ball if it is its turn.
fn run(view: &View, index: usize, input: Vec2) -> Pursuit {
    let forward = view.player(view.team, index).facing * view.sign;
    let wanted = input.direction() * speed_class(input.length());
    let look = view.seen_ball(0.04, view.delay(index)).position + forward * 0.5
        - view.mate(index).position;
    let mut pursuit = Pursuit {
        direction: wanted.direction_or(forward),
        speed: wanted.length(),
        facing: look.direction_or(forward),
        seconds: 0.0,
    };
    if let Some((to_ball, share)) = pull_of_ball(view, index, wanted) {
        let mixed =
            wanted * (1.0 - share) + to_ball.direction * (view.sign * to_ball.speed * share);
        pursuit = Pursuit {
            direction: mixed.direction_or(pursuit.direction),
            speed: mixed.length().min(SPRINT),
            facing: to_ball.facing * view.sign,
            seconds: to_ball.seconds,
        };
    }
    if pursuit.speed < STANDING {
        pursuit.direction = pursuit.facing;
    }
    pursuit
}

/// Returns how a player runs to the ball, in the frame of the left team, and the share of that in its run.
///
/// The main player and hunters run to the ball, as fast as they can if they have less than 1.1 of it; a player with it
/// runs after it. A designated player that touched it in the last 2 s follows it the less, the longer ago that was and
/// the more it would have to turn.
fn pull_of_ball(view: &View, index: usize, wanted: Vec2) -> Option<(Pursuit, f32)> {
    let game = view.game;
    let id = PlayerId { team: view.team as u8, index: index as u8 };
    let player = game.player(id);
    let is_main = view.is_main(index);
    let (hunts, fights) = if is_main { (false, false) } else { off_ball::hunts(view, index) };
    let amount = view.possession_amount(index);
    let touched = player.touch_bias(game.frame, 2.0);
    let free = touched > 0.01 || !game.team_possession[view.other()];
    let is_next = view.own_designated() == index && (amount > 0.99 || (amount > 0.5 && free));
    if !(is_main || hunts || is_next) {
        return None;
    }
    if player.has_possession && amount >= 1.0 {
        return Some((game.run_with_ball(id, wanted.length()), 1.0));
    }
    let follows = touched > 0.01 && player.time_to_ball < 1.7;
    if !(is_main || hunts || follows) {
        return None;
    }
    let wanted = wanted * view.sign;
    let to_ball = game.run_to_ball(id, wanted, hunts || fights || amount < 1.1);
    let share = if is_main || hunts {
        1.0
    } else {
        let turn = to_ball.direction.angle_to(wanted.direction_or(player.facing)).abs() / PI;
        pow(touched, 0.4) * (1.0 - 0.5 * turn).sqrt()
    };
    Some((to_ball, share))
}

/// Returns whether a player slides for the ball: only in teams without agents, next to an opponent whose ball is
/// 0.7 to 1.6 m away (0.6 to 1.8 m if it is about to shoot).
fn slides(view: &View, index: usize) -> bool {
    let game = view.game;
    let other = view.other();
    if game.active_agents(view.team) != 0
        || game.holder.is_some()
        || view.has_best_possession()
        || view.is_main(index)
        || !game.team_possession[other]
        || view.possession_amount(index) >= 0.6
    {
        return false;
    }
    let me = view.mate(index);
    let opponent = view.opponent(view.their_designated());
    let to_opponent = opponent.after(0.1) - me.after(0.1);
    let to_ball = view.seen_ball(0.1, view.delay(index)).position - opponent.after(0.1);
    let duel = 0.5 - 0.5 * to_opponent.direction().dot(to_ball.direction());
    if duel < 0.7 {
        return false;
    }
    let distance = (me.after(0.2) - view.ball(0.2)).length();
    let Some(best) = game.nearest_to_ball_in_time(other) else { return false };
    let shoots = matches!(view.player(other, best).body, Body::WindUp { request, .. } if request.kick == Kick::Shot);
    (distance > 0.7 && distance < 1.6 && game.team_time_to_ball[other] > 0.26)
        || (distance > 0.6 && distance < 1.8 && shoots)
}

/// Returns the command of a player that never acts: it comes to a stop and looks at the ball.
fn stand(view: &View, index: usize, rng: &mut Rng) -> Command {
    let game = view.game;
    let player = view.player(view.team, index);
    let centre = (Vec2::ZERO - player.position).direction_or(player.facing);
    Command {
        direction: (player.facing * 0.6 + centre * 0.4).direction_or(player.facing),
        speed: (player.velocity.length() * 0.95 - rng.uniform() * 3.2).clamp(0.0, SPRINT),
        facing: (game.ball.position - player.position).direction_or(player.facing),
        ..Command::default()
    }
}
