//! Recurrent layers, step by step.

use std::ops::Range;

use burn::tensor::{Tensor, activation};

use super::layers::linear;
use crate::{Activation, LayerWeights, RnnWeights};

/// See [`gru_sequence`](crate::gru_sequence).
pub(crate) fn gru_sequence(
    input: Tensor<3>,
    hidden: Tensor<2>,
    not_reset: Option<Tensor<2>>,
    weights: RnnWeights,
) -> Tensor<3> {
    let [time, row, input_width] = input.dims();
    let [_, width] = hidden.dims();
    let input_layer = LayerWeights { weight: weights.weight_ih, bias: weights.bias_ih };
    let hidden_layer = LayerWeights { weight: weights.weight_hh, bias: weights.bias_hh };
    let input = input.reshape([time * row, input_width]);
    let gates = linear(input, input_layer, Activation::Identity);
    let gates = gates.reshape([time, row, 3 * width]);
    let mut hidden = hidden;
    let mut states = Vec::with_capacity(time);
    for t in 0..time {
        if let Some(not_reset) = &not_reset {
            hidden = hidden * not_reset.clone().slice([t..t + 1, 0..row]).reshape([row, 1]);
        }
        let input = gates.clone().slice([t..t + 1, 0..row, 0..3 * width]);
        let input: Tensor<2> = input.reshape([row, 3 * width]);
        let recurrent = linear(hidden.clone(), hidden_layer.clone(), Activation::Identity);
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

/// See [`rnn_agent_with_heads`](crate::rnn_agent_with_heads).
pub(crate) fn rnn_agent_with_heads(
    (seen, further): (Tensor<3>, Option<Tensor<3>>),
    (hidden, not_reset): (Tensor<2>, Option<Tensor<2>>),
    encoder: LayerWeights,
    activation: Activation,
    core: RnnWeights,
    head: LayerWeights,
    (token_heads, actions): (LayerWeights, Range<usize>),
) -> Tensor<3> {
    let ([time, row, seen_dim], [token, _]) = (seen.dims(), token_heads.weight.dims());
    let seen: Tensor<2> = seen.reshape([time * row, seen_dim]);
    let features = seen_dim - actions.len() * token;
    let tokens = seen.clone().narrow(1, features, actions.len() * token);
    let mut parts = vec![seen.narrow(1, 0, features)];
    parts.extend(further.map(|further| {
        let [_, _, width] = further.dims();
        further.reshape([time * row, width])
    }));
    let encoded = linear(Tensor::cat(parts, 1), encoder, activation);
    let [_, width] = encoded.dims();
    let states = crate::gru_sequence(encoded.reshape([time, row, width]), hidden, not_reset, core);
    let [_, _, width] = states.dims();
    let states: Tensor<2> = states.reshape([time * row, width]);
    let others = linear(states.clone(), head, Activation::Identity);
    let scores = crate::token_scores(states, tokens, token_heads);
    let output = join_actions(others, scores, actions);
    let [_, writes] = output.dims();
    output.reshape([time, row, writes])
}

/// Returns outputs, `[row, action]`, from those of `actions` and of the others.
fn join_actions(others: Tensor<2>, scores: Tensor<2>, actions: Range<usize>) -> Tensor<2> {
    let [_, n] = others.dims();
    let before = (actions.start > 0).then(|| others.clone().narrow(1, 0, actions.start));
    let after = n - actions.start;
    let after = (after > 0).then(|| others.narrow(1, actions.start, after));
    Tensor::cat(before.into_iter().chain([scores]).chain(after).collect(), 1)
}

/// See [`lstm_sequence`](crate::lstm_sequence).
pub(crate) fn lstm_sequence(
    input: Tensor<3>,
    carry: Tensor<2>,
    not_reset: Option<Tensor<2>>,
    weights: RnnWeights,
) -> (Tensor<3>, Tensor<2>) {
    let [time, row, input_width] = input.dims();
    let width = carry.dims()[1] / 2;
    let input_layer = LayerWeights { weight: weights.weight_ih, bias: weights.bias_ih };
    let hidden_layer = LayerWeights { weight: weights.weight_hh, bias: weights.bias_hh };
    let input = input.reshape([time * row, input_width]);
    let gates = linear(input, input_layer, Activation::Identity);
    let gates = gates.reshape([time, row, 4 * width]);
    let mut hidden = carry.clone().narrow(1, 0, width);
    let mut cell = carry.narrow(1, width, width);
    let mut states = Vec::with_capacity(time);
    for t in 0..time {
        if let Some(not_reset) = &not_reset {
            let not_reset = not_reset.clone().narrow(0, t, 1).reshape([row, 1]);
            hidden = hidden * not_reset.clone();
            cell = cell * not_reset;
        }
        let input: Tensor<2> = gates.clone().narrow(0, t, 1).reshape([row, 4 * width]);
        let gates = input + linear(hidden, hidden_layer.clone(), Activation::Identity);
        let gate = |gate: usize| gates.clone().narrow(1, gate * width, width);
        let kept = activation::sigmoid(gate(1)) * cell;
        cell = kept + activation::sigmoid(gate(0)) * gate(2).tanh();
        hidden = activation::sigmoid(gate(3)) * cell.clone().tanh();
        states.push(hidden.clone());
    }
    (Tensor::stack(states, 0), Tensor::cat(vec![hidden, cell], 1))
}
