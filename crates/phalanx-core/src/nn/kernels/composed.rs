//! The operations as compositions of burn's own, for every device.

use burn::tensor::{Int, Tensor, activation};

use super::super::convolution::{Convolution, FILTERS, KERNEL};
use super::super::gru::GruWeights;
use super::super::linear::Activation;
use super::super::lstm::LstmWeights;
use super::super::mixers::{ConcaveWeights, Convex};
use super::super::surrogate::{Taken, Valued};
use super::{LayerWeights, QmixLayers};

/// `activation(x W + b)`: `[row, input]`, `[input, output]` and `[output]` to `[row, output]`.
pub(super) fn linear(
    input: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    activation: Activation,
) -> Tensor<2> {
    let output = input.matmul(weight) + bias.unsqueeze();
    match activation {
        Activation::Identity => output,
        Activation::Relu => activation::relu(output),
        Activation::Absolute => output.abs(),
        Activation::Softplus { beta } => activation::softplus(output, f64::from(beta)),
        Activation::Quadratic => output.square().mul_scalar(0.5),
        Activation::Sigmoid => activation::sigmoid(output),
        Activation::Tanh => output.tanh(),
    }
}

/// Convolutions along an observation, each with its ReLU.
pub(super) fn frame_convolution(
    input: Tensor<2>,
    layers: [LayerWeights; 3],
    size: Convolution,
) -> Tensor<2> {
    let [rows, _] = input.dims();
    let mut places = size.places();
    let mut x = input.reshape([rows, size.frames, size.length]).swap_dims(1, 2);
    for (at, LayerWeights { weight, bias }) in layers.into_iter().enumerate() {
        let [_, length, channels] = x.dims();
        let device = x.device();
        let zeros = |n: usize| Tensor::<3>::zeros([rows, n, channels], &device);
        // Only the first layer is padded.
        let stride = if at == 0 { 2 } else { 1 };
        let padded = if at == 0 {
            let whole = vec![x, zeros(1)];
            // A tensor without elements is more than some devices can take.
            let before = (size.zeros_before() > 0).then(|| zeros(size.zeros_before()));
            Tensor::cat(before.into_iter().chain(whole).collect(), 1)
        } else {
            places = length + 1 - KERNEL;
            x
        };
        let windows: Vec<Tensor<3>> = (0..KERNEL)
            .map(|k| {
                let span = padded.clone().narrow(1, k, stride * (places - 1) + 1);
                if stride == 1 {
                    return span;
                }
                // Every second place: pairs, of which the first half is kept.
                let whole = Tensor::cat(vec![span, zeros(1)], 1);
                whole.reshape([rows, places, 2 * channels]).narrow(2, 0, channels)
            })
            .collect();
        let windows = Tensor::cat(windows, 2).reshape([rows * places, KERNEL * channels]);
        x = linear(windows, weight, bias, Activation::Relu).reshape([rows, places, FILTERS[at]]);
    }
    x.reshape([rows, size.output_dim()])
}

/// The recurrence of a GRU over a whole sequence.
pub(super) fn gru_sequence(
    input: Tensor<3>,
    hidden: Tensor<2>,
    keep: Option<Tensor<2>>,
    weights: GruWeights,
) -> Tensor<3> {
    let [time, row, input_width] = input.dims();
    let [_, width] = hidden.dims();
    let GruWeights { weight_ih, bias_ih, weight_hh, bias_hh } = weights;
    let input = input.reshape([time * row, input_width]);
    let gates = linear(input, weight_ih, bias_ih, Activation::Identity);
    let gates = gates.reshape([time, row, 3 * width]);
    let mut hidden = hidden;
    let mut states = Vec::with_capacity(time);
    for t in 0..time {
        if let Some(keep) = &keep {
            hidden = hidden * keep.clone().slice([t..t + 1, 0..row]).reshape([row, 1]);
        }
        let input = gates.clone().slice([t..t + 1, 0..row, 0..3 * width]);
        let input: Tensor<2> = input.reshape([row, 3 * width]);
        let recurrent =
            linear(hidden.clone(), weight_hh.clone(), bias_hh.clone(), Activation::Identity);
        let part = |x: &Tensor<2>, gate: usize| {
            x.clone().slice([0..row, gate * width..(gate + 1) * width])
        };
        let reset = activation::sigmoid(part(&input, 0) + part(&recurrent, 0));
        let update = activation::sigmoid(part(&input, 1) + part(&recurrent, 1));
        let new = (part(&input, 2) + reset * part(&recurrent, 2)).tanh();
        hidden = new.clone() + update * (hidden - new);
        states.push(hidden.clone());
    }
    Tensor::stack(states, 0)
}

/// The recurrence of an LSTM over a whole sequence.
pub(super) fn lstm_sequence(
    input: Tensor<3>,
    memory: Tensor<2>,
    keep: Option<Tensor<2>>,
    weights: LstmWeights,
) -> (Tensor<3>, Tensor<2>) {
    let [time, row, input_width] = input.dims();
    let width = memory.dims()[1] / 2;
    let LstmWeights { weight_ih, bias_ih, weight_hh, bias_hh } = weights;
    let input = input.reshape([time * row, input_width]);
    let gates = linear(input, weight_ih, bias_ih, Activation::Identity);
    let gates = gates.reshape([time, row, 4 * width]);
    let mut hidden = memory.clone().narrow(1, 0, width);
    let mut cell = memory.narrow(1, width, width);
    let mut states = Vec::with_capacity(time);
    for t in 0..time {
        if let Some(keep) = &keep {
            let keep = keep.clone().narrow(0, t, 1).reshape([row, 1]);
            hidden = hidden * keep.clone();
            cell = cell * keep;
        }
        let input: Tensor<2> = gates.clone().narrow(0, t, 1).reshape([row, 4 * width]);
        let gates =
            input + linear(hidden, weight_hh.clone(), bias_hh.clone(), Activation::Identity);
        let gate = |gate: usize| gates.clone().narrow(1, gate * width, width);
        let kept = activation::sigmoid(gate(1)) * cell;
        cell = kept + activation::sigmoid(gate(0)) * gate(2).tanh();
        hidden = activation::sigmoid(gate(3)) * cell.clone().tanh();
        states.push(hidden.clone());
    }
    (Tensor::stack(states, 0), Tensor::cat(vec![hidden, cell], 1))
}

/// The log-probabilities of `actions`, `[row, 1]`, and the entropies of the distributions with the
/// logits `logits + closed`, `[row, action]`, side by side, `[row, 2]`.
pub(super) fn categorical(
    logits: Tensor<2>,
    closed: Tensor<2>,
    actions: Tensor<2, Int>,
) -> Tensor<2> {
    let all = activation::log_softmax(logits + closed, 1);
    let entropy = (all.clone().exp() * all.clone()).sum_dim(1).neg();
    Tensor::cat(vec![all.gather(1, actions), entropy], 1)
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
    let [row, agent] = q.dims();
    let [_, embed] = bias_1.dims();
    let weight_1 = weight_1.reshape([row, agent, embed]);
    let mixed = (q.reshape([row, agent, 1]) * weight_1).sum_dim(1).reshape([row, embed]) + bias_1;
    (activation::elu(mixed, 1.0) * weight_2).sum_dim(1) + value
}

/// The mixing step of a concave mixer on generated weights: `q` `[row, agent * utility_dim]` to
/// `[row, 1]`.
pub(super) fn concave_mix(q: Tensor<2>, weights: ConcaveWeights) -> Tensor<2> {
    let activation = weights.activation;
    let [_, embed] = weights.bias_0.dims();
    let first = layer(q, weights.weight_0, weights.bias_0, 1);
    let second = convex(activation, layer(first.clone(), weights.weight_1, weights.bias_1, embed));
    let units = Tensor::cat(vec![first, second], 1);
    let third =
        convex(activation, layer(units.clone(), weights.weight_2, weights.bias_2, 2 * embed));
    let units = Tensor::cat(vec![units, third], 1);
    weights.value - (units * weights.weight_3).sum_dim(1).div_scalar((3 * embed) as f32)
}

/// `x W / divisor + b` with the weights of each row: `x` `[row, input]`, `weight`
/// `[row, input * output]`, `bias` `[row, output]`.
fn layer(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<2>, divisor: usize) -> Tensor<2> {
    let [row, input] = x.dims();
    let [_, output] = bias.dims();
    let products = x.reshape([row, input, 1]) * weight.reshape([row, input, output]);
    products.sum_dim(1).reshape([row, output]).div_scalar(divisor as f32) + bias
}

fn convex(activation: Convex, x: Tensor<2>) -> Tensor<2> {
    match activation {
        Convex::Relu => activation::relu(x),
        Convex::LeakyRelu => activation::leaky_relu(x, f64::from(Convex::LEAK)),
        Convex::Softplus => activation::relu(x.clone()) + x.abs().neg().exp().add_scalar(1.0).log(),
        Convex::Elu => activation::elu(x, 1.0),
    }
}

pub(super) fn layer_norm(
    input: Tensor<2>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    eps: f32,
) -> Tensor<2> {
    let centred = input.clone() - input.mean_dim(1);
    let deviation = centred.clone().square().mean_dim(1).add_scalar(eps).sqrt();
    centred / deviation * scale.unsqueeze() + shift.unsqueeze()
}

pub(super) fn surrogate(logits: Tensor<2>, taken: &Taken, clip: f32) -> Tensor<1> {
    let both = categorical(logits, taken.closed.clone(), taken.actions.clone());
    let (log_prob, entropy) = (both.clone().narrow(1, 0, 1), both.narrow(1, 1, 1));
    let weight = taken.weight.clone();
    let log_ratio = log_prob - taken.log_prob.clone();
    let ratio = log_ratio.clone().exp();
    let mut gain = ratio.clone() * taken.advantage.clone();
    let still = ratio.clone().detach() - 1.0;
    let mut clipped = still.zeros_like();
    if clip.is_finite() {
        let bounded = ratio.clamp(1.0 - clip, 1.0 + clip) * taken.advantage.clone();
        gain = gain.min_pair(bounded);
        clipped = still.clone().abs().greater_elem(clip).float();
    }
    let divergence = still - log_ratio.detach();
    let sum = |x: Tensor<2>| (x * weight.clone()).sum();
    Tensor::cat(vec![-sum(gain), sum(entropy), sum(clipped), sum(divergence)], 0)
}

pub(super) fn value_loss(
    values: Tensor<2>,
    valued: &Valued,
    clip: f32,
    huber_delta: f32,
) -> Tensor<1> {
    // Twice the loss of an error; with c the error cut off at delta, c^2 + 2 delta (|e| - |c|).
    let penalty = |error: Tensor<2>| {
        if huber_delta.is_infinite() {
            return error.square();
        }
        let inside = error.clone().clamp(-huber_delta, huber_delta);
        let beyond = error.abs() - inside.clone().abs();
        inside.square() + beyond * (2.0 * huber_delta)
    };
    let mut error = penalty(values.clone() - valued.returns.clone());
    if clip.is_finite() {
        let moved = (values - valued.before.clone()).clamp(-clip, clip) + valued.before.clone();
        error = error.max_pair(penalty(moved - valued.returns.clone()));
    }
    (error * valued.weight.clone()).sum() * 0.5
}

pub(super) fn qmix_mixer(
    q: Tensor<2>,
    state: Tensor<2>,
    layers: QmixLayers,
    positive: Activation,
) -> Tensor<2> {
    let layer = |x, layer: LayerWeights, after| linear(x, layer.weight, layer.bias, after);
    let generated = |[hidden, output]: [LayerWeights; 2], after| {
        layer(layer(state.clone(), hidden, Activation::Relu), output, after)
    };
    qmix_mix(
        q,
        generated(layers.weight_1, positive),
        layer(state.clone(), layers.bias_1, Activation::Identity),
        generated(layers.weight_2, positive),
        generated(layers.value, Activation::Identity),
    )
}
