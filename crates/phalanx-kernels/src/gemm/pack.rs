//! The right-hand matrix of a product, laid out in panels.

use crate::gemm::amx;
use crate::simd::dispatch::dispatch;
use pulp::{Simd, WithSimd};

/// Bytes.
const CACHE_LINE: usize = 64;

/// A matrix `[inner, columns]` laid out for the right-hand side of a product.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    inner: usize,
    columns: usize,
    /// Panel after panel, each `[inner, width]` where the width is that of some vectors ([`panels`]).
    data: Vec<f32>,
    /// Where the first panel begins, so that vectors do not straddle lines of the cache.
    offset: usize,
    /// In place of panels, where the matrix unit takes the product.
    tiles: Option<amx::Right>,
}

impl Packed {
    /// Packs `matrix`, `[inner, columns]`, for products with about `rows` rows, which must not depend on the
    /// number of threads: other units of the processor may compute products of many rows, with other bits.
    pub fn new(matrix: &[f32], inner: usize, columns: usize, rows: usize) -> Self {
        let mut packed = Self::default();
        packed.pack::<false>(matrix, inner, columns, rows);
        packed
    }

    /// Packs `matrix`, or its transpose, into the memory there is.
    pub(crate) fn pack<const TRANSPOSED: bool>(
        &mut self,
        matrix: &[f32],
        inner: usize,
        columns: usize,
        rows: usize,
    ) {
        if amx::takes(rows, inner, columns) {
            assert_eq!(matrix.len(), inner * columns, "the matrix has the stated size");
            (self.inner, self.columns) = (inner, columns);
            let tiles = self.tiles.get_or_insert_default();
            return tiles.pack::<TRANSPOSED>(matrix, inner, columns);
        }
        self.pack_panels::<TRANSPOSED>(matrix, inner, columns);
    }

    /// Packs `matrix`, or its transpose, in panels.
    pub(crate) fn pack_panels<const TRANSPOSED: bool>(
        &mut self,
        matrix: &[f32],
        inner: usize,
        columns: usize,
    ) {
        assert_eq!(matrix.len(), inner * columns, "the matrix has the stated size");
        (self.inner, self.columns, self.tiles) = (inner, columns, None);
        let (lanes, most) = shape();
        self.data.resize(inner * columns.next_multiple_of(lanes) + CACHE_LINE / 4, 0.0);
        // A pointer that cannot be aligned costs time, not correctness.
        self.offset = self.data.as_ptr().align_offset(CACHE_LINE).min(CACHE_LINE / 4);
        let mut rest = &mut self.data[self.offset..];
        for (vector, vectors) in divided(columns.div_ceil(lanes), most) {
            let (column, panel_width) = (vector * lanes, vectors * lanes);
            let valid = panel_width.min(columns - column);
            let (panel, tail) = rest.split_at_mut(inner * panel_width);
            for (k, row) in panel.chunks_exact_mut(panel_width).enumerate() {
                let (filled, padding) = row.split_at_mut(valid);
                if TRANSPOSED {
                    for (j, x) in filled.iter_mut().enumerate() {
                        *x = matrix[(column + j) * inner + k];
                    }
                } else {
                    filled.copy_from_slice(&matrix[k * columns + column..][..valid]);
                }
                padding.fill(0.0);
            }
            rest = tail;
        }
    }

    /// The matrix in tiles, where the matrix unit takes the product.
    pub(crate) fn tiles(&self) -> Option<&amx::Right> {
        self.tiles.as_ref()
    }

    /// The matrix in panels, where it is not in tiles.
    pub(crate) fn right(&self) -> Right<'_> {
        let Self { inner, columns, offset, ref data, .. } = *self;
        Right { inner, columns, data: &data[offset..], packed: true }
    }

    /// Returns the number of rows of the matrix.
    #[inline]
    pub fn inner(&self) -> usize {
        self.inner
    }

    /// Returns the number of columns of the matrix.
    #[inline]
    pub fn columns(&self) -> usize {
        self.columns
    }
}

/// The right-hand side of a product, packed or as it is.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    pub(crate) inner: usize,
    /// A multiple of a vector where the matrix is not packed.
    pub(crate) columns: usize,
    pub(crate) data: &'a [f32],
    pub(crate) packed: bool,
}

/// The panels of so many columns: the first vector of each, and how many there are.
#[inline(always)]
pub(crate) fn panels<S: Simd>(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    divided(columns.div_ceil(S::F32_LANES), most::<S>())
}

/// The most vectors of a panel: with 32 registers, a tile of six rows and four vectors fits into them.
#[inline(always)]
fn most<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// `0..vectors` in as few parts of at most `most` as there can be, of nearly equal length.
#[inline(always)]
fn divided(vectors: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = vectors.div_ceil(most);
    (0..parts).map(move |part| {
        let first = part * vectors / parts;
        (first, (part + 1) * vectors / parts - first)
    })
}

/// The number of `f32` in a vector of this processor.
pub(crate) fn lanes() -> usize {
    shape().0
}

/// The number of `f32` in a vector of this processor, and of vectors in a panel.
fn shape() -> (usize, usize) {
    struct Shape;
    impl WithSimd for Shape {
        type Output = (usize, usize);
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
            (S::F32_LANES, most::<S>())
        }
    }
    dispatch(Shape)
}
