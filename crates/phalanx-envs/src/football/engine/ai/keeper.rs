//! Where a goalkeeper stands.

use super::marking::OWN_GOAL;
use super::mental;
use super::ramp::ramp;
use super::view::View;
use crate::football::engine::pitch::{GOAL_HALF_WIDTH, GOAL_HEIGHT, HALF_LENGTH};
use crate::football::engine::pursuit::{SPEED_PER_METRE, SPRINT};
use crate::football::engine::vec2::Vec2;

/// How far from its goal line a goalkeeper stands while the ball is in the other half, in metres.
const REST_DISTANCE: f32 = 10.0;
/// The least distance from the goal line while the ball is in the own half, in metres.
const LINE_DISTANCE: f32 = 0.7;
/// The least distance from the goal line when it goes for a ball that is bound for the goal, in metres.
const INTERCEPT_DISTANCE: f32 = 0.4;
/// The distance from the goal at which an opponent shoots, in metres.
const SHOT_DISTANCE: f32 = 20.0;
/// The same for an opponent that waits for a pass.
const HELPER_SHOT_DISTANCE: f32 = 24.0;

/// Returns where the ball crosses the goal line if it is bound for the goal, in the own frame.
///
/// It is bound for the goal if it will be behind the line within 3 s, comes within 32 m of the goalkeeper, and the line
/// through its places now and in 0.8 s crosses the goal line within
/// `3.7 m · (1.02 + 0.5 (1 - 0.6 positioning - 0.4 vision))` of the middle.
pub fn bound_for_goal(view: &View, index: usize) -> Option<f32> {
    let delay = view.delay(index);
    if view.seen_ball(2.99, delay).position.x >= -HALF_LENGTH {
        return None;
    }
    let here = view.mate(index).position;
    if view.seen_ball(0.25, delay).position.distance(here) >= 32.0 {
        return None;
    }
    let (now, soon) = (view.seen_ball(0.0, delay).position, view.seen_ball(0.8, delay).position);
    let way = soon - now;
    let y = if way.x == 0.0 { now.y } else { now.y + way.y * (-HALF_LENGTH - now.x) / way.x };
    let form = view.player(view.team, index).form;
    let calm = (0.6 * mental::defensive_positioning(index) + 0.4 * mental::vision(index)) * form;
    (y.abs() <= GOAL_HALF_WIDTH * (1.02 + 0.5 * (1.0 - calm))).then_some(y)
}

/// Returns where a goalkeeper wants to run: a velocity, in the own frame.
pub fn run(view: &View, index: usize, bound: Option<f32>) -> Vec2 {
    let delay = view.delay(index);
    let here = view.mate(index).position;
    let ahead = 0.6 + view.player(view.team, index).time_to_ball * 0.2;
    let ball = view.seen_ball(ahead, delay).position;
    let (target, cap) = if ball.x >= 0.0 {
        (Vec2::new(-HALF_LENGTH + REST_DISTANCE, 0.0), SPRINT)
    } else if let Some(y) = bound {
        (intercept(view, index, y), SPRINT)
    } else {
        narrow(view, index, ball)
    };
    let way = target - here;
    way.direction() * (way.length() * SPEED_PER_METRE).min(cap)
}

/// Returns the point of the ball's way to the goal that is nearest to the goalkeeper, at least 0.4 m in front of the
/// line; that in front of the line if the ball passes over its head.
fn intercept(view: &View, index: usize, y: f32) -> Vec2 {
    let delay = view.delay(index);
    let start = view.seen_ball(0.01, delay).position;
    let line = Vec2::new(-HALF_LENGTH, y);
    let end = line + (start - line).direction() * INTERCEPT_DISTANCE;
    let way = end - start;
    let share = |point: Vec2| {
        let squared = way.length_squared();
        if squared < 1e-12 { 0.0 } else { (point - start).dot(way) / squared }
    };
    let mine = share(view.mate(index).after(0.05));
    let after_a_second = share(view.seen_ball(1.01, delay).position);
    if after_a_second > 1e-4 {
        let seconds = 0.01 + (mine / after_a_second).max(0.0);
        if view.seen_ball(seconds, delay).height > GOAL_HEIGHT {
            return end;
        }
    }
    let mut target = start + way * mine.clamp(0.0, 1.0);
    target.x = target.x.clamp(-HALF_LENGTH + 0.2, HALF_LENGTH - 0.2);
    target
}

/// Returns where the goalkeeper makes the goal small, and how fast it goes there at most.
///
/// It stands on the line that halves the angle between ball and posts, 0.7 m in front of the goal line at least; with the
/// own team in possession up to 30 % of the way to the ball. It comes out all the way when no mate is nearer to where
/// the opponent with the ball will shoot than that opponent itself, less if another opponent is as free.
fn narrow(view: &View, index: usize, ball: Vec2) -> (Vec2, f32) {
    let possession = view.felt_possession(index);
    let posts = [GOAL_HALF_WIDTH, -GOAL_HALF_WIDTH]
        .map(|y| (Vec2::new(-HALF_LENGTH, y) - ball).direction());
    let middle = (posts[0] + posts[1]).direction_or(Vec2::new(-1.0, 0.0));
    let line_x = -HALF_LENGTH + LINE_DISTANCE;
    let share = if middle.x == 0.0 { 0.0 } else { (line_x - ball.x) / middle.x };
    let mut foot = ball + middle * share;
    foot.y = foot.y.clamp(-GOAL_HALF_WIDTH, GOAL_HALF_WIDTH);
    let mut from = ball;
    let mut bias = 0.3 * ramp(possession, 1.0, 1.5);
    if possession < 1.0 {
        let opponent = view.their_designated();
        let there = view.opponent(opponent).after(0.32);
        let owns = view.player(view.other(), opponent).has_possession;
        from = if owns { there * 0.4 + ball * 0.6 } else { there * 0.6 + ball * 0.4 };
        let way = way_to_shot(there, SHOT_DISTANCE);
        let mate = nearest_mate_to(view, index, there + (OWN_GOAL - there).direction() * way);
        if mate > way + 1.0 {
            bias = coming_out(view, index, opponent, way);
        }
    }
    let length = (from - foot).length();
    let out = ((length - 0.5).max(0.0) * bias).clamp(LINE_DISTANCE, HALF_LENGTH);
    let mut target = foot + (from - foot).direction() * out;

    let here = view.mate(index).position;
    let way = foot - from;
    let squared = way.length_squared().max(1e-12);
    let share = (here - from).dot(way) / squared;
    let apart = (from + way * share).distance(here);
    let returns = target.distance(OWN_GOAL) < here.distance(OWN_GOAL) && apart < 1.0 && share > 0.0;
    target.x = target.x.clamp(-HALF_LENGTH + 0.2, HALF_LENGTH - 0.2);
    (target, if returns { 5.0 } else { SPRINT })
}

/// Returns how far a goalkeeper comes out towards an opponent, from 0 to 1: less if a second opponent is free and nearly
/// as near to its own shot.
fn coming_out(view: &View, index: usize, opponent: usize, way: f32) -> f32 {
    let Some(helper) = view.nearest(view.other(), OWN_GOAL, Some(opponent)) else { return 1.0 };
    let there = view.opponent(helper).after(0.32);
    let helper_way = way_to_shot(there, HELPER_SHOT_DISTANCE);
    let mate = nearest_mate_to(view, index, there + (OWN_GOAL - there).direction() * helper_way);
    let free = ramp(mate - helper_way, 0.0, 2.0);
    let near = (1.0 - ramp(helper_way / (way + 1e-4), 1.0, 1.5)) * 0.7;
    (1.0 - free * near).clamp(0.0, 1.0)
}

/// Returns how far an opponent runs before it shoots; nearer to the goal it shoots from less far.
fn way_to_shot(there: Vec2, distance: f32) -> f32 {
    let to_goal = (OWN_GOAL - there).length();
    (to_goal - distance * ramp(to_goal, 0.0, 2.0 * distance)).clamp(0.0, HALF_LENGTH)
}

/// Returns how far the nearest mate of the goalkeeper is from a point.
fn nearest_mate_to(view: &View, index: usize, point: Vec2) -> f32 {
    view.nearest(view.team, point, Some(index))
        .map_or(f32::INFINITY, |mate| view.mate(mate).after(0.24).distance(point))
}
