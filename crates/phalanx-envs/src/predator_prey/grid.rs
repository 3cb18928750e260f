//! The shape of the world: the neighbours of each cell.

/// Row and column steps of the moves *right*, *down*, *left* and *up*.
const STEPS: [(isize, isize); 4] = [(0, 1), (1, 0), (0, -1), (-1, 0)];

/// Marks a wall in place of a neighbouring cell.
const WALL: u32 = u32::MAX;

/// A grid of cells, numbered row by row.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) columns: usize,
    toroidal: bool,
    /// The neighbours, `[cell, direction]`, in the order of [`STEPS`].
    neighbours: Vec<[u32; 4]>,
}

impl Grid {
    pub(super) fn new([rows, columns]: [usize; 2], toroidal: bool) -> Self {
        let move_along = |at: usize, step: isize, side: usize| {
            let to = at as isize + step;
            let side = side as isize;
            if toroidal {
                Some(to.rem_euclid(side) as usize)
            } else {
                (0..side).contains(&to).then_some(to as usize)
            }
        };
        let neighbour = |cell: usize, (down, right): (isize, isize)| {
            let row = move_along(cell / columns, down, rows)?;
            let column = move_along(cell % columns, right, columns)?;
            Some((row * columns + column) as u32)
        };
        let neighbours = (0..rows * columns)
            .map(|cell| STEPS.map(|step| neighbour(cell, step).unwrap_or(WALL)))
            .collect();
        Self { rows, columns, toroidal, neighbours }
    }

    /// Returns the number of cells.
    pub(super) fn len(&self) -> usize {
        self.neighbours.len()
    }

    /// Returns the cell `direction` leads to; `None` where there is a wall.
    #[inline]
    pub(super) fn towards(&self, cell: u32, direction: usize) -> Option<u32> {
        let to = self.neighbours[cell as usize][direction];
        (to != WALL).then_some(to)
    }

    /// Returns the neighbours of a cell: up to four, without walls.
    #[inline]
    pub(super) fn neighbours(&self, cell: u32) -> impl Iterator<Item = u32> + '_ {
        self.neighbours[cell as usize].iter().copied().filter(|&to| to != WALL)
    }

    /// Returns the row and column of a cell.
    #[inline]
    pub(super) fn place(&self, cell: u32) -> (usize, usize) {
        (cell as usize / self.columns, cell as usize % self.columns)
    }

    /// Returns the smallest number of moves between two cells on the empty grid.
    pub(super) fn distance(&self, a: u32, b: u32) -> usize {
        let ((row_a, column_a), (row_b, column_b)) = (self.place(a), self.place(b));
        let along = |a: usize, b: usize, side: usize| {
            let straight = a.abs_diff(b);
            if self.toroidal { straight.min(side - straight) } else { straight }
        };
        along(row_a, row_b, self.rows) + along(column_a, column_b, self.columns)
    }
}
