//! The operations that take the time. Those on tensors are composed of burn's for any device, and
//! fused for the CPU (feature `flex`); both give the same values up to rounding. Those on slices
//! serve actors, and the fused ones.

mod activation;
mod ceiling;
mod composed;
mod concave_row;
mod convex;
mod descent;
mod elementwise;
mod elu;
#[cfg(feature = "flex")]
mod exp;
#[cfg(feature = "flex")]
mod fused;
mod gru_cell;
mod lstm_cell;
mod matmul;
mod pack;
mod shares;
mod simd;
#[cfg(test)]
mod tests;
mod tile;

use burn::tensor::{Device, Int, Tensor};

pub use self::ceiling::multiply_adds_per_second;
pub(super) use self::concave_row::{ConcaveRow, RowWeights};
pub(super) use self::descent::{Descent, descend};
pub(super) use self::elementwise::activate;
pub(super) use self::gru_cell::update as gru_update;
pub(super) use self::lstm_cell::update as lstm_update;
pub(super) use self::matmul::multiply;
pub(super) use self::pack::Packed;
pub(super) use self::shares::{alone, each, shares, split};
use super::gru::GruWeights;
use super::linear::Activation;
use super::lstm::LstmWeights;
use super::mixers::ConcaveWeights;

/// Whether a device computes on the cores that call it.
pub(super) fn on_host(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if fused::on_flex(device) {
        return true;
    }
    let _ = device;
    false
}

/// A GRU over a whole sequence; the arguments are those of [`Gru::forward`](super::Gru::forward).
///
/// On the CPU device this is one operation with a backward pass of its own, in which no gradient
/// reaches `keep`.
pub(super) fn gru_sequence(
    input: Tensor<3>,
    hidden: Tensor<2>,
    keep: Option<Tensor<2>>,
    weights: GruWeights,
) -> Tensor<3> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&input.device()) {
        let [time, row, _] = input.dims();
        let keep = keep.unwrap_or_else(|| Tensor::ones([time, row], &input.device().inner()));
        return fused::gru_sequence(input, hidden, keep, weights);
    }
    composed::gru_sequence(input, hidden, keep, weights)
}

/// An LSTM over a whole sequence; arguments and results are those of
/// [`Lstm::forward`](super::Lstm::forward).
///
/// On the CPU device this is one operation with a backward pass of its own, in which no gradient
/// reaches `keep`.
pub(super) fn lstm_sequence(
    input: Tensor<3>,
    memory: Tensor<2>,
    keep: Option<Tensor<2>>,
    weights: LstmWeights,
) -> (Tensor<3>, Tensor<2>) {
    #[cfg(feature = "flex")]
    if fused::on_flex(&input.device()) {
        let [time, row, _] = input.dims();
        let keep = keep.unwrap_or_else(|| Tensor::ones([time, row], &input.device().inner()));
        return fused::lstm_sequence(input, memory, keep, weights);
    }
    composed::lstm_sequence(input, memory, keep, weights)
}

/// `activation(x W + b)`: `[row, input]`, `[input, output]` and `[output]` to `[row, output]`.
pub(super) fn linear(
    input: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    activation: Activation,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&input.device()) {
        return fused::linear(input, weight, bias, activation);
    }
    composed::linear(input, weight, bias, activation)
}

/// The log-probabilities of the actions taken and the entropies, `[row, 2]`; the arguments are those of
/// [`categorical`](super::categorical()), without times.
pub(super) fn categorical(
    logits: Tensor<2>,
    closed: Tensor<2>,
    actions: Tensor<2, Int>,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&logits.device()) {
        return fused::categorical(logits, closed, actions);
    }
    composed::categorical(logits, closed, actions)
}

/// The mixing step of QMIX on generated weights: `q` `[row, agent]`, `weight_1`
/// `[row, agent * embed]`, `bias_1` and `weight_2` `[row, embed]`, `value` `[row, 1]`, to
/// `[row, 1]`.
pub(super) fn qmix_mix(
    q: Tensor<2>,
    weight_1: Tensor<2>,
    bias_1: Tensor<2>,
    weight_2: Tensor<2>,
    value: Tensor<2>,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&q.device()) {
        return fused::qmix_mix(q, weight_1, bias_1, weight_2, value);
    }
    composed::qmix_mix(q, weight_1, bias_1, weight_2, value)
}

/// The mixing step of a concave mixer on generated weights: `q` `[row, agent * utility_dim]` to
/// `[row, 1]`.
pub(super) fn concave_mix(q: Tensor<2>, weights: ConcaveWeights) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&q.device()) {
        return fused::concave_mix(q, weights);
    }
    composed::concave_mix(q, weights)
}
