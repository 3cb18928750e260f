//! The pitch: sizes in metres, and the units of observations.

use super::vec2::Vec2;

/// The duration of a frame, in seconds.
pub const FRAME: f32 = 0.01;
/// The frames of a step.
pub const FRAMES_PER_STEP: usize = 10;
/// Half the length of the pitch.
pub const HALF_LENGTH: f32 = 55.0;
/// Half the width of the pitch.
pub const HALF_WIDTH: f32 = 36.0;
/// Half the width of a line.
pub const HALF_LINE: f32 = 0.06;
/// Half the width of a goal.
pub const GOAL_HALF_WIDTH: f32 = 3.7;
/// The height of the bar.
pub const GOAL_HEIGHT: f32 = 2.5;
/// The radius of the ball.
pub const BALL_RADIUS: f32 = 0.11;
/// Metres per observed unit along `x`.
pub const UNIT_X: f32 = 54.4;
/// Metres per observed unit along `y`.
pub const UNIT_Y: f32 = 83.6;

/// Converts metres into observed units.
pub fn observed(position: Vec2) -> [f32; 2] {
    [position.x / UNIT_X, position.y / UNIT_Y]
}
