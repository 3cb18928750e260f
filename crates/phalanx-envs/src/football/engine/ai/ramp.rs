//! Two shapes that most rules of the built-in players are made of.

use std::f32::consts::PI;

use crate::math::sin;

/// Returns how far `value` is on the way from `low` to `high`, from 0 to 1.
#[inline]
pub fn ramp(value: f32, low: f32, high: f32) -> f32 {
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}

/// Bends a line from 0 to 1 into half a wave, `sin((x - 1/2) π) / 2 + 1/2`, mixed with the line: `bias` 1 is all wave.
#[inline]
pub fn curve(x: f32, bias: f32) -> f32 {
    (sin((x - 0.5) * PI) * 0.5 + 0.5) * bias + x * (1.0 - bias)
}
