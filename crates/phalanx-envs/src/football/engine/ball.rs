//! How the ball flies, bounces and rolls, and the path that is predicted from that.

use std::f32::consts::PI;

use serde::{Deserialize, Serialize};

use super::pitch::{BALL_RADIUS, FRAME, GOAL_HALF_WIDTH, GOAL_HEIGHT, HALF_LENGTH};
use super::state::Ball;
use super::vec2::Vec2;
use crate::math::pow;

/// Air resistance, in 1/m.
const DRAG: f32 = 0.015;
/// Friction of the grass that grows with the squared speed, in 1/m.
const FRICTION: f32 = 0.04;
/// Constant friction of the grass, in m/s².
const LINEAR_FRICTION: f32 = 1.6;
/// Gravity, in m/s².
const GRAVITY: f32 = 9.81;
/// The height of the grass, in metres.
const GRASS_HEIGHT: f32 = 0.025;
/// The share of the vertical speed that is left after a bounce, before [`BOUNCE_LOSS`].
const BOUNCE: f32 = 0.62;
/// The vertical speed that a bounce costs, in m/s.
const BOUNCE_LOSS: f32 = 0.06;
/// The radius of the posts and of the bar.
const POST_RADIUS: f32 = 0.07;
/// The share of the speed in the plane that is left after hitting a post.
const POST_REBOUND: f32 = 0.8;
/// The depth of a goal.
const GOAL_DEPTH: f32 = 2.55;
/// The spacing of the points of a [`BallPath`], in frames.
const SPACING: u32 = 10;
/// The points of a [`BallPath`]: 3.1 s ahead, and the one before.
const POINTS: usize = 32;

/// Moves the ball by one frame, without posts and nets.
///
/// With `b` = the bias of the grass, 1 on the ground and 0 from 2.5 cm on, `u` = the speed in the plane and `ω` = the
/// spin: gravity; `|v| -= 0.015 |v|² dt`; a bounce keeps `0.62 v_z - 0.06`; `u -= (0.04 b u² + 1.6 b) dt`; on the
/// grass, speed and spin approach those of a rolling ball; spin bends the flight by `0.3 S ω × v / |v|` m/s² with
/// `S = sin(0.94π min(|v| / 70, 1))^2.6`.
#[inline]
pub fn fly(ball: &mut Ball) {
    advance::<true>(ball);
}

/// Moves the ball by one frame, with or without the effects of spin.
// Always, so that a ball that flies for many frames stays in registers.
#[inline(always)]
pub(super) fn advance<const SPIN: bool>(ball: &mut Ball) {
    ball.climb -= GRAVITY * FRAME;
    let squared = ball.velocity.length_squared();
    let in_plane = squared.sqrt();
    let speed = (squared + ball.climb * ball.climb).sqrt();
    let kept = 1.0 - DRAG * FRAME * speed;
    ball.climb *= kept;
    let above = ball.height - BALL_RADIUS;
    let grass = if above <= 0.0 {
        1.0
    } else if above >= GRASS_HEIGHT {
        0.0
    } else {
        let share = above * (1.0 / GRASS_HEIGHT);
        // A rolling ball hardly leaves the ground: the first terms of the power's series will do.
        if share < 0.02 { 1.0 - share * (0.7 + 0.105 * share) } else { pow(1.0 - share, 0.7) }
    };
    let mut impact = 0.0;
    if above < 0.0 {
        if ball.climb < 0.0 {
            impact = ((-ball.climb - 0.5) / 12.0).clamp(0.0, 1.0);
            ball.climb = (-ball.climb * BOUNCE - BOUNCE_LOSS).max(0.0);
        }
        ball.height = BALL_RADIUS;
    }
    if above < GRASS_HEIGHT {
        if in_plane > 0.0 {
            let left = in_plane * kept;
            let loss = (FRICTION * left * left + LINEAR_FRICTION) * (grass * FRAME);
            ball.velocity = ball.velocity * ((left - loss).max(0.0) * (1.0 / in_plane));
        }
        if SPIN {
            couple(ball, grass, impact);
        }
    } else {
        ball.velocity = ball.velocity * kept;
    }
    if SPIN {
        // On the grass the ball is slower than that by what friction took in this frame.
        swerve(ball, speed * kept);
    }
    ball.position += ball.velocity * FRAME;
    ball.height += ball.climb * FRAME;
}

/// Lets speed and spin approach those of a ball that rolls without slipping. The speed takes the share
/// `0.01 b + 0.5 impact` of that of the turning surface; the spin changes by at most `π b` rad/s, 4π more on a bounce.
fn couple(ball: &mut Ball, grass: f32, impact: f32) {
    let rolling = Vec2::new(-ball.velocity.y, ball.velocity.x) * (1.0 / BALL_RADIUS);
    let change = rolling - ball.spin;
    let all = (change.length_squared() + ball.sidespin * ball.sidespin).sqrt();
    let most = PI * (grass + if impact > 0.0 { 4.0 } else { 0.0 });
    let surface = Vec2::new(ball.spin.y, -ball.spin.x) * BALL_RADIUS;
    ball.velocity = ball.velocity.mix(surface, (0.01 * grass + 0.5 * impact).min(1.0));
    let made = if all > most { most / all } else { 1.0 };
    ball.spin += change * made;
    ball.sidespin *= 1.0 - made;
}

/// `sin(0.94π v / 70)^2.6` for v = 0, 1, …, 70 m/s.
#[rustfmt::skip]
const STRENGTH: [f32; 71] = [
    0.0000, 0.0003, 0.0016, 0.0046, 0.0097, 0.0172, 0.0273, 0.0404, 0.0565, 0.0757,
    0.0981, 0.1237, 0.1523, 0.1839, 0.2183, 0.2552, 0.2945, 0.3358, 0.3789, 0.4233,
    0.4686, 0.5146, 0.5607, 0.6065, 0.6517, 0.6957, 0.7381, 0.7786, 0.8167, 0.8520,
    0.8843, 0.9130, 0.9381, 0.9592, 0.9760, 0.9885, 0.9965, 0.9999, 0.9986, 0.9928,
    0.9824, 0.9676, 0.9485, 0.9252, 0.8982, 0.8675, 0.8336, 0.7968, 0.7574, 0.7158,
    0.6724, 0.6278, 0.5822, 0.5362, 0.4901, 0.4444, 0.3995, 0.3558, 0.3136, 0.2733,
    0.2353, 0.1996, 0.1667, 0.1367, 0.1097, 0.0858, 0.0651, 0.0475, 0.0331, 0.0216,
    0.0129,
];

/// Bends the flight of a ball of a speed by its spin.
fn swerve(ball: &mut Ball, speed: f32) {
    // Below 3 m/s the bend is less than 0.01 m/s² for any spin of a kick.
    if speed < 3.0 {
        return;
    }
    let place = speed.min(69.9);
    let index = place as u32 as usize;
    let below = STRENGTH[index];
    let strength = below + (STRENGTH[index + 1] - below) * (place - index as f32);
    let factor = 0.3 * strength * FRAME / speed;
    let (velocity, climb) = (ball.velocity, ball.climb);
    ball.velocity.x += factor * (ball.spin.y * climb - ball.sidespin * velocity.y);
    ball.velocity.y += factor * (ball.sidespin * velocity.x - ball.spin.x * climb);
    ball.climb += factor * (ball.spin.x * velocity.y - ball.spin.y * velocity.x);
}

/// Lets the ball rebound from posts and bar. Returns whether it touched them.
pub fn rebound_from_woodwork(ball: &mut Ball) -> bool {
    if ball.position.x.abs() < HALF_LENGTH - 1.0 {
        return false;
    }
    let reach = BALL_RADIUS + POST_RADIUS;
    let mut touched = false;
    let line = HALF_LENGTH.copysign(ball.position.x);
    let post = Vec2::new(line, GOAL_HALF_WIDTH.copysign(ball.position.y));
    if ball.height < GOAL_HEIGHT + reach && ball.position.distance(post) < reach {
        let normal = (ball.position - post).direction_or(Vec2::new(-line.signum(), 0.0));
        ball.position = post + normal * reach;
        let speed = ball.velocity.length();
        let away = ball.velocity.direction_or(normal) + normal * 1.1;
        ball.velocity = away.direction() * (speed * POST_REBOUND);
        touched = true;
    }
    // The plane across the bar, as (x, z).
    let bar = Vec2::new(line, GOAL_HEIGHT);
    let here = Vec2::new(ball.position.x, ball.height);
    if here.distance(bar) < reach && ball.position.y.abs() < GOAL_HALF_WIDTH + reach {
        let normal = (here - bar).direction_or(Vec2::new(0.0, 1.0));
        let moved = bar + normal * reach;
        ball.position.x = moved.x;
        ball.height = moved.y;
        let velocity = Vec2::new(ball.velocity.x, ball.climb);
        let away = velocity.direction_or(normal) + normal * 1.1;
        let rebound = away.direction() * (velocity.length() * POST_REBOUND);
        ball.velocity.x = rebound.x;
        ball.climb = rebound.y;
        touched = true;
    }
    touched
}

/// Stops a ball in the goal at the nets.
pub fn stop_at_net(ball: &mut Ball) {
    let depth = ball.position.x.abs() - HALF_LENGTH;
    if depth < BALL_RADIUS || ball.position.y.abs() > GOAL_HALF_WIDTH + 1.0 {
        return;
    }
    if depth > GOAL_DEPTH - BALL_RADIUS && ball.velocity.x * ball.position.x > 0.0 {
        ball.velocity.x *= 0.5;
        ball.position.x = (HALF_LENGTH + depth.min(GOAL_DEPTH)).copysign(ball.position.x);
    }
    if ball.position.y.abs() > GOAL_HALF_WIDTH - BALL_RADIUS
        && ball.velocity.y * ball.position.y > 0.0
    {
        ball.velocity.y *= 0.5;
    }
    if ball.height > GOAL_HEIGHT - BALL_RADIUS && ball.climb > 0.0 {
        ball.climb *= 0.5;
    }
}

/// A place of the ball.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BallPoint {
    /// The position in the plane.
    pub position: Vec2,
    /// The height of the centre.
    pub height: f32,
}

impl From<&Ball> for BallPoint {
    fn from(ball: &Ball) -> Self {
        Self { position: ball.position, height: ball.height }
    }
}

/// The places where the ball will be over the next 3 s if nobody touches it, every 0.1 s.
///
/// The path is computed when the ball is touched and then only extended at its end. It takes no account of posts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BallPath {
    /// A ring; the point of frame `origin + 10 k` lies at `k % 32`.
    points: [BallPoint; POINTS],
    /// The frame in which the path was computed.
    origin: u32,
    /// The number of the last point.
    last: u32,
    /// The ball at the last point.
    tip: Ball,
}

impl BallPath {
    /// Returns the path of a ball in the state that it has in `frame`.
    pub fn new(ball: &Ball, frame: u32) -> Self {
        let mut path = Self { origin: frame, tip: *ball, ..Self::default() };
        path.points[0] = ball.into();
        path.extend_to(30);
        path
    }

    /// Returns the path of a ball that stays where it is, whatever its height.
    pub fn resting(ball: &Ball, frame: u32) -> Self {
        Self { points: [ball.into(); POINTS], origin: frame, last: u32::MAX / 2, tip: *ball }
    }

    /// Keeps 3 s of the path ahead of `frame`.
    #[inline]
    pub fn extend(&mut self, frame: u32) {
        let needed = (frame - self.origin) / SPACING + 30;
        if needed > self.last {
            self.extend_to(needed);
        }
    }

    fn extend_to(&mut self, last: u32) {
        // A copy, which stays in registers.
        let mut tip = self.tip;
        while self.last < last {
            let before = tip;
            for _ in 0..SPACING {
                fly(&mut tip);
            }
            self.last += 1;
            self.points[self.last as usize % POINTS] = (&tip).into();
            if tip == before {
                // It rests.
                while self.last < last {
                    self.last += 1;
                    self.points[self.last as usize % POINTS] = (&before).into();
                }
            }
        }
        self.tip = tip;
    }

    /// Returns where the ball is `seconds` (0 to 2.9) after `frame`; positions between two points are interpolated.
    #[inline]
    pub fn at(&self, frame: u32, seconds: f32) -> BallPoint {
        let place = (frame - self.origin) as f32 * (1.0 / SPACING as f32) + seconds.max(0.0) * 10.0;
        let before = (place as u32).min(self.last - 1);
        let share = (place - before as f32).min(1.0);
        let from = self.points[before as usize % POINTS];
        let to = self.points[(before + 1) as usize % POINTS];
        BallPoint {
            position: from.position.mix(to.position, share),
            height: from.height + (to.height - from.height) * share,
        }
    }
}
