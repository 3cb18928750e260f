//! Where a body can touch a ball that it does not control: the moves of goalkeepers and of tackles.
//!
//! The original selects recorded moves. Each has a frame in which it meets the ball, at a place relative to the body;
//! a ball near that place at that time will do. The tables hold those places.

use std::f32::consts::PI;

use super::Match;
use super::player::Player;
use super::vec2::Vec2;
use crate::math::pow;

/// The class of a speed, for which a move is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gait {
    /// Below 1.8 m/s.
    Standing,
    /// Below 6 m/s.
    Walking,
    /// Faster.
    Sprinting,
}

impl Gait {
    pub(super) fn of(speed: f32) -> Self {
        if speed < 1.8 {
            Self::Standing
        } else if speed < 6.0 {
            Self::Walking
        } else {
            Self::Sprinting
        }
    }

    fn speed(self) -> f32 {
        match self {
            Self::Standing => 0.0,
            Self::Walking => 5.0,
            Self::Sprinting => 8.0,
        }
    }

    /// Returns whether a body of this gait makes moves of another.
    fn makes(self, of: Self) -> bool {
        match self {
            Self::Standing => of == Self::Standing,
            Self::Walking | Self::Sprinting => of != Self::Standing,
        }
    }
}

/// A move. Places are (to the right, ahead) of where the body is when it begins; each move exists mirrored, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    /// The gait before it.
    pub gait: Gait,
    /// Whether the hands hold the ball.
    pub hold: bool,
    /// The frame in which it meets the ball.
    pub contact: u16,
    /// The frames that it takes.
    pub frames: u16,
    /// Where it meets the ball, and how high.
    pub ball: [f32; 3],
    /// Where the body is then.
    pub body: [f32; 2],
    /// Where the body is at the end.
    pub end: [f32; 2],
    /// The direction in which the ball comes.
    pub comes: [f32; 2],
    /// Whether the body lies on the ground after it.
    pub lies: bool,
    /// The largest angle between the ball's flight and `comes`, in half turns; zero takes that of the tolerance.
    pub spread: f32,
    /// The factor on the radius: moves that take longer reach further.
    pub stretch: f32,
}

impl Move {
    /// Returns whether the body walks sideways before it.
    pub(super) fn is_sidestep(&self) -> bool {
        self.gait == Gait::Walking && self.comes == [1.0, 0.0]
    }

    /// Returns whether it pushes on a ball from any direction.
    pub(super) fn is_push(&self) -> bool {
        self.spread == 1.0
    }
}

/// Shapes of what counts as near.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    /// The radius before the factors of the gait.
    pub radius: f32,
    /// What is added to it.
    pub offset: f32,
    /// The largest angle between the ball's flight and that of the move.
    pub angle: f32,
    /// The factor on differences in height.
    pub height: f32,
    /// Whether the body keeps its own run until it meets the ball, rather than that of the move.
    pub runs: bool,
}

impl Match {
    /// Returns the first of `moves` that meets the ball, and its side: -1 or 1. The player believes the ball to be where it
    /// will be `ahead_of_time` seconds later.
    pub(super) fn fitting_move(
        &self,
        player: &Player,
        moves: &'static [Move],
        tolerance: Tolerance,
        ahead_of_time: f32,
        allow: impl Fn(&Move) -> bool,
    ) -> Option<(usize, f32)> {
        let speed = player.velocity.length();
        // The width of the ellipse in which a ball is near, against its length.
        let narrow = 0.6 - 0.3 * pow((speed / 8.0).min(1.0), 0.7);
        let gait = Gait::of(speed);
        let ahead =
            if gait == Gait::Standing { player.facing } else { player.velocity.direction() };
        let right = Vec2::new(-ahead.y, ahead.x);
        let soon = self.ball_at(0.18 + ahead_of_time).position
            - self.ball_at(0.12 + ahead_of_time).position;
        let flight = Vec2::new(soon.dot(right), soon.dot(ahead)).direction();
        // Moves of the body's own run are preferred.
        let passes = if tolerance.runs { 2 } else { 1 };
        let numbers = (0..passes).flat_map(|pass| (0..moves.len()).map(move |n| (pass, n)));
        for (pass, number) in numbers {
            let candidate = &moves[number];
            let own = candidate.gait == gait;
            if !gait.makes(candidate.gait)
                || (passes == 2 && own != (pass == 0))
                || !allow(candidate)
            {
                continue;
            }
            let ball = self.ball_at(f32::from(candidate.contact) * 0.01 + ahead_of_time);
            let relative = ball.position - player.position;
            let there = Vec2::new(relative.dot(right), relative.dot(ahead));
            if there.length_squared() > 25.0 {
                continue;
            }
            let drop = height_gap(candidate.ball[2], ball.height) * tolerance.height;
            if drop >= 0.22 {
                continue;
            }
            let angle =
                if candidate.spread > 0.0 { candidate.spread * PI } else { tolerance.angle };
            for side in [1.0, -1.0] {
                if !is_near(candidate, side, there, speed, narrow, tolerance) {
                    continue;
                }
                let comes = Vec2::new(candidate.comes[0] * side, candidate.comes[1]);
                if flight == Vec2::ZERO || comes.angle_to(flight).abs() <= angle {
                    return Some((number, side));
                }
            }
        }
        None
    }
}

/// Returns the difference in height that counts: balls above the knee are met more easily, those above 1.8 m hardly
/// above the planned place.
fn height_gap(planned: f32, height: f32) -> f32 {
    let mut gap = (height - planned).abs();
    gap *= 1.0 - ((planned - 0.11) * 0.3).clamp(0.0, 0.2);
    gap *= 1.0 - ((height - 0.11) * 0.4).clamp(0.0, 0.3);
    if height > 1.8 && height > planned + 0.12 {
        gap *= 2.0;
    }
    if height > 2.6 && height > planned + 0.08 {
        gap *= 20.0;
    }
    gap
}

/// Returns whether a ball is near enough to where a move meets it: within an ellipse, longer along the run, that
/// extends backwards for moving bodies.
fn is_near(
    candidate: &Move,
    side: f32,
    there: Vec2,
    speed: f32,
    narrow: f32,
    tolerance: Tolerance,
) -> bool {
    let mut planned = Vec2::new(candidate.ball[0] * side, candidate.ball[1]);
    let mut body = Vec2::new(candidate.body[0] * side, candidate.body[1]);
    if tolerance.runs {
        let run = Vec2::new(0.0, speed * f32::from(candidate.contact) * 0.01);
        planned += run - body;
        body = run;
    }
    let front = body + Vec2::new(0.0, 0.1);
    let bonus = |place: Vec2| 1.0 - (front.distance(place) / 0.7).min(1.0);
    let (planned_bonus, actual_bonus) = (bonus(planned), bonus(there));
    let mean_speed = 0.5 * (speed + candidate.gait.speed() * 0.5);
    let slow = 1.0 - (mean_speed / 8.0).min(1.0);
    let factor =
        1.0 + planned_bonus + 0.6 * actual_bonus + 0.8 * planned_bonus * actual_bonus + slow;
    let radius = tolerance.radius * candidate.stretch * factor * (1.0 / narrow).sqrt();
    let mut off = there - planned;
    off.x /= narrow;
    let behind =
        Vec2::new(0.0, -(speed / 8.0).min(1.0).sqrt()) * ((radius + 0.6 * tolerance.offset) * 0.5);
    (off - behind).length() <= (radius + tolerance.offset) * 0.5 + 0.02
}

/// Returns the factor on the radius of a move that meets the ball in a frame.
const fn stretch(contact: u16) -> f32 {
    let time = pow(contact as f32 / 24.0, 0.7);
    if time > 1.0 { 1.0 + (time - 1.0) * 0.5 } else { time }
}

/// Makes a row of a table: gait, hold, frame of contact, frames, ball, body then, body at the end, flight, lies.
#[allow(clippy::too_many_arguments, reason = "the columns of the tables below")]
const fn step(
    gait: Gait,
    hold: bool,
    contact: u16,
    frames: u16,
    ball: [f32; 3],
    body: [f32; 2],
    end: [f32; 2],
    comes: [f32; 2],
    lies: bool,
) -> Move {
    Move {
        gait,
        hold,
        contact,
        frames,
        ball,
        body,
        end,
        comes,
        lies,
        spread: 0.0,
        stretch: stretch(contact),
    }
}

use Gait::{Sprinting, Standing, Walking};

/// The saves of a goalkeeper. Those that hold the ball come first: they are preferred.
#[rustfmt::skip]
pub(super) static SAVES: [Move; 28] = [
    step(Standing, true, 14, 82, [-0.08, 0.74, 0.13], [0.00, 0.13], [0.00, 0.16], [0.29, -0.96], false),
    step(Standing, true, 12, 51, [0.24, 0.32, 2.06], [0.02, 0.02], [0.20, 0.02], [0.29, -0.96], false),
    step(Standing, true, 9, 49, [-0.05, 0.52, 0.63], [0.00, 0.04], [0.00, 0.16], [0.29, -0.96], false),
    step(Standing, true, 10, 47, [0.00, 0.57, 1.42], [0.00, 0.02], [0.00, 0.02], [0.29, -0.96], false),
    step(Standing, true, 36, 58, [1.70, 0.69, 0.11], [0.93, 0.28], [1.32, 0.34], [0.00, -1.00], true),
    step(Standing, true, 17, 50, [-1.34, 0.07, 0.76], [-0.30, 0.00], [-0.98, 0.00], [0.00, -1.00], true),
    step(Sprinting, true, 19, 52, [-0.40, 2.00, 0.11], [0.00, 1.28], [0.00, 2.02], [0.00, -1.00], true),
    step(Sprinting, true, 17, 40, [-0.61, 2.31, 0.19], [0.00, 1.56], [0.00, 2.20], [1.00, 0.00], true),
    step(Walking, true, 17, 85, [-0.08, 1.24, 0.13], [0.00, 0.65], [0.00, 0.96], [0.29, -0.96], false),
    step(Walking, true, 9, 49, [-0.05, 0.52, 0.63], [0.00, 0.42], [0.00, 0.97], [0.29, -0.96], false),
    step(Walking, true, 13, 50, [-0.02, 1.08, 1.44], [0.00, 0.50], [0.00, 0.78], [0.29, -0.96], false),
    step(Walking, true, 28, 56, [-0.44, 1.58, 0.27], [0.00, 0.91], [0.00, 1.00], [1.00, 0.00], true),
    step(Walking, true, 18, 37, [-0.30, 1.11, 2.28], [0.00, 0.89], [0.00, 1.53], [1.00, 0.00], false),
    step(Walking, true, 20, 56, [-0.45, 1.11, 0.88], [0.00, 0.77], [0.00, 1.00], [1.00, 0.00], true),
    step(Walking, true, 18, 37, [-0.43, 1.20, 1.53], [0.00, 0.89], [0.00, 1.53], [1.00, 0.00], false),
    step(Standing, false, 12, 40, [0.60, 0.30, 2.21], [0.02, 0.02], [0.20, 0.02], [0.00, -1.00], false),
    step(Standing, false, 18, 67, [0.24, 0.25, 2.55], [0.16, 0.12], [0.44, 0.20], [0.00, -1.00], false),
    step(Standing, false, 29, 60, [-0.87, 0.65, 2.23], [-0.26, 0.17], [-0.56, 0.36], [0.00, -1.00], false),
    step(Standing, false, 36, 54, [2.53, 0.31, 0.11], [1.17, 0.28], [1.62, 0.34], [0.00, -1.00], true),
    step(Standing, false, 31, 84, [-1.26, 0.31, 2.09], [-0.42, 0.10], [-1.06, 0.20], [0.00, -1.00], true),
    step(Standing, false, 31, 80, [-1.94, 0.50, 0.94], [-0.78, 0.14], [-2.06, 0.34], [0.00, -1.00], true),
    step(Standing, false, 31, 81, [-1.54, 0.49, 1.64], [-0.56, 0.14], [-1.22, 0.34], [0.00, -1.00], true),
    step(Sprinting, false, 17, 41, [-0.40, 2.89, 0.11], [0.00, 1.56], [0.00, 2.34], [1.00, 0.00], true),
    step(Walking, false, 22, 66, [1.80, 1.72, 0.47], [0.59, 1.05], [1.40, 1.72], [0.71, -0.71], true),
    step(Walking, false, 35, 71, [-0.25, 3.01, 0.15], [0.00, 1.73], [0.00, 2.38], [1.00, 0.00], true),
    step(Walking, false, 32, 84, [-0.28, 1.90, 2.00], [0.00, 1.13], [0.00, 1.84], [1.00, 0.00], true),
    step(Walking, false, 35, 71, [-0.25, 2.85, 0.97], [0.00, 1.63], [0.00, 2.34], [1.00, 0.00], true),
    step(Walking, false, 35, 82, [-0.26, 2.45, 1.48], [0.00, 1.31], [0.00, 2.08], [1.00, 0.00], true),
];

/// The tackles from a run or a stand, without sliding.
#[rustfmt::skip]
pub(super) static TACKLES: [Move; 7] = [
    step(Standing, false, 11, 29, [-0.10, 1.04, 0.11], [0.00, 0.16], [0.00, 0.36], [-0.20, -0.98], false),
    step(Standing, false, 43, 94, [0.07, 1.18, 1.80], [0.00, 0.54], [0.00, 0.98], [-0.20, -0.98], false),
    step(Standing, false, 15, 36, [-1.25, 0.11, 0.11], [-0.34, 0.02], [-0.48, 0.04], [-0.20, -1.00], false),
    step(Sprinting, false, 25, 67, [0.10, 1.61, 1.78], [0.00, 1.10], [0.00, 2.12], [-0.20, -0.98], false),
    step(Sprinting, false, 12, 40, [-0.14, 1.75, 0.11], [0.00, 0.84], [0.00, 2.26], [0.85, 0.52], false),
    step(Walking, false, 24, 59, [0.65, 0.17, 0.11], [0.00, 0.71], [-0.22, 1.14], [-0.85, -0.53], false),
    step(Walking, false, 9, 27, [-0.05, 1.31, 0.11], [0.00, 0.50], [0.00, 0.96], [-1.00, 0.40], false),
];

/// Makes a row of [`TRAPS`]: gait, frame of contact, frames, ball, body then, body at the end, flight, largest angle.
#[allow(clippy::too_many_arguments, reason = "the columns of the table below")]
const fn touch(
    gait: Gait,
    contact: u16,
    frames: u16,
    ball: [f32; 3],
    body: [f32; 2],
    end: [f32; 2],
    comes: [f32; 2],
    spread: f32,
) -> Move {
    Move {
        gait,
        hold: false,
        contact,
        frames,
        ball,
        body,
        end,
        comes,
        lies: false,
        spread,
        stretch: stretch(contact),
    }
}

/// The ways to receive a ball, and the steps straight ahead that push it on.
#[rustfmt::skip]
pub(super) static TRAPS: [Move; 45] = [
    touch(Standing, 20, 43, [-0.08, 0.20, 0.11], [0.04, 0.00], [-0.06, 0.00], [0.00, -1.00], 0.250),
    touch(Standing, 12, 33, [-0.26, 0.08, 0.11], [-0.13, 0.00], [-0.71, 0.01], [-0.10, -1.00], 0.250),
    touch(Standing, 24, 57, [-0.25, 0.19, 0.11], [0.06, -0.03], [-0.10, -0.14], [0.00, -1.00], 0.250),
    touch(Standing, 18, 52, [-0.14, -0.18, 0.11], [0.02, -0.04], [0.44, -0.59], [0.00, -1.00], 0.125),
    touch(Standing, 14, 43, [-0.22, -0.07, 0.11], [0.02, -0.15], [-0.38, -0.62], [0.00, -1.00], 0.250),
    touch(Standing, 39, 68, [0.01, 0.12, 1.23], [0.00, -0.16], [0.00, -0.20], [0.00, -1.00], 0.500),
    touch(Standing, 51, 96, [-0.04, 0.00, 1.57], [0.00, -0.21], [0.00, -0.54], [0.00, -1.00], 0.500),
    touch(Standing, 15, 35, [0.00, 0.19, 0.89], [0.00, -0.02], [0.00, 0.04], [-0.20, -0.98], 0.500),
    touch(Standing, 11, 34, [-0.13, 0.57, 0.78], [0.00, 0.09], [0.00, 0.82], [0.00, -1.00], 0.500),
    touch(Standing, 39, 68, [0.01, -0.09, 1.27], [0.00, -0.08], [-0.04, -0.24], [0.00, -1.00], 0.250),
    touch(Standing, 24, 54, [0.16, 0.05, 1.09], [-0.12, -0.15], [-0.22, -0.30], [-0.31, -0.95], 0.500),
    touch(Sprinting, 14, 25, [0.05, 1.41, 0.11], [0.00, 0.89], [0.00, 1.40], [-1.00, 0.00], 0.250),
    touch(Sprinting, 35, 56, [0.00, 2.60, 1.34], [0.00, 2.40], [0.00, 3.60], [0.00, -1.00], 0.500),
    touch(Sprinting, 17, 45, [0.05, 1.99, 0.65], [0.00, 1.04], [0.00, 2.34], [-0.98, 0.20], 0.300),
    touch(Walking, 28, 47, [0.13, 1.27, 0.11], [0.00, 0.77], [0.00, 0.93], [0.00, -1.00], 0.250),
    touch(Walking, 12, 26, [-0.07, 1.06, 0.11], [0.00, 0.60], [0.00, 1.12], [0.00, -1.00], 0.250),
    touch(Walking, 33, 49, [0.00, 1.94, 0.11], [0.00, 1.34], [0.00, 2.01], [1.00, 0.00], 0.250),
    touch(Walking, 33, 57, [-0.01, 1.60, 0.11], [0.00, 1.07], [0.00, 1.27], [1.00, 0.00], 0.250),
    touch(Walking, 24, 49, [0.15, 1.04, 0.11], [0.00, 0.97], [0.00, 1.87], [-1.00, 0.00], 0.250),
    touch(Walking, 34, 65, [-0.02, 1.51, 0.11], [0.00, 1.20], [0.00, 1.43], [1.00, 0.00], 0.250),
    touch(Walking, 44, 67, [-0.35, 1.67, 0.11], [-0.03, 1.92], [-0.06, 2.80], [0.71, 0.71], 0.125),
    touch(Walking, 36, 54, [0.21, 1.17, 0.11], [0.00, 1.26], [0.00, 1.44], [-0.71, 0.71], 0.250),
    touch(Walking, 29, 54, [0.18, 0.85, 0.11], [-0.03, 0.78], [-0.08, 0.89], [0.00, -1.00], 0.250),
    touch(Walking, 34, 78, [-0.20, 1.58, 0.11], [0.00, 1.20], [0.16, 1.55], [1.00, 0.00], 0.250),
    touch(Walking, 44, 79, [-0.35, 1.67, 0.11], [-0.03, 1.71], [-0.04, 2.05], [0.71, 0.71], 0.125),
    touch(Walking, 36, 55, [0.23, 1.25, 0.11], [0.00, 1.32], [0.00, 1.60], [-0.71, 0.71], 0.250),
    touch(Walking, 25, 42, [0.00, 1.68, 1.13], [0.00, 1.26], [0.00, 2.06], [0.00, -1.00], 0.700),
    touch(Walking, 19, 51, [-0.03, 1.04, 1.44], [0.00, 0.85], [0.02, 1.35], [0.63, -0.78], 0.500),
    touch(Walking, 30, 52, [0.03, 1.85, 0.52], [0.00, 1.05], [0.00, 1.62], [0.00, 1.00], 0.800),
    touch(Walking, 12, 26, [-0.03, 1.04, 0.81], [0.00, 0.61], [0.00, 1.22], [0.00, -1.00], 0.700),
    touch(Walking, 27, 60, [0.22, 0.82, 1.13], [0.07, 0.73], [0.50, 0.51], [-0.45, -0.89], 0.500),
    touch(Walking, 24, 51, [-0.27, 1.33, 1.21], [0.00, 1.17], [0.00, 2.47], [1.00, 0.00], 0.500),
    touch(Walking, 47, 74, [-0.25, 2.49, 1.30], [-0.04, 2.31], [-0.04, 3.32], [0.81, -0.59], 0.500),
    touch(Walking, 40, 102, [-0.28, 1.81, 1.49], [0.00, 1.78], [0.00, 3.86], [0.76, 0.66], 0.500),
    touch(Walking, 44, 112, [0.02, 1.49, 1.49], [0.00, 1.74], [0.00, 3.54], [0.56, 0.83], 0.500),
    touch(Standing, 12, 38, [0.00, 0.57, 0.11], [0.00, 0.07], [0.00, 0.20], [0.00, -1.00], 1.000),
    touch(Standing, 8, 28, [0.00, 0.35, 0.11], [0.00, 0.14], [0.00, 0.74], [0.00, -1.00], 1.000),
    touch(Standing, 8, 28, [0.00, 0.63, 0.11], [0.00, 0.14], [0.00, 0.74], [0.00, -1.00], 1.000),
    touch(Walking, 12, 26, [0.00, 1.10, 0.11], [0.00, 0.60], [0.00, 1.26], [0.00, -1.00], 1.000),
    touch(Walking, 9, 26, [0.00, 0.64, 0.11], [0.00, 0.45], [0.00, 1.26], [0.00, -1.00], 1.000),
    touch(Walking, 15, 26, [0.00, 1.06, 0.11], [0.00, 0.73], [0.00, 1.41], [0.00, -1.00], 1.000),
    touch(Walking, 6, 26, [-0.04, 0.27, 0.11], [0.00, 0.28], [0.00, 1.33], [0.00, -1.00], 1.000),
    touch(Sprinting, 12, 25, [0.00, 1.32, 0.11], [0.00, 0.84], [0.00, 1.68], [0.00, -1.00], 1.000),
    touch(Sprinting, 6, 22, [0.00, 0.40, 0.11], [0.00, 0.42], [0.00, 1.26], [0.00, -1.00], 1.000),
    touch(Sprinting, 12, 25, [0.00, 1.27, 0.11], [0.00, 0.75], [0.00, 1.38], [0.00, -1.00], 1.000),
];
