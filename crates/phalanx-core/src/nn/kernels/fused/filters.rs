//! Forward and backward pass of the convolutions along an observation, on slices, in blocks of rows.

use std::ops::Range;

use super::super::super::convolution::{Convolution, KERNEL};
use super::super::super::linear::Activation;
use super::super::convolution::{
    Layer as Packing, Lengths, ROW_BLOCK, lay_out, layer_forward, take_out,
};
use super::super::matmul::multiply_strided;
use super::super::pack::Packed;
use super::super::shares::{each, shares, split};
use super::buffer::Buffer;
use super::gradients::{activation_gradient, add_column_sums};
use super::perceptron::{Layer, LayerGradients};
use super::products::{Lines, Scratch, add_transposed_lines};

/// The filtered rows, `[row, place * filter]`, of `input`, `[row, frame * entry]`; and what the backward pass
/// needs: every row laid out for the first layer, and behind each layer.
pub(super) fn forward(
    size: Convolution,
    layers: [Layer<'_>; 3],
    input: &[f32],
) -> (Vec<f32>, Vec<Buffer>) {
    let lengths = Lengths::of(size);
    let width = size.output_dim();
    let rows = input.len() / size.input_dim();
    let packed = layers.map(|layer| layer.packed(rows * lengths.places));
    let mut saved: Vec<Buffer> = (0..4).map(|at| Buffer::take(rows * lengths.row(at))).collect();
    let mut output = vec![0.0; rows * width];
    let work = (0..3).map(|at| lengths.places * window(lengths, at) * lengths.channels[at + 1]);
    let shares = shares(rows, rows * work.sum::<usize>());
    let shares = shares.unwrap_or_else(|| std::iter::once(0..rows).collect());
    let outputs = split(&mut output, width, &shares);
    let mut tasks: Vec<Task<'_>> = (shares.iter().zip(outputs))
        .map(|(share, output)| Task { share: share.clone(), output, saved: Vec::new() })
        .collect();
    for (at, saved) in saved.iter_mut().enumerate() {
        for (task, part) in tasks.iter_mut().zip(split(saved, lengths.row(at), &shares)) {
            task.saved.push(part);
        }
    }
    each(tasks, |task| task.run(size, input, layers, &packed));
    (output, saved)
}

/// What one thread computes.
struct Task<'a> {
    /// Its rows.
    share: Range<usize>,
    /// Of these rows.
    output: &'a mut [f32],
    /// Likewise.
    saved: Vec<&'a mut [f32]>,
}

impl Task<'_> {
    fn run(self, size: Convolution, input: &[f32], layers: [Layer<'_>; 3], packed: &[Packed; 3]) {
        let Self { share, output, mut saved } = self;
        let lengths = Lengths::of(size);
        let (dim, width) = (size.input_dim(), size.output_dim());
        for first in (0..share.len()).step_by(ROW_BLOCK) {
            let block = first..(first + ROW_BLOCK).min(share.len());
            let of = |width: usize| block.start * width..block.end * width;
            let read = &input[share.start * dim..][of(dim)];
            lay_out(size, read, dim, &mut saved[0][of(lengths.row(0))]);
            for (at, layer) in layers.iter().enumerate() {
                let (from, to) = saved.split_at_mut(at + 1);
                let from = &from[at][of(lengths.row(at))];
                let to = &mut to[0][of(lengths.row(at + 1))];
                let layer = Packing { weight: &packed[at], bias: layer.bias };
                layer_forward(lengths, at, layer, from, to);
            }
            take_out(lengths, &saved[3][of(lengths.row(3))], (&mut output[of(width)], width));
        }
    }
}

/// The gradients of the input, where they are wanted, and of the layers, given that of the output.
pub(super) fn backward(
    size: Convolution,
    layers: [Layer<'_>; 3],
    saved: &[Buffer],
    gradient: &[f32],
    wanted: bool,
) -> (Option<Vec<f32>>, Vec<LayerGradients>) {
    let lengths = Lengths::of(size);
    let width = size.output_dim();
    let rows = gradient.len() / width;
    let mut found: Vec<_> = layers.iter().map(LayerGradients::zeros).collect();
    let mut inputs = wanted.then(|| Vec::with_capacity(rows * size.input_dim()));
    // What each layer's gradient is multiplied with to give that of what it reads.
    let turned: Vec<Packed> = (1..3)
        .map(|at| {
            let reads = KERNEL * lengths.channels[at + 1];
            let weight =
                mirrored(layers[at].weight, lengths.channels[at], lengths.channels[at + 1]);
            Packed::new(&weight, reads, lengths.channels[at], rows * lengths.places)
        })
        .collect();
    // Behind each layer; zeros stand before the first row, as they do at the end of all but the first layer's.
    let mut gradients: Vec<Vec<f32>> = (1..4)
        .map(|at| vec![0.0; BEFORE * lengths.channels[at] + ROW_BLOCK * lengths.row(at)])
        .collect();
    let mut read = Buffer::take(ROW_BLOCK * lengths.row(2).max(lengths.row(1)));
    let mut scratch = Scratch::default();
    for first in (0..rows).step_by(ROW_BLOCK) {
        let block = first..(first + ROW_BLOCK).min(rows);
        let n = block.len();
        let of = |at: usize| block.start * lengths.row(at)..block.end * lengths.row(at);
        // The gradient before the last ReLU.
        let given = gradient[block.start * width..block.end * width].chunks_exact(width);
        let after = saved[3][of(3)].chunks_exact(lengths.row(3));
        let before = gradients[2][BEFORE * lengths.channels[3]..].chunks_exact_mut(lengths.row(3));
        for ((given, after), before) in given.zip(after).zip(before) {
            activation_gradient(Activation::Relu, &after[..width], given, &mut before[..width]);
        }
        for at in (0..3).rev() {
            let (before, after) = gradients.split_at_mut(at);
            let channels = lengths.channels[at + 1];
            let (stride, width) = (lengths.channels[at], window(lengths, at));
            let given = &after[0][..BEFORE * channels + n * lengths.row(at + 1)];
            let inside = &given[BEFORE * channels..];
            let LayerGradients { weight, bias } = &mut found[at];
            add_column_sums(inside, bias);
            let mut add = |matrix: &[f32], given: &[f32]| {
                let lines = Lines { matrix, stride, width, of: width };
                add_transposed_lines(lines, given, given.len() / channels, &mut scratch, weight);
            };
            if at == 0 {
                let rows = saved[0][of(0)].chunks_exact(lengths.row(0));
                let given = inside.chunks_exact(lengths.row(1));
                rows.zip(given).for_each(|(row, given)| add(row, given));
                if let Some(inputs) = &mut inputs {
                    input_gradient(size, layers[0], inside, inputs);
                }
                continue;
            }
            // The last windows of the last row would hang over the end of memory; their gradient is zero.
            add(&saved[at][of(at)], &inside[..inside.len() - BEFORE * channels]);
            let read = &mut read[..n * lengths.row(at)];
            read.fill(0.0);
            multiply_strided(given, channels, &turned[at - 1], None, read);
            let from = BEFORE * lengths.channels[at];
            let to = &mut before[at - 1][from..from + read.len()];
            activation_gradient(Activation::Relu, &saved[at][of(at)], read, to);
        }
    }
    (inputs, found)
}

/// The places before the first of some rows from which the gradients of what a layer reads are computed.
const BEFORE: usize = KERNEL - 1;

/// The length of what a filter of a layer reads.
fn window(lengths: Lengths, layer: usize) -> usize {
    let channels = lengths.channels[layer];
    // Of the input's channels, half belong to the next place.
    KERNEL * if layer == 0 { channels / 2 } else { channels }
}

/// The transposes of the weights of each place of a filter, in reverse order: `[place * channel, filter]` to
/// `[place * filter, channel]`. With these, the gradient of what a layer reads is a convolution like the
/// layer itself.
fn mirrored(weight: &[f32], channels: usize, filters: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(weight.len());
    for place in weight.chunks_exact(channels * filters).rev() {
        for filter in 0..filters {
            turned.extend((0..channels).map(|channel| place[channel * filters + filter]));
        }
    }
    turned
}

/// Adds the gradient of some rows of the input, `[row, frame * entry]`, given that before the first ReLU.
fn input_gradient(size: Convolution, layer: Layer<'_>, given: &[f32], inputs: &mut Vec<f32>) {
    let Convolution { frames, length } = size;
    let lengths = Lengths::of(size);
    let filters = lengths.channels[1];
    let window = window(lengths, 0);
    let turned = Packed::transposed(layer.weight, filters, window, 1);
    let mut windows = vec![0.0; given.len() / filters * window];
    multiply_strided(given, filters, &turned, None, &mut windows);
    let per_row = lengths.places * window;
    let mut padded = vec![0.0; lengths.row(0)];
    for row in windows.chunks_exact(per_row) {
        padded.fill(0.0);
        for (place, window) in row.chunks_exact(window).enumerate() {
            let to = &mut padded[place * 2 * frames..];
            to.iter_mut().zip(window).for_each(|(to, from)| *to += from);
        }
        let inside = &padded[size.zeros_before() * frames..];
        for frame in 0..frames {
            inputs.extend((0..length).map(|entry| inside[entry * frames + frame]));
        }
    }
}
