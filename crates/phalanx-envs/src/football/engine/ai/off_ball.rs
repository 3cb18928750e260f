//! What an outfield player does without the ball.

use super::formation::mindset;
use super::marking;
use super::ramp::{curve, ramp};
use super::team::formation_position;
use super::view::View;
use super::{mental, support};
use crate::football::engine::pursuit::{SPEED_PER_METRE, SPRINT};
use crate::football::engine::state::Role;
use crate::football::engine::vec2::Vec2;
use crate::math::pow;

/// The three ways to play without the ball.
struct Strategy {
    /// How firmly a player sticks to its own place of the formation, from 0 to 1.
    own_place: f32,
    /// The range of possession over which a player turns to support, minus 0.5.
    support: [f32; 2],
    /// The share of support from which it makes runs.
    run_from: f32,
    /// How much it defends.
    defence: f32,
    /// Whether it keeps the line of the offside trap.
    line: bool,
}

const DEFENDER: Strategy = Strategy {
    own_place: 1.0,
    support: [0.2, 0.9],
    run_from: f32::INFINITY,
    defence: 1.9,
    line: true,
};
const MIDFIELDER: Strategy =
    Strategy { own_place: 0.9, support: [0.1, 0.7], run_from: 0.9, defence: 1.5, line: true };
const FORWARD: Strategy =
    Strategy { own_place: 0.8, support: [0.1, 0.6], run_from: 0.7, defence: 1.3, line: false };

/// Returns where a player without the ball wants to run: a velocity, in the own frame.
///
/// The place in the formation (its own one far from the ball, the assigned one near it), mixed with the support position
/// in possession and with marking against it: 2.6 m/s for each metre of distance, less for lazy players.
pub fn run(view: &View, index: usize) -> Vec2 {
    let game = view.game;
    let mind = &game.minds.teams[view.team];
    let me = view.mate(index);
    let strategy = match view.player(view.team, index).role {
        Role::CentreBack | Role::LeftBack | Role::RightBack => DEFENDER,
        Role::CentreForward => FORWARD,
        _ => MIDFIELDER,
    };
    let away = ramp((me.position - view.main().position).length(), 15.0, 20.0);
    let own = curve(strategy.own_place * away, 1.0);
    let filled = mind.fills[index] as usize;
    let mut target = formation_position(view, index, filled);
    if own > 0.0 && filled != index {
        target = target.mix(formation_position(view, index, index), own);
    }

    let possession = view.felt_possession(index);
    let attack = ramp(possession - 0.5, strategy.support[0], strategy.support[1]);
    if attack > 0.0 {
        let runs = attack > strategy.run_from
            && mind.run_until > game.frame
            && mind.runner == Some(index as u8);
        target = target.mix(support::position(view, index, target, runs), attack);
    }

    let defence = (strategy.defence - mindset(view.role(index)) - possession).clamp(0.0, 1.0);
    if defence > 0.0
        && let Some(opponent) = mind.marks[index]
    {
        let cover = marking::cover(view, index, target, opponent as usize, mind.trap);
        target = target.mix(cover, pow(defence, 0.7));
    }
    if strategy.line {
        target = marking::hold_line(target, mind.trap);
    }

    let way = target - me.position;
    way.direction() * lazy_speed(view, index, way.length() * SPEED_PER_METRE).clamp(0.0, SPRINT)
}

/// Returns the speed that a player is willing to run at.
///
/// Lazier from 20 to 65 m from the opponents' designated player on (less when tired), and, by the role, in attack or in
/// defence; and by how far it ran over the last 10 s.
fn lazy_speed(view: &View, index: usize, wanted: f32) -> f32 {
    let player = view.player(view.team, index);
    let fresh = 1.0 - player.tired;
    let capped = if wanted > SPRINT { SPRINT + (wanted - SPRINT) * 0.1 } else { wanted };
    let action =
        view.opponent(view.their_designated()).position.distance(view.mate(index).position);
    let attacking = (view.felt_possession(index) - 0.5).clamp(0.0, 1.0);
    let mindset = mindset(view.role(index));
    let by_role = mindset + attacking * (1.0 - mindset * 2.0);
    let by_place = ramp(action, 20.0 * (fresh * 0.8 + 0.2), 65.0 * (fresh * 0.5 + 0.5));
    let lazy = by_place * (0.5 + by_role * 0.5);
    if lazy <= 0.0 {
        return capped;
    }
    let mut speed = capped * (1.0 - lazy);
    if wanted >= 3.5 {
        speed = speed.max(3.5);
    }
    let rest = 1.0 - view.game.minds.players[view.team][index].average_speed() / SPRINT;
    let work = mental::work_rate(index) * player.form;
    let breath = (pow(rest.clamp(0.0, 1.0), 0.8 - work * 0.2) * 1.2).min(1.0);
    speed.min(SPRINT * (breath * lazy + 1.0 - lazy))
}

/// Returns how near the opponent with the ball must be for a player to hunt it, in metres:
/// `(10 + 10 (1 - mindset)) · (0.3 + 0.7 difficulty)`, less when tired or out of breath.
pub fn hunting_range(view: &View, index: usize) -> f32 {
    let player = view.player(view.team, index);
    let range = 10.0 + (1.0 - mindset(view.role(index))) * 10.0;
    let breath = 1.0 - ramp(view.game.minds.players[view.team][index].average_speed(), 0.0, SPRINT);
    range
        * (0.5 * (1.0 - player.tired) + 0.5 * breath)
        * (0.3 + 0.7 * view.game.setup.difficulty[view.team])
}

/// Returns whether a player runs for the ball of the opponents' designated player.
///
/// It does if it has no mark, is within its hunting range and one of the two of its team that are nearest to the
/// opponent, and the meeting point does not lie straight ahead of it: then it waits. The designated player of the team
/// does so too while it has at least 0.8 of the ball.
pub fn hunts(view: &View, index: usize) -> (bool, bool) {
    let opponent = view.opponent(view.their_designated());
    let me = view.mate(index);
    let marks = view.game.minds.teams[view.team].marks[index].is_some();
    if view.has_best_possession() || marks {
        return (false, false);
    }
    if opponent.after(0.12).distance(me.after(0.04)) >= hunting_range(view, index) {
        return (false, false);
    }
    let fights = view.own_designated() == index && view.possession_amount(index) > 0.8;
    let (nearest, count) = view.nearest_few::<2>(view.team, opponent.after(0.1));
    if !nearest[..count].contains(&index) {
        return (fights, fights);
    }
    let seen = view.seen(view.other(), view.their_designated(), view.delay(index));
    let must = marking::must_move(me.position, marking::meeting_point(me.position, seen));
    (fights || must, fights)
}
