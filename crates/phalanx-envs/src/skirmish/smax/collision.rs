//! Collision: units that overlap are pushed apart.

use super::battle::{Battle, CAPACITY, FAR, LANES};

/// Added to the first group of a row, so that every pair is looked at once: row `l` leaves out the
/// lanes up to `l`.
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
/// Subtracted from a gap before it is relied on, against rounding.
const MARGIN: f32 = 1e-3;

impl Battle {
    /// One pass of JaxMARL's collision rule over all pairs of living units.
    ///
    /// A unit at `p` moves by half the sum over the others, at `q`, of
    /// `(p - q) * max(0, (r_p + r_q) / (|p - q| + 1e-6) - 1)`, all taken from the positions before
    /// the pass. Where nobody overlaps, the pass leaves in [`Battle::clearance`] how much room
    /// there is, and the game loop does without it until that is used up.
    pub(crate) fn push_apart(&mut self) {
        let lanes = self.n_lanes();
        let limit = self.reach * self.reach;
        let mut nearest = [FAR; LANES];
        let mut pushed = false;
        for unit in 0..self.n_units {
            if !self.alive(unit) {
                continue;
            }
            let (x, y) = (self.x[unit], self.y[unit]);
            let first = unit - unit % LANES;
            let mut later = &LATER[unit % LANES];
            for start in (first..lanes).step_by(LANES) {
                let xs = group(&self.x, start);
                let ys = group(&self.y, start);
                let away = group(&self.away, start);
                let mut squared = [0.0; LANES];
                let mut near = false;
                for lane in 0..LANES {
                    let (dx, dy) = (x - xs[lane], y - ys[lane]);
                    squared[lane] = dx * dx + dy * dy + (away[lane] + later[lane]);
                    let least = nearest[lane];
                    nearest[lane] = if squared[lane] < least { squared[lane] } else { least };
                    near |= squared[lane] < limit;
                }
                later = &[0.0; LANES];
                if near {
                    if !pushed {
                        self.push_x[..lanes].fill(0.0);
                        self.push_y[..lanes].fill(0.0);
                        pushed = true;
                    }
                    self.push_group(unit, start, &squared);
                }
            }
        }
        if pushed {
            for unit in 0..self.n_units {
                self.x[unit] += self.push_x[unit] / 2.0;
                self.y[unit] += self.push_y[unit] / 2.0;
            }
            self.clearance = 0.0;
        } else {
            let least = nearest.iter().fold(FAR, |least, &squared| least.min(squared));
            self.clearance = least.sqrt() - self.reach - MARGIN;
        }
    }

    /// Adds up the pushes between `unit` and those of the group at `start` who are near it.
    fn push_group(&mut self, unit: usize, start: usize, squared: &[f32; LANES]) {
        for (lane, &squared) in squared.iter().enumerate() {
            let other = (start + lane) % CAPACITY;
            let contact = self.radius[unit] + self.radius[other];
            if squared >= contact * contact {
                continue;
            }
            let overlap = contact / (squared.sqrt() + 1e-6) - 1.0;
            if overlap > 0.0 {
                let dx = (self.x[unit] - self.x[other]) * overlap;
                let dy = (self.y[unit] - self.y[other]) * overlap;
                self.push_x[unit] += dx;
                self.push_y[unit] += dy;
                self.push_x[other] -= dx;
                self.push_y[other] -= dy;
            }
        }
    }
}

#[inline]
fn group(numbers: &[f32; CAPACITY], start: usize) -> &[f32; LANES] {
    let (groups, _) = numbers.as_chunks::<LANES>();
    &groups[start / LANES % (CAPACITY / LANES)]
}
