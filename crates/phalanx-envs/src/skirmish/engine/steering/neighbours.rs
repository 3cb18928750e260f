//! Search for nearby units.

/// The maximum number of neighbours of a unit.
pub(super) const MAX_NEIGHBOURS: usize = 32;
/// Up to this many units, all pairs are compared; beyond it, a grid is cheaper.
const FEW: usize = 96;
/// The number of units compared at once.
const LANES: usize = 8;
/// A position out of every unit's reach.
const FAR: f32 = 1e9;

/// The neighbours of some units: those whose reaches overlap. Each list is in order of the units'
/// numbers, regardless of the search method.
#[derive(Clone, Debug)]
pub(super) struct Neighbours {
    lists: Vec<[u16; MAX_NEIGHBOURS]>,
    lengths: Vec<u8>,
    /// The candidate units, in order of their numbers.
    units: Vec<u16>,
    /// Their positions, padded to a multiple of [`LANES`] with positions that are [`FAR`].
    x: Vec<f32>,
    y: Vec<f32>,
    /// The distance within which another unit's reach must come.
    reach: Vec<f32>,
    /// The largest reach.
    farthest: f32,
    grid: Option<Grid>,
}

/// The units sorted by their square cell.
#[derive(Clone, Debug)]
struct Grid {
    columns: usize,
    rows: usize,
    side: f32,
    /// The start of each cell in `sorted`, with one more element at the end.
    starts: Vec<u32>,
    sorted: Vec<u16>,
    cells: Vec<u32>,
}

impl Neighbours {
    pub(super) fn new(n: usize, width: usize, height: usize) -> Self {
        Self {
            lists: vec![[0; MAX_NEIGHBOURS]; n],
            lengths: vec![0; n],
            units: Vec::with_capacity(n),
            x: vec![FAR; n.next_multiple_of(LANES)],
            y: vec![FAR; n.next_multiple_of(LANES)],
            reach: vec![0.0; n.next_multiple_of(LANES)],
            farthest: 0.0,
            grid: (n > FEW).then(|| Grid::new(n, width, height)),
        }
    }

    /// Reserves capacity for all units, which a clone loses.
    pub(super) fn reserve(&mut self) {
        self.units.clear();
        self.units.reserve(self.lists.len());
    }

    /// Returns the neighbours of unit `i` found by [`Neighbours::find`].
    #[inline]
    pub(super) fn of(&self, i: usize) -> &[u16] {
        &self.lists[i][..usize::from(self.lengths[i])]
    }

    /// Sets the candidate units: number, position, and reach.
    pub(super) fn place(&mut self, units: impl Iterator<Item = (u16, f32, f32, f32)>) {
        self.units.clear();
        for (unit, x, y, reach) in units {
            let k = self.units.len();
            (self.x[k], self.y[k], self.reach[k]) = (x, y, reach);
            self.units.push(unit);
        }
        let n = self.units.len();
        self.x[n..n.next_multiple_of(LANES)].fill(FAR);
        if let Some(grid) = &mut self.grid {
            self.farthest = self.reach[..n].iter().copied().fold(0.0, f32::max);
            grid.sort(&self.x[..n], &self.y[..n]);
        }
    }

    /// Lists the neighbours of unit `i` at `(x, y)`: the units within the sum of `own` and their own
    /// reach for which `counts` holds.
    pub(super) fn find(
        &mut self,
        i: usize,
        (x, y): (f32, f32),
        own: f32,
        counts: impl Fn(u16) -> bool,
    ) {
        let (list, units) = (&mut self.lists[i], &self.units);
        let mut length = 0;
        let mut add = |k: usize| {
            let unit = units[k];
            if usize::from(unit) != i && length < MAX_NEIGHBOURS && counts(unit) {
                list[length] = unit;
                length += 1;
            }
        };
        // Negative if the reaches overlap.
        let gap = |other_x: f32, other_y: f32, reach: f32| {
            let (dx, dy) = (other_x - x, other_y - y);
            let near = own + reach;
            dx * dx + dy * dy - near * near
        };
        if let Some(grid) = &self.grid {
            // The largest distance of a neighbour determines the number of cells to search.
            grid.around(x, y, own + self.farthest, |j| {
                if gap(self.x[j], self.y[j], self.reach[j]) < 0.0 {
                    add(j);
                }
            });
            list[..length].sort_unstable();
        } else {
            let n = units.len().next_multiple_of(LANES);
            let blocks = self.x[..n].chunks_exact(LANES).zip(self.y.chunks_exact(LANES));
            let blocks = blocks.zip(self.reach.chunks_exact(LANES)).enumerate();
            for (block, ((xs, ys), reaches)) in blocks {
                let mut gaps = [0.0; LANES];
                for lane in 0..LANES {
                    gaps[lane] = gap(xs[lane], ys[lane], reaches[lane]);
                }
                let mut near = 0;
                for (lane, gap) in gaps.iter().enumerate() {
                    near |= (gap.to_bits() >> 31) << lane;
                }
                while near != 0 {
                    add(LANES * block + near.trailing_zeros() as usize);
                    near &= near - 1;
                }
            }
        }
        self.lengths[i] = length as u8;
    }
}

impl Grid {
    fn new(n: usize, width: usize, height: usize) -> Self {
        let side = 2.0;
        let columns = (width as f32 / side).ceil() as usize;
        let rows = (height as f32 / side).ceil() as usize;
        Self {
            columns,
            rows,
            side,
            starts: vec![0; columns * rows + 1],
            sorted: vec![0; n],
            cells: vec![0; n],
        }
    }

    fn column(&self, x: f32) -> usize {
        ((x / self.side).max(0.0) as usize).min(self.columns - 1)
    }

    fn row(&self, y: f32) -> usize {
        ((y / self.side).max(0.0) as usize).min(self.rows - 1)
    }

    /// Sorts the units by cell with a counting sort.
    fn sort(&mut self, x: &[f32], y: &[f32]) {
        self.starts.fill(0);
        for (i, (&x, &y)) in x.iter().zip(y).enumerate() {
            let cell = self.row(y) * self.columns + self.column(x);
            self.cells[i] = cell as u32;
            self.starts[cell + 1] += 1;
        }
        for cell in 1..self.starts.len() {
            self.starts[cell] += self.starts[cell - 1];
        }
        // Filled from the back, so that each start ends up at the beginning of its cell.
        for i in (0..x.len()).rev() {
            let start = &mut self.starts[self.cells[i] as usize + 1];
            *start -= 1;
            self.sorted[*start as usize] = i as u16;
        }
        self.starts.rotate_left(1);
        let n = x.len() as u32;
        if let Some(last) = self.starts.last_mut() {
            *last = n;
        }
    }

    /// Visits all units in the cells within `distance` of a point.
    fn around(&self, x: f32, y: f32, distance: f32, mut visit: impl FnMut(usize)) {
        let (left, right) = (self.column(x - distance), self.column(x + distance));
        for row in self.row(y - distance)..=self.row(y + distance) {
            let first = self.starts[row * self.columns + left] as usize;
            let last = self.starts[row * self.columns + right + 1] as usize;
            for &unit in &self.sorted[first..last] {
                visit(usize::from(unit));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::{Purpose, Rng};

    #[test]
    fn a_grid_finds_the_same_neighbours_as_comparing_all_pairs() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        for n in [FEW + 1, 150, 400] {
            let x: Vec<f32> = (0..n).map(|_| rng.range(0.0, 14.0)).collect();
            let counted: Vec<bool> = (0..n).map(|_| rng.uniform() < 0.8).collect();
            let y: Vec<f32> = (0..n).map(|_| rng.range(0.0, 14.0)).collect();
            let reach: Vec<f32> = (0..n).map(|_| rng.range(0.1, 1.5)).collect();
            let mut grid = Neighbours::new(n, 32, 32);
            let mut plain = Neighbours { grid: None, ..grid.clone() };
            for near in [&mut grid, &mut plain] {
                let counted = (0..n).filter(|&i| counted[i]);
                near.place(counted.map(|i| (i as u16, x[i], y[i], reach[i])));
                for i in 0..n {
                    near.find(i, (x[i], y[i]), 0.9, |j| j % 3 != 0);
                }
            }
            assert!(plain.lengths.iter().any(|&length| length > 3));
            for i in 0..n {
                assert_eq!(grid.of(i), plain.of(i));
                let fits = |&j: &u16| j % 3 != 0 && usize::from(j) != i && counted[usize::from(j)];
                assert!(grid.of(i).iter().all(fits));
            }
        }
    }
}
