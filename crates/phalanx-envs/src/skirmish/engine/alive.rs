//! The living units of a team, contiguous in memory.

use std::ops::Range;

use super::battle::Units;

/// The living units of a team when they were last recorded, in order of their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct AliveUnits {
    pub(crate) units: Vec<u16>,
    pub(crate) x: Vec<f32>,
    pub(crate) y: Vec<f32>,
    /// The smallest rectangle around them; empty if none is alive.
    west: f32,
    east: f32,
    south: f32,
    north: f32,
}

impl AliveUnits {
    /// Reserves capacity for a team of `n`.
    pub(crate) fn reserve(&mut self, n: usize) {
        self.clear();
        self.units.reserve(n);
        self.x.reserve(n);
        self.y.reserve(n);
    }

    fn clear(&mut self) {
        self.units.clear();
        self.x.clear();
        self.y.clear();
    }

    /// Records the living units of `team` and their positions.
    pub(crate) fn look_at(&mut self, units: &Units, team: Range<usize>) {
        self.clear();
        (self.west, self.east) = (f32::INFINITY, f32::NEG_INFINITY);
        (self.south, self.north) = (f32::INFINITY, f32::NEG_INFINITY);
        for i in team {
            if units.alive(i) {
                let (x, y) = (units.x[i], units.y[i]);
                self.units.push(i as u16);
                self.x.push(x);
                self.y.push(y);
                self.west = self.west.min(x);
                self.east = self.east.max(x);
                self.south = self.south.min(y);
                self.north = self.north.max(y);
            }
        }
    }

    /// Returns whether a point is at most `reach` away, in both coordinates, from the rectangle around
    /// the units.
    #[inline]
    pub(crate) fn come_within(&self, reach: f32, x: f32, y: f32) -> bool {
        x + reach >= self.west
            && x - reach <= self.east
            && y + reach >= self.south
            && y - reach <= self.north
    }
}
