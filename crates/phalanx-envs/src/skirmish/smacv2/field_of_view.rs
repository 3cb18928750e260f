//! The cone of sight (`conic_fov`): agents see only where they look.

use std::f64::consts::TAU;

/// What SMACv2 puts in the place of smaller differences of x, so that it never divides by zero.
const EPSILON: f32 = 1e-7;

/// A cone of sight that can be turned to `n` directions, `360 / n` degrees wide.
#[derive(Clone, Debug)]
pub(crate) struct FieldOfView {
    /// The unit vectors of the directions, counter-clockwise from east, where agents look first.
    directions: Vec<(f32, f32)>,
    /// The cosine of half the width.
    cosine: f32,
    exact: bool,
}

impl FieldOfView {
    /// Creates a cone with `n` directions. Unless `exact`, it has the flaw of SMACv2, which
    /// compares slopes: it ignores whether the agent looks east or west, and so also sees some of
    /// what lies at its back.
    pub(crate) fn new(n: usize, exact: bool) -> Self {
        let angle = |i: usize| TAU * i as f64 / n as f64;
        let directions = (0..n).map(|i| (angle(i).cos() as f32, angle(i).sin() as f32)).collect();
        Self { directions, cosine: (TAU / 2.0 / n as f64).cos() as f32, exact }
    }

    /// Returns the unit vector of direction `look`.
    #[inline]
    pub(crate) fn direction(&self, look: u8) -> (f32, f32) {
        self.directions[usize::from(look)]
    }

    /// Returns whether a point at `(dx, dy)` from an agent that faces `look` is inside, at any
    /// distance.
    ///
    /// With `d` the difference and `f` the direction, the angle between them is below half the
    /// width `w` where `d . f > cos(w / 2) |d| |f|`. SMACv2 compares `arctan(d_y / d_x)` with
    /// `arctan(f_y / f_x)` after giving `f_x` the sign of `d_x`; that is the same inequality with
    /// the sign changed in both.
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
mod tests {
    use super::*;

    /// SMACv2's test, in its own words.
    fn original(n: usize, look: usize, dx: f64, dy: f64) -> bool {
        let epsilon = 1e-7;
        let clamp = |x: f64| if dx > 0.0 { x.max(epsilon) } else { x.min(-epsilon) };
        let angle = TAU * look as f64 / n as f64;
        let object = (dy / clamp(dx)).atan();
        let facing = (angle.sin() / clamp(angle.cos())).atan();
        (object - facing).abs() < TAU / n as f64 / 2.0
    }

    /// Points around the agent that lie on no edge of a cone.
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
