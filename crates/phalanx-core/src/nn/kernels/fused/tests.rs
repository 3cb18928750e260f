//! The fused operations against their compositions, and their products against plain loops.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::super::super::gru::GruWeights;
use super::super::super::linear::Activation;
use super::super::super::mixers::{ConcaveWeights, Convex};
use super::super::super::surrogate::{Taken, Valued};
use super::super::matmul::multiply;
use super::super::pack::Packed;
use super::super::simd::Vectors;
use super::super::tests::{assert_close, exact, random, shapes};
use super::super::{
    LayerWeights, QmixLayers, categorical, composed, concave_mix, gru_sequence, layer_norm, linear,
    perceptron, qmix_mix, qmix_mixer, recurrent_agent, surrogate, value_loss,
};
use super::products::{Scratch, add_transposed_left};
use super::{dense, gru};
use crate::rng::{Purpose, Rng};

fn transpose(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    (0..columns).flat_map(|j| (0..rows).map(move |i| matrix[i * columns + j])).collect()
}

#[test]
fn products_of_transposes_agree_with_double_precision_in_every_shape() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        let mut scratch = Scratch::default();
        for (rows, inner, columns) in shapes(&mut rng) {
            let a = random(&mut rng, rows * inner);
            let b = random(&mut rng, inner * columns);
            let present = random(&mut rng, rows * columns);
            let expected = exact(&a, &b, inner, columns, &present);

            let mut c = present.clone();
            let transposed = Packed::transposed(&transpose(&b, columns), inner, columns);
            multiply(&a, &transposed, None, &mut c);
            assert_close(&c, &expected);

            if inner > 0 {
                let mut c = present.clone();
                add_transposed_left(
                    &transpose(&a, inner),
                    &b,
                    inner,
                    0..rows,
                    &mut scratch,
                    &mut c,
                );
                assert_close(&c, &expected);
            }
        }
    }
}

struct Leaf<const D: usize>(Tensor<D>);

impl<const D: usize> Leaf<D> {
    fn new(rng: &mut Rng, shape: [usize; D]) -> Self {
        let values = random(rng, shape.iter().product());
        let device = Device::flex().autodiff();
        Self(Tensor::from_data(TensorData::new(values, shape), &device).require_grad())
    }

    /// Weights of a layer with so many inputs, at the size at which layers begin.
    fn weights(rng: &mut Rng, shape: [usize; D], inputs: usize) -> Self {
        let Self(values) = Self::new(rng, shape);
        Self((values.inner() / (inputs as f32).sqrt()).autodiff().require_grad())
    }

    fn tensor(&self) -> Tensor<D> {
        self.0.clone()
    }
}

fn assert_same<const D: usize>(what: &str, ours: Tensor<D>, theirs: Tensor<D>) {
    assert_eq!(ours.dims(), theirs.dims(), "{what}");
    let ours = ours.into_data().try_into_vec::<f32>().expect("32-bit floats");
    let theirs = theirs.into_data().try_into_vec::<f32>().expect("32-bit floats");
    let largest = theirs.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
    for (x, y) in ours.iter().zip(&theirs) {
        // Tanh and sigmoid differ by up to 5e-7 of their range.
        assert!((x - y).abs() <= 1e-5 * largest, "{what}: {x} is not {y}");
    }
}

/// Compares values, and the gradients of all leaves for one random cotangent.
macro_rules! assert_equivalent {
    ($rng:expr, $fused:expr, $composed:expr, [$($leaf:ident),*]) => {{
        let (fused, composed) = ($fused, $composed);
        let cotangent = Leaf::new($rng, fused.dims()).tensor().inner();
        assert_same("value", fused.clone().inner(), composed.clone().inner());
        let ours = (fused * cotangent.clone()).sum().backward();
        let theirs = (composed * cotangent).sum().backward();
        $(
            let name = stringify!($leaf);
            let gradient = |all| $leaf.0.grad(all).expect("the leaf has a gradient");
            assert_same(name, gradient(&ours), gradient(&theirs));
        )*
    }};
}

mod lstm; // Behind the macro that it needs.

#[test]
fn the_fused_gru_has_the_values_and_gradients_of_the_composed_one() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 2);
        let sizes =
            [(1, 1, 1, 1), (4, 8, 16, 16), (7, 13, 9, 20), (12, 3, 40, 33), (5, 160, 64, 64)];
        for (time, row, input, hidden) in sizes {
            for masked in [false, true] {
                let x = Leaf::new(&mut rng, [time, row, input]);
                let h = Leaf::new(&mut rng, [row, hidden]);
                let weight_ih = Leaf::new(&mut rng, [input, 3 * hidden]);
                let bias_ih = Leaf::new(&mut rng, [3 * hidden]);
                let weight_hh = Leaf::new(&mut rng, [hidden, 3 * hidden]);
                let bias_hh = Leaf::new(&mut rng, [3 * hidden]);
                let keep = masked.then(|| {
                    let keep = (0..time * row)
                        .map(|_| if rng.below(3) == 0 { 0.0_f32 } else { 1.0 })
                        .collect::<Vec<_>>();
                    let data = TensorData::new(keep, [time, row]);
                    Tensor::<2>::from_data(data, &Device::flex())
                });
                let weights = || GruWeights {
                    weight_ih: weight_ih.tensor(),
                    bias_ih: bias_ih.tensor(),
                    weight_hh: weight_hh.tensor(),
                    bias_hh: bias_hh.tensor(),
                };
                let fused = gru_sequence(x.tensor(), h.tensor(), keep.clone(), weights());
                let plain = composed::gru_sequence(x.tensor(), h.tensor(), keep, weights());
                assert_equivalent!(
                    &mut rng,
                    fused,
                    plain,
                    [x, h, weight_ih, bias_ih, weight_hh, bias_hh]
                );
            }
        }
    }
}

#[test]
fn the_fused_linear_layer_has_the_values_and_gradients_of_the_composed_one() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 3);
        for (row, input, output) in [(1, 1, 1), (37, 20, 14), (600, 33, 70), (8, 120, 160)] {
            for activation in [
                Activation::Identity,
                Activation::Relu,
                Activation::Absolute,
                Activation::Softplus { beta: 1.0 },
                Activation::Softplus { beta: 2.5 },
                Activation::Quadratic,
                Activation::Sigmoid,
                Activation::Tanh,
            ] {
                let x = Leaf::new(&mut rng, [row, input]);
                let weight = Leaf::new(&mut rng, [input, output]);
                let bias = Leaf::new(&mut rng, [output]);
                let fused = linear(x.tensor(), weight.tensor(), bias.tensor(), activation);
                let plain =
                    composed::linear(x.tensor(), weight.tensor(), bias.tensor(), activation);
                assert_equivalent!(&mut rng, fused, plain, [x, weight, bias]);
            }
        }
    }
}

#[test]
fn the_fused_mixing_step_has_the_values_and_gradients_of_the_composed_one() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 4);
        for (row, agent, embed) in [(1, 1, 1), (50, 5, 32), (9, 3, 20), (4, 27, 64)] {
            let q = Leaf::new(&mut rng, [row, agent]);
            let weight_1 = Leaf::new(&mut rng, [row, agent * embed]);
            let bias_1 = Leaf::new(&mut rng, [row, embed]);
            let weight_2 = Leaf::new(&mut rng, [row, embed]);
            let value = Leaf::new(&mut rng, [row, 1]);
            let run = |mix: fn(_, _, _, _, _) -> Tensor<2>| {
                mix(
                    q.tensor(),
                    weight_1.tensor(),
                    bias_1.tensor(),
                    weight_2.tensor(),
                    value.tensor(),
                )
            };
            assert_equivalent!(
                &mut rng,
                run(qmix_mix),
                run(composed::qmix_mix),
                [q, weight_1, bias_1, weight_2, value]
            );
        }
    }
}

#[test]
fn the_fused_concave_mixing_step_has_the_values_and_gradients_of_the_composed_one() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 6);
        let mut shapes = vec![(1, 1, 1), (50, 5, 32), (9, 3, 20), (4, 27, 64)];
        shapes.extend((0..6).map(|_| (1 + rng.below(40), 1 + rng.below(12), 1 + rng.below(40))));
        for activation in [Convex::Relu, Convex::LeakyRelu, Convex::Softplus, Convex::Elu] {
            for &(row, inputs, embed) in &shapes {
                let q = Leaf::new(&mut rng, [row, inputs]);
                let weight_0 = Leaf::new(&mut rng, [row, inputs * embed]);
                let bias_0 = Leaf::new(&mut rng, [row, embed]);
                let weight_1 = Leaf::new(&mut rng, [row, embed * embed]);
                let bias_1 = Leaf::new(&mut rng, [row, embed]);
                let weight_2 = Leaf::new(&mut rng, [row, 2 * embed * embed]);
                let bias_2 = Leaf::new(&mut rng, [row, embed]);
                let weight_3 = Leaf::new(&mut rng, [row, 3 * embed]);
                let value = Leaf::new(&mut rng, [row, 1]);
                let run = |mix: fn(_, _) -> Tensor<2>| {
                    let weights = ConcaveWeights {
                        weight_0: weight_0.tensor(),
                        bias_0: bias_0.tensor(),
                        weight_1: weight_1.tensor(),
                        bias_1: bias_1.tensor(),
                        weight_2: weight_2.tensor(),
                        bias_2: bias_2.tensor(),
                        weight_3: weight_3.tensor(),
                        value: value.tensor(),
                        activation,
                    };
                    mix(q.tensor(), weights)
                };
                assert_equivalent!(
                    &mut rng,
                    run(concave_mix),
                    run(composed::concave_mix),
                    [q, weight_0, bias_0, weight_1, bias_1, weight_2, bias_2, weight_3, value]
                );
            }
        }
    }
}

#[test]
fn the_fused_categorical_has_the_values_and_gradients_of_the_composed_one() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 7);
        for (row, n) in [(1, 1), (50, 14), (9, 16), (33, 17), (4, 70)] {
            let logits = Leaf::new(&mut rng, [row, n]);
            let actions: Vec<i32> = (0..row).map(|_| rng.below(n) as i32).collect();
            let closed: Vec<f32> = (0..row * n)
                .map(|at| {
                    let taken = actions[at / n] as usize == at % n;
                    if !taken && rng.below(3) == 0 { -1e9 } else { 0.0 }
                })
                .collect();
            let device = Device::flex().autodiff();
            let run = |of: fn(_, _, _) -> Tensor<2>| {
                let closed = Tensor::from_data(TensorData::new(closed.clone(), [row, n]), &device);
                let actions = TensorData::new(actions.clone(), [row, 1]);
                of(
                    logits.tensor().mul_scalar(4.0),
                    closed,
                    Tensor::<2, Int>::from_data(actions, &device),
                )
            };
            assert_equivalent!(&mut rng, run(categorical), run(composed::categorical), [logits]);
        }
    }
}

#[test]
fn fused_operations_read_views_and_accept_constants() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 5);
        let wide = Leaf::new(&mut rng, [6, 20]);
        let weight = Leaf::new(&mut rng, [9, 7]);
        let bias = Leaf::new(&mut rng, [9]);
        let view = |x: &Leaf<2>| x.tensor().slice([1..5, 3..10]);
        let weights = || (weight.tensor().transpose(), bias.tensor());
        let (w, b) = weights();
        let fused = linear(view(&wide), w, b, Activation::Relu);
        let (w, b) = weights();
        let plain = composed::linear(view(&wide), w, b, Activation::Relu);
        assert_equivalent!(&mut rng, fused, plain, [wide, weight, bias]);

        // A constant input leaves the gradients of the weights alone.
        let (w, b) = weights();
        let constant = linear(view(&wide).inner(), w, b, Activation::Relu);
        let gradients = constant.sum().backward();
        assert!(weight.0.grad(&gradients).is_some() && wide.0.grad(&gradients).is_none());
    }
}

/// What `compute` gives on one thread; fails where two or three give other bits.
fn same_on_all_threads(compute: impl Fn() -> Vec<Vec<f32>> + Sync) {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be started").install(&compute)
    };
    let bits = |all: Vec<Vec<f32>>| -> Vec<Vec<u32>> {
        all.into_iter().map(|values| values.into_iter().map(f32::to_bits).collect()).collect()
    };
    let alone = bits(on(1));
    for threads in [2, 3] {
        assert_eq!(bits(on(threads)), alone, "{threads} threads");
    }
}

#[test]
fn a_layer_has_the_same_bits_on_all_threads() {
    let mut rng = Rng::stream(0, Purpose::Check, 11);
    // The last columns and rows fill no vector and no share, and there is more than a block.
    let (rows, inner, columns) = (8001, 45, 37);
    assert!(rows * inner * columns > 12 << 20, "worth several threads");
    let [input, weight, gradient] =
        [rows * inner, inner * columns, rows * columns].map(|n| random(&mut rng, n));
    let bias = random(&mut rng, columns);
    for activation in [Activation::Identity, Activation::Relu, Activation::Absolute] {
        same_on_all_threads(|| {
            let keep = activation == Activation::Absolute;
            let (output, before) = dense::forward(&input, &weight, &bias, activation, keep);
            let at = before.as_deref().unwrap_or(&output);
            let layer = dense::Backward { input: &input, weight: &weight, at, activation };
            let out = layer.run(inner, columns, &gradient, keep);
            let input = out.input.unwrap_or_default();
            vec![output.clone(), before.clone().unwrap_or_default(), input, out.weight, out.bias]
        });
    }
}

#[test]
fn a_gru_has_the_same_bits_on_all_threads() {
    let mut rng = Rng::stream(0, Purpose::Check, 12);
    let size = gru::Size { time: 41, rows: 131, input: 33, hidden: 20 };
    let gru::Size { time, rows, input, hidden } = size;
    assert!(time * rows * (input + hidden) * 3 * hidden > 12 << 20, "worth several threads");
    let sequence = |width: usize| time * rows * width;
    let keep: Vec<f32> =
        (0..sequence(1)).map(|_| if rng.below(5) == 0 { 0.0 } else { 1.0 }).collect();
    let x = random(&mut rng, sequence(input));
    let h = random(&mut rng, rows * hidden);
    let gradient = random(&mut rng, sequence(hidden));
    let [weight_ih, weight_hh] = [input, hidden].map(|n| random(&mut rng, n * 3 * hidden));
    let [bias_ih, bias_hh] = [0, 1].map(|_| random(&mut rng, 3 * hidden));
    let inputs = gru::Inputs {
        input: &x,
        hidden: &h,
        keep: &keep,
        weight_ih: &weight_ih,
        bias_ih: &bias_ih,
        weight_hh: &weight_hh,
        bias_hh: &bias_hh,
    };
    same_on_all_threads(|| {
        let mut saved = vec![0.0; sequence(gru::SAVED * hidden)];
        let states = gru::forward(size, inputs, Some(&mut saved));
        assert_eq!(states, gru::forward(size, inputs, None));
        let out = gru::backward(size, inputs, &states, &saved, &gradient);
        let weights = [out.weight_ih, out.bias_ih, out.weight_hh, out.bias_hh];
        [states, saved, out.input, out.hidden].into_iter().chain(weights).collect()
    });
}

#[test]
fn fused_layer_normalisation_has_the_values_and_gradients_of_the_composed_one() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 6);
        for (rows, width) in [(1, 1), (1, 2), (3, 5), (7, 16), (4, 33), (20, 64), (9, 130)] {
            let x = Leaf::new(&mut rng, [rows, width]);
            let scale = Leaf::new(&mut rng, [width]);
            let shift = Leaf::new(&mut rng, [width]);
            // So large that a row of one entry has no gradient of some 1000, made of rounding alone.
            let eps = 1e-2;
            assert_equivalent!(
                &mut rng,
                layer_norm(x.tensor(), scale.tensor(), shift.tensor(), eps),
                composed::layer_norm(x.tensor(), scale.tensor(), shift.tensor(), eps),
                [x, scale, shift]
            );
        }
    }
}

#[test]
fn the_fused_losses_have_the_values_and_gradients_of_the_composed_ones() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 7);
        for (rows, n_actions) in [(1, 2), (3, 5), (40, 9), (25, 17)] {
            let logits = Leaf::new(&mut rng, [rows, n_actions]);
            let values = Leaf::new(&mut rng, [rows, 1]);
            let mut column = |low, high| {
                let numbers: Vec<f32> = (0..rows).map(|_| rng.range(low, high)).collect();
                Tensor::<2>::from_data(TensorData::new(numbers, [rows, 1]), &Device::flex())
            };
            let actions: Vec<i32> = (0..rows).map(|i| (i % (n_actions - 1)) as i32).collect();
            // The last action is never available.
            let closed = (0..rows * n_actions)
                .map(|i| if i % n_actions == n_actions - 1 { -1e9_f32 } else { 0.0 })
                .collect::<Vec<_>>();
            let weight = column(0.0, 1.0) * 0.1;
            let closed = TensorData::new(closed, [rows, n_actions]);
            let actions = TensorData::new(actions, [rows, 1]);
            let taken = Taken {
                closed: Tensor::from_data(closed, &Device::flex()),
                actions: Tensor::<2, Int>::from_data(actions, &Device::flex()),
                log_prob: column(-2.0, -0.5),
                advantage: column(-1.0, 1.0),
                weight: weight.clone(),
            };
            let valued = Valued { before: column(-1.0, 1.0), returns: column(-2.0, 2.0), weight };
            for clip in [0.2, f32::INFINITY] {
                // Gradients flow through the first two sums alone.
                let ours = surrogate(logits.tensor(), &taken, clip);
                let theirs = composed::surrogate(logits.tensor(), &taken, clip);
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
                        value_loss(values.tensor(), &valued, clip, huber_delta),
                        composed::value_loss(values.tensor(), &valued, clip, huber_delta),
                        [values]
                    );
                }
            }
        }
    }
}

fn layer(weight: &Leaf<2>, bias: &Leaf<1>) -> LayerWeights {
    LayerWeights { weight: weight.tensor(), bias: bias.tensor() }
}

#[test]
fn the_fused_perceptron_has_the_values_and_gradients_of_its_layers() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 8);
        let sizes = [(1, 1, 1, 1, 1), (5, 7, 16, 9, 3), (300, 30, 64, 32, 14), (513, 5, 20, 40, 1)];
        for (rows, reads, first, second, writes) in sizes {
            for activation in [Activation::Relu, Activation::Tanh] {
                let x = Leaf::new(&mut rng, [rows, reads]);
                let [w1, w2, w3] = [[reads, first], [first, second], [second, writes]]
                    .map(|[inner, columns]| Leaf::weights(&mut rng, [inner, columns], inner));
                let [b1, b2, b3] = [first, second, writes].map(|n| Leaf::new(&mut rng, [n]));
                let layers = || [layer(&w1, &b1), layer(&w2, &b2), layer(&w3, &b3)];
                let composed = {
                    let h = composed::linear(x.tensor(), w1.tensor(), b1.tensor(), activation);
                    let h = composed::linear(h, w2.tensor(), b2.tensor(), activation);
                    composed::linear(h, w3.tensor(), b3.tensor(), Activation::Identity)
                };
                assert_equivalent!(
                    &mut rng,
                    perceptron(x.tensor(), layers(), activation),
                    composed,
                    [x, w1, b1, w2, b2, w3, b3]
                );
            }
        }
    }
}

#[test]
fn the_fused_recurrent_agent_has_the_values_and_gradients_of_its_layers() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 9);
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
                let keep = masked.then(|| {
                    let keep = (0..time * row)
                        .map(|_| if rng.below(3) == 0 { 0.0_f32 } else { 1.0 })
                        .collect::<Vec<_>>();
                    let data = TensorData::new(keep, [time, row]);
                    Tensor::<2>::from_data(data, &Device::flex())
                });
                let core = || GruWeights {
                    weight_ih: weight_ih.tensor(),
                    bias_ih: bias_ih.tensor(),
                    weight_hh: weight_hh.tensor(),
                    bias_hh: bias_hh.tensor(),
                };
                let fused = recurrent_agent(
                    x.tensor(),
                    (h.tensor(), keep.clone()),
                    layer(&encoder, &encoder_bias),
                    Activation::Relu,
                    core(),
                    layer(&head, &head_bias),
                );
                let composed = {
                    let flat = x.tensor().reshape([time * row, reads]);
                    let (weight, bias) = (encoder.tensor(), encoder_bias.tensor());
                    let encoded = composed::linear(flat, weight, bias, Activation::Relu);
                    let encoded = encoded.reshape([time, row, width]);
                    let states = composed::gru_sequence(encoded, h.tensor(), keep, core());
                    let states = states.reshape([time * row, hidden]);
                    let (weight, bias) = (head.tensor(), head_bias.tensor());
                    let output = composed::linear(states, weight, bias, Activation::Identity);
                    output.reshape([time, row, writes])
                };
                assert_equivalent!(
                    &mut rng,
                    fused,
                    composed,
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
fn the_fused_mixer_has_the_values_and_gradients_of_its_layers() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0, Purpose::Check, 10);
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
                    composed::qmix_mixer(q.tensor(), given(), layers(), positive),
                    [
                        q, h1, h1_bias, w1, w1_bias, h2, h2_bias, w2, w2_bias, hv, hv_bias, v,
                        v_bias, b, b_bias
                    ]
                );
            }
        }
    }
}
