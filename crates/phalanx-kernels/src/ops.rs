//! Operations on tensors, which select the implementation for the device.

use std::ops::Range;

use burn::tensor::{Int, Tensor};

#[cfg(feature = "flex")]
use crate::cpu;
#[cfg(feature = "wgpu")]
use crate::device::is_cubecl;
#[cfg(feature = "flex")]
use crate::device::is_flex;
#[cfg(feature = "wgpu")]
use crate::gpu;
use crate::params::{
    Activation, ConcaveWeights, Convolution, LayerWeights, PolicyTargets, QmixLayers, RnnWeights,
    ValueTargets,
};
use crate::reference;

/// Computes the hidden states of a GRU after every step, `[time, row, hidden]`.
///
/// `input` is `[time, row, input]`, and `hidden` is the state before the first step, `[row,
/// hidden]`. Before each step the state is multiplied by `not_reset`, `[time, row]`, which is 0
/// where an episode begins and otherwise 1; `None` stands for ones. With `h` the state after this
/// multiplication, `i = x W_ih + b_ih` and `g = h W_hh + b_hh`, both split into the gates reset,
/// update and new:
///
/// `r = sigmoid(i_r + g_r)`, `z = sigmoid(i_z + g_z)`, `n = tanh(i_n + r g_n)`,
/// `h' = n + z (h - n)`
///
/// On the CPU this is one operation with its own backward pass, in which `not_reset` gets no
/// gradient.
pub fn gru_sequence(
    input: Tensor<3>,
    hidden: Tensor<2>,
    not_reset: Option<Tensor<2>>,
    weights: RnnWeights,
) -> Tensor<3> {
    #[cfg(feature = "flex")]
    if is_flex(&input.device()) {
        let not_reset = not_reset.unwrap_or_else(|| ones_of_rows(&input));
        return cpu::gru::op::gru_sequence(input, [hidden, not_reset], weights);
    }
    #[cfg(feature = "wgpu")]
    if is_cubecl(&input.device()) {
        let [time, row, width] = input.dims();
        let not_reset = not_reset.unwrap_or_else(|| Tensor::ones([time, row], &input.device()));
        let input = input.reshape([time * row, width]);
        let layer = LayerWeights { weight: weights.weight_ih, bias: weights.bias_ih };
        let gates = linear(input, layer, Activation::Identity);
        let [_, gate_width] = gates.dims();
        let gates = gates.reshape([time, row, gate_width]);
        let (weight, bias) = (weights.weight_hh, weights.bias_hh);
        return gpu::gru::op::gru_recurrence(gates, hidden, not_reset, weight, bias);
    }
    reference::gru_sequence(input, hidden, not_reset, weights)
}

/// Computes the hidden states of an LSTM after every step, `[time, row, hidden]`, and the carry
/// after the last step, `[row, 2 * hidden]`.
///
/// `input` is `[time, row, input]`, and `carry` is the hidden state `h` before the first step
/// followed by the cell `c`, `[row, 2 * hidden]`. Before each step both are multiplied by
/// `not_reset`, `[time, row]`, which is 0 where an episode begins and otherwise 1; `None` stands
/// for ones. With `h` and `c` after this multiplication and `a = x W_ih + b_ih + h W_hh + b_hh`,
/// split into the gates input, forget, cell and output:
///
/// `i = sigmoid(a_i)`, `f = sigmoid(a_f)`, `g = tanh(a_g)`, `o = sigmoid(a_o)`,
/// `c' = f c + i g`, `h' = o tanh(c')`
///
/// On the CPU this is one operation with its own backward pass, in which `not_reset` gets no
/// gradient.
pub fn lstm_sequence(
    input: Tensor<3>,
    carry: Tensor<2>,
    not_reset: Option<Tensor<2>>,
    weights: RnnWeights,
) -> (Tensor<3>, Tensor<2>) {
    #[cfg(feature = "flex")]
    if is_flex(&input.device()) {
        let not_reset = not_reset.unwrap_or_else(|| ones_of_rows(&input));
        return cpu::lstm::op::lstm_sequence(input, [carry, not_reset], weights);
    }
    reference::lstm_sequence(input, carry, not_reset, weights)
}

/// Computes `activation(x W + b)`, `[row, input]` to `[row, output]`.
pub fn linear(input: Tensor<2>, layer: LayerWeights, activation: Activation) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&input.device()) {
        return cpu::linear::op::linear(input, layer, activation);
    }
    reference::linear(input, layer, activation)
}

/// Computes three linear layers with an activation between them, `[row, input]` to `[row, output]`.
///
/// On the CPU this is one operation, in which blocks of rows go through all layers.
pub fn mlp(input: Tensor<2>, layers: [LayerWeights; 3], activation: Activation) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&input.device()) {
        return cpu::mlp::op::mlp(input, layers, activation);
    }
    reference::mlp(input, layers, activation)
}

/// Computes three convolutions along the places of stacked observations, each followed by ReLU:
/// `[row, frame * entry]` to `[row, place * filter]`.
///
/// ```text
/// y[place, filter] = relu(b[filter] + sum_k sum_c W[k, c, filter] x[stride * place + k - before, c])
/// ```
///
/// The first layer has stride 2 and is padded by one zero after the observation and `before` zeros
/// in front of it: one if its length is odd, otherwise none. The others have stride 1 and are not
/// padded.
pub fn conv1d(input: Tensor<2>, layers: [LayerWeights; 3], size: Convolution) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&input.device()) {
        return cpu::conv1d::op::conv1d(input, layers, size);
    }
    reference::conv1d(input, layers, size)
}

/// Computes a recurrent agent's network over a whole sequence, `[time, row, input]` to `[time, row,
/// output]`: a linear layer with its activation, a GRU with the state `hidden` before the first
/// step and `not_reset` ([`gru_sequence`]), and a linear layer.
///
/// On the CPU this is one operation, in which some steps at a time go through all layers.
pub fn rnn_agent(
    input: Tensor<3>,
    (hidden, not_reset): (Tensor<2>, Option<Tensor<2>>),
    encoder: LayerWeights,
    activation: Activation,
    core: RnnWeights,
    head: LayerWeights,
) -> Tensor<3> {
    #[cfg(feature = "flex")]
    if is_flex(&input.device()) {
        let carry = (hidden, not_reset.unwrap_or_else(|| ones_of_rows(&input)));
        return cpu::rnn_agent::op::rnn_agent(input, carry, encoder, activation, core, head);
    }
    let [time, rows, in_dim] = input.dims();
    let flat = input.reshape([time * rows, in_dim]);
    let encoded = reference::linear(flat, encoder, activation);
    let [_, width] = encoded.dims();
    let states = gru_sequence(encoded.reshape([time, rows, width]), hidden, not_reset, core);
    let [_, _, width] = states.dims();
    let states = states.reshape([time * rows, width]);
    let output = reference::linear(states, head, Activation::Identity);
    let [_, out_dim] = output.dims();
    output.reshape([time, rows, out_dim])
}

/// Computes [`rnn_agent`] with heads: the outputs of some `actions` have weights that are a linear function of
/// a token, `[time, row, output]`. The input `seen` is `[time, row, feature + action * token]`: features,
/// followed by the token of each of these actions. Its features and the rest of the input, `further`, which
/// gets no gradient, are the input of the first layer. `token_heads` is `[token, hidden + 1]`; see
/// [`token_scores`].
///
/// On the CPU this is one operation, in which some steps at a time go through all layers.
pub fn rnn_agent_with_heads(
    (seen, further): (Tensor<3>, Option<Tensor<3>>),
    (hidden, not_reset): (Tensor<2>, Option<Tensor<2>>),
    encoder: LayerWeights,
    activation: Activation,
    core: RnnWeights,
    head: LayerWeights,
    (token_heads, actions): (LayerWeights, Range<usize>),
) -> Tensor<3> {
    #[cfg(feature = "flex")]
    if is_flex(&seen.device()) {
        let carry = (hidden, not_reset.unwrap_or_else(|| ones_of_rows(&seen)));
        let (input, heads) = ((seen, further), (token_heads, actions));
        use cpu::rnn_agent::op::rnn_agent_with_heads;
        return rnn_agent_with_heads(input, carry, encoder, activation, core, head, heads);
    }
    reference::rnn_agent_with_heads(
        (seen, further),
        (hidden, not_reset),
        encoder,
        activation,
        core,
        head,
        (token_heads, actions),
    )
}

/// Computes outputs whose weights are a linear function of a token, `[row, action]`, from `hidden`, `[row,
/// width]`, tokens, `[row, action * token]`, and a layer `U`, `[token, width + 1]`, with a bias `d`:
///
/// ```text
/// (w_j, b_j) = t_j U + d     out_j = w_j · h + b_j
/// ```
///
/// The weights are never computed: `out_j = t_j · v + s`, and `(v, s)` is a linear function of `h` that all
/// actions have in common.
pub fn token_scores(hidden: Tensor<2>, tokens: Tensor<2>, layer: LayerWeights) -> Tensor<2> {
    let ([rows, columns], [token, _]) = (tokens.dims(), layer.weight.dims());
    let [_, width] = hidden.dims();
    let whole = Tensor::cat(vec![layer.weight, layer.bias.unsqueeze()], 0).transpose();
    let bias = whole.clone().narrow(0, width, 1).reshape([token + 1]);
    let turned = LayerWeights { weight: whole.narrow(0, 0, width), bias };
    let projected = linear(hidden, turned, Activation::Identity);
    let along = projected.clone().narrow(1, 0, token);
    let tokens: Tensor<3> = tokens.reshape([rows, columns / token, token]);
    let products = tokens * along.reshape([rows, 1, token]);
    let scores: Tensor<2> = products.sum_dim(2).reshape([rows, columns / token]);
    scores + projected.narrow(1, token, 1)
}

/// Computes outputs whose weights differ from row to row, `[row, action]`, from `hidden`, `[row, width]`,
/// and `weights`, `[row, action * (width + 1)]`: the weights of an action, then its bias.
///
/// ```text
/// out[row, j] = w[row, j] · hidden[row] + b[row, j]
/// ```
///
/// On the CPU this is one operation with its own backward pass.
pub fn entity_scores(hidden: Tensor<2>, weights: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&hidden.device()) {
        return cpu::entity_scores::op::entity_scores(hidden, weights);
    }
    reference::entity_scores(hidden, weights)
}

/// Normalises every row of `[row, width]`, then scales and shifts it by `[width]` each; `eps` is
/// added to the variance.
///
/// ```text
/// y = scale (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) + shift
/// ```
pub fn layer_norm(input: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>, eps: f32) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&input.device()) {
        return cpu::layer_norm::op::layer_norm(input, [scale, shift], eps);
    }
    reference::layer_norm(input, [scale, shift], eps)
}

/// Computes the log-probabilities of `actions`, `[row, 1]`, and the entropies of the distributions,
/// side by side, `[row, 2]`. The unnormalised log-probabilities are `x = logits + mask_bias`,
/// `[row, action]`.
///
/// ```text
/// log p_j = x_j - ln sum_k exp x_k          H = - sum_j p_j log p_j
/// ```
///
/// `mask_bias` gets no gradient. On the CPU this is one operation with the backward pass `dL/dx_j =
/// (1_{j=a} - p_j) dL/dlog p_a - p_j (log p_j + H) dL/dH`.
pub fn categorical(logits: Tensor<2>, mask_bias: Tensor<2>, actions: Tensor<2, Int>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&logits.device()) {
        return cpu::categorical::op::categorical(logits, mask_bias, actions);
    }
    reference::categorical(logits, mask_bias, actions)
}

/// Computes four sums over rows, `[4]`: PPO's loss (Schulman et al. 2017, arXiv 1707.06347), the
/// entropy, the fraction of clipped ratios, and an estimate of the KL divergence from the policy
/// that acted. Only the first two have gradients.
///
/// ```text
/// rho = pi(a|z) / pi_old(a|z)      pi = softmax(logits + mask_bias)
/// -sum_i w_i min(rho_i A_i, clip(rho_i, 1 - eps, 1 + eps) A_i)      sum_i w_i H(pi_i)
///  sum_i w_i [|rho_i - 1| > eps]                                    sum_i w_i (rho_i - 1 - ln rho_i)
/// ```
///
/// `logits` is `[row, action]`, and `clip` is `eps`; `None` disables clipping.
pub fn ppo_loss(logits: Tensor<2>, targets: &PolicyTargets, clip: Option<f32>) -> Tensor<1> {
    let clip = clip.unwrap_or(f32::INFINITY);
    #[cfg(feature = "flex")]
    if is_flex(&logits.device()) {
        return cpu::ppo_loss::op::ppo_loss(logits, targets, clip);
    }
    reference::ppo_loss(logits, targets, clip)
}

/// Computes half the squared error of value predictions, or the Huber loss, `[1]`. With `clip`,
/// which is `eps`, each row uses the larger of the losses of the prediction and of the prediction
/// clipped to a change of at most `eps`.
///
/// ```text
/// sum_i w_i max(l(v_i - R_i), l(v_old_i + clip(v_i - v_old_i, -eps, eps) - R_i))
/// l(e) = e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2)
/// ```
///
/// `values` is `[row, 1]`; without `huber_delta`, every error is squared.
pub fn value_loss(
    values: Tensor<2>,
    targets: &ValueTargets,
    clip: Option<f32>,
    huber_delta: Option<f32>,
) -> Tensor<1> {
    let [clip, huber_delta] = [clip, huber_delta].map(|end| end.unwrap_or(f32::INFINITY));
    #[cfg(feature = "flex")]
    if is_flex(&values.device()) {
        return cpu::ppo_loss::op::value_loss(values, targets, [clip, huber_delta]);
    }
    reference::value_loss(values, targets, [clip, huber_delta])
}

/// Computes QMIX's mixing step with generated weights, `[row, 1]`, from `q`, `[row, agent]`,
/// `weight_1`, `[row, agent * embed]`, `bias_1` and `weight_2`, `[row, embed]`, and `value`, `[row,
/// 1]`.
///
/// `Q_tot = ELU(q W_1 + b_1) . w_2 + V`
pub fn qmix_mix(
    q: Tensor<2>,
    weight_1: Tensor<2>,
    bias_1: Tensor<2>,
    weight_2: Tensor<2>,
    value: Tensor<2>,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&q.device()) {
        return cpu::qmix::mixing_op::qmix_mix([q, weight_1, bias_1, weight_2, value]);
    }
    reference::qmix_mix([q, weight_1, bias_1, weight_2, value])
}

/// Computes QMIX's mixer with hypernetworks of two layers, `[row, 1]`, from utilities, `[row,
/// agent]`, and states, `[row, state_dim]`.
///
/// On the CPU this is one operation in blocks of rows, in which the state gets no gradient.
pub fn qmix_mixer(
    q: Tensor<2>,
    state: Tensor<2>,
    layers: QmixLayers,
    positive: Activation,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&q.device()) {
        return cpu::qmix::whole_op::qmix_mixer([q, state], layers, positive);
    }
    reference::qmix_mixer([q, state], layers, positive)
}

/// Computes the mixing step of a concave mixer with generated weights, `[row, 1]`, from `q`, `[row,
/// agent * utility_dim]`.
///
/// `z_1 = x W_0 + b_0`, `z_2 = r(z_1 W_1 / H + b_1)`, `z_3 = r([z_1, z_2] W_2 / 2H + b_2)`,
/// `Q_tot = -[z_1, z_2, z_3] . w_3 / 3H + V`
pub fn concave_mix(q: Tensor<2>, weights: ConcaveWeights) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&q.device()) {
        return cpu::concave::op::concave_mix(q, weights);
    }
    reference::concave_mix(q, weights)
}

/// Returns ones for every row and step, `[time, row]`, without gradients.
#[cfg(feature = "flex")]
fn ones_of_rows(input: &Tensor<3>) -> Tensor<2> {
    let [time, rows, _] = input.dims();
    Tensor::ones([time, rows], &input.device().inner())
}
