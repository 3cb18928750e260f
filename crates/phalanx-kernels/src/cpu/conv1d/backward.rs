//! The backward pass of the convolutions along an observation, on slices, in blocks of rows.

use super::layers::{Lengths, ROW_BLOCK};
use super::winograd_backward::Backward;
use crate::Activation;
use crate::cpu::activation_grad::{activation_gradient, add_column_sums};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::{Layer, LayerGradients};
use crate::gemm::backward_matmul::{Lines, Scratch, add_transposed_lines};
use crate::gemm::matmul::multiply_strided;
use crate::gemm::pack::Packed;
use crate::params::{Convolution, KERNEL};

/// Computes the gradients of the input, if requested, and of the layers, from the output and its
/// gradient.
pub(crate) fn backward(
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
    // The gradients of each layer's output, after its ReLU and before it.
    let block = |at: usize| vec![0.0; ROW_BLOCK * lengths.row(at)];
    let (mut after, mut before) = ([1, 2].map(block), [1, 2, 3].map(block));
    let mut scratch = Scratch::default();
    for first in (0..rows).step_by(ROW_BLOCK) {
        let block = first..(first + ROW_BLOCK).min(rows);
        let of = |at: usize| block.start * lengths.row(at)..block.end * lengths.row(at);
        for at in (0..3).rev() {
            let later = at + 1;
            let before = &mut before[at][..of(later).len()];
            let given = after.get(at).map_or(&gradient[of(3)], |given| &given[..before.len()]);
            let written = saved.get(later).map_or(output, |saved| saved);
            activation_gradient(Activation::Relu, &written[of(later)], given, before);
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

/// Adds the gradient of some rows of the input, `[row, frame * entry]`, from that before the first
/// ReLU.
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
