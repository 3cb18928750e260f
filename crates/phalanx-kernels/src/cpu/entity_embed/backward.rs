//! The backward pass of the embedding of entities, on slices, in blocks of rows.

use super::forward::{ROWS, gather};
use crate::Activation;
use crate::cpu::activation_grad::{activation_gradient, add_column_sums};
use crate::cpu::buffer_pool::Buffer;
use crate::entities::EntityIndices;
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};

/// Computes the gradients of the weight, `[feature, width]`, and the bias, `[type, width]`, from the
/// tokens and their gradient, `[row, entity, width]`.
pub(super) fn backward(
    entities: &EntityIndices,
    activation: Activation,
    obs: &[f32],
    tokens: &[f32],
    gradient: &[f32],
) -> [Vec<f32>; 2] {
    let view = entities.view_dim;
    let number = entities.number();
    let width = tokens.len() / (obs.len() / view).max(1) / number;
    let mut weight = vec![0.0; entities.features() * width];
    let mut bias = vec![0.0; entities.groups.len() * width];
    let most = entities.groups.iter().map(|group| group.columns.len()).max().unwrap_or(0);
    let mut features = Buffer::take(ROWS * most);
    let mut before = Buffer::take(ROWS * number * width);
    let mut scratch = Scratch::default();
    let blocks = tokens.chunks(ROWS * number * width).zip(gradient.chunks(ROWS * number * width));
    for (obs, (tokens, gradient)) in obs.chunks(ROWS * view).zip(blocks) {
        let mut rest = &mut weight[..];
        for ((first, group), bias) in entities.spans().zip(bias.chunks_exact_mut(width)) {
            let (weight, later) = rest.split_at_mut(group.features * width);
            rest = later;
            let features = gather(entities, group, obs, &mut features);
            let n = features.len() / group.features;
            let own = first * width..(first + group.number()) * width;
            let before = &mut before[..n * width];
            let rows =
                tokens.chunks_exact(number * width).zip(gradient.chunks_exact(number * width));
            let rows = rows.zip(before.chunks_exact_mut(own.len()));
            for (obs, ((tokens, gradient), before)) in obs.chunks_exact(view).zip(rows) {
                activation_gradient(
                    activation,
                    &tokens[own.clone()],
                    &gradient[own.clone()],
                    before,
                );
                for (k, before) in before.chunks_exact_mut(width).enumerate() {
                    if !entities.is_present(obs, first + k) {
                        before.fill(0.0);
                    }
                }
            }
            add_transposed_left(features, before, n, 0..group.features, &mut scratch, weight);
            add_column_sums(before, bias);
        }
    }
    [weight, bias]
}
