//! Distributions and losses.

use burn::tensor::{Int, Tensor, activation};

use crate::{PolicyTargets, ValueTargets};

/// See [`categorical`](crate::categorical).
pub(crate) fn categorical(
    logits: Tensor<2>,
    mask_bias: Tensor<2>,
    actions: Tensor<2, Int>,
) -> Tensor<2> {
    let all = activation::log_softmax(logits + mask_bias, 1);
    let entropy = (all.clone().exp() * all.clone()).sum_dim(1).neg();
    Tensor::cat(vec![all.gather(1, actions), entropy], 1)
}

/// See [`ppo_loss`](crate::ppo_loss); `clip` is infinite to disable clipping.
pub(crate) fn ppo_loss(logits: Tensor<2>, targets: &PolicyTargets, clip: f32) -> Tensor<1> {
    let both = categorical(logits, targets.mask_bias.clone(), targets.actions.clone());
    let (log_prob, entropy) = (both.clone().narrow(1, 0, 1), both.narrow(1, 1, 1));
    let weight = targets.weight.clone();
    let log_ratio = log_prob - targets.log_prob.clone();
    let ratio = log_ratio.clone().exp();
    let mut gain = ratio.clone() * targets.advantage.clone();
    let still = ratio.clone().detach() - 1.0;
    let mut clipped = still.zeros_like();
    if clip.is_finite() {
        let bounded = ratio.clamp(1.0 - clip, 1.0 + clip) * targets.advantage.clone();
        gain = gain.min_pair(bounded);
        clipped = still.clone().abs().greater_elem(clip).float();
    }
    let divergence = still - log_ratio.detach();
    let sum = |x: Tensor<2>| (x * weight.clone()).sum();
    Tensor::cat(vec![-sum(gain), sum(entropy), sum(clipped), sum(divergence)], 0)
}

/// See [`value_loss`](crate::value_loss); an infinite `clip` or `huber_delta` has no effect.
pub(crate) fn value_loss(
    values: Tensor<2>,
    targets: &ValueTargets,
    [clip, huber_delta]: [f32; 2],
) -> Tensor<1> {
    // Twice the loss of an error: with c the error clipped to delta, c^2 + 2 delta (|e| - |c|).
    let penalty = |error: Tensor<2>| {
        if huber_delta.is_infinite() {
            return error.square();
        }
        let inside = error.clone().clamp(-huber_delta, huber_delta);
        let beyond = error.abs() - inside.clone().abs();
        inside.square() + beyond * (2.0 * huber_delta)
    };
    let mut error = penalty(values.clone() - targets.returns.clone());
    if clip.is_finite() {
        let moved =
            (values - targets.old_value.clone()).clamp(-clip, clip) + targets.old_value.clone();
        error = error.max_pair(penalty(moved - targets.returns.clone()));
    }
    (error * targets.weight.clone()).sum() * 0.5
}
