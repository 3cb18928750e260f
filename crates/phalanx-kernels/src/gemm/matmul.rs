//! Matrix products of row-major `f32` matrices on one core.
//!
//! The right matrix is packed into panels of up to four vectors; a tile of some rows and one panel
//! is accumulated in registers. Every element of the result is the same chain of fused
//! multiply-adds, in the order of the inner dimension, regardless of its tile. The bits of a row
//! therefore depend neither on the number of rows nor on the row's position.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::flops::count;
use crate::gemm::amx;
use crate::gemm::pack::{Packed, Right, panels};
use crate::gemm::tile::Tiles;
use crate::simd::dispatch::dispatch;

/// The number of rows of the result that are computed panel by panel, so that the left rows stay in
/// cache.
const ROW_BLOCK: usize = 48;

/// Computes `c = bias + a b`, or `c += a b` without a bias; `a` is `[rows, inner]`, `bias` is
/// `[columns]` and `c` is `[rows, columns]`.
pub fn multiply(a: &[f32], b: &Packed, bias: Option<&[f32]>, c: &mut [f32]) {
    assert_eq!(a.len() * b.columns(), c.len() * b.inner(), "the left matrix is [rows, inner]");
    multiply_strided(a, b.inner(), b, bias, c);
}

/// Computes the same if the rows of `a` are `stride` apart.
pub(crate) fn multiply_strided(
    a: &[f32],
    stride: usize,
    b: &Packed,
    bias: Option<&[f32]>,
    c: &mut [f32],
) {
    if c.is_empty() {
        return;
    }
    let rows = c.len() / b.columns();
    assert_eq!(c.len(), rows * b.columns(), "the result is [rows, columns]");
    count(c.len() * b.inner());
    match b.tiles() {
        Some(b) => amx::multiply(a, stride, b, bias, c),
        None => dispatch(Product::<false> { a, stride, rows, b: b.right(), bias, c }),
    }
}

/// A product. With `TRANSPOSED`, `a` is `[inner, rows]`, or some columns of such a matrix.
pub(crate) struct Product<'a, const TRANSPOSED: bool> {
    pub(crate) a: &'a [f32],
    /// The distance between rows of `a`.
    pub(crate) stride: usize,
    /// The number of rows of the result.
    pub(crate) rows: usize,
    pub(crate) b: Right<'a>,
    /// The initial value of every row; `None` uses that of `c`.
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) c: &'a mut [f32],
}

impl<const TRANSPOSED: bool> WithSimd for Product<'_, TRANSPOSED> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = S::F32_LANES;
        let Right { inner, columns, data, packed } = self.b;
        let blocks = self.rows.div_ceil(ROW_BLOCK);
        for block in 0..blocks {
            let rows = block * self.rows / blocks..(block + 1) * self.rows / blocks;
            for (vector, vectors) in panels::<S>(columns) {
                let column = vector * lanes;
                let panel = match packed {
                    true => {
                        Panel { data: &data[column * inner..], stride: vectors * lanes, column }
                    }
                    false => {
                        Panel { data: &data[column.min(data.len())..], stride: columns, column }
                    }
                };
                match vectors {
                    4 => self.rows::<S, 4>(simd, panel, rows.clone(), 6),
                    3 => self.rows::<S, 3>(simd, panel, rows.clone(), 8),
                    2 if S::REGISTER_COUNT >= 32 => self.rows::<S, 2>(simd, panel, rows.clone(), 8),
                    2 => self.rows::<S, 2>(simd, panel, rows.clone(), 5),
                    _ => self.rows::<S, 1>(simd, panel, rows.clone(), 8),
                }
            }
        }
    }
}

/// A panel: some columns of the right matrix.
#[derive(Clone, Copy)]
struct Panel<'a> {
    /// The matrix from the first of these columns on.
    data: &'a [f32],
    /// The distance between rows.
    stride: usize,
    /// The index of the first column.
    column: usize,
}

impl<const TRANSPOSED: bool> Product<'_, TRANSPOSED> {
    /// Computes a range of rows and one panel of `V` vectors, at most `most` rows at a time.
    #[inline(always)]
    fn rows<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        panel: Panel<'_>,
        rows: Range<usize>,
        most: usize,
    ) {
        if rows.is_empty() {
            return;
        }
        // Tiles of nearly equal height: 19 rows are 5, 5, 5 and 4, because a tile of one row is
        // slow.
        let tiles = rows.len().div_ceil(most);
        let (low, taller) = (rows.len() / tiles, rows.len() % tiles);
        let later = rows.start + taller * (low + 1);
        for (first, n, height) in
            [(rows.start, taller * (low + 1), low + 1), (later, (tiles - taller) * low, low)]
        {
            match if n > 0 { height } else { 0 } {
                8 => self.tiles::<S, 8, V>(simd, panel, first, n),
                7 => self.tiles::<S, 7, V>(simd, panel, first, n),
                6 => self.tiles::<S, 6, V>(simd, panel, first, n),
                5 => self.tiles::<S, 5, V>(simd, panel, first, n),
                4 => self.tiles::<S, 4, V>(simd, panel, first, n),
                3 => self.tiles::<S, 3, V>(simd, panel, first, n),
                2 => self.tiles::<S, 2, V>(simd, panel, first, n),
                1 => self.tiles::<S, 1, V>(simd, panel, first, n),
                _ => {}
            }
        }
    }

    /// Computes `n` rows, a multiple of `R`.
    #[inline(always)]
    fn tiles<S: Simd, const R: usize, const V: usize>(
        &mut self,
        simd: S,
        panel: Panel<'_>,
        first: usize,
        n: usize,
    ) {
        let Right { inner, columns, .. } = self.b;
        let Panel { data: b, stride: b_stride, column } = panel;
        let tiles = Tiles::<S, TRANSPOSED, R, V> {
            simd,
            a: &self.a[if TRANSPOSED { first } else { first * self.stride }..],
            stride: self.stride,
            rows: n,
            inner,
            b,
            b_stride,
            bias: self.bias.map(|bias| &bias[column..]),
            c: &mut self.c[first * columns + column..],
            columns,
            width: (columns - column).min(V * S::F32_LANES),
        };
        tiles.run();
    }
}
