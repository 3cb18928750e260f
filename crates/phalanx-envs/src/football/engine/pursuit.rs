//! Running to a moving ball: where to meet it, and how fast to run there.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_PI_2};

use super::Match;
use super::pitch::{HALF_LENGTH, HALF_WIDTH};
use super::possession::{HORIZON, Reach, TOUCH_TIME};
use super::state::PlayerId;
use super::vec2::Vec2;

/// The speed wanted per metre of distance, in 1/s.
pub const SPEED_PER_METRE: f32 = 2.6;
/// The highest speed that can be wanted, in m/s.
pub const SPRINT: f32 = 8.0;
/// The step of the search for a meeting point, in seconds.
const SEARCH_STEP: f32 = 0.05;

/// A way to the ball.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pursuit {
    /// Where to run, of length one.
    pub direction: Vec2,
    /// How fast, in m/s.
    pub speed: f32,
    /// Where to look, of length one.
    pub facing: Vec2,
    /// When the ball is met, in seconds.
    pub seconds: f32,
}

impl Match {
    /// Returns how a player runs to a ball that it does not have.
    ///
    /// Of the points of the ball's path where the player can be in time, it takes the one whose run is most like the
    /// `wanted` velocity (40 % velocity, 60 % direction, and 10 % for points near the shortest way), or the earliest
    /// one if `haste` is set. It goes no further along the path than to points where it would have to run with the
    /// ball, which leave much time to spare, or outside the pitch.
    pub fn run_to_ball(&self, id: PlayerId, wanted: Vec2, haste: bool) -> Pursuit {
        let player = self.player(id);
        let here = player.position;
        let wanted_speed = wanted.length();
        let now = self.ball_at(0.0).position;
        let soon = self.ball_at(1.0).position;
        let wanted_direction =
            in_sixteenths(wanted.direction_or(player.facing), (now - soon).direction());
        let wanted = wanted_direction * wanted_speed;
        // Unused in haste.
        let (nearest, ball_direction) = if haste {
            (now, wanted_direction)
        } else {
            let line = soon - now;
            let along = if line.length_squared() > 1e-6 {
                (here - now).dot(line) / line.length_squared()
            } else {
                0.0
            };
            let meeting = player.time_to_ball.min(HORIZON - 0.1);
            let flight = self.ball_at(meeting + 0.05).position - self.ball_at(meeting).position;
            (now + line * along, flight.direction_or(wanted_direction))
        };
        let mut seconds = player.time_to_ball.clamp(0.04, HORIZON - 0.01);
        if is_outside(self.ball_at(seconds).position) {
            seconds = 0.08;
        }
        let runner = Reach::of_runner(player);
        // Rating, seconds, and whether the player is there in time.
        let mut best: Option<(f32, f32, bool)> = None;
        while seconds < HORIZON {
            let ball = self.ball_at(seconds);
            let mut last = is_outside(ball.position);
            if !last && ball.height >= 1.0 {
                seconds += SEARCH_STEP;
                continue;
            }
            let reach = runner.unwrap_or_else(|| Reach::new(player, ball.position));
            if reach.gap(ball.position, seconds, Reach::USUAL) <= 0.0 {
                if haste {
                    // Later points are worse.
                    best = Some((0.0, seconds, true));
                    break;
                }
                let way = ball.position - here;
                let distance = way.length();
                let direction = if distance > 1e-6 { way * (1.0 / distance) } else { Vec2::ZERO };
                last |= player.time_to_ball < 0.35 * seconds || direction.dot(ball_direction) > 0.0;
                let rating = {
                    let run = direction * (distance * SPEED_PER_METRE).min(SPRINT);
                    let like = 1.0 - ((wanted - run).length() / SPRINT).min(1.0);
                    let run_direction =
                        if direction == Vec2::ZERO { wanted_direction } else { direction };
                    let same = if wanted_direction.dot(run_direction) > 0.0 {
                        let angle = wanted_direction.angle_to(run_direction).abs();
                        1.0 - (angle / FRAC_PI_2).min(1.0)
                    } else {
                        0.0
                    };
                    let short = 1.0 - (nearest.distance(ball.position) / (2.0 * SPRINT)).min(1.0);
                    0.4 * like + 0.6 * same + 0.1 * short
                };
                if best.is_none_or(|(old, _, _)| rating > old) {
                    best = Some((rating, seconds, true));
                }
            } else if last && best.is_none() {
                best = Some((0.0, seconds, false));
            }
            if last {
                break;
            }
            seconds += SEARCH_STEP;
        }
        let (_, seconds, in_time) = best.unwrap_or((0.0, HORIZON - 0.01, false));
        let meeting = self.ball_at(seconds).position;
        let needed = if in_time {
            Reach::new(player, meeting).time_to(meeting).min(seconds)
        } else {
            seconds
        };
        let way = meeting - here;
        let mut speed = (needed / seconds * player.abilities.top_speed).min(SPRINT);
        if seconds > 0.25 {
            speed = speed * 0.97 + player.velocity.length() * 0.03;
        }
        let to_ball = (self.ball_at(0.02).position - here).direction_or(wanted_direction);
        // It looks where it wants to go, but at most 45 degrees aside from the ball.
        let eighth = FRAC_1_SQRT_2;
        let facing = if to_ball.dot(wanted_direction) >= eighth {
            wanted_direction
        } else {
            to_ball.rotated(eighth, eighth.copysign(to_ball.cross(wanted_direction)))
        };
        Pursuit { direction: way.direction_or(player.facing), speed, facing, seconds }
    }

    /// Returns how a player runs after a ball that it has: to where the ball is 0.33 s later, at least as fast as
    /// `wanted_speed` but for a ball at its feet.
    pub fn run_with_ball(&self, id: PlayerId, wanted_speed: f32) -> Pursuit {
        let player = self.player(id);
        let way = self.ball_at(0.25 + TOUCH_TIME).position - player.position;
        let distance = way.length();
        let forward = player.facing;
        let auto =
            if distance < 0.4 { ((distance - 0.2) / 0.2).clamp(0.0, 1.0).sqrt() } else { 1.0 };
        let direction =
            (way.direction_or(forward) * auto + forward * (1.0 - auto)).direction_or(forward);
        let mut speed = distance * SPEED_PER_METRE;
        if speed >= 3.5 {
            speed = wanted_speed.clamp(speed, speed + 8.0);
            let class = speed_class(speed);
            speed =
                if class < speed { 0.9 * speed + 0.1 * class } else { 0.1 * speed + 0.9 * class };
        }
        Pursuit {
            direction,
            speed: speed.min(SPRINT),
            facing: direction,
            seconds: player.time_to_ball,
        }
    }
}

/// Returns the speed of the class that a speed belongs to: 0, 3.5, 5 or 8 m/s.
#[inline]
pub fn speed_class(speed: f32) -> f32 {
    if speed < 1.8 {
        0.0
    } else if speed < 4.2 {
        3.5
    } else if speed < 6.0 {
        5.0
    } else {
        8.0
    }
}

fn is_outside(position: Vec2) -> bool {
    position.x.abs() > HALF_LENGTH - 0.2 || position.y.abs() > HALF_WIDTH - 0.2
}

/// The cosines and the sines of the angles up to a quarter turn in sixteenths of a turn.
const SIXTEENTHS: [[f32; 2]; 5] = [
    [1.0, 0.0],
    [0.923_879_5, 0.382_683_43],
    [FRAC_1_SQRT_2, FRAC_1_SQRT_2],
    [0.382_683_43, 0.923_879_5],
    [0.0, 1.0],
];

/// Rounds a direction to sixteenths of a turn, counted from the direction against the ball's flight.
fn in_sixteenths(direction: Vec2, origin: Vec2) -> Vec2 {
    let origin = origin.direction_or(direction);
    let (along, across) = (origin.dot(direction), origin.cross(direction));
    let mut nearest = ([1.0, 0.0], f32::NEG_INFINITY);
    for [cos, sin] in SIXTEENTHS {
        let fit = along.abs() * cos + across.abs() * sin;
        if fit > nearest.1 {
            nearest = ([cos, sin], fit);
        }
    }
    let [cos, sin] = nearest.0;
    origin.rotated(cos.copysign(along), sin.copysign(across))
}
