//! The backward pass of convolutions by minimal filtering: the adjoint of every step.

use super::winograd::{
    Combination, FILTER, Factors, INPUT, READS, RESULT, Scratch, Size, Start, WRITES, at_points,
    combine, read_points,
};
use crate::gemm::backward_matmul::{Scratch as ProductScratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;

/// Returns the transpose of a matrix.
const fn turned<const I: usize, const O: usize>(of: [[f32; I]; O]) -> [[f32; O]; I] {
    let mut turned = [[0.0; O]; I];
    let mut at = 0;
    while at < I * O {
        turned[at % I][at / I] = of[at / I][at % I];
        at += 1;
    }
    turned
}

/// `A`, from the gradients of the places of a tile to those at the points.
struct FromResult;

impl Factors<WRITES, READS> for FromResult {
    const FACTORS: [[f32; WRITES]; READS] = turned(RESULT);
}

/// `B`, from the gradients at the points to those of the places that a tile reads.
struct ToInput;

impl Factors<READS, READS> for ToInput {
    const FACTORS: [[f32; READS]; READS] = turned(INPUT);
}

/// The backward pass of a layer in blocks of rows.
pub(crate) struct Backward {
    size: Size,
    /// The transposed filters at the points.
    points: [Packed; READS],
    /// `[point, channel, filter]`.
    gradient: Vec<f32>,
    scratch: Scratch,
    products: ProductScratch,
}

impl Backward {
    /// Creates the backward pass of a layer with these weights, for about `rows` rows in total.
    pub(crate) fn new(weight: &[f32], size: Size, rows: usize) -> Self {
        let Size { channels, filters, .. } = size;
        let transposed =
            |matrix: Vec<f32>| Packed::transposed(&matrix, filters, channels, rows * size.tiles());
        Self {
            size,
            points: at_points(weight).map(transposed),
            gradient: vec![0.0; READS * channels * filters],
            scratch: Scratch::default(),
            products: ProductScratch::default(),
        }
    }

    /// Accumulates the gradient of the weights over some rows, from their input, `[row, place *
    /// channel]`, and the gradient of their output, `[row, place * filter]`, and writes the
    /// gradient of the input to `back`.
    pub(crate) fn rows(&mut self, read: &[f32], written: &[f32], back: &mut [f32]) {
        let Self { size, points, gradient, scratch, products } = self;
        let Size { places, channels, filters } = *size;
        let n = read.len() / (places * channels) * size.tiles();
        read_points(*size, read, &mut scratch.read);
        scratch.written.resize(READS * n * filters, 0.0);
        for (row, written) in written.chunks_exact(size.written() * filters).enumerate() {
            for tile in 0..size.tiles() {
                let first = tile * WRITES;
                combine::<FromResult, WRITES, READS>(Combination {
                    width: filters,
                    from: &written[first * filters..],
                    reads: (WRITES.min(size.written() - first), filters),
                    start: Start::Zero,
                    to: &mut scratch.written[(row * size.tiles() + tile) * filters..],
                    writes: (READS, n * filters),
                });
            }
        }
        let matrices = gradient.chunks_exact_mut(channels * filters).zip(&*points);
        let read = scratch.read.chunks_exact_mut(n * channels);
        let written = scratch.written.chunks_exact(n * filters);
        for ((matrix, points), (read, written)) in matrices.zip(read.zip(written)) {
            add_transposed_left(read, written, n, 0..channels, products, matrix);
            read.fill(0.0);
            multiply(written, points, None, read);
        }
        back.fill(0.0);
        for (row, back) in back.chunks_exact_mut(places * channels).enumerate() {
            for tile in 0..size.tiles() {
                let first = tile * WRITES;
                combine::<ToInput, READS, READS>(Combination {
                    width: channels,
                    from: &scratch.read[(row * size.tiles() + tile) * channels..],
                    reads: (READS, n * channels),
                    start: Start::There,
                    to: &mut back[first * channels..],
                    writes: (READS.min(places - first), channels),
                });
            }
        }
    }

    /// Adds the gradient over all rows to `weight`, `[place * channel, filter]`.
    pub(crate) fn add_to(self, weight: &mut [f32]) {
        let n = self.size.channels * self.size.filters;
        for (factors, gradient) in FILTER.iter().zip(self.gradient.chunks_exact(n)) {
            for (factor, weight) in factors.iter().zip(weight.chunks_exact_mut(n)) {
                weight.iter_mut().zip(gradient).for_each(|(sum, x)| *sum += factor * x);
            }
        }
    }
}
