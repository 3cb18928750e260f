//! Forward and backward pass of the convolutions along an observation, on slices, in blocks of rows.

use std::ops::Range;

use super::super::super::convolution::{Convolution, KERNEL};
use super::super::super::linear::Activation;
use super::super::convolution::{Lengths, PackedFilters, ROW_BLOCK, lay_out, layer_forward};
use super::super::matmul::multiply_strided;
use super::super::pack::Packed;
use super::super::shares::{each, shares, split};
use super::super::winograd::Scratch as Points;
use super::buffer::Buffer;
use super::gradients::{activation_gradient, add_column_sums};
use super::perceptron::{Layer, LayerGradients};
use super::products::{Lines, Scratch, add_transposed_lines};
use super::winograd::Backward;

/// The filtered rows, `[row, place * filter]`, of `input`, `[row, frame * entry]`; and what else the backward pass
/// needs: every row laid out for the first layer, and behind each layer but the last.
pub(super) fn forward(
    size: Convolution,
    layers: [Layer<'_>; 3],
    input: &[f32],
) -> (Vec<f32>, Vec<Buffer>) {
    let lengths = Lengths::of(size);
    let rows = input.len() / size.input_dim();
    let filters = PackedFilters::new(size, layers.map(|layer| layer.weight), rows);
    let mut saved: Vec<Buffer> = (0..3).map(|at| Buffer::take(rows * lengths.row(at))).collect();
    let mut output = vec![0.0; rows * lengths.row(3)];
    let shares = shares(rows, rows * lengths.work());
    let shares = shares.unwrap_or_else(|| std::iter::once(0..rows).collect());
    let mut tasks: Vec<Task<'_>> =
        shares.iter().map(|share| Task { share: share.clone(), behind: Vec::new() }).collect();
    let behind = saved.iter_mut().map(|saved| &mut saved[..]).chain([&mut output[..]]);
    for (at, behind) in behind.enumerate() {
        for (task, part) in tasks.iter_mut().zip(split(behind, lengths.row(at), &shares)) {
            task.behind.push(part);
        }
    }
    each(tasks, |task| task.run(size, input, layers, &filters));
    (output, saved)
}

/// What one thread computes.
struct Task<'a> {
    /// Its rows.
    share: Range<usize>,
    /// What there is of these rows, as they are laid out and behind each layer.
    behind: Vec<&'a mut [f32]>,
}

impl Task<'_> {
    fn run(
        self,
        size: Convolution,
        input: &[f32],
        layers: [Layer<'_>; 3],
        filters: &PackedFilters,
    ) {
        let Self { share, mut behind } = self;
        let (lengths, dim) = (Lengths::of(size), size.input_dim());
        let mut points = Points::default();
        for first in (0..share.len()).step_by(ROW_BLOCK) {
            let block = first..(first + ROW_BLOCK).min(share.len());
            let of = |width: usize| block.start * width..block.end * width;
            let read = &input[share.start * dim..][of(dim)];
            lay_out(size, read, dim, &mut behind[0][of(lengths.row(0))]);
            for (at, layer) in layers.iter().enumerate() {
                let (from, to) = behind.split_at_mut(at + 1);
                let from = &from[at][of(lengths.row(at))];
                let to = &mut to[0][of(lengths.row(at + 1))];
                layer_forward(lengths, at, (filters, layer.bias), from, to, &mut points);
            }
        }
    }
}

/// The gradients of the input, where they are wanted, and of the layers, given the output and its gradient.
pub(super) fn backward(
    size: Convolution,
    layers: [Layer<'_>; 3],
    saved: &[Buffer],
    (output, gradient): (&[f32], &[f32]),
    wanted: bool,
) -> (Option<Vec<f32>>, Vec<LayerGradients>) {
    let lengths = Lengths::of(size);
    let rows = gradient.len() / lengths.row(3);
    let mut found: Vec<_> = layers.iter().map(LayerGradients::zeros).collect();
    let mut inputs = wanted.then(|| Vec::with_capacity(rows * size.input_dim()));
    let mut others = [1, 2].map(|at| Backward::new(layers[at].weight, lengths.minimal(at), rows));
    // Of what is behind each layer: after its ReLU, and before it.
    let block = |at: usize| vec![0.0; ROW_BLOCK * lengths.row(at)];
    let (mut after, mut before) = ([1, 2].map(block), [1, 2, 3].map(block));
    let mut scratch = Scratch::default();
    for first in (0..rows).step_by(ROW_BLOCK) {
        let block = first..(first + ROW_BLOCK).min(rows);
        let of = |at: usize| block.start * lengths.row(at)..block.end * lengths.row(at);
        for at in (0..3).rev() {
            let behind = at + 1;
            let before = &mut before[at][..of(behind).len()];
            let given = after.get(at).map_or(&gradient[of(3)], |given| &given[..before.len()]);
            let written = saved.get(behind).map_or(output, |saved| saved);
            activation_gradient(Activation::Relu, &written[of(behind)], given, before);
            add_column_sums(before, &mut found[at].bias);
            if let Some(other) = at.checked_sub(1) {
                let back = &mut after[other][..of(at).len()];
                others[other].rows(&saved[at][of(at)], before, back);
            }
        }
        let inside = &before[0][..of(1).len()];
        let stride = lengths.channels[0];
        let width = KERNEL * size.frames;
        for (row, given) in
            saved[0][of(0)].chunks_exact(lengths.row(0)).zip(inside.chunks_exact(lengths.row(1)))
        {
            let lines = Lines { matrix: row, stride, width, of: width };
            let weight = &mut found[0].weight;
            add_transposed_lines(lines, given, lengths.places[1], &mut scratch, weight);
        }
        if let Some(inputs) = &mut inputs {
            input_gradient(size, layers[0], inside, inputs);
        }
    }
    for (other, found) in others.into_iter().zip(&mut found[1..]) {
        other.add_to(&mut found.weight);
    }
    (inputs, found)
}

/// Adds the gradient of some rows of the input, `[row, frame * entry]`, given that before the first ReLU.
fn input_gradient(size: Convolution, layer: Layer<'_>, given: &[f32], inputs: &mut Vec<f32>) {
    let Convolution { frames, length } = size;
    let lengths = Lengths::of(size);
    let filters = lengths.channels[1];
    let window = KERNEL * frames;
    let turned = Packed::transposed(layer.weight, filters, window, 1);
    let mut windows = vec![0.0; given.len() / filters * window];
    multiply_strided(given, filters, &turned, None, &mut windows);
    let per_row = lengths.places[1] * window;
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
