//! Losses, layer normalisation and whole networks compared with the reference.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Leaf, assert_same, layer, mask, rnn};
use crate::params::{Convolution, FILTERS};
use crate::simd::dispatch::Vectors;
use crate::test_random::Rng;
use crate::{
    Activation, PolicyTargets, QmixLayers, ValueTargets, conv1d, layer_norm, mlp, ppo_loss,
    qmix_mixer, reference, rnn_agent, rnn_agent_with_heads, token_scores, value_loss,
};

#[test]
fn fused_layer_normalisation_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(6);
        for (rows, width) in [(1, 1), (1, 2), (3, 5), (7, 16), (4, 33), (20, 64), (9, 130)] {
            let x = Leaf::new(&mut rng, [rows, width]);
            let scale = Leaf::new(&mut rng, [width]);
            let shift = Leaf::new(&mut rng, [width]);
            // Large enough that a row of one entry has no gradient in the thousands from rounding
            // alone.
            let eps = 1e-2;
            assert_equivalent!(
                &mut rng,
                layer_norm(x.tensor(), scale.tensor(), shift.tensor(), eps),
                reference::layer_norm(x.tensor(), [scale.tensor(), shift.tensor()], eps),
                [x, scale, shift]
            );
        }
    }
}

#[test]
fn the_fused_losses_have_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(7);
        for (rows, n_actions) in [(1, 2), (3, 5), (40, 9), (25, 17)] {
            let logits = Leaf::new(&mut rng, [rows, n_actions]);
            let values = Leaf::new(&mut rng, [rows, 1]);
            let mut column = |low, high| {
                let numbers: Vec<f32> = (0..rows).map(|_| rng.range(low, high)).collect();
                Tensor::<2>::from_data(TensorData::new(numbers, [rows, 1]), &Device::flex())
            };
            let actions: Vec<i32> = (0..rows).map(|i| (i % (n_actions - 1)) as i32).collect();
            // The last action is never available.
            let mask_bias = (0..rows * n_actions)
                .map(|i| if i % n_actions == n_actions - 1 { -1e9_f32 } else { 0.0 })
                .collect::<Vec<_>>();
            let weight = column(0.0, 1.0) * 0.1;
            let mask_bias = TensorData::new(mask_bias, [rows, n_actions]);
            let actions = TensorData::new(actions, [rows, 1]);
            let targets = PolicyTargets {
                mask_bias: Tensor::from_data(mask_bias, &Device::flex()),
                actions: Tensor::<2, Int>::from_data(actions, &Device::flex()),
                log_prob: column(-2.0, -0.5),
                advantage: column(-1.0, 1.0),
                weight: weight.clone(),
            };
            let valued =
                ValueTargets { old_value: column(-1.0, 1.0), returns: column(-2.0, 2.0), weight };
            let finite = |end: f32| end.is_finite().then_some(end);
            for clip in [0.2, f32::INFINITY] {
                // Gradients flow through the first two sums only.
                let ours = ppo_loss(logits.tensor(), &targets, finite(clip));
                let theirs = reference::ppo_loss(logits.tensor(), &targets, clip);
                assert_same("sums", ours.clone().inner(), theirs.clone().inner());
                assert_equivalent!(
                    &mut rng,
                    ours.narrow(0, 0, 2),
                    theirs.narrow(0, 0, 2),
                    [logits]
                );
                for huber_delta in [0.5, f32::INFINITY] {
                    assert_equivalent!(
                        &mut rng,
                        value_loss(values.tensor(), &valued, finite(clip), finite(huber_delta)),
                        reference::value_loss(values.tensor(), &valued, [clip, huber_delta]),
                        [values]
                    );
                }
            }
        }
    }
}

#[test]
fn the_fused_perceptron_has_the_values_and_gradients_of_its_layers() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(8);
        let sizes = [(1, 1, 1, 1, 1), (5, 7, 16, 9, 3), (300, 30, 64, 32, 14), (513, 5, 20, 40, 1)];
        for (rows, reads, first, second, writes) in sizes {
            for activation in [Activation::Relu, Activation::Tanh] {
                let x = Leaf::new(&mut rng, [rows, reads]);
                let [w1, w2, w3] = [[reads, first], [first, second], [second, writes]]
                    .map(|[inner, columns]| Leaf::weights(&mut rng, [inner, columns], inner));
                let [b1, b2, b3] = [first, second, writes].map(|n| Leaf::new(&mut rng, [n]));
                let layers = || [layer(&w1, &b1), layer(&w2, &b2), layer(&w3, &b3)];
                let reference = {
                    let [first, second, third] = layers();
                    let h = reference::linear(x.tensor(), first, activation);
                    let h = reference::linear(h, second, activation);
                    reference::linear(h, third, Activation::Identity)
                };
                assert_equivalent!(
                    &mut rng,
                    mlp(x.tensor(), layers(), activation),
                    reference,
                    [x, w1, b1, w2, b2, w3, b3]
                );
            }
        }
    }
}

#[test]
fn the_fused_convolutions_have_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(14);
        for (rows, frames, length) in [(1, 1, 9), (3, 4, 10), (5, 1, 15), (9, 2, 30), (17, 3, 41)] {
            let size = Convolution { frames, length };
            let x = Leaf::new(&mut rng, [rows, size.input_dim()]);
            let reads = [3 * frames, 3 * FILTERS[0], 3 * FILTERS[1]];
            let [w1, w2, w3] =
                [0, 1, 2].map(|at| Leaf::weights(&mut rng, [reads[at], FILTERS[at]], reads[at]));
            let [b1, b2, b3] = FILTERS.map(|filters| Leaf::new(&mut rng, [filters]));
            let layers = || [layer(&w1, &b1), layer(&w2, &b2), layer(&w3, &b3)];
            assert_equivalent!(
                &mut rng,
                conv1d(x.tensor(), layers(), size),
                reference::conv1d(x.tensor(), layers(), size),
                [x, w1, b1, w2, b2, w3, b3]
            );
        }
    }
}

#[test]
fn the_fused_rnn_agent_has_the_values_and_gradients_of_its_layers() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(9);
        let sizes = [(1, 1, 1, 1, 1, 1), (9, 5, 7, 16, 20, 3), (13, 40, 30, 64, 64, 14)];
        for (time, row, reads, width, hidden, writes) in sizes {
            for masked in [false, true] {
                let x = Leaf::new(&mut rng, [time, row, reads]);
                let h = Leaf::new(&mut rng, [row, hidden]);
                let encoder = Leaf::weights(&mut rng, [reads, width], reads);
                let encoder_bias = Leaf::new(&mut rng, [width]);
                let weight_ih = Leaf::weights(&mut rng, [width, 3 * hidden], width);
                let bias_ih = Leaf::new(&mut rng, [3 * hidden]);
                let weight_hh = Leaf::weights(&mut rng, [hidden, 3 * hidden], hidden);
                let bias_hh = Leaf::new(&mut rng, [3 * hidden]);
                let head = Leaf::weights(&mut rng, [hidden, writes], hidden);
                let head_bias = Leaf::new(&mut rng, [writes]);
                let keep = masked.then(|| mask(&mut rng, [time, row]));
                let core = || rnn([&weight_ih, &weight_hh], [&bias_ih, &bias_hh]);
                let fused = rnn_agent(
                    x.tensor(),
                    (h.tensor(), keep.clone()),
                    layer(&encoder, &encoder_bias),
                    Activation::Relu,
                    core(),
                    layer(&head, &head_bias),
                );
                let reference = {
                    let flat = x.tensor().reshape([time * row, reads]);
                    let encoder = layer(&encoder, &encoder_bias);
                    let encoded = reference::linear(flat, encoder, Activation::Relu);
                    let encoded = encoded.reshape([time, row, width]);
                    let states = reference::gru_sequence(encoded, h.tensor(), keep, core());
                    let states = states.reshape([time * row, hidden]);
                    let head = layer(&head, &head_bias);
                    let output = reference::linear(states, head, Activation::Identity);
                    output.reshape([time, row, writes])
                };
                assert_equivalent!(
                    &mut rng,
                    fused,
                    reference,
                    [
                        x,
                        h,
                        encoder,
                        encoder_bias,
                        weight_ih,
                        bias_ih,
                        weight_hh,
                        bias_hh,
                        head,
                        head_bias
                    ]
                );
            }
        }
    }
}

#[test]
fn the_fused_rnn_agent_with_heads_has_the_values_and_gradients_of_its_layers() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(16);
        // Time, rows, features, further inputs, hidden width, other actions, actions with heads, and the
        // width of a token.
        let sizes =
            [[1, 1, 1, 0, 1, 1, 1, 1], [9, 5, 7, 3, 20, 3, 2, 16], [13, 40, 30, 5, 64, 6, 8, 64]];
        for [time, row, features, more, hidden, others, targets, token] in sizes {
            let x = Leaf::new(&mut rng, [time, row, features + targets * token]);
            let Leaf(further) = Leaf::new(&mut rng, [time, row, more.max(1)]);
            let further = (more > 0).then(|| further.inner());
            let h = Leaf::new(&mut rng, [row, hidden]);
            let reads = features + more;
            let encoder = Leaf::weights(&mut rng, [reads, hidden], reads);
            let encoder_bias = Leaf::new(&mut rng, [hidden]);
            let weight_ih = Leaf::weights(&mut rng, [hidden, 3 * hidden], hidden);
            let bias_ih = Leaf::new(&mut rng, [3 * hidden]);
            let weight_hh = Leaf::weights(&mut rng, [hidden, 3 * hidden], hidden);
            let bias_hh = Leaf::new(&mut rng, [3 * hidden]);
            let head = Leaf::weights(&mut rng, [hidden, others], hidden);
            let head_bias = Leaf::new(&mut rng, [others]);
            let token_head = Leaf::weights(&mut rng, [token, hidden + 1], token * hidden);
            let token_bias = Leaf::new(&mut rng, [hidden + 1]);
            let keep = Some(mask(&mut rng, [time, row]));
            let core = || rnn([&weight_ih, &weight_hh], [&bias_ih, &bias_hh]);
            for first in [0, others] {
                let fused = rnn_agent_with_heads(
                    (x.tensor(), further.clone().map(Tensor::from_inner)),
                    (h.tensor(), keep.clone()),
                    layer(&encoder, &encoder_bias),
                    Activation::Relu,
                    core(),
                    layer(&head, &head_bias),
                    (layer(&token_head, &token_bias), first..first + targets),
                );
                let flat = x.tensor().reshape([time * row, features + targets * token]);
                let tokens = flat.clone().narrow(1, features, targets * token);
                let flat = flat.narrow(1, 0, features);
                let reads = match &further {
                    None => flat,
                    Some(further) => {
                        let further = Tensor::from_inner(further.clone());
                        Tensor::cat(vec![flat, further.reshape([time * row, more])], 1)
                    }
                };
                let encoder_layer = layer(&encoder, &encoder_bias);
                let encoded = reference::linear(reads, encoder_layer, Activation::Relu);
                let encoded = encoded.reshape([time, row, hidden]);
                let states = reference::gru_sequence(encoded, h.tensor(), keep.clone(), core());
                let states = states.reshape([time * row, hidden]);
                let head_layer = layer(&head, &head_bias);
                let identity = Activation::Identity;
                let of_others = reference::linear(states.clone(), head_layer, identity);
                let tokens = tokens.reshape([time * row * targets, token]);
                let weights = reference::linear(tokens, layer(&token_head, &token_bias), identity);
                let weights = weights.reshape([time * row, targets * (hidden + 1)]);
                let scores = reference::entity_scores(states, weights);
                let parts =
                    if first == 0 { vec![scores, of_others] } else { vec![of_others, scores] };
                let plain = Tensor::cat(parts, 1).reshape([time, row, others + targets]);
                assert_equivalent!(
                    &mut rng,
                    fused,
                    plain,
                    [
                        x,
                        h,
                        encoder,
                        encoder_bias,
                        weight_ih,
                        bias_ih,
                        weight_hh,
                        bias_hh,
                        head,
                        head_bias,
                        token_head,
                        token_bias
                    ]
                );
            }
        }
    }
}

#[test]
fn scores_from_tokens_are_those_of_the_heads_that_the_tokens_generate() {
    let mut rng = Rng::stream(17);
    for [rows, width, actions, token] in [[1, 1, 1, 1], [5, 7, 3, 4], [20, 64, 8, 32]] {
        let hidden = Leaf::new(&mut rng, [rows, width]);
        let tokens = Leaf::new(&mut rng, [rows, actions * token]);
        let weight = Leaf::weights(&mut rng, [token, width + 1], token * width);
        let bias = Leaf::new(&mut rng, [width + 1]);
        let ours = token_scores(hidden.tensor(), tokens.tensor(), layer(&weight, &bias));
        let each = tokens.tensor().reshape([rows * actions, token]);
        let heads = reference::linear(each, layer(&weight, &bias), Activation::Identity);
        let heads = heads.reshape([rows, actions * (width + 1)]);
        let generated = reference::entity_scores(hidden.tensor(), heads);
        assert_equivalent!(&mut rng, ours, generated, [hidden, tokens, weight, bias]);
    }
}

#[test]
fn the_fused_mixer_has_the_values_and_gradients_of_its_layers() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(10);
        let sizes = [(1, 1, 1, 1, 1), (7, 3, 9, 5, 20), (150, 5, 40, 32, 64), (260, 2, 30, 16, 8)];
        for (rows, agents, state_dim, embed, hidden) in sizes {
            let softplus = Activation::Softplus { beta: 1.5 };
            for positive in [Activation::Absolute, Activation::Quadratic, softplus] {
                let q = Leaf::new(&mut rng, [rows, agents]);
                let Leaf(state) = Leaf::new(&mut rng, [rows, state_dim]);
                let state = state.inner();
                let mut linear = |inner: usize, columns: usize| {
                    let weight = Leaf::weights(&mut rng, [inner, columns], inner);
                    (weight, Leaf::new(&mut rng, [columns]))
                };
                let (h1, h1_bias) = linear(state_dim, hidden);
                let (w1, w1_bias) = linear(hidden, agents * embed);
                let (h2, h2_bias) = linear(state_dim, hidden);
                let (w2, w2_bias) = linear(hidden, embed);
                let (hv, hv_bias) = linear(state_dim, embed);
                let (v, v_bias) = linear(embed, 1);
                let (b, b_bias) = linear(state_dim, embed);
                let layers = || QmixLayers {
                    weight_1: [layer(&h1, &h1_bias), layer(&w1, &w1_bias)],
                    weight_2: [layer(&h2, &h2_bias), layer(&w2, &w2_bias)],
                    value: [layer(&hv, &hv_bias), layer(&v, &v_bias)],
                    bias_1: layer(&b, &b_bias),
                };
                let given = || Tensor::from_inner(state.clone());
                assert_equivalent!(
                    &mut rng,
                    qmix_mixer(q.tensor(), given(), layers(), positive),
                    reference::qmix_mixer([q.tensor(), given()], layers(), positive),
                    [
                        q, h1, h1_bias, w1, w1_bias, h2, h2_bias, w2, w2_bias, hv, hv_bias, v,
                        v_bias, b, b_bias
                    ]
                );
            }
        }
    }
}
