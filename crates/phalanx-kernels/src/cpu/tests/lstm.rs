//! The fused LSTM compared with the reference, and both with the formula.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Leaf, assert_same, mask, recurrent_leaves, rnn, sequence_on_all_threads};
use crate::cpu::lstm::op::LSTM;
use crate::cpu::sequence::Size;
use crate::gemm::tests::random;
use crate::simd::dispatch::Vectors;
use crate::test_random::Rng;
use crate::{RnnWeights, lstm_sequence, reference};

#[test]
fn the_fused_lstm_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(8);
        let mut sizes =
            vec![(1, 1, 1, 1), (4, 8, 16, 16), (7, 13, 9, 20), (12, 3, 40, 33), (5, 160, 64, 64)];
        let drawn = |rng: &mut Rng| {
            (1 + rng.below(9), 1 + rng.below(20), 1 + rng.below(40), 1 + rng.below(40))
        };
        sizes.extend((0..4).map(|_| drawn(&mut rng)));
        for (time, row, input, hidden) in sizes {
            for masked in [false, true] {
                let x = Leaf::new(&mut rng, [time, row, input]);
                let memory = Leaf::new(&mut rng, [row, 2 * hidden]);
                let ([weight_ih, weight_hh], [bias_ih, bias_hh]) =
                    recurrent_leaves(&mut rng, [input, hidden, 4 * hidden]);
                let keep = masked.then(|| mask(&mut rng, [time, row]));
                let run = |lstm: fn(_, _, _, _) -> (Tensor<3>, Tensor<2>)| {
                    let weights = rnn([&weight_ih, &weight_hh], [&bias_ih, &bias_hh]);
                    let (states, last) = lstm(x.tensor(), memory.tensor(), keep.clone(), weights);
                    // Gradients flow in through the states and through the last carry.
                    let states = states.reshape([time * row * hidden]);
                    Tensor::cat(vec![states, last.reshape([row * 2 * hidden])], 0)
                };
                assert_equivalent!(
                    &mut rng,
                    run(lstm_sequence),
                    run(reference::lstm_sequence),
                    [x, memory, weight_ih, bias_ih, weight_hh, bias_hh]
                );
            }
        }
    }
}

/// Returns state and cell of one unit after a step by PyTorch's formula in double precision, from
/// the sums of the gates input, forget, cell and output.
fn lstm_unit([i, f, g, o]: [f64; 4], cell: f64) -> (f64, f64) {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let cell = sigmoid(f) * cell + sigmoid(i) * g.tanh();
    (sigmoid(o) * cell.tanh(), cell)
}

#[test]
fn both_lstms_follow_the_formula_unit_by_unit() {
    let mut rng = Rng::stream(9);
    let (time, row, input, hidden) = (6, 3, 5, 7);
    let x = random(&mut rng, time * row * input);
    let memory = random(&mut rng, row * 2 * hidden);
    let [weight_ih, weight_hh] = [input, hidden].map(|n| random(&mut rng, n * 4 * hidden));
    let [bias_ih, bias_hh] = [0, 1].map(|_| random(&mut rng, 4 * hidden));
    let keep: Vec<f32> = (0..time * row).map(|i| if i % 5 == 4 { 0.0 } else { 1.0 }).collect();

    let mut state: Vec<f64> = Vec::new();
    let mut cell: Vec<f64> = Vec::new();
    for memory in memory.chunks_exact(2 * hidden) {
        state.extend(memory[..hidden].iter().map(|&x| f64::from(x)));
        cell.extend(memory[hidden..].iter().map(|&x| f64::from(x)));
    }
    let mut expected = Vec::new();
    for t in 0..time {
        let mut next = state.clone();
        for r in 0..row {
            let keep = f64::from(keep[t * row + r]);
            for unit in 0..hidden {
                let gates = std::array::from_fn(|gate| {
                    let column = gate * hidden + unit;
                    let mut sum = f64::from(bias_ih[column]) + f64::from(bias_hh[column]);
                    for k in 0..input {
                        let weight = weight_ih[k * 4 * hidden + column];
                        sum += f64::from(x[(t * row + r) * input + k]) * f64::from(weight);
                    }
                    for k in 0..hidden {
                        let weight = weight_hh[k * 4 * hidden + column];
                        sum += keep * state[r * hidden + k] * f64::from(weight);
                    }
                    sum
                });
                let at = r * hidden + unit;
                (next[at], cell[at]) = lstm_unit(gates, keep * cell[at]);
            }
        }
        state = next;
        expected.extend_from_slice(&state);
    }
    for (state, cell) in state.chunks_exact(hidden).zip(cell.chunks_exact(hidden)) {
        expected.extend(state.iter().chain(cell));
    }

    let device = Device::flex();
    let tensor = |values: &[f32], shape: [usize; 2]| -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), shape), &device)
    };
    for lstm in [lstm_sequence, reference::lstm_sequence] {
        let weights = RnnWeights {
            weight_ih: tensor(&weight_ih, [input, 4 * hidden]),
            bias_ih: Tensor::from_data(TensorData::new(bias_ih.clone(), [4 * hidden]), &device),
            weight_hh: tensor(&weight_hh, [hidden, 4 * hidden]),
            bias_hh: Tensor::from_data(TensorData::new(bias_hh.clone(), [4 * hidden]), &device),
        };
        let x = tensor(&x, [time * row, input]).reshape([time, row, input]);
        let keep = tensor(&keep, [time, row]);
        let (states, last) = lstm(x, tensor(&memory, [row, 2 * hidden]), Some(keep), weights);
        let mut ours = states.into_data().try_into_vec::<f32>().expect("32-bit floats");
        ours.extend(last.into_data().try_into_vec::<f32>().expect("32-bit floats"));
        assert_eq!(ours.len(), expected.len());
        for (x, y) in ours.iter().zip(&expected) {
            assert!((f64::from(*x) - y).abs() < 5e-6, "{x} is not {y}");
        }
    }
}

#[test]
fn an_lstm_has_the_same_bits_on_all_threads() {
    for (input, hidden) in [(33, 20), (70, 80)] {
        let size = Size { time: 41, rows: 131, input, hidden };
        sequence_on_all_threads(LSTM, 4 * hidden, size, Rng::stream(13));
    }
}
