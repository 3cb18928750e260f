//! Three convolutions along the places of a row, on slices.
//!
//! The channels of a place are contiguous. The window of a filter is therefore contiguous as well,
//! and the first layer is one product with a left matrix whose rows overlap. The others, with many
//! channels, use fewer multiplications ([`super::winograd`]).

use super::winograd::{self, Points, Scratch, Size};
use crate::Activation;
use crate::gemm::matmul::multiply_strided;
use crate::gemm::pack::Packed;
use crate::params::{Convolution, FILTERS, KERNEL};
use crate::simd::elementwise::activate;

/// The number of rows that go through all layers together while they are in cache.
pub(crate) const ROW_BLOCK: usize = 8;

/// The filters of the layers in the layout of the forward pass.
#[derive(Clone, Debug)]
pub struct PackedFilters {
    first: Packed,
    others: [Points; 2],
}

impl PackedFilters {
    /// Packs the filters `weights`, `[place * channel, filter]` each, for products with about
    /// `rows` rows, a number that must not depend on the number of threads.
    pub fn new(size: Convolution, weights: [&[f32]; 3], rows: usize) -> Self {
        let lengths = Lengths::of(size);
        let windows = rows.saturating_mul(lengths.places[1]);
        let first = Packed::new(weights[0], KERNEL * size.frames, FILTERS[0], windows);
        let points = |at: usize| Points::new(weights[at], lengths.minimal(at), rows);
        Self { first, others: [points(1), points(2)] }
    }
}

/// The lengths of a row at the input and after each layer.
#[derive(Clone, Copy)]
pub(crate) struct Lengths {
    /// The number of places; at the input, half the places including padding, because the first
    /// layer has stride 2.
    pub(crate) places: [usize; 4],
    /// The number of channels.
    pub(crate) channels: [usize; 4],
}

impl Lengths {
    pub(crate) fn of(size: Convolution) -> Self {
        let (places, [first, second, third]) = (size.places(), FILTERS);
        let shorter = KERNEL - 1;
        Self {
            places: [places + 1, places, places - shorter, places - 2 * shorter],
            channels: [2 * size.frames, first, second, third],
        }
    }

    /// Returns the length of a row.
    pub(crate) fn row(&self, at: usize) -> usize {
        self.places[at] * self.channels[at]
    }

    /// Returns the size of a layer after the first.
    pub(crate) fn minimal(&self, layer: usize) -> Size {
        let (places, channels) = (self.places[layer], self.channels[layer]);
        Size { places, channels, filters: self.channels[layer + 1] }
    }

    /// Returns the multiply-adds per row.
    pub(crate) fn work(&self) -> usize {
        let first = KERNEL * self.channels[0] / 2 * self.row(1);
        first + self.minimal(1).work() + self.minimal(2).work()
    }
}

/// Returns the multiply-adds per row.
pub fn filter_multiply_adds(size: Convolution) -> usize {
    Lengths::of(size).work()
}

/// Copies `input`, `[row, dim]`, whose rows start with `[frame, entry]`, to the layout of the first
/// layer: channels vary fastest, and rows are padded with zeros.
pub(crate) fn lay_out(size: Convolution, input: &[f32], dim: usize, padded: &mut [f32]) {
    let Convolution { frames, length } = size;
    let before = frames * size.zeros_before();
    let rows = input.chunks_exact(dim).zip(padded.chunks_exact_mut(Lengths::of(size).row(0)));
    for (row, padded) in rows {
        padded[..before].fill(0.0);
        padded[before + frames * length..].fill(0.0);
        for (entry, to) in padded[before..].chunks_exact_mut(frames).take(length).enumerate() {
            for (frame, to) in to.iter_mut().enumerate() {
                *to = row[frame * length + entry];
            }
        }
    }
}

/// Computes one layer with its ReLU for some rows.
pub(crate) fn layer_forward(
    lengths: Lengths,
    at: usize,
    (filters, bias): (&PackedFilters, &[f32]),
    from: &[f32],
    to: &mut [f32],
    scratch: &mut Scratch,
) {
    match at.checked_sub(1) {
        Some(other) => {
            let filters = (&filters.others[other], bias);
            winograd::forward(lengths.minimal(at), filters, from, to, scratch);
        }
        None => {
            let to = to.chunks_exact_mut(lengths.row(1));
            for (from, to) in from.chunks_exact(lengths.row(0)).zip(to) {
                multiply_strided(from, lengths.channels[0], &filters.first, Some(bias), to);
            }
        }
    }
    activate(Activation::Relu, to);
}

/// Intermediate results for some rows.
#[derive(Clone, Debug, Default)]
pub struct FilterScratch {
    later: [Vec<f32>; 4],
    points: Scratch,
}

/// Applies the filters to `input`, `[row, dim]`, whose rows start with the observations. The
/// result, `[place * filter]`, is written to the start of each row of `output`; these rows are
/// `stride` apart.
pub fn filter(
    size: Convolution,
    (filters, biases): (&PackedFilters, [&[f32]; 3]),
    (input, dim): (&[f32], usize),
    (output, stride): (&mut [f32], usize),
    FilterScratch { later, points }: &mut FilterScratch,
) {
    let lengths = Lengths::of(size);
    for (at, later) in later.iter_mut().enumerate() {
        later.resize(ROW_BLOCK * lengths.row(at), 0.0);
    }
    let blocks = input.chunks(ROW_BLOCK * dim).zip(output.chunks_mut(ROW_BLOCK * stride));
    for (input, output) in blocks {
        let rows = input.len() / dim;
        lay_out(size, input, dim, &mut later[0][..rows * lengths.row(0)]);
        for (at, bias) in biases.into_iter().enumerate() {
            let (from, to) = later.split_at_mut(at + 1);
            let from = &from[at][..rows * lengths.row(at)];
            let to = &mut to[0][..rows * lengths.row(at + 1)];
            layer_forward(lengths, at, (filters, bias), from, to, points);
        }
        let filtered = later[3].chunks_exact(lengths.row(3));
        for (from, to) in filtered.zip(output.chunks_mut(stride)) {
            to[..from.len()].copy_from_slice(from);
        }
    }
}
