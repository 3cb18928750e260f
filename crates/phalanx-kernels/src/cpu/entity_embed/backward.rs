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
    let [mut at, mut given, mut before] = [0; 3].map(|_| Buffer::take(ROWS * number * width));
    let mut scratch = Scratch::default();
    let blocks = tokens.chunks(ROWS * number * width).zip(gradient.chunks(ROWS * number * width));
    for (obs, (tokens, gradient)) in obs.chunks(ROWS * view).zip(blocks) {
        let mut rest = &mut weight[..];
        for ((first, group), bias) in entities.spans().zip(bias.chunks_exact_mut(width)) {
            let (weight, later) = rest.split_at_mut(group.features * width);
            rest = later;
            let features = gather(entities, group, obs, &mut features);
            let n = features.len() / group.features;
            let rows = obs.chunks_exact(view).enumerate();
            let tasks = rows.flat_map(|(row, obs)| (0..group.number()).map(move |k| (row, obs, k)));
            for (to, (row, obs, k)) in tasks.enumerate() {
                let from =
                    (row * number + first + k) * width..(row * number + first + k + 1) * width;
                let to = to * width..(to + 1) * width;
                at[to.clone()].copy_from_slice(&tokens[from.clone()]);
                if entities.is_present(obs, first + k) {
                    given[to].copy_from_slice(&gradient[from]);
                } else {
                    given[to].fill(0.0);
                }
            }
            let before = &mut before[..n * width];
            activation_gradient(activation, &at[..n * width], &given[..n * width], before);
            add_transposed_left(features, before, n, 0..group.features, &mut scratch, weight);
            add_column_sums(before, bias);
        }
    }
    [weight, bias]
}
