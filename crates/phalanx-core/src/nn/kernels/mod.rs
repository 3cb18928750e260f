//! The operations that take the time. Those on tensors are composed of burn's for any device, and
//! fused for the CPU (feature `flex`); both give the same values up to rounding. Those on slices
//! serve actors, and the fused ones.

mod activation;
#[cfg(all(feature = "flex", target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(not(all(feature = "flex", target_arch = "x86_64", target_os = "linux")))]
#[path = "no_amx.rs"]
mod amx;
mod ceiling;
mod composed;
mod concave_row;
mod convex;
mod convolution;
mod count;
#[cfg(feature = "wgpu")]
mod cube;
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
mod normalise;
mod pack;
mod shares;
mod simd;
#[cfg(test)]
mod tests;
mod tile;
mod winograd;

use burn::tensor::{Device, Int, Tensor};

pub use self::ceiling::multiply_adds_per_second;
pub(super) use self::concave_row::{ConcaveRow, RowWeights};
pub(super) use self::convolution::{FilterScratch, PackedFilters, filter, filter_multiply_adds};
pub use self::count::count_multiply_adds;
pub(super) use self::descent::{Descent, descend};
pub(super) use self::elementwise::activate;
pub(super) use self::gru_cell::update as gru_update;
pub(super) use self::lstm_cell::update as lstm_update;
pub(super) use self::matmul::multiply;
pub(super) use self::normalise::normalise;
pub(super) use self::pack::Packed;
pub(super) use self::shares::{alone, each, is_alone, shares, split};
use super::convolution::Convolution;
use super::gru::GruWeights;
use super::linear::Activation;
use super::lstm::LstmWeights;
use super::mixers::ConcaveWeights;
use super::surrogate::{Taken, Valued};

/// Whether a device computes on the cores that call it, in the memory that they see: the device `cpu`.
pub fn on_host(device: &Device) -> bool {
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
    #[cfg(feature = "wgpu")]
    if cube::on_cube(&input.device()) {
        let [time, row, width] = input.dims();
        let keep = keep.unwrap_or_else(|| Tensor::ones([time, row], &input.device()));
        let input = input.reshape([time * row, width]);
        let gates = linear(input, weights.weight_ih, weights.bias_ih, Activation::Identity);
        let [_, gate_width] = gates.dims();
        let gates = gates.reshape([time, row, gate_width]);
        return cube::gru_recurrence(gates, hidden, keep, weights.weight_hh, weights.bias_hh);
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

/// The values of a linear layer's parameters, `[input, output]` and `[output]`.
#[derive(Clone)]
pub(super) struct LayerWeights {
    pub(super) weight: Tensor<2>,
    pub(super) bias: Tensor<1>,
}

/// Three linear layers with an activation between them: `[row, input]` to `[row, output]`.
///
/// On the CPU device this is one operation, in blocks of rows that go through all layers.
pub(super) fn perceptron(
    input: Tensor<2>,
    layers: [LayerWeights; 3],
    activation: Activation,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&input.device()) {
        return fused::perceptron(input, layers, activation);
    }
    let [first, second, third] = layers;
    let hidden = composed::linear(input, first.weight, first.bias, activation);
    let hidden = composed::linear(hidden, second.weight, second.bias, activation);
    composed::linear(hidden, third.weight, third.bias, Activation::Identity)
}

/// The convolutions of a [`FrameConvolution`](super::FrameConvolution): `[row, frame * entry]` to
/// `[row, place * filter]`.
pub(super) fn frame_convolution(
    input: Tensor<2>,
    layers: [LayerWeights; 3],
    size: Convolution,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&input.device()) {
        return fused::frame_convolution(input, layers, size);
    }
    composed::frame_convolution(input, layers, size)
}

/// An agent's network with memory over a whole sequence, `[time, row, input]` to `[time, row, output]`: a
/// linear layer with its activation, a GRU with the state `hidden` before the first step and `keep`
/// ([`Gru::forward`](super::Gru::forward)), a linear layer.
///
/// On the CPU device this is one operation, in which some steps at a time go through all layers.
pub(super) fn recurrent_agent(
    input: Tensor<3>,
    (hidden, keep): (Tensor<2>, Option<Tensor<2>>),
    encoder: LayerWeights,
    activation: Activation,
    core: GruWeights,
    head: LayerWeights,
) -> Tensor<3> {
    let [time, rows, reads] = input.dims();
    #[cfg(feature = "flex")]
    if fused::on_flex(&input.device()) {
        let keep = keep.unwrap_or_else(|| Tensor::ones([time, rows], &input.device().inner()));
        return fused::recurrent_agent(input, (hidden, keep), encoder, activation, core, head);
    }
    let flat = input.reshape([time * rows, reads]);
    let encoded = composed::linear(flat, encoder.weight, encoder.bias, activation);
    let [_, width] = encoded.dims();
    let states = gru_sequence(encoded.reshape([time, rows, width]), hidden, keep, core);
    let [_, _, width] = states.dims();
    let states = states.reshape([time * rows, width]);
    let output = composed::linear(states, head.weight, head.bias, Activation::Identity);
    let [_, writes] = output.dims();
    output.reshape([time, rows, writes])
}

/// Layer normalisation: `[row, width]` with `[width]` and `[width]` to `[row, width]`; `eps` is added to
/// the variance.
pub(super) fn layer_norm(
    input: Tensor<2>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    eps: f32,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&input.device()) {
        return fused::layer_norm(input, scale, shift, eps);
    }
    composed::layer_norm(input, scale, shift, eps)
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

/// The sums of [`surrogate`](super::surrogate()); `clip` is infinite where nothing is clipped.
pub(super) fn surrogate(logits: Tensor<2>, taken: &Taken, clip: f32) -> Tensor<1> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&logits.device()) {
        return fused::surrogate(logits, taken, clip);
    }
    composed::surrogate(logits, taken, clip)
}

/// The loss of [`value_loss`](super::value_loss()); `clip` and `huber_delta` are infinite where they have
/// no effect.
pub(super) fn value_loss(
    values: Tensor<2>,
    valued: &Valued,
    clip: f32,
    huber_delta: f32,
) -> Tensor<1> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&values.device()) {
        return fused::value_loss(values, valued, clip, huber_delta);
    }
    composed::value_loss(values, valued, clip, huber_delta)
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

/// The layers of QMIX's mixer: the two of each hypernetwork, the first followed by ReLU.
pub(super) struct QmixLayers {
    pub(super) weight_1: [LayerWeights; 2],
    pub(super) weight_2: [LayerWeights; 2],
    pub(super) value: [LayerWeights; 2],
    pub(super) bias_1: LayerWeights,
}

/// QMIX's mixer with its hypernetworks of two layers: `[row, agent]` and `[row, state_dim]` to `[row, 1]`.
///
/// On the CPU device this is one operation, in blocks of rows, in which no gradient reaches the state.
pub(super) fn qmix_mixer(
    q: Tensor<2>,
    state: Tensor<2>,
    layers: QmixLayers,
    positive: Activation,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if fused::on_flex(&q.device()) {
        return fused::qmix_mixer(q, state, layers, positive);
    }
    composed::qmix_mixer(q, state, layers, positive)
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
