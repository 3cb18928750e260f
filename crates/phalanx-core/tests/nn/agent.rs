//! Agent networks, their actors and critics.

#![cfg(feature = "flex")]

use std::error::Error;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetwork, Convolution, FrameConvolution, Init, LayerNorm,
    Normalisation, RnnKind, Scratch, device, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::SafeTensors;

use crate::support::agent_config;

/// Every kind of hidden layer of an agent.
const CORES: [Option<RnnKind>; 3] = [Some(RnnKind::Gru), Some(RnnKind::Lstm), None];
/// The recurrent layers.
const UNITS: [RnnKind; 2] = [RnnKind::Gru, RnnKind::Lstm];

fn config(recurrent: Option<RnnKind>) -> AgentConfig {
    agent_config([23, 40, 9], recurrent)
}

fn network(recurrent: Option<RnnKind>) -> Result<AgentNetwork, Box<dyn Error>> {
    let mut rng = Rng::stream(3, Purpose::Weights, 0);
    Ok(config(recurrent).init(&mut rng, &device("cpu")?))
}

fn random(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = Rng::stream(seed, Purpose::Check, 0);
    (0..n).map(|_| rng.range(-2.0, 2.0)).collect()
}

fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
) -> Result<Tensor<D>, Box<dyn Error>> {
    Ok(Tensor::from_data(TensorData::new(values, shape), &device("cpu")?))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

/// Computes a sequence step by step; the hidden state is reset where `keep` is 0.
fn act(actor: &Actor, rows: usize, input: &[f32], keep: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut hidden = vec![0.0; rows * actor.carry_dim()];
    let mut scratch = Scratch::default();
    let mut outputs = Vec::new();
    let steps = input.chunks(rows * actor.input_dim()).zip(keep.chunks(rows));
    for (input, keep) in steps {
        for (hidden, &keep) in hidden.chunks_mut(actor.carry_dim()).zip(keep) {
            if keep == 0.0 {
                hidden.fill(0.0);
            }
        }
        let mut output = vec![f32::NAN; rows * actor.output_dim()];
        actor.step(input, &mut hidden, &mut output, &mut scratch);
        outputs.extend(output);
    }
    (outputs, hidden)
}

#[test]
fn an_actor_computes_the_same_as_its_network() -> Result<(), Box<dyn Error>> {
    let mut kinds = vec![
        // Two frames of ten entries and three further entries; also with an odd length.
        (None, Normalisation::None, Some(Convolution { frames: 2, length: 10 })),
        (None, Normalisation::Throughout, Some(Convolution { frames: 2, length: 9 })),
    ];
    let norms = [Normalisation::None, Normalisation::FirstLayer, Normalisation::Throughout];
    for normalisation in norms {
        kinds.extend(CORES.map(|core| (core, normalisation, None)));
    }
    for (recurrent, normalisation, convolution) in kinds {
        let (time, rows) = (20, 7);
        let mut rng = Rng::stream(3, Purpose::Weights, 0);
        let second_hidden_dim = convolution.map(|_| 20);
        let shared = config(recurrent);
        let config = AgentConfig { second_hidden_dim, normalisation, convolution, ..shared };
        let network = config.init(&mut rng, &device("cpu")?);
        let actor = network.to_actor();
        let memory = config.carry_dim();
        assert_eq!(memory, if recurrent == Some(RnnKind::Lstm) { 80 } else { 40 });
        assert_eq!(actor.carry_dim(), memory);
        assert_eq!((actor.input_dim(), actor.hidden_dim(), actor.output_dim()), (23, 40, 9));
        let input = random(1, time * rows * 23);
        let keep: Vec<f32> =
            (0..time * rows).map(|i| if i % 11 == 3 { 0.0 } else { 1.0 }).collect();
        let (outputs, hidden) = act(&actor, rows, &input, &keep);
        let computed = network.forward(
            tensor(input, [time, rows, 23])?,
            tensor(vec![0.0; rows * memory], [rows, memory])?,
            Some(tensor(keep, [time, rows])?),
        );
        for (ours, theirs) in
            [(outputs, numbers(computed.output)), (hidden, numbers(computed.hidden))]
        {
            assert_eq!(ours.len(), theirs.len());
            for (x, y) in ours.iter().zip(&theirs) {
                assert!((x - y).abs() < 1e-5, "{recurrent:?}: {x} is not {y}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_features_are_the_input_of_the_head() -> Result<(), Box<dyn Error>> {
    for recurrent in CORES {
        let (time, rows) = (6, 3);
        let network = network(recurrent)?;
        let memory = config(recurrent).carry_dim();
        let bytes = to_safetensors(&network)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let read = |name: &str| -> Result<Vec<f32>, Box<dyn Error>> {
            let view = file.tensor(name)?;
            let (values, _) = view.data().as_chunks::<4>();
            Ok(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
        };
        let weight = tensor(read("head.weight")?, [40, 9])?;
        let bias = tensor(read("head.bias")?, [1, 9])?;
        let input = tensor(random(9, time * rows * 23), [time, rows, 23])?;
        let start = tensor(vec![0.0; rows * memory], [rows, memory])?;
        let out = network.forward(input, start, None);
        assert_eq!(out.features.dims(), [time, rows, 40]);
        let features = numbers(out.features.clone());
        let head = numbers(out.features.reshape([time * rows, 40]).matmul(weight) + bias);
        for (x, y) in head.iter().zip(numbers(out.output)) {
            assert!((x - y).abs() < 1e-5, "{recurrent:?}: {x} is not {y}");
        }
        if recurrent.is_some() {
            let hidden = out.hidden.narrow(1, 0, 40);
            assert_eq!(features[(time - 1) * rows * 40..], numbers(hidden));
        } else {
            assert!(features.iter().all(|&x| x >= 0.0), "the features are outputs of a ReLU");
        }
    }
    Ok(())
}

#[test]
fn the_bits_of_an_actors_row_do_not_depend_on_the_other_rows() -> Result<(), Box<dyn Error>> {
    for recurrent in CORES {
        let actor = network(recurrent)?.to_actor();
        let (rows, time) = (53, 4);
        let input = random(2, time * rows * 23);
        let (together, _) = act(&actor, rows, &input, &vec![1.0; time * rows]);
        for (first, count) in [(0, 1), (52, 1), (5, 3), (17, 36)] {
            let part = |all: &[f32], width: usize| -> Vec<f32> {
                let steps = all.chunks(rows * width);
                steps.flat_map(|step| step[first * width..][..count * width].to_vec()).collect()
            };
            let (alone, _) = act(&actor, count, &part(&input, 23), &vec![1.0; time * count]);
            assert_eq!(alone, part(&together, 9), "rows {first} and {count} on");
        }
    }
    Ok(())
}

#[test]
fn a_sequence_split_in_two_gives_the_same_as_the_whole() -> Result<(), Box<dyn Error>> {
    for unit in UNITS {
        let network = network(Some(unit))?;
        let (time, rows, memory) = (9, 5, unit.carry_dim(40));
        let input = tensor(random(4, time * rows * 23), [time, rows, 23])?;
        let start = tensor(random(5, rows * memory), [rows, memory])?;
        let whole = network.forward(input.clone(), start.clone(), None);
        let first = network.forward(input.clone().slice([0..4, 0..rows, 0..23]), start, None);
        let second = network.forward(input.slice([4..time, 0..rows, 0..23]), first.hidden, None);
        let mut parts = numbers(first.output);
        parts.extend(numbers(second.output));
        assert_eq!(parts, numbers(whole.output));
        assert_eq!(numbers(second.hidden), numbers(whole.hidden));
    }
    Ok(())
}

#[test]
fn a_zero_in_keep_resets_the_hidden_state() -> Result<(), Box<dyn Error>> {
    // Row 0 begins a new episode at step 3, row 1 continues.
    let keep = vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    for unit in UNITS {
        let network = network(Some(unit))?;
        let input = tensor(random(6, 6 * 2 * 23), [6, 2, 23])?;
        let zeros = tensor(vec![0.0; 2 * unit.carry_dim(40)], [2, unit.carry_dim(40)])?;
        let keep = tensor(keep.clone(), [6, 2])?;
        let masked = numbers(network.forward(input.clone(), zeros.clone(), Some(keep)).output);
        let straight = numbers(network.forward(input.clone(), zeros.clone(), None).output);
        let rest = network.forward(input.slice([3..6, 0..2, 0..23]), zeros, None);
        let afresh = numbers(rest.output);
        for t in 0..6 {
            let row = |all: &[f32], t: usize, row: usize| all[(t * 2 + row) * 9..][..9].to_vec();
            assert_eq!(row(&masked, t, 1), row(&straight, t, 1));
            if t < 3 {
                assert_eq!(row(&masked, t, 0), row(&straight, t, 0));
            } else {
                assert_eq!(row(&masked, t, 0), row(&afresh, t - 3, 0));
                assert_ne!(row(&masked, t, 0), row(&straight, t, 0));
            }
        }
    }
    Ok(())
}

#[test]
fn initial_weights_are_distributed_as_in_pytorch_and_depend_on_the_seed()
-> Result<(), Box<dyn Error>> {
    let device = device("cpu")?;
    let weights = |unit, seed: u64, head_scale: f32| -> Result<Vec<u8>, Box<dyn Error>> {
        let mut rng = Rng::stream(seed, Purpose::Weights, 0);
        let config = AgentConfig {
            hidden_dim: 64,
            init: Init::Uniform { head_scale },
            ..config(Some(unit))
        };
        Ok(to_safetensors(&config.init(&mut rng, &device))?)
    };
    for unit in UNITS {
        assert_eq!(weights(unit, 1, 1.0)?, weights(unit, 1, 1.0)?);
        assert_ne!(weights(unit, 1, 1.0)?, weights(unit, 2, 1.0)?);
        let bytes = weights(unit, 1, 0.01)?;
        let file = SafeTensors::deserialize(&bytes)?;
        for (name, view) in file.tensors() {
            let (values, _) = view.data().as_chunks::<4>();
            let values: Vec<f32> = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            let bound = match name.split('.').next() {
                Some("encoder") => 1.0 / 23.0_f32.sqrt(),
                Some("core") => 1.0 / 8.0,
                _ => 0.01 / 8.0,
            };
            let largest = values.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            assert!(largest <= bound, "{name}: {largest} exceeds {bound}");
            if values.len() > 1000 {
                // A uniform distribution on ±bound has mean zero and variance bound² / 3.
                let n = values.len() as f32;
                let mean = values.iter().sum::<f32>() / n;
                let variance = values.iter().map(|x| x * x).sum::<f32>() / n;
                let ratio = variance / (bound * bound / 3.0);
                assert!(mean.abs() < 4.0 * bound / (3.0 * n).sqrt(), "{name}: mean {mean}");
                assert!(
                    (ratio - 1.0).abs() < 4.0 * (0.8 / n).sqrt(),
                    "{name}: variance {variance}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn orthogonal_weights_have_orthonormal_vectors_and_zero_biases() -> Result<(), Box<dyn Error>> {
    let device = device("cpu")?;
    for recurrent in CORES {
        let mut rng = Rng::stream(4, Purpose::Weights, 0);
        let config =
            AgentConfig { init: Init::Orthogonal { head_gain: 0.01 }, ..config(recurrent) };
        let bytes = to_safetensors(&config.init(&mut rng, &device))?;
        let file = SafeTensors::deserialize(&bytes)?;
        // The squares of k orthonormal vectors add up to k; the encoder's 23 are doubled.
        for (name, expected) in [
            ("encoder.weight", 46.0),
            ("encoder.bias", 0.0),
            ("head.weight", 9e-4),
            ("head.bias", 0.0),
        ] {
            let view = file.tensor(name)?;
            let (values, _) = view.data().as_chunks::<4>();
            let squares = values.iter().map(|&bytes| f32::from_le_bytes(bytes).powi(2));
            let sum: f32 = squares.sum();
            assert!((sum - expected).abs() <= 1e-3 * expected, "{name}: {sum}");
        }
    }
    Ok(())
}

#[test]
fn variance_scaling_draws_truncated_weights_of_variance_two_over_inputs()
-> Result<(), Box<dyn Error>> {
    let mut rng = Rng::stream(4, Purpose::Weights, 0);
    let init = Init::VarianceScaling { head_gain: 1.0 };
    let convolution = Some(Convolution { frames: 2, length: 9 });
    let config = AgentConfig { init, convolution, second_hidden_dim: Some(20), ..config(None) };
    let bytes = to_safetensors(&config.init(&mut rng, &device("cpu")?))?;
    let file = SafeTensors::deserialize(&bytes)?;
    for (name, view) in file.tensors() {
        let (values, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        if name.ends_with("bias") {
            assert!(values.iter().all(|&x| x == 0.0), "{name}");
            continue;
        }
        let inputs = view.shape()[0] as f32;
        let variance = values.iter().map(|x| x * x).sum::<f32>() / values.len() as f32;
        // Four deviations of such an estimate, which for a normal distribution is sqrt(2 / n).
        let margin = 4.0 * (2.0 / values.len() as f32).sqrt();
        assert!((variance * inputs / 2.0 - 1.0).abs() < margin, "{name}: {variance}");
        let cut = 2.0 * (2.0 / inputs).sqrt() / 0.879_6;
        assert!(values.iter().all(|x| x.abs() <= cut), "{name}");
    }
    Ok(())
}

#[test]
fn a_normalised_layer_has_mean_zero_and_variance_one_before_scale_and_shift()
-> Result<(), Box<dyn Error>> {
    let device = device("cpu")?;
    let mut norm = LayerNorm::new(4, &device);
    let input = tensor(vec![1.0, 2.0, 3.0, 6.0, -5.0, -5.0, 7.0, 3.0], [1, 2, 4])?;
    let plain = numbers(norm.forward(input.clone()));
    for row in plain.chunks_exact(4) {
        assert!(row.iter().sum::<f32>().abs() < 1e-5);
        assert!((row.iter().map(|x| x * x).sum::<f32>() - 4.0).abs() < 1e-4);
    }
    norm.scale = Param::from_data([1.0, 2.0, 3.0, 4.0], &device);
    norm.shift = Param::from_data([0.5, 0.5, 0.5, -1.0], &device);
    let scaled = numbers(norm.forward(input));
    let expected =
        [plain[0] + 0.5, 2.0 * plain[1] + 0.5, 3.0 * plain[2] + 0.5, 4.0 * plain[3] - 1.0];
    for (x, y) in scaled.iter().zip(expected) {
        assert!((x - y).abs() < 1e-5);
    }
    Ok(())
}

#[test]
fn a_convolution_is_the_sum_over_its_window_padded_in_the_first_layer_alone()
-> Result<(), Box<dyn Error>> {
    let device = device("cpu")?;
    for size in [Convolution { frames: 2, length: 9 }, Convolution { frames: 1, length: 12 }] {
        let mut rng = Rng::stream(9, Purpose::Weights, 0);
        let network = FrameConvolution::new(size, Init::default(), &mut rng, &device);
        let bytes = to_safetensors(&network)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let read = |name: String| -> Result<Vec<f32>, Box<dyn Error>> {
            let view = file.tensor(&name)?;
            let (values, _) = view.data().as_chunks::<4>();
            Ok(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
        };
        let input = random(5, size.input_dim());
        // By the definition: [place][channel], layer by layer.
        let mut x: Vec<Vec<f32>> = (0..size.length)
            .map(|at| (0..size.frames).map(|frame| input[frame * size.length + at]).collect())
            .collect();
        for (at, filters) in [64, 128, 256].into_iter().enumerate() {
            let weight = read(format!("layers.{at}.weight"))?;
            let bias = read(format!("layers.{at}.bias"))?;
            let (stride, channels) = (if at == 0 { 2 } else { 1 }, x[0].len());
            let places = if at == 0 { x.len().div_ceil(2) } else { x.len() - 2 };
            let before = if at == 0 { x.len() % 2 } else { 0 };
            let value = |place: usize, filter: usize| {
                let mut sum = bias[filter];
                for k in 0..3 {
                    let Some(here) = (stride * place + k).checked_sub(before) else { continue };
                    let Some(channels_here) = x.get(here) else { continue };
                    for (c, value) in channels_here.iter().enumerate() {
                        sum += weight[(k * channels + c) * filters + filter] * value;
                    }
                }
                sum.max(0.0)
            };
            x = (0..places).map(|p| (0..filters).map(|f| value(p, f)).collect()).collect();
        }
        let ours = numbers(network.forward(tensor(input, [1, size.input_dim()])?));
        let expected: Vec<f32> = x.into_iter().flatten().collect();
        assert_eq!(ours.len(), size.output_dim());
        assert_eq!(ours.len(), expected.len());
        for (a, b) in ours.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-5, "{a} is not {b}");
        }
    }
    Ok(())
}
