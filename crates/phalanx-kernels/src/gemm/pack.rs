//! The right matrix of a product, packed in panels.

use crate::gemm::amx;
use crate::simd::dispatch::dispatch;
use pulp::{Simd, WithSimd};

/// The size of a cache line in bytes.
const CACHE_LINE: usize = 64;

/// A right matrix `[inner, columns]`, packed for products.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    inner: usize,
    columns: usize,
    /// The panels in sequence, each `[inner, width]`; a width is that of some vectors ([`panels`]).
    data: Vec<f32>,
    /// The offset of the first panel, such that vectors do not straddle cache lines.
    offset: usize,
    /// Replaces the panels if the matrix unit computes the product.
    tiles: Option<amx::Right>,
}

impl Packed {
    /// Packs `matrix`, `[inner, columns]`, for products with about `rows` rows. This number must
    /// not depend on the number of threads: another unit of the processor may compute products of
    /// many rows, with other bits.
    pub fn new(matrix: &[f32], inner: usize, columns: usize, rows: usize) -> Self {
        let mut packed = Self::default();
        packed.pack::<false>(matrix, inner, columns, rows);
        packed
    }

    /// Packs `matrix`, or its transpose, reusing memory.
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
        // A pointer that cannot be aligned only costs time.
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

    /// Returns the matrix in tiles if the matrix unit computes the product.
    pub(crate) fn tiles(&self) -> Option<&amx::Right> {
        self.tiles.as_ref()
    }

    /// Returns the matrix in panels if it is not in tiles.
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

/// The right matrix of a product, packed or not.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    pub(crate) inner: usize,
    /// A multiple of a vector's length if the matrix is not packed.
    pub(crate) columns: usize,
    pub(crate) data: &'a [f32],
    pub(crate) packed: bool,
}

/// Iterates over the panels of `columns` columns: the first vector of each, and the number of its
/// vectors.
#[inline(always)]
pub(crate) fn panels<S: Simd>(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    divided(columns.div_ceil(S::F32_LANES), most::<S>())
}

/// Returns the largest number of vectors in a panel: with 32 registers, a tile of six rows and four
/// vectors fits.
#[inline(always)]
fn most<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// Divides `0..vectors` into as few parts of at most `most` vectors as possible, of nearly equal
/// length.
#[inline(always)]
fn divided(vectors: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = vectors.div_ceil(most);
    (0..parts).map(move |part| {
        let first = part * vectors / parts;
        (first, (part + 1) * vectors / parts - first)
    })
}

/// Returns the number of `f32` in a vector of this processor.
pub(crate) fn lanes() -> usize {
    shape().0
}

/// Returns the number of `f32` in a vector of this processor, and of vectors in a panel.
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
