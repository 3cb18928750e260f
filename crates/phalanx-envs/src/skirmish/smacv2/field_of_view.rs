//! The field of view (`conic_fov`): agents see only in their viewing direction.

use std::f64::consts::TAU;

use crate::math::sin_cos;

/// SMACv2's replacement for smaller differences in x, which avoids division by zero.
const EPSILON: f32 = 1e-7;

/// A conic field of view with `n` directions, `360 / n` degrees wide.
#[derive(Clone, Debug)]
pub(crate) struct FieldOfView {
    /// The unit vectors of the directions, counter-clockwise from east, the initial direction.
    directions: Vec<(f32, f32)>,
    /// The cosine of half the width.
    cosine: f32,
    exact: bool,
}

impl FieldOfView {
    /// Creates a cone with `n` directions. Unless `exact`, it reproduces SMACv2's flaw: slopes are
    /// compared regardless of whether the agent looks east or west, so that it also sees part of the
    /// opposite direction.
    pub(crate) fn new(n: usize, exact: bool) -> Self {
        let angle = |i: usize| TAU * i as f64 / n as f64;
        let direction = |i| {
            let (sin, cos) = sin_cos(angle(i));
            (cos as f32, sin as f32)
        };
        let cosine = sin_cos(TAU / 2.0 / n as f64).1 as f32;
        Self { directions: (0..n).map(direction).collect(), cosine, exact }
    }

    /// Returns the unit vector of direction `look`.
    #[inline]
    pub(crate) fn direction(&self, look: u8) -> (f32, f32) {
        self.directions[usize::from(look)]
    }

    /// Returns whether a point at `(dx, dy)` from an agent that faces `look` is inside the cone, at any
    /// distance.
    ///
    /// With the difference `d` and the direction `f`, the angle between them is below half the width `w`
    /// if `d . f > cos(w / 2) |d| |f|`. SMACv2 compares `arctan(d_y / d_x)` with `arctan(f_y / f_x)`
    /// after giving `f_x` the sign of `d_x`; that is the same inequality with the sign of both sides
    /// changed.
    #[inline]
    pub(crate) fn holds(&self, look: u8, dx: f32, dy: f32) -> bool {
        let (mut x, y) = self.direction(look);
        let mut dx = dx;
        if self.exact {
            if dx == 0.0 && dy == 0.0 {
                return true;
            }
        } else if dx > 0.0 {
            (dx, x) = (dx.max(EPSILON), x.max(EPSILON));
        } else {
            (dx, x) = (dx.min(-EPSILON), x.min(-EPSILON));
        }
        let lengths = ((dx * dx + dy * dy) * (x * x + y * y)).sqrt();
        dx * x + dy * y > self.cosine * lengths
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the original calls the platform's functions")]
mod tests {
    use super::*;

    /// SMACv2's test, as in its code.
    fn original(n: usize, look: usize, dx: f64, dy: f64) -> bool {
        let epsilon = 1e-7;
        let clamp = |x: f64| if dx > 0.0 { x.max(epsilon) } else { x.min(-epsilon) };
        let angle = TAU * look as f64 / n as f64;
        let object = (dy / clamp(dx)).atan();
        let facing = (angle.sin() / clamp(angle.cos())).atan();
        (object - facing).abs() < TAU / n as f64 / 2.0
    }

    /// Points around the agent that are not on the edge of a cone.
    fn points() -> impl Iterator<Item = (f64, f64)> {
        (0..360).map(|i| (f64::from(i) + 0.3).to_radians()).map(|a| (4.0 * a.cos(), 4.0 * a.sin()))
    }

    #[test]
    fn the_cone_with_its_flaw_is_that_of_smacv2() {
        for n in [4, 8, 12] {
            let cone = FieldOfView::new(n, false);
            for look in 0..n {
                for (dx, dy) in points() {
                    let ours = cone.holds(look as u8, dx as f32, dy as f32);
                    assert_eq!(ours, original(n, look, dx, dy), "{n}, {look}: ({dx}, {dy})");
                }
            }
        }
    }

    #[test]
    fn the_exact_cones_share_the_circle_among_them() {
        let cone = FieldOfView::new(12, true);
        for (dx, dy) in points() {
            let looks = (0..12).filter(|&look| cone.holds(look, dx as f32, dy as f32)).count();
            assert_eq!(looks, 1, "({dx}, {dy})");
        }
        assert!(cone.holds(0, 3.0, 0.1) && !cone.holds(0, -3.0, 0.1));
        assert!(cone.holds(3, 0.1, 3.0) && cone.holds(9, 0.1, -3.0));
        // The flawed cone looks east and sees what is in the west.
        assert!(FieldOfView::new(12, false).holds(0, -3.0, 0.1));
    }
}
