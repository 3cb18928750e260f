//! Matrix products of row-major `f32` matrices on one core.
//!
//! The right matrix is packed into panels two vectors wide; a tile of up to eight rows by one
//! panel is accumulated in registers. Every element of the result is the same chain of fused
//! multiply-adds, in the order of the inner dimension, whatever tile it falls into: the bits of a
//! row depend neither on the number of rows nor on the row's position.

use pulp::{Arch, Simd, WithSimd};

use super::pack::{Packed, Right};
use super::simd::{load, store};

/// Rows of the result that are computed panel by panel, so that the left rows stay in cache.
const ROW_BLOCK: usize = 64;
/// Inner elements between two computations of addresses.
const UNROLLED: usize = 4;

/// `c = bias + a b`, or `c += a b` without a bias: `a` is `[rows, inner]`, `bias` `[columns]` and
/// `c` `[rows, columns]`.
pub(in super::super) fn multiply(a: &[f32], b: &Packed, bias: Option<&[f32]>, c: &mut [f32]) {
    let b = b.right();
    if b.columns == 0 {
        return;
    }
    let rows = c.len() / b.columns;
    assert_eq!(c.len(), rows * b.columns, "the result is [rows, columns]");
    assert_eq!(a.len(), rows * b.inner, "the left matrix is [rows, inner]");
    Arch::new().dispatch(Product::<false> { a, stride: b.inner, rows, b, bias, c });
}

/// One product; `TRANSPOSED` says that `a` is `[inner, rows]`, or some columns of such a matrix.
pub(super) struct Product<'a, const TRANSPOSED: bool> {
    pub(super) a: &'a [f32],
    /// How far the rows of `a` lie apart.
    pub(super) stride: usize,
    /// The number of rows of the result.
    pub(super) rows: usize,
    pub(super) b: Right<'a>,
    /// What every row begins with; without it, what `c` holds.
    pub(super) bias: Option<&'a [f32]>,
    pub(super) c: &'a mut [f32],
}

impl<const TRANSPOSED: bool> WithSimd for Product<'_, TRANSPOSED> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = S::F32_LANES;
        let Right { inner, columns, data, packed } = self.b;
        let width = columns.next_multiple_of(lanes);
        for first in (0..self.rows).step_by(ROW_BLOCK) {
            let last = (first + ROW_BLOCK).min(self.rows);
            for column in (0..width).step_by(2 * lanes) {
                let panel_width = (width - column).min(2 * lanes);
                let (panel, stride) = if packed {
                    (&data[column * inner..][..panel_width * inner], panel_width)
                } else {
                    (&data[column..], columns)
                };
                let panel = Panel { vectors: S::as_simd_f32s(panel).0, stride: stride / lanes };
                if panel_width == lanes {
                    self.rows::<S, 1>(simd, panel, first..last, column);
                } else {
                    self.rows::<S, 2>(simd, panel, first..last, column);
                }
            }
        }
    }
}

/// Columns of the right matrix: row `k` begins at vector `k * stride`.
#[derive(Clone, Copy)]
struct Panel<'a, V> {
    vectors: &'a [V],
    stride: usize,
}

impl<const TRANSPOSED: bool> Product<'_, TRANSPOSED> {
    /// A range of rows by one panel of `V` vectors.
    #[inline(always)]
    fn rows<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        panel: Panel<'_, S::f32s>,
        rows: std::ops::Range<usize>,
        column: usize,
    ) {
        // Eight rows of two vectors need 16 accumulators, four rows need 8.
        let most = if S::REGISTER_COUNT >= 32 { 8 } else { 4 };
        let std::ops::Range { start: mut row, end } = rows;
        while row < end {
            let tall = (end - row).min(most);
            match tall {
                8 => self.tile::<S, 8, V>(simd, panel, row, column),
                7 => self.tile::<S, 7, V>(simd, panel, row, column),
                6 => self.tile::<S, 6, V>(simd, panel, row, column),
                5 => self.tile::<S, 5, V>(simd, panel, row, column),
                4 => self.tile::<S, 4, V>(simd, panel, row, column),
                3 => self.tile::<S, 3, V>(simd, panel, row, column),
                2 => self.tile::<S, 2, V>(simd, panel, row, column),
                _ => self.tile::<S, 1, V>(simd, panel, row, column),
            }
            row += tall;
        }
    }

    /// `R` rows by `V` vectors, accumulated in registers.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(
        &mut self,
        simd: S,
        panel: Panel<'_, S::f32s>,
        row: usize,
        column: usize,
    ) {
        let Right { inner, columns, .. } = self.b;
        let stride = self.stride;
        let mut sum = [[simd.splat_f32s(0.0); V]; R];
        match self.bias {
            Some(bias) => {
                for v in 0..V {
                    let from = column + v * S::F32_LANES;
                    let bias = load(simd, &bias[from.min(columns)..columns]);
                    for sum in &mut sum {
                        sum[v] = bias;
                    }
                }
            }
            None => {
                for (r, sum) in sum.iter_mut().enumerate() {
                    let c = &self.c[(row + r) * columns..][..columns];
                    for (v, sum) in sum.iter_mut().enumerate() {
                        *sum = load(simd, &c[(column + v * S::F32_LANES).min(columns)..]);
                    }
                }
            }
        }
        if TRANSPOSED {
            let panel = panel.vectors.chunks(panel.stride);
            for (a, b) in self.a[row..].chunks(stride).zip(panel) {
                let a: &[f32; R] = a.first_chunk().expect("the tile lies within the rows");
                sum = multiply_add(simd, *a, first(b), sum);
            }
        } else {
            let mut left: [&[f32]; R] = [&[]; R];
            for (r, left) in left.iter_mut().enumerate() {
                *left = &self.a[(row + r) * stride..][..inner];
            }
            // Of a packed matrix, four inner elements at a time: their addresses are constants.
            let packed = if panel.stride == V { panel.vectors.as_chunks::<V>().0 } else { &[] };
            let (fours, _) = packed[..inner.min(packed.len())].as_chunks::<UNROLLED>();
            let whole = fours.len();
            let left_fours = left.map(|left| &left.as_chunks::<UNROLLED>().0[..whole]);
            // With these indices the compiler drops the bounds checks of all rows.
            #[allow(clippy::needless_range_loop)]
            for k in 0..whole {
                for (j, b) in fours[k].iter().enumerate() {
                    let mut a = [0.0; R];
                    for r in 0..R {
                        a[r] = left_fours[r][k][j];
                    }
                    sum = multiply_add(simd, a, *b, sum);
                }
            }
            let done = whole * UNROLLED;
            let mut rest = panel.vectors[done * panel.stride..].chunks(panel.stride);
            #[allow(clippy::needless_range_loop)]
            for k in done..inner {
                let b = rest.next().expect("the panel has a row for each inner element");
                let mut a = [0.0; R];
                for r in 0..R {
                    a[r] = left[r][k];
                }
                sum = multiply_add(simd, a, first(b), sum);
            }
        }
        for (r, sum) in sum.into_iter().enumerate() {
            let c = &mut self.c[(row + r) * columns..][..columns];
            for (v, sum) in sum.into_iter().enumerate() {
                store(simd, &mut c[(column + v * S::F32_LANES).min(columns)..], sum);
            }
        }
    }
}

/// The first `V` vectors of a panel's row.
#[inline(always)]
fn first<T: Copy, const V: usize>(row: &[T]) -> [T; V] {
    *row.first_chunk().expect("the panel lies within the columns")
}

/// Adds the outer product of a column of the left and a row of the right matrix.
#[inline(always)]
fn multiply_add<S: Simd, const R: usize, const V: usize>(
    simd: S,
    a: [f32; R],
    b: [S::f32s; V],
    mut sum: [[S::f32s; V]; R],
) -> [[S::f32s; V]; R] {
    for r in 0..R {
        let a = simd.splat_f32s(a[r]);
        for v in 0..V {
            sum[r][v] = simd.mul_add_e_f32s(a, b[v], sum[r][v]);
        }
    }
    sum
}
