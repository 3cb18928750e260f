//! Defending: dangerous opponents, marks, and where to stand against an opponent.

use super::ramp::ramp;
use super::view::{Figure, View};
use crate::football::engine::pitch::HALF_LENGTH;
use crate::football::engine::pursuit::SPRINT;
use crate::football::engine::state::{Role, TEAM_SIZE};
use crate::football::engine::vec2::Vec2;

/// The number of opponents that are marked.
pub const MARKED: usize = 3;
/// The own goal, in the own frame.
pub const OWN_GOAL: Vec2 = Vec2::new(-HALF_LENGTH, 0.0);

/// Returns the most dangerous opponents, the most dangerous one first, and how many there are.
///
/// Danger = 0.95 · (1 - distance / 110 m) to a point between the own goal (80 %) and the ball (20 %), and 0.05 more for
/// the opponents' designated player.
pub fn dangerous_opponents(view: &View) -> ([u8; MARKED], usize) {
    let place = Vec2::new(-HALF_LENGTH + 2.0, 0.0) * 0.8 + view.ball(0.1) * 0.2;
    let mut found = [(f32::NEG_INFINITY, 0); MARKED];
    let mut count = 0;
    for index in view.present(view.other()) {
        let distance = (view.opponent(index).position - place).length();
        let mut danger = 0.95 * (1.0 - ramp(distance, 0.0, 2.0 * HALF_LENGTH));
        if index == view.their_designated() {
            danger += 0.05;
        }
        if count == MARKED && danger <= found[MARKED - 1].0 {
            continue;
        }
        let mut place = count.min(MARKED - 1);
        while place > 0 && found[place - 1].0 < danger {
            found[place] = found[place - 1];
            place -= 1;
        }
        found[place] = (danger, index as u8);
        count = (count + 1).min(MARKED);
    }
    (found.map(|(_, index)| index), count)
}

/// Returns how well a mate could mark an opponent, from 0 to 1.
///
/// A line across the way to the goal runs through the mate, 0.5 m in front of it and up to 14 m to both sides. The mark
/// is best 2 m beyond that line and near its middle: `1 - 0.5 √(distance to that / 60 m) - 0.5 √(share of the half
/// line)`, times 0.6 if the opponent is past it; 20 % of the result is nearness.
pub fn quality(mate: Figure, opponent: Figure) -> f32 {
    let (here, there) = (mate.after(0.1), opponent.after(0.1));
    let to_goal = OWN_GOAL - here;
    let half_line = to_goal.length().clamp(4.0, 14.0);
    let to_goal = to_goal.direction_or(Vec2::new(-1.0, 0.0));
    let away = there - (here - to_goal * 0.5);
    let depth = away.dot(to_goal);
    let before = depth < 0.0;
    let off_line = if before { (depth.abs() - 2.0).abs() } else { depth.abs() };
    let along = ((away.x * to_goal.y - away.y * to_goal.x).abs() / half_line).clamp(0.0, 1.0);
    let mut result =
        (1.0 - ramp(off_line, 0.0, 60.0).sqrt() * 0.5 - along.sqrt() * 0.5).clamp(0.0, 1.0);
    if !before {
        result *= 0.6;
    }
    result * 0.8 + (1.0 - ramp((here - there).length(), 0.0, 2.0 * HALF_LENGTH)) * 0.2
}

/// Returns the opponent that each mate marks: the most dangerous one gets the best mate, and so on.
pub fn marks(view: &View, dangerous: &[u8]) -> [Option<u8>; TEAM_SIZE] {
    let mut marks = [None; TEAM_SIZE];
    for &opponent in dangerous {
        let there = view.opponent(opponent as usize);
        let mut best = None;
        let mut best_quality = -1.0;
        for index in view.present(view.team) {
            if marks[index].is_some() || view.player(view.team, index).role == Role::Goalkeeper {
                continue;
            }
            let quality = quality(view.mate(index), there);
            if quality > best_quality {
                (best, best_quality) = (Some(index), quality);
            }
        }
        if let Some(index) = best {
            marks[index] = Some(opponent);
        }
    }
    marks
}

/// Returns where a mate goes that marks an opponent and would go to `desired` otherwise.
///
/// The opponent is met at its shooting point: on its way to the goal, as far as 24 m (8 m without the ball) from it or
/// to the offside trap. The mate stays 4 m nearer to that point than the opponent; one that is too late runs towards the
/// goal instead.
pub fn cover(view: &View, index: usize, desired: Vec2, opponent: usize, trap: f32) -> Vec2 {
    let seen = view.seen(view.other(), opponent, view.delay(index));
    let there = seen.after(0.5);
    let is_main =
        view.game.main.team as usize != view.team && view.game.main.index as usize == opponent;
    let threshold = if is_main { 24.0 } else { 8.0 };
    let to_goal = OWN_GOAL - there;
    let mut to_shot = (to_goal.length() - threshold).clamp(0.4, HALF_LENGTH);
    let mut shooting = there + to_goal.direction() * to_shot;
    if shooting.x < trap {
        let share = if to_goal.x == 0.0 { 0.0 } else { (trap - there.x) / to_goal.x };
        shooting = there + to_goal * share;
        to_shot = (shooting - there).length();
    }
    let way = shooting - desired;
    let distance = way.length();
    let slack = distance - (to_shot - 4.0);
    let mut position = desired;
    if slack > 0.0 {
        position += way.direction() * slack.min(distance);
    }
    let late = (shooting - view.mate(index).after(0.14)).length() - to_shot;
    if late > 0.0 {
        position += (OWN_GOAL - position).direction() * (late * 0.7);
    }
    position
}

/// Returns where a mate can meet an opponent on its way to the goal: where that way crosses the perpendicular through
/// the middle between both, and a little further.
pub fn meeting_point(here: Vec2, opponent: Figure) -> Vec2 {
    let to_goal = OWN_GOAL - opponent.position;
    let between = here - opponent.position;
    let ahead = between.dot(to_goal);
    let share = if ahead == 0.0 { 0.0 } else { 0.5 * between.length_squared() / ahead };
    // A negative share means that the lines meet behind the opponent.
    let share = share.clamp(0.0, 1.0);
    opponent.position
        + to_goal * share
        + to_goal.direction() * (SPRINT * 0.1)
        + opponent.velocity * 0.14
}

/// Returns whether a defender has to move to reach a meeting point: not if it lies straight ahead.
pub fn must_move(here: Vec2, target: Vec2) -> bool {
    let ahead = (target.x - here.x).max(0.0) - 0.5;
    (target.y - here.y).abs() > ahead * 0.8
}

/// Moves a position that lies beyond the offside trap forward: the 4 m around the trap are pressed into the 2 m in
/// front of it.
pub fn hold_line(position: Vec2, trap: f32) -> Vec2 {
    const HALF: f32 = 2.0;
    let front = trap + HALF;
    if position.x >= front {
        return position;
    }
    let share = ((front - position.x) / (2.0 * HALF)).clamp(0.0, 1.0);
    Vec2::new(front - HALF * share, position.y)
}

/// Returns the offside line for the team that attacks a team's goal, in the view's frame as a depth: 0 at the half line,
/// 55 at the goal line. It runs through the second deepest player or the ball.
pub fn offside_depth(view: &View, team: usize, delay: usize, seconds: f32) -> f32 {
    let toward = if team == view.team { -1.0 } else { 1.0 };
    let sight = view.sight(delay);
    let (mut deepest, mut second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
    sight.each(team, |_, figure| {
        let depth = figure.after(seconds).x * toward;
        if depth > deepest {
            (deepest, second) = (depth, deepest);
        } else if depth > second {
            second = depth;
        }
    });
    let ball = view.seen_ball(0.0, delay).position.x * toward;
    second.max(ball).clamp(0.0, HALF_LENGTH)
}
