//! The fused operations compared with the reference, and their products with plain loops.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::gru::op::GRU;
use super::linear::{backward, forward};
use super::sequence::{Computed, Inputs, Recurrence, Size};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::gemm::tests::{assert_close, exact, random, shapes};
use crate::simd::dispatch::Vectors;
use crate::test_random::Rng;
use crate::{
    Activation, ConcaveWeights, Convex, LayerWeights, RnnWeights, categorical, concave_mix,
    gru_sequence, linear, qmix_mix, reference,
};

fn transpose(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    (0..columns).flat_map(|j| (0..rows).map(move |i| matrix[i * columns + j])).collect()
}

#[test]
fn products_of_transposes_agree_with_double_precision_in_every_shape() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0);
        let mut scratch = Scratch::default();
        for (rows, inner, columns) in shapes(&mut rng) {
            let a = random(&mut rng, rows * inner);
            let b = random(&mut rng, inner * columns);
            let present = random(&mut rng, rows * columns);
            let expected = exact(&a, &b, inner, columns, &present);

            let mut c = present.clone();
            let transposed = Packed::transposed(&transpose(&b, columns), inner, columns, rows);
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

    /// Returns weights of a layer with `inputs` inputs, at the scale of initial weights.
    fn weights(rng: &mut Rng, shape: [usize; D], inputs: usize) -> Self {
        let Self(values) = Self::new(rng, shape);
        Self((values.inner() / (inputs as f32).sqrt()).autodiff().require_grad())
    }

    fn tensor(&self) -> Tensor<D> {
        self.0.clone()
    }
}

fn layer(weight: &Leaf<2>, bias: &Leaf<1>) -> LayerWeights {
    LayerWeights { weight: weight.tensor(), bias: bias.tensor() }
}

/// Returns leaves for a recurrent layer with `gates` gates: input and hidden weight with their
/// biases.
fn recurrent_leaves(
    rng: &mut Rng,
    [input, hidden, gates]: [usize; 3],
) -> ([Leaf<2>; 2], [Leaf<1>; 2]) {
    let weight_ih = Leaf::new(rng, [input, gates]);
    let bias_ih = Leaf::new(rng, [gates]);
    let weight_hh = Leaf::new(rng, [hidden, gates]);
    ([weight_ih, weight_hh], [bias_ih, Leaf::new(rng, [gates])])
}

fn rnn([weight_ih, weight_hh]: [&Leaf<2>; 2], [bias_ih, bias_hh]: [&Leaf<1>; 2]) -> RnnWeights {
    RnnWeights {
        weight_ih: weight_ih.tensor(),
        bias_ih: bias_ih.tensor(),
        weight_hh: weight_hh.tensor(),
        bias_hh: bias_hh.tensor(),
    }
}

/// Returns a mask with zeros where episodes begin, and ones elsewhere.
fn mask(rng: &mut Rng, [time, row]: [usize; 2]) -> Tensor<2> {
    let keep: Vec<f32> =
        (0..time * row).map(|_| if rng.below(3) == 0 { 0.0 } else { 1.0 }).collect();
    Tensor::from_data(TensorData::new(keep, [time, row]), &Device::flex())
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
    ($rng:expr, $fused:expr, $reference:expr, [$($leaf:ident),*]) => {{
        let (fused, reference) = ($fused, $reference);
        let cotangent = Leaf::new($rng, fused.dims()).tensor().inner();
        assert_same("value", fused.clone().inner(), reference.clone().inner());
        let ours = (fused * cotangent.clone()).sum().backward();
        let theirs = (reference * cotangent).sum().backward();
        $(
            let name = stringify!($leaf);
            let gradient = |all| $leaf.0.grad(all).expect("the leaf has a gradient");
            assert_same(name, gradient(&ours), gradient(&theirs));
        )*
    }};
}

// After the macro that they need.
mod entities;
mod entity_scores;
mod lstm;
mod whole;

#[test]
fn the_fused_gru_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(2);
        let sizes =
            [(1, 1, 1, 1), (4, 8, 16, 16), (7, 13, 9, 20), (12, 3, 40, 33), (5, 160, 64, 64)];
        for (time, row, input, hidden) in sizes {
            for masked in [false, true] {
                let x = Leaf::new(&mut rng, [time, row, input]);
                let h = Leaf::new(&mut rng, [row, hidden]);
                let ([weight_ih, weight_hh], [bias_ih, bias_hh]) =
                    recurrent_leaves(&mut rng, [input, hidden, 3 * hidden]);
                let keep = masked.then(|| mask(&mut rng, [time, row]));
                let weights = || rnn([&weight_ih, &weight_hh], [&bias_ih, &bias_hh]);
                let fused = gru_sequence(x.tensor(), h.tensor(), keep.clone(), weights());
                let plain = reference::gru_sequence(x.tensor(), h.tensor(), keep, weights());
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
fn the_fused_linear_layer_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(3);
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
                Activation::Elu,
            ] {
                let x = Leaf::new(&mut rng, [row, input]);
                let weight = Leaf::new(&mut rng, [input, output]);
                let bias = Leaf::new(&mut rng, [output]);
                let fused = linear(x.tensor(), layer(&weight, &bias), activation);
                let plain = reference::linear(x.tensor(), layer(&weight, &bias), activation);
                assert_equivalent!(&mut rng, fused, plain, [x, weight, bias]);
            }
        }
    }
}

#[test]
fn the_fused_mixing_step_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(4);
        for (row, agent, embed) in [(1, 1, 1), (50, 5, 32), (9, 3, 20), (4, 27, 64)] {
            let q = Leaf::new(&mut rng, [row, agent]);
            let weight_1 = Leaf::new(&mut rng, [row, agent * embed]);
            let bias_1 = Leaf::new(&mut rng, [row, embed]);
            let weight_2 = Leaf::new(&mut rng, [row, embed]);
            let value = Leaf::new(&mut rng, [row, 1]);
            let inputs = || [&q, &weight_1, &bias_1, &weight_2, &value].map(Leaf::tensor);
            let [a, b, c, d, e] = inputs();
            assert_equivalent!(
                &mut rng,
                qmix_mix(a, b, c, d, e),
                reference::qmix_mix(inputs()),
                [q, weight_1, bias_1, weight_2, value]
            );
        }
    }
}

#[test]
fn the_fused_concave_mixing_step_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(6);
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
                    run(reference::concave_mix),
                    [q, weight_0, bias_0, weight_1, bias_1, weight_2, bias_2, weight_3, value]
                );
            }
        }
    }
}

#[test]
fn the_fused_categorical_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(7);
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
            assert_equivalent!(&mut rng, run(categorical), run(reference::categorical), [logits]);
        }
    }
}

#[test]
fn fused_operations_read_views_and_accept_constants() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(5);
        let wide = Leaf::new(&mut rng, [6, 20]);
        let weight = Leaf::new(&mut rng, [9, 7]);
        let bias = Leaf::new(&mut rng, [9]);
        let view = |x: &Leaf<2>| x.tensor().slice([1..5, 3..10]);
        let layer = || LayerWeights { weight: weight.tensor().transpose(), bias: bias.tensor() };
        let fused = linear(view(&wide), layer(), Activation::Relu);
        let plain = reference::linear(view(&wide), layer(), Activation::Relu);
        assert_equivalent!(&mut rng, fused, plain, [wide, weight, bias]);

        // A constant input gets no gradient; the weights still do.
        let constant = linear(view(&wide).inner(), layer(), Activation::Relu);
        let gradients = constant.sum().backward();
        assert!(weight.0.grad(&gradients).is_some() && wide.0.grad(&gradients).is_none());
    }
}

/// Asserts that `compute` gives the same bits on two and three threads as on one.
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
    let mut rng = Rng::stream(11);
    // The last columns and rows are incomplete vectors and ranges, and there is more than one
    // block. The second and third shape are large enough for the matrix unit; the last block of the
    // third is too small for it.
    for (rows, inner, columns) in [(8001, 45, 37), (1701, 150, 140), (1571, 130, 601)] {
        assert!(rows * inner * columns > 12 << 20, "worth several threads");
        let [input, weight, gradient] =
            [rows * inner, inner * columns, rows * columns].map(|n| random(&mut rng, n));
        let bias = random(&mut rng, columns);
        for activation in [Activation::Identity, Activation::Relu, Activation::Absolute] {
            same_on_all_threads(|| {
                let keep = activation == Activation::Absolute;
                let (output, before) = forward::forward(&input, &weight, &bias, activation, keep);
                let at = before.as_deref().unwrap_or(&output);
                let layer = backward::Backward { input: &input, weight: &weight, at, activation };
                let out = layer.run(inner, columns, &gradient, keep);
                let (before, input) = (before.unwrap_or_default(), out.input.unwrap_or_default());
                vec![output, before, input, out.weight, out.bias]
            });
        }
    }
}

#[test]
fn a_gru_has_the_same_bits_on_all_threads() {
    for (input, hidden) in [(33, 20), (70, 80)] {
        let size = Size { time: 41, rows: 131, input, hidden };
        sequence_on_all_threads(GRU, 3 * hidden, size, Rng::stream(12));
    }
}

/// Asserts that a recurrent layer with `gates` gates has the same bits on several threads.
fn sequence_on_all_threads(layer: Recurrence, gates: usize, size: Size, mut rng: Rng) {
    let Size { time, rows, input, hidden } = size;
    assert!(time * rows * (input + hidden) * gates > 12 << 20, "worth several threads");
    let sequence = |width: usize| time * rows * width;
    let not_reset: Vec<f32> =
        (0..sequence(1)).map(|_| if rng.below(5) == 0 { 0.0 } else { 1.0 }).collect();
    let x = random(&mut rng, sequence(input));
    let carry = random(&mut rng, rows * layer.carry * hidden);
    let gradient = random(&mut rng, (time + layer.carry - 1) * rows * hidden);
    let [weight_ih, weight_hh] = [input, hidden].map(|n| random(&mut rng, n * gates));
    let [bias_ih, bias_hh] = [0, 1].map(|_| random(&mut rng, gates));
    let inputs = Inputs {
        input: &x,
        carry: &carry,
        not_reset: &not_reset,
        weight_ih: &weight_ih,
        bias_ih: &bias_ih,
        weight_hh: &weight_hh,
        bias_hh: &bias_hh,
    };
    same_on_all_threads(|| {
        let mut saved = vec![0.0; sequence(layer.saved * hidden)];
        let states = (layer.forward)(size, inputs, Some(&mut saved));
        assert_eq!(states, (layer.forward)(size, inputs, None));
        let computed = Computed { states: &states, saved: &saved, gradient: &gradient };
        let out = (layer.backward)(size, inputs, computed);
        let weights = [out.weight_ih, out.bias_ih, out.weight_hh, out.bias_hh];
        [states, saved, out.input, out.carry].into_iter().chain(weights).collect()
    });
}
