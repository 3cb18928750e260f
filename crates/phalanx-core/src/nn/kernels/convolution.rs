//! Three convolutions along the places of a row, on slices.
//!
//! A place is stored with its channels. The window of a filter is then a contiguous piece of memory, and a
//! convolution one product with a left matrix whose rows overlap. Behind every layer a row keeps as many places
//! as behind the first: a layer computes windows that hang over the end of a row into the next, and what comes
//! of these is overwritten with zeros.

use super::super::convolution::{Convolution, FILTERS, KERNEL};
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
    /// Places of a row behind each layer.
    pub(super) places: usize,
    /// The channels behind each layer; of the input, those of two places, since the first layer takes every
    /// second one.
    pub(super) channels: [usize; 4],
}

impl Lengths {
    pub(super) fn of(size: Convolution) -> Self {
        let [first, second, third] = FILTERS;
        Self { places: size.places(), channels: [2 * size.frames, first, second, third] }
    }

    /// Numbers of a row. One of the input has another place, which holds the zeros behind it.
    pub(super) fn row(&self, at: usize) -> usize {
        (self.places + usize::from(at == 0)) * self.channels[at]
    }

    /// The numbers at the end of a row behind a layer that are zeros: those of two more places with each
    /// layer but the first.
    pub(super) fn zeros(&self, at: usize) -> usize {
        (KERNEL - 1) * (at - 1) * self.channels[at]
    }
}

/// Lays out `input`, `[row, dim]`, of which a row begins with `[frame, entry]`: channels run fastest, and zeros
/// are around them.
pub(super) fn lay_out(size: Convolution, input: &[f32], dim: usize, padded: &mut [f32]) {
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

/// One layer with its ReLU, for some rows.
pub(super) fn layer_forward(
    lengths: Lengths,
    at: usize,
    layer: Layer<'_>,
    from: &[f32],
    to: &mut [f32],
) {
    let (stride, row, zeros) = (lengths.channels[at], lengths.row(at + 1), lengths.zeros(at + 1));
    let product = |from: &[f32], to: &mut [f32]| {
        multiply_strided(from, stride, layer.weight, Some(layer.bias), to)
    };
    if at == 0 {
        let rows = from.chunks_exact(lengths.row(0)).zip(to.chunks_exact_mut(row));
        rows.for_each(|(from, to)| product(from, to));
        activate(Activation::Relu, to);
        return;
    }
    // The last windows of the last row would hang over the end of memory.
    let written = to.len() - (KERNEL - 1) * lengths.channels[at + 1];
    product(from, &mut to[..written]);
    activate(Activation::Relu, &mut to[..written]);
    to.chunks_exact_mut(row).for_each(|places| places[row - zeros..].fill(0.0));
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

/// Copies the places behind the last layer, without the zeros behind them.
pub(super) fn take_out(lengths: Lengths, padded: &[f32], (output, stride): (&mut [f32], usize)) {
    let (row, zeros) = (lengths.row(3), lengths.zeros(3));
    for (from, to) in padded.chunks_exact(row).zip(output.chunks_mut(stride)) {
        let from = &from[..row - zeros];
        to[..from.len()].copy_from_slice(from);
    }
}
