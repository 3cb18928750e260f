//! Collision: units that overlap are pushed apart.
//!
//! Testing all pairs is the costliest part of a game loop, so a survey lists the pairs whose gap is at
//! most [`Battle::margin`], and the list is used until units may have come that much nearer. The result
//! is the same, because a pair that does not overlap has no effect.

use super::battle::{Battle, FAR};
use super::simd::{CAPACITY, LANES, groups, groups_mut};

/// Capacity for all pairs, a power of two.
pub(crate) const MAX_PAIRS: usize = CAPACITY * CAPACITY / 2;
/// Subtracted from a gap as a safeguard against rounding.
pub(crate) const ROUNDING: f32 = 1e-3;

/// Two units near each other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair {
    first: u8,
    second: u8,
    /// The sum of their radii.
    contact: f32,
}

/// Added to the first group of a row, so that every pair is tested once: row `l` excludes the lanes up
/// to `l`.
const LATER: [[f32; LANES]; LANES] = {
    let mut rows = [[0.0; LANES]; LANES];
    let mut row = 0;
    while row < LANES {
        let mut lane = 0;
        while lane <= row {
            rows[row][lane] = FAR;
            lane += 1;
        }
        row += 1;
    }
    rows
};

impl Battle {
    /// Computes one pass of JaxMARL's collision rule over all pairs of living units.
    ///
    /// A unit at `p` moves by half the sum, over all other units at `q`, of
    pub(crate) fn push_apart(&mut self) {
        if self.slack <= 0.0 {
            self.survey();
        }
        let mut pushed = false;
        for pair in &self.pairs[..self.n_pairs] {
            let (first, second) =
                (usize::from(pair.first) % CAPACITY, usize::from(pair.second) % CAPACITY);
            let (dx, dy) = (self.x[first] - self.x[second], self.y[first] - self.y[second]);
            let squared = dx * dx + dy * dy;
            if squared >= pair.contact * pair.contact {
                continue;
            }
            let overlap = pair.contact / (squared.sqrt() + 1e-6) - 1.0;
            if overlap > 0.0 {
                let (dx, dy) = (dx * overlap, dy * overlap);
                self.push_x[first] += dx;
                self.push_y[first] += dy;
                self.push_x[second] -= dx;
                self.push_y[second] -= dy;
                pushed = true;
            }
        }
        if pushed {
            self.apply_pushes();
        }
    }

    /// Applies the displacements that [`Battle::push_apart`] has summed, and clears them.
    fn apply_pushes(&mut self) {
        let n = self.n_groups;
        let xs = groups_mut(&mut self.x, n).iter_mut();
        let places = xs.zip(groups_mut(&mut self.y, n));
        let pushes =
            groups_mut(&mut self.push_x, n).iter_mut().zip(groups_mut(&mut self.push_y, n));
        let mut furthest = [0.0_f32; LANES];
        for ((x, y), (push_x, push_y)) in places.zip(pushes) {
            for lane in 0..LANES {
                let (dx, dy) = (push_x[lane] * 0.5, push_y[lane] * 0.5);
                x[lane] += dx;
                y[lane] += dy;
                let moved = dx.abs() + dy.abs();
                furthest[lane] = if moved > furthest[lane] { moved } else { furthest[lane] };
            }
            *push_x = [0.0; LANES];
            *push_y = [0.0; LANES];
        }
        let furthest = furthest.iter().fold(0.0_f32, |most, &moved| most.max(moved));
        self.slack -= 2.0 * furthest;
        self.room -= furthest;
    }

    /// Lists all pairs of living units whose gap is below the margin.
    fn survey(&mut self) {
        let limit = self.reach + self.margin;
        let limit = limit * limit;
        self.n_pairs = 0;
        for unit in 0..self.n_units {
            if !self.alive(unit) {
                continue;
            }
            let (x, y) = (self.x[unit], self.y[unit]);
            let mut later = &LATER[unit % LANES];
            for group in unit / LANES..self.n_groups {
                let xs = &groups(&self.x, self.n_groups)[group];
                let ys = &groups(&self.y, self.n_groups)[group];
                let away = &groups(&self.away, self.n_groups)[group];
                let mut squared = [0.0; LANES];
                let mut near = false;
                for lane in 0..LANES {
                    let (dx, dy) = (x - xs[lane], y - ys[lane]);
                    squared[lane] = dx * dx + dy * dy + (away[lane] + later[lane]);
                    near |= squared[lane] < limit;
                }
                later = &[0.0; LANES];
                if near {
                    self.list(unit, group * LANES, &squared, limit);
                }
            }
        }
        self.slack = self.margin - ROUNDING;
    }

    fn list(&mut self, unit: usize, start: usize, squared: &[f32; LANES], limit: f32) {
        for (lane, &squared) in squared.iter().enumerate() {
            let other = (start + lane) % CAPACITY;
            // Always written, and kept by advancing the count, so that no branch can be mispredicted.
            self.pairs[self.n_pairs % MAX_PAIRS] = Pair {
                first: unit as u8,
                second: other as u8,
                contact: self.radius[unit] + self.radius[other],
            };
            self.n_pairs += usize::from(squared < limit);
        }
    }
}
