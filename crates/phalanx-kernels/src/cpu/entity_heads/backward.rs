//! The backward pass of a layer over the tokens of some entities, on slices.

use super::forward::{Inputs, ROWS};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::{LayerGradients, backwards};
use crate::gemm::backward_matmul::Scratch;

/// The gradients of the inputs, in their shapes.
pub(super) struct Found {
    pub(super) features: Vec<f32>,
    pub(super) tokens: Vec<f32>,
    pub(super) layer: LayerGradients,
}

/// Computes the gradients from that of the output, `[row, feature + target * output]`.
pub(super) fn backward(inputs: Inputs<'_>, n_features: usize, gradient: &[f32]) -> Found {
    let Inputs { tokens, row, targets, layer } = inputs;
    let rows = tokens.len() / row;
    let width = layer.inner();
    let weights = targets.len() * layer.columns();
    let columns = n_features + weights;
    let transposed = layer.transposed(rows * targets.len());
    let mut found = Found {
        features: vec![0.0; rows * n_features],
        tokens: vec![0.0; tokens.len()],
        layer: LayerGradients::zeros(&layer),
    };
    let [mut read, mut d_read] = [0; 2].map(|_| Buffer::take(ROWS * targets.len() * width));
    let mut given = Buffer::take(ROWS * weights);
    let mut scratch = Scratch::default();
    let blocks = tokens.chunks(ROWS * row).zip(gradient.chunks(ROWS * columns));
    let writes = found.features.chunks_mut(ROWS * n_features);
    let writes = writes.zip(found.tokens.chunks_mut(ROWS * row));
    for ((tokens, gradient), (d_features, d_tokens)) in blocks.zip(writes) {
        let n = gradient.len() / columns;
        let [read, d_read] =
            [&mut read, &mut d_read].map(|buffer| &mut buffer[..n * targets.len() * width]);
        let given = &mut given[..n * weights];
        inputs.gather(tokens, read);
        let parts = d_features.chunks_exact_mut(n_features).zip(given.chunks_exact_mut(weights));
        for (gradient, (d_features, given)) in gradient.chunks_exact(columns).zip(parts) {
            d_features.copy_from_slice(&gradient[..n_features]);
            given.copy_from_slice(&gradient[n_features..]);
        }
        found.layer.add(read, given, &mut scratch);
        backwards(given, &transposed, d_read);
        let mut from = d_read.chunks_exact(width);
        for d_tokens in d_tokens.chunks_exact_mut(row) {
            for (&target, from) in targets.iter().zip(&mut from) {
                d_tokens[target * width..][..width].copy_from_slice(from);
            }
        }
    }
    found
}
