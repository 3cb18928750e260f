//! Convolutions with filters of length three and half the multiplications: Winograd's minimal
//! filtering F(4, 3), on slices (Lavin and Gray, "Fast Algorithms for Convolutional Neural
//! Networks", 2016, arXiv 1509.09308, which lists the matrices below).
//!
//! A tile is four places `y` of the result, computed from six places `d` and a filter `g`:
//!
//! ```text
//! y = A^T [(G g) * (B^T d)]
//! ```
//!
//! where `*` multiplies element by element, at six points. With channels, this is a matrix product
//! at each of the points, `[tile, channel]` times `[channel, filter]`: six products for four
//! places, whereas the definition takes three for each place. Places past the end are zero, and
//! their results are dropped.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::params::KERNEL;
use crate::simd::dispatch::{dispatch, load, store};

/// The number of places of a tile of the result.
pub(crate) const WRITES: usize = 4;
/// The number of places from which a tile is computed.
pub(crate) const READS: usize = WRITES + KERNEL - 1;

/// `A^T`, from the points to the places of a tile.
pub(crate) const RESULT: [[f32; READS]; WRITES] = [
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    [0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
    [0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
    [0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
];

/// `B^T`, from the places that a tile reads to the points.
pub(crate) const INPUT: [[f32; READS]; READS] = [
    [4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
    [0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
    [0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
    [0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
    [0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
    [0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
];

/// `G`, from a filter to the points.
pub(crate) const FILTER: [[f32; KERNEL]; READS] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// A constant matrix between places and points; its zeros cost nothing.
pub(crate) trait Factors<const I: usize, const O: usize> {
    const FACTORS: [[f32; I]; O];
}

struct ToResult;

impl Factors<READS, WRITES> for ToResult {
    const FACTORS: [[f32; READS]; WRITES] = RESULT;
}

struct FromInput;

impl Factors<READS, READS> for FromInput {
    const FACTORS: [[f32; READS]; READS] = INPUT;
}

/// The size of a layer.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// The number of places of an input row; an output row has two fewer.
    pub(crate) places: usize,
    /// The number of channels of an input place.
    pub(crate) channels: usize,
    /// The number of channels of an output place.
    pub(crate) filters: usize,
}

impl Size {
    /// Returns the number of places of an output row.
    pub(crate) fn written(&self) -> usize {
        self.places + 1 - KERNEL
    }

    /// Returns the number of tiles of a row.
    pub(crate) fn tiles(&self) -> usize {
        self.written().div_ceil(WRITES)
    }

    /// Returns the multiply-adds per row.
    pub(crate) fn work(&self) -> usize {
        READS * self.tiles() * self.channels * self.filters
    }
}

/// The filters of a layer at the points, packed for products.
#[derive(Clone, Debug)]
pub(crate) struct Points(pub(crate) [Packed; READS]);

impl Points {
    /// Packs the filters `weight`, `[place * channel, filter]`, for products with about `rows`
    /// rows, a number that must not depend on the number of threads.
    pub(crate) fn new(weight: &[f32], size: Size, rows: usize) -> Self {
        let Size { channels, filters, .. } = size;
        let rows = rows.saturating_mul(size.tiles());
        Self(at_points(weight).map(|matrix| Packed::new(&matrix, channels, filters, rows)))
    }
}

/// Returns `G g` for all channels and filters.
pub(crate) fn at_points(weight: &[f32]) -> [Vec<f32>; READS] {
    let n = weight.len() / KERNEL;
    FILTER.map(|factors| {
        let sum = |i| (0..KERNEL).map(|place| factors[place] * weight[place * n + i]).sum();
        (0..n).map(sum).collect()
    })
}

/// Reused memory: the tiles of some rows at each of the points.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    /// The input, `[point, row * tile, channel]`.
    pub(crate) read: Vec<f32>,
    /// The result, `[point, row * tile, filter]`.
    pub(crate) written: Vec<f32>,
}

/// Computes the layer without bias and ReLU, from `[row, place * channel]` to `[row, place *
/// filter]`.
pub(crate) fn forward(
    size: Size,
    (points, bias): (&Points, &[f32]),
    from: &[f32],
    to: &mut [f32],
    scratch: &mut Scratch,
) {
    let Size { places, channels, filters } = size;
    let rows = from.len() / (places * channels);
    let n = rows * size.tiles();
    read_points(size, from, &mut scratch.read);
    scratch.written.clear();
    scratch.written.resize(READS * n * filters, 0.0);
    let results = scratch.written.chunks_exact_mut(n * filters);
    for ((read, points), result) in
        scratch.read.chunks_exact(n * channels).zip(&points.0).zip(results)
    {
        multiply(read, points, None, result);
    }
    for (row, to) in to.chunks_exact_mut(size.written() * filters).enumerate() {
        for tile in 0..size.tiles() {
            let first = tile * WRITES;
            combine::<ToResult, READS, WRITES>(Combination {
                width: filters,
                from: &scratch.written[(row * size.tiles() + tile) * filters..],
                reads: (READS, n * filters),
                start: Start::With(bias),
                to: &mut to[first * filters..],
                writes: (WRITES.min(size.written() - first), filters),
            });
        }
    }
}

/// Computes `B^T d` for all tiles of some rows.
pub(crate) fn read_points(size: Size, from: &[f32], to: &mut Vec<f32>) {
    let Size { places, channels, .. } = size;
    let rows = from.len() / (places * channels);
    let n = rows * size.tiles();
    to.resize(READS * n * channels, 0.0);
    for (row, from) in from.chunks_exact(places * channels).enumerate() {
        for tile in 0..size.tiles() {
            let first = tile * WRITES;
            combine::<FromInput, READS, READS>(Combination {
                width: channels,
                from: &from[first * channels..],
                reads: (READS.min(places - first), channels),
                start: Start::Zero,
                to: &mut to[(row * size.tiles() + tile) * channels..],
                writes: (READS, n * channels),
            });
        }
    }
}

/// Initial value of a [`Combination`].
pub(crate) enum Start<'a> {
    Zero,
    /// A vector, the same for every output.
    With(&'a [f32]),
    /// The current value.
    #[cfg(feature = "flex")]
    There,
}

/// The linear combination `to[o] = start + sum_i factors[o][i] from[i]` of vectors of `width`
/// numbers, for the first few `i` and `o`.
pub(crate) struct Combination<'a> {
    pub(crate) width: usize,
    pub(crate) from: &'a [f32],
    /// The number of inputs, and their distance.
    pub(crate) reads: (usize, usize),
    pub(crate) start: Start<'a>,
    pub(crate) to: &'a mut [f32],
    /// The number of outputs, and their distance.
    pub(crate) writes: (usize, usize),
}

pub(crate) fn combine<F: Factors<I, O>, const I: usize, const O: usize>(all: Combination<'_>) {
    struct With<'a, F, const I: usize, const O: usize>(Combination<'a>, PhantomData<F>);

    impl<F: Factors<I, O>, const I: usize, const O: usize> WithSimd for With<'_, F, I, O> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Combination { width, from, reads, start, to, writes } = self.0;
            let zero = simd.splat_f32s(0.0);
            for at in (0..width).step_by(S::F32_LANES) {
                let mut read = [zero; I];
                for (i, read) in read.iter_mut().enumerate() {
                    if i < reads.0 {
                        *read = load(simd, &from[i * reads.1..][at..width]);
                    }
                }
                for (o, factors) in F::FACTORS.iter().enumerate() {
                    if o >= writes.0 {
                        break;
                    }
                    let to = &mut to[o * writes.1..][at..width];
                    let mut sum = match start {
                        Start::Zero => zero,
                        Start::With(numbers) => load(simd, &numbers[at..]),
                        #[cfg(feature = "flex")]
                        Start::There => load(simd, to),
                    };
                    for (&factor, &read) in factors.iter().zip(&read) {
                        if factor != 0.0 {
                            sum = simd.mul_add_e_f32s(simd.splat_f32s(factor), read, sum);
                        }
                    }
                    store(simd, to, sum);
                }
            }
        }
    }

    dispatch(With::<F, I, O>(all, PhantomData));
}
