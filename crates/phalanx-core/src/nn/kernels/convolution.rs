//! Three convolutions along the places of a row, on slices.
//!
//! A row of places is stored with a place of zeros before and behind it, each place with its channels. The
//! window of a filter is then a contiguous piece of memory, and a convolution one product with a left matrix
//! whose rows overlap. It computes two windows too many for each row, which hang over its end; where they are
//! written, the zeros of the next layer are put afterwards.

use super::super::convolution::{Convolution, FILTERS};
use super::super::linear::Activation;
use super::elementwise::activate;
use super::matmul::multiply_strided;
use super::pack::Packed;

/// Rows that go through all layers together, while they are in cache.
pub(super) const ROW_BLOCK: usize = 8;

/// The layers, laid out for the forward pass.
#[derive(Clone, Copy)]
pub(in super::super) struct Layer<'a> {
    pub(in super::super) weight: &'a Packed,
    pub(in super::super) bias: &'a [f32],
}

/// The lengths of a row: as it is read, and behind each layer.
#[derive(Clone, Copy)]
pub(super) struct Lengths {
    /// Places of a row with zeros around them; of the input, half as many.
    pub(super) places: usize,
    /// The channels behind each layer; of the input, those of two places, since the first layer takes every
    /// second one.
    pub(super) channels: [usize; 4],
}

impl Lengths {
    pub(super) fn of(size: Convolution) -> Self {
        let [first, second, third] = FILTERS;
        Self { places: size.places() + 2, channels: [2 * size.frames, first, second, third] }
    }

    /// Numbers of a row.
    pub(super) fn row(&self, at: usize) -> usize {
        self.places * self.channels[at]
    }

    /// The windows of some rows, without the last two, which would hang over the end of the last row.
    pub(super) fn windows(&self, rows: usize) -> usize {
        rows * self.places - 2
    }
}

/// Lays out `input`, `[row, dim]`, of which a row begins with `[frame, entry]`: channels run fastest, and zeros
/// are around them.
pub(super) fn lay_out(size: Convolution, input: &[f32], dim: usize, padded: &mut [f32]) {
    let Convolution { frames, length } = size;
    let rows = input.chunks_exact(dim).zip(padded.chunks_exact_mut(Lengths::of(size).row(0)));
    for (row, padded) in rows {
        padded[..frames].fill(0.0);
        padded[frames * (1 + length)..].fill(0.0);
        for (entry, to) in padded[frames..].chunks_exact_mut(frames).take(length).enumerate() {
            for (frame, to) in to.iter_mut().enumerate() {
                *to = row[frame * length + entry];
            }
        }
    }
}

/// One layer with its ReLU, for some rows.
pub(super) fn layer_forward(
    lengths: Lengths,
    at: usize,
    layer: Layer<'_>,
    from: &[f32],
    to: &mut [f32],
) {
    let channels = lengths.channels[at + 1];
    let row = lengths.row(at + 1);
    let windows = lengths.windows(to.len() / row);
    let written = &mut to[channels..][..windows * channels];
    multiply_strided(from, lengths.channels[at], layer.weight, Some(layer.bias), written);
    activate(Activation::Relu, written);
    zero_ends(to, row, channels);
}

/// Puts zeros before and behind the places of every row.
pub(super) fn zero_ends(padded: &mut [f32], row: usize, channels: usize) {
    for row in padded.chunks_exact_mut(row) {
        let end = row.len() - channels;
        row[..channels].fill(0.0);
        row[end..].fill(0.0);
    }
}

/// What the filters make of `input`, `[row, dim]`, of which a row begins with the observations: to the beginning
/// of each row of `output`, whose rows lie `stride` apart, `[place, filter]`.
pub(in super::super) fn filter(
    size: Convolution,
    layers: [Layer<'_>; 3],
    (input, dim): (&[f32], usize),
    (output, stride): (&mut [f32], usize),
    scratch: &mut [Vec<f32>; 4],
) {
    let lengths = Lengths::of(size);
    for (at, scratch) in scratch.iter_mut().enumerate() {
        scratch.resize(ROW_BLOCK * lengths.row(at), 0.0);
    }
    let blocks = input.chunks(ROW_BLOCK * dim).zip(output.chunks_mut(ROW_BLOCK * stride));
    for (input, output) in blocks {
        let rows = input.len() / dim;
        lay_out(size, input, dim, &mut scratch[0][..rows * lengths.row(0)]);
        for (at, layer) in layers.into_iter().enumerate() {
            let (from, to) = scratch.split_at_mut(at + 1);
            let from = &from[at][..rows * lengths.row(at)];
            layer_forward(lengths, at, layer, from, &mut to[0][..rows * lengths.row(at + 1)]);
        }
        take_out(lengths, &scratch[3], (output, stride));
    }
}

/// Copies the places behind the last layer, without the zeros around them.
pub(super) fn take_out(lengths: Lengths, padded: &[f32], (output, stride): (&mut [f32], usize)) {
    let (row, channels) = (lengths.row(3), lengths.channels[3]);
    for (from, to) in padded.chunks_exact(row).zip(output.chunks_mut(stride)) {
        let from = &from[channels..row - channels];
        to[..from.len()].copy_from_slice(from);
    }
}
