//! The mixers compared with closed forms.

#![cfg(feature = "flex")]

use std::error::Error;

use burn::tensor::{Tensor, TensorData};
use phalanx_core::nn::{
    IqlMixer, Mixer, MixerInput, MixerSizes, QmixMixer, VdnMixer, device, from_safetensors,
    to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::SafeTensors;

use crate::support::file;

fn random(rng: &mut Rng, n: usize, bound: f32) -> Vec<f32> {
    (0..n).map(|_| rng.range(-bound, bound)).collect()
}

fn tensor(values: Vec<f32>, shape: [usize; 2]) -> Result<Tensor<2>, Box<dyn Error>> {
    Ok(Tensor::from_data(TensorData::new(values, shape), &device("cpu")?))
}

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

fn network<M: Mixer>(
    mixer: &M,
    n_agents: usize,
    state_dim: usize,
) -> Result<M::Network, Box<dyn Error>> {
    let sizes = MixerSizes { n_agents, n_actions: 1, state_dim, input_dim: 1 };
    Ok(mixer.init(sizes, &mut Rng::stream(1, Purpose::Weights, 0), &device("cpu")?))
}

/// Agents with a single action and an input of one zero.
fn input(chosen: Tensor<2>, state: Tensor<2>) -> Result<MixerInput, Box<dyn Error>> {
    let ([row, agent], device) = (chosen.dims(), device("cpu")?);
    Ok(MixerInput {
        utilities: chosen.clone().reshape([row, agent, 1]),
        q_chosen: chosen,
        actions: Tensor::zeros([row, agent], &device),
        state,
        agent_input: Tensor::zeros([row, agent, 1], &device),
    })
}

#[test]
fn independent_learners_keep_their_utilities_and_vdn_adds_them() -> Result<(), Box<dyn Error>> {
    let q = tensor(vec![1.0, 2.0, -4.0, 0.5, 0.25, 0.125], [2, 3])?;
    let state = tensor(vec![9.0, 9.0], [2, 1])?;
    let mixer = IqlMixer::default();
    let independent = mixer.forward(&network(&mixer, 3, 1)?, input(q.clone(), state.clone())?);
    assert_eq!(independent.dims(), [2, 3]);
    assert_eq!(numbers(independent), numbers(q.clone()));
    let mixer = VdnMixer::default();
    let sum = mixer.forward(&network(&mixer, 3, 1)?, input(q, state)?);
    assert_eq!(sum.dims(), [2, 1]);
    assert_eq!(numbers(sum), [-1.0, 0.875]);
    Ok(())
}

/// A linear layer of a safetensors file in double precision.
fn layer(file: &SafeTensors<'_>, name: &str, x: &[f64]) -> Result<Vec<f64>, Box<dyn Error>> {
    let read = |part: &str| -> Result<Vec<f64>, Box<dyn Error>> {
        let view = file.tensor(&format!("{name}.{part}"))?;
        let (values, _) = view.data().as_chunks::<4>();
        Ok(values.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))).collect())
    };
    let (weight, mut y) = (read("weight")?, read("bias")?);
    let width = y.len();
    for (x, row) in x.iter().zip(weight.chunks(width)) {
        y.iter_mut().zip(row).for_each(|(y, w)| *y += x * w);
    }
    Ok(y)
}

#[test]
fn qmix_computes_its_formula() -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::stream(2, Purpose::Check, 0);
    for hypernet_layers in [1, 2] {
        let (agents, state_dim, embed, rows) = (4, 11, 20, 30);
        let sizes =
            QmixMixer { mixing_embed_dim: embed, hypernet_embed: 17, ..QmixMixer::default() };
        let mixer = QmixMixer { hypernet_layers, ..sizes };
        let network = network(&mixer, agents, state_dim)?;
        let bytes = to_safetensors(&network)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let q = random(&mut rng, rows * agents, 5.0);
        let state = random(&mut rng, rows * state_dim, 2.0);
        let input =
            input(tensor(q.clone(), [rows, agents])?, tensor(state.clone(), [rows, state_dim])?)?;
        let joint = mixer.forward(&network, input);
        assert_eq!(joint.dims(), [rows, 1]);
        let samples = q.chunks(agents).zip(state.chunks(state_dim));
        for ((q, state), joint) in samples.zip(numbers(joint)) {
            let state: Vec<f64> = state.iter().map(|&x| f64::from(x)).collect();
            let relu = |x: Vec<f64>| x.into_iter().map(|x| x.max(0.0)).collect::<Vec<_>>();
            let hypernetwork = |name: &str| -> Result<Vec<f64>, Box<dyn Error>> {
                let weights = if hypernet_layers == 1 {
                    layer(&file, &format!("{name}.output"), &state)?
                } else {
                    let hidden = relu(layer(&file, &format!("{name}.hidden"), &state)?);
                    layer(&file, &format!("{name}.output"), &hidden)?
                };
                Ok(weights.into_iter().map(f64::abs).collect())
            };
            let mut hidden = layer(&file, "bias_1", &state)?;
            for (q, weights) in q.iter().zip(hypernetwork("weight_1")?.chunks(embed)) {
                hidden.iter_mut().zip(weights).for_each(|(h, w)| *h += f64::from(*q) * w);
            }
            let value = relu(layer(&file, "value_hidden", &state)?);
            let mut wanted = layer(&file, "value_output", &value)?[0];
            for (h, w) in hidden.iter().zip(hypernetwork("weight_2")?) {
                wanted += w * if *h > 0.0 { *h } else { h.exp_m1() };
            }
            assert!((f64::from(joint) - wanted).abs() < 1e-4, "{joint} is not {wanted}");
        }
    }
    Ok(())
}

#[test]
fn qmix_with_hand_set_weights_gives_a_number_computed_by_hand() -> Result<(), Box<dyn Error>> {
    // One state feature, two agents, two units, hypernetworks of one layer.
    let mixer = QmixMixer { mixing_embed_dim: 2, hypernet_layers: 1, ..QmixMixer::default() };
    let tensors: [(&str, Vec<usize>, Vec<f32>); 10] = [
        ("weight_1.output.weight", vec![1, 4], vec![-1.0, 0.5, 0.0, 1.0]),
        ("weight_1.output.bias", vec![4], vec![0.0, 0.0, -2.0, 0.0]),
        ("bias_1.weight", vec![1, 2], vec![1.0, 0.0]),
        ("bias_1.bias", vec![2], vec![-1.0, -3.0]),
        ("weight_2.output.weight", vec![1, 2], vec![-1.0, 2.0]),
        ("weight_2.output.bias", vec![2], vec![0.0, -1.0]),
        ("value_hidden.weight", vec![1, 2], vec![1.0, -1.0]),
        ("value_hidden.bias", vec![2], vec![0.0, 0.0]),
        ("value_output.weight", vec![2, 1], vec![0.25, 100.0]),
        ("value_output.bias", vec![1], vec![-0.5]),
    ];
    let network = network(&mixer, 2, 1)?;
    let network = from_safetensors(network, &file(&tensors)?)?;
    let joint = mixer
        .forward(&network, input(tensor(vec![3.0, 0.5], [1, 2])?, tensor(vec![2.0], [1, 1])?)?);
    // s = 2: |W_1| = (2, 1; 2, 2), b_1 = (1, -3), m = (3 * 2 + 0.5 * 2 + 1, 3 + 1 - 3) = (8, 1),
    // |w_2| = (2, 3), V = 0.25 * 2 - 0.5 = 0.
    let joint = numbers(joint)[0];
    assert!((joint - 19.0).abs() < 1e-5, "{joint}");
    Ok(())
}

#[test]
fn qmix_never_falls_when_a_utility_rises() -> Result<(), Box<dyn Error>> {
    let (agents, state_dim, rows) = (5, 12, 400);
    let mut rng = Rng::stream(3, Purpose::Check, 0);
    let mixer = QmixMixer::default();
    let network = network(&mixer, agents, state_dim)?;
    let values = random(&mut rng, rows * agents, 20.0);
    let q = tensor(values, [rows, agents])?.autodiff().require_grad();
    let state = tensor(random(&mut rng, rows * state_dim, 3.0), [rows, state_dim])?;
    let joint = mixer.forward(&network, input(q.clone(), state)?);
    let gradient = q.grad(&joint.sum().backward()).expect("the utilities have a gradient");
    let gradient = numbers(gradient);
    assert!(gradient.iter().all(|&slope| slope >= 0.0), "{gradient:?}");
    assert!(
        gradient.iter().filter(|&&slope| slope > 0.01).count() > rows,
        "the value depends on the utilities"
    );
    Ok(())
}
