//! Matrix products of `f32` on Intel's matrix unit (AMX), which multiplies tiles of `bf16`.
//!
//! A number is the exact sum of three `bf16` numbers:
//!
//! ```text
//! x = x1 + x2 + x3      |x2| <= 2^-9 |x|,  |x3| <= 2^-16 |x|
//! x y = x1 y1 + x1 y2 + x2 y1 + x1 y3 + x2 y2 + x3 y1 + o(2^-24 |x y|)
//! ```
//!
//! Products of `bf16` are exact in `f32`, and the unit's sums are exact up to the rounding of every
//! step. The terms left out are as small as the rounding error of one `f32` multiply-add. Six
//! products on the unit take two fifths of the time of one with AVX-512, without the splitting.
//! Henry, Tang and Heinecke describe the same splitting in "Leveraging the bfloat16 Artificial
//! Intelligence Datatype For Higher-Precision Computations" (2019, arXiv 1904.06376).
//!
//! Every element of a result is one chain of sums whose order depends only on the inner dimension.
//! The bits of a row therefore depend neither on the number of rows nor on the row's position.

mod pack;
mod tiles;

use std::cell::RefCell;
use std::ops::Range;

use self::pack::{Source, pack};
#[cfg(test)]
pub(crate) use self::tiles::available;
use self::tiles::{Operands, Place, Session, Start, Tile};
use crate::simd::dispatch::amx_takes;

/// The side of a tile, in rows and columns of a result.
const SIDE: usize = 16;
/// The number of inner elements of a tile.
const DEPTH: usize = 32;
/// The number of `bf16` parts of a number.
const PARTS: usize = 3;
/// The number of inner steps, of `DEPTH` elements each, after which a product continues with the
/// next columns.
const STEPS_AT_ONCE: usize = 8;
/// The number of pairs of column tiles after which it continues with the next rows.
const GROUPS_AT_ONCE: usize = 16;

/// Returns whether the product of a left matrix with about `rows` rows and a right one of this size
/// is computed on the matrix unit. For smaller products, packing and waking the unit costs as much
/// as it gains, especially between other work: agents of 64 units gain nothing, those of 128 and
/// 256 units a sixth to a third.
pub(crate) fn takes(rows: usize, inner: usize, columns: usize) -> bool {
    let large = rows >= 24 && inner >= SIDE && columns >= SIDE && inner * columns >= 1 << 14;
    inner > 0 && amx_takes(large) && tiles::available()
}

/// Returns the same for [`add_transposed_left`], whose result is `[width, columns]`; both matrices
/// are packed for this one product.
pub(crate) fn takes_transposed(inner: usize, width: usize, columns: usize) -> bool {
    let large = inner >= 64 && columns >= 2 * SIDE && width * columns >= 1 << 14;
    inner > 0 && amx_takes(large) && tiles::available()
}

/// A right matrix `[inner, columns]` in tiles: for every sixteen columns and every inner step, one
/// tile per part. The last tile of columns overlaps the one before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Right {
    inner: usize,
    columns: usize,
    tiles: Vec<Tile>,
}

impl Right {
    /// Packs `matrix`, `[inner, columns]` or its transpose, reusing memory.
    pub(crate) fn pack<const TRANSPOSED: bool>(
        &mut self,
        matrix: &[f32],
        inner: usize,
        columns: usize,
    ) {
        (self.inner, self.columns) = (inner, columns);
        let steps = inner.div_ceil(DEPTH);
        let tiles = columns.div_ceil(SIDE) * steps * PARTS;
        if self.tiles.len() < tiles {
            self.tiles.resize(tiles, Tile::ZERO);
        }
        let source = if TRANSPOSED {
            Source { matrix, stride: inner, lines: columns, width: inner }
        } else {
            Source { matrix, stride: columns, lines: inner, width: columns }
        };
        let tiles = self.tiles[..tiles].chunks_exact_mut(steps * PARTS);
        for (tile, tiles) in tiles.enumerate() {
            let start = [Groups(columns).start(tile)];
            if TRANSPOSED {
                pack::<false, true>(source, &start, 0..steps, tiles);
            } else {
                pack::<true, false>(source, &start, 0..steps, tiles);
            }
        }
    }

    /// Returns the tiles of sixteen columns for some steps.
    fn tiles(&self, tile: usize, steps: &Range<usize>) -> &[Tile] {
        let all = self.inner.div_ceil(DEPTH);
        &self.tiles[(tile * all + steps.start) * PARTS..(tile * all + steps.end) * PARTS]
    }
}

/// Computes `c = bias + a b`, or `c += a b` without a bias; `a` is `[rows, inner]` with rows
/// `stride` apart, and `c` is `[rows, columns]`.
pub(crate) fn multiply(a: &[f32], stride: usize, b: &Right, bias: Option<&[f32]>, c: &mut [f32]) {
    let rows = c.len() / b.columns;
    let a = Source { matrix: a, stride, lines: rows, width: b.inner };
    LEFT.with_borrow_mut(|left| Product::<false> { a, rows, b, bias, c }.run(left));
}

/// Computes `c += a^T b`; `a` is `[inner, width]` with rows `stride` apart, `b` is `[inner,
/// columns]`, and `c` is `[width, columns]`.
pub(crate) fn add_transposed_left(
    (a, stride): (&[f32], usize),
    b: &[f32],
    inner: usize,
    right: &mut Right,
    c: &mut [f32],
) {
    let columns = b.len() / inner;
    let rows = c.len() / columns;
    right.pack::<false>(b, inner, columns);
    let a = Source { matrix: a, stride, lines: inner, width: rows };
    LEFT.with_borrow_mut(|left| Product::<true> { a, rows, b: right, bias: None, c }.run(left));
}

thread_local! {
    /// The tiles of some rows of a left matrix.
    static LEFT: RefCell<Vec<Tile>> = const { RefCell::new(Vec::new()) };
}

/// The product `c = bias + a b`, or `c += a b`; with `TRANSPOSED`, `a` is the transpose of the
/// stored matrix.
struct Product<'a, const TRANSPOSED: bool> {
    a: Source<'a>,
    rows: usize,
    b: &'a Right,
    bias: Option<&'a [f32]>,
    c: &'a mut [f32],
}

impl<const TRANSPOSED: bool> Product<'_, TRANSPOSED> {
    /// Computes some inner steps and some columns at a time, so that the right tiles stay in cache
    /// from one block of rows to the next. `left` is reused memory.
    fn run(mut self, left: &mut Vec<Tile>) {
        let steps = self.b.inner.div_ceil(DEPTH);
        let (rows, columns) = (Groups(self.rows), Groups(self.b.columns));
        let parts = steps.div_ceil(STEPS_AT_ONCE);
        let most = steps.div_ceil(parts) * PARTS;
        if left.len() < 2 * most {
            left.resize(2 * most, Tile::ZERO);
        }
        let mut unit = Session::begin();
        for part in 0..parts {
            let steps = part * steps / parts..(part + 1) * steps / parts;
            for first in (0..columns.len()).step_by(GROUPS_AT_ONCE) {
                let last = (first + GROUPS_AT_ONCE).min(columns.len());
                for of_rows in (0..rows.len()).map(|at| rows.group(at)) {
                    let starts = of_rows.starts();
                    pack::<TRANSPOSED, TRANSPOSED>(self.a, starts, steps.clone(), left);
                    for of_columns in (first..last).map(|at| columns.group(at)) {
                        self.block(&mut unit, left, &steps, of_rows, of_columns);
                    }
                }
            }
        }
    }

    /// Computes some steps of a block of tiles.
    fn block(
        &mut self,
        unit: &mut Session,
        left: &[Tile],
        steps: &Range<usize>,
        of_rows: Group,
        of_columns: Group,
    ) {
        let (upper, lower) = left.split_at(steps.len() * PARTS);
        let right = |tile: usize| self.b.tiles(tile, steps);
        let operands = Operands {
            left: (upper, of_rows.two().then(|| &lower[..upper.len()])),
            right: (right(of_columns.tile), of_columns.two().then(|| right(of_columns.tile + 1))),
        };
        let bias = self.bias.filter(|_| steps.start == 0);
        let columns = self.b.columns;
        let ([top, below], [first, second]) = (of_rows.pair, of_columns.pair);
        if self.rows < SIDE || columns < SIDE {
            return self.narrow_block(unit, operands, bias, of_rows, of_columns);
        }
        let start = bias.map_or(Start::Present, |bias| Start::Row(&bias[first..]));
        let place = Place {
            c: &mut self.c[top * columns + first..],
            stride: columns,
            down: (below - top) * columns,
            right: second - first,
        };
        unit.accumulate(operands, start, place);
    }

    /// Computes the same for tiles that a result with fewer than sixteen rows or columns does not
    /// fill.
    fn narrow_block(
        &mut self,
        unit: &mut Session,
        operands: Operands<'_>,
        bias: Option<&[f32]>,
        of_rows: Group,
        of_columns: Group,
    ) {
        const WIDTH: usize = 2 * SIDE;
        let mut block = [0.0; WIDTH * WIDTH];
        let columns = self.b.columns;
        let (height, width) = (of_rows.span(self.rows), of_columns.span(columns));
        let ([top, below], [first, second]) = (of_rows.pair, of_columns.pair);
        for (row, to) in block.chunks_exact_mut(WIDTH).enumerate().take(height) {
            let from = match bias {
                Some(bias) => &bias[first..],
                None => &self.c[(top + row) * columns + first..],
            };
            to[..width].copy_from_slice(&from[..width]);
        }
        let place = Place {
            c: &mut block,
            stride: WIDTH,
            down: (below - top) * WIDTH,
            right: second - first,
        };
        unit.accumulate(operands, Start::Present, place);
        for (row, from) in block.chunks_exact(WIDTH).enumerate().take(height) {
            let to = &mut self.c[(top + row) * columns + first..];
            to[..width].copy_from_slice(&from[..width]);
        }
    }
}

/// The tiles of a number of rows or columns, in groups of two. If the number of tiles is odd, the
/// first is alone; the last one, which may overlap the one before it, is thus computed together
/// with it, so that nothing is added twice.
#[derive(Clone, Copy)]
struct Groups(usize);

impl Groups {
    /// Returns the number of tiles.
    fn tiles(self) -> usize {
        self.0.div_ceil(SIDE)
    }

    /// Returns the first row or column of a tile.
    fn start(self, tile: usize) -> usize {
        (tile * SIDE).min(self.0.saturating_sub(SIDE))
    }

    fn len(self) -> usize {
        self.tiles().div_ceil(2)
    }

    fn group(self, at: usize) -> Group {
        let alone = self.tiles() % 2;
        let tile = (2 * at).saturating_sub(alone);
        let two = alone == 0 || at > 0;
        Group { tile, pair: [self.start(tile), self.start(tile + usize::from(two))] }
    }
}

/// One or two tiles of rows or columns that are computed together.
#[derive(Clone, Copy)]
struct Group {
    /// The index of the first tile.
    tile: usize,
    /// The first row or column of each tile; twice the same for a single tile.
    pair: [usize; 2],
}

impl Group {
    fn two(&self) -> bool {
        self.pair[0] < self.pair[1]
    }

    fn starts(&self) -> &[usize] {
        &self.pair[..if self.two() { 2 } else { 1 }]
    }

    /// Returns how many of `n` rows or columns the group spans.
    fn span(&self, n: usize) -> usize {
        (self.pair[1] + SIDE).min(n) - self.pair[0]
    }
}
