//! Where the ball was lately.

use serde::{Deserialize, Serialize};

use crate::football::engine::vec2::Vec2;

/// The frames between two points.
const SPACING: u32 = 20;
/// The points kept: 4.2 s.
const POINTS: usize = 21;

/// The places of the ball over the last four seconds, every 0.2 s, and their averages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trail {
    /// A ring.
    points: [Vec2; POINTS],
    /// The place of the newest point in the ring.
    newest: usize,
    /// The average of the newest points: of one, two, ….
    averages: [Vec2; POINTS],
}

impl Default for Trail {
    fn default() -> Self {
        Self::at(Vec2::ZERO)
    }
}

impl Trail {
    /// Returns the trail of a ball that has not moved.
    pub fn at(ball: Vec2) -> Self {
        Self { points: [ball; POINTS], newest: 0, averages: [ball; POINTS] }
    }

    /// Records the place of the ball in a frame.
    pub fn record(&mut self, frame: u32, ball: Vec2) {
        if !frame.is_multiple_of(SPACING) {
            return;
        }
        self.newest = (self.newest + 1) % POINTS;
        self.points[self.newest] = ball;
        let mut sum = Vec2::ZERO;
        for back in 0..POINTS {
            sum += self.points[(self.newest + POINTS - back) % POINTS];
            self.averages[back] = sum * (1.0 / (back + 1) as f32);
        }
    }

    /// Returns the average place of the ball over the last `seconds` (at most 4).
    pub fn average(&self, seconds: f32) -> Vec2 {
        let place = (seconds * 5.0).clamp(0.0, (POINTS - 1) as f32);
        let before = (place as usize).min(POINTS - 2);
        self.averages[before].mix(self.averages[before + 1], place - before as f32)
    }
}
