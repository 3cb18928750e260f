//! The mixers compared with PyTorch: values, and gradients of the utilities and of every weight.
//!
//! `golden/mixers.py` computes `golden/mixers.json` from the formulas.

#![cfg(any(feature = "flex", feature = "ndarray"))]

use std::collections::BTreeMap;
use std::error::Error;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use phalanx_core::nn::{
    Mixer, MixerInput, MixerSizes, Positive, QattenMixer, QmixMixer, QplexMixer, QtranJoint,
    QtranValue, Residual, UnrestrictedMixer, VdnMixer, available, device, from_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::{Dtype, tensor::TensorView};
use serde::Deserialize;

use crate::support::hashed;

const ROWS: usize = 4;
const AGENTS: usize = 3;
const ACTIONS: usize = 4;
const STATE: usize = 5;
const INPUT: usize = 6;
const FEATURES: usize = 7;
const EMBED: usize = 6;
const HIDDEN: usize = 5;
const SIZES: MixerSizes =
    MixerSizes { n_agents: AGENTS, n_actions: ACTIONS, state_dim: STATE, input_dim: INPUT };

#[derive(Deserialize)]
struct Case {
    values: Vec<f32>,
    input_gradient: Vec<f32>,
    weights: Vec<Weight>,
}

#[derive(Deserialize)]
struct Weight {
    name: String,
    shape: Vec<usize>,
    seed: u64,
    gradient: Vec<f32>,
}

impl Case {
    fn load(name: &str) -> Result<Self, Box<dyn Error>> {
        let mut cases: BTreeMap<String, Self> =
            serde_json::from_str(include_str!("golden/mixers.json"))?;
        Ok(cases.remove(name).ok_or_else(|| format!("there is no case `{name}`"))?)
    }

    /// The weights as a safetensors file.
    fn weights(&self) -> Result<Vec<u8>, Box<dyn Error>> {
        let bytes: Vec<Vec<u8>> = self
            .weights
            .iter()
            .map(|weight| hashed(weight.shape.iter().product(), weight.seed, 1.0))
            .map(|values| values.into_iter().flat_map(f32::to_le_bytes).collect())
            .collect();
        let views = self
            .weights
            .iter()
            .zip(&bytes)
            .map(|(weight, bytes)| {
                Ok((&weight.name, TensorView::new(Dtype::F32, weight.shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
        Ok(safetensors::serialize(views, None)?)
    }
}

/// Collects the gradient of every parameter by name.
struct ByName<'a> {
    gradients: &'a Gradients,
    path: Vec<Option<String>>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for ByName<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push((!container.starts_with("Enum:")).then(|| name.to_owned()));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(".");
        if let Some(gradient) = param.val().grad(self.gradients) {
            self.found.insert(name, numbers(gradient));
        }
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

fn tensor<const D: usize>(seed: u64, shape: [usize; D], scale: f32, device: &Device) -> Tensor<D> {
    let values = hashed(shape.iter().product(), seed, scale);
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The largest magnitude, but not less than a hundredth of `floor`: some gradients vanish.
fn magnitude(values: &[f32], floor: f32) -> f32 {
    values.iter().fold(floor / 100.0, |largest, value| largest.max(value.abs()))
}

fn assert_close(what: &str, ours: &[f32], wanted: &[f32], scale: f32) {
    assert_eq!(ours.len(), wanted.len(), "{what}");
    for (ours, wanted) in ours.iter().zip(wanted) {
        assert!((ours - wanted).abs() <= 1e-5 * scale, "{what}: {ours} is not {wanted}");
    }
}

/// Compares one case on every CPU device of this build. `init` creates the module. `forward` takes it and the
/// leaf tensor whose gradient is compared with that of the input.
fn check<M: Module, const D: usize>(
    name: &str,
    init: impl Fn(&mut Rng, &Device) -> M,
    leaf: impl Fn(&Device) -> Tensor<D>,
    forward: impl Fn(&M, Tensor<D>) -> Tensor<2>,
) -> Result<(), Box<dyn Error>> {
    let case = Case::load(name)?;
    for device_name in available().into_iter().filter(|&name| name != "wgpu") {
        let tracked = device(device_name)?.autodiff();
        let module = init(&mut Rng::stream(0, Purpose::Check, 0), &tracked);
        let module = from_safetensors(module, &case.weights()?)?;
        let leaf = leaf(&tracked).require_grad();
        let values = forward(&module, leaf.clone());
        assert_eq!(values.dims(), [ROWS, 1]);
        let gradients = (values.clone() * tensor(5, [ROWS, 1], 1.0, &tracked)).sum().backward();
        let what = |part: &str| format!("{device_name}, {name}, {part}");
        assert_close(&what("values"), &numbers(values), &case.values, magnitude(&case.values, 0.0));
        let input = leaf.grad(&gradients).expect("the utilities have a gradient");
        let largest = magnitude(&case.input_gradient, 0.0);
        assert_close(&what("input"), &numbers(input), &case.input_gradient, largest);
        let mut visitor =
            ByName { gradients: &gradients, path: Vec::new(), found: BTreeMap::new() };
        module.visit(&mut visitor);
        assert_eq!(visitor.found.len(), case.weights.len());
        let all = case.weights.iter().flat_map(|weight| &weight.gradient);
        let largest = magnitude(&all.copied().collect::<Vec<_>>(), 0.0);
        for weight in &case.weights {
            let found = visitor.found.get(&weight.name).expect("every weight has a gradient");
            let scale = magnitude(&weight.gradient, largest);
            assert_close(&what(&weight.name), found, &weight.gradient, scale);
        }
    }
    Ok(())
}

/// The chosen actions, none of which is the last one.
fn actions(device: &Device) -> Tensor<2, Int> {
    let actions: Vec<i32> = (0..ROWS * AGENTS)
        .map(|i| ((3 * (i / AGENTS) + 2 * (i % AGENTS)) % (ACTIONS - 1)) as i32)
        .collect();
    Tensor::from_data(TensorData::new(actions, [ROWS, AGENTS]), device)
}

fn utilities(device: &Device) -> Tensor<3> {
    tensor(1, [ROWS, AGENTS, ACTIONS], 3.0, device)
}

/// The input of a mixer; the last action is not available to the first agent.
fn input(utilities: Tensor<3>) -> MixerInput {
    let device = utilities.device();
    let actions = actions(&device);
    let mut lowered = vec![0.0_f32; ROWS * AGENTS * ACTIONS];
    lowered.iter_mut().skip(ACTIONS - 1).step_by(AGENTS * ACTIONS).for_each(|x| *x = -1e9);
    let lowered = TensorData::new(lowered, [ROWS, AGENTS, ACTIONS]);
    let index = actions.clone().reshape([ROWS, AGENTS, 1]);
    MixerInput {
        q_chosen: utilities.clone().gather(2, index).reshape([ROWS, AGENTS]),
        utilities: utilities + Tensor::from_data(lowered, &device),
        actions,
        state: tensor(2, [ROWS, STATE], 1.0, &device),
        agent_input: tensor(3, [ROWS, AGENTS, INPUT], 1.0, &device),
    }
}

fn check_mixer<M: Mixer>(name: &str, mixer: M) -> Result<(), Box<dyn Error>> {
    let forward = |network: &M::Network, utilities| mixer.forward(network, input(utilities));
    check(name, |rng, device| mixer.init(SIZES, rng, device), utilities, forward)
}

#[test]
fn vdn_matches_pytorch() -> Result<(), Box<dyn Error>> {
    check_mixer("vdn", VdnMixer::default())
}

#[test]
fn qmix_matches_pytorch_with_every_positive_function() -> Result<(), Box<dyn Error>> {
    for (name, qmix_pos_func, qmix_pos_func_beta) in [
        ("absolute", Positive::Abs, 1.0),
        ("softplus", Positive::Softplus, 1.0),
        ("sharp softplus", Positive::Softplus, 2.0),
        ("quadratic", Positive::Quadratic, 1.0),
    ] {
        for hypernet_layers in [1, 2] {
            let config = QmixMixer {
                mixing_embed_dim: EMBED,
                hypernet_embed: HIDDEN,
                hypernet_layers,
                qmix_pos_func,
                qmix_pos_func_beta,
                use_orthogonal: false,
            };
            check_mixer(&format!("qmix {name} {hypernet_layers}"), config)?;
        }
    }
    Ok(())
}

#[test]
fn qplex_matches_pytorch() -> Result<(), Box<dyn Error>> {
    for (adv_hypernet_layers, num_kernel, is_minus_one, weighted_head) in
        [(1, 2, true, true), (2, 1, true, false), (3, 2, false, true)]
    {
        let config = QplexMixer {
            hypernet_embed: HIDDEN,
            num_kernel,
            adv_hypernet_layers,
            adv_hypernet_embed: HIDDEN,
            is_minus_one,
            weighted_head,
        };
        check_mixer(&format!("qplex {adv_hypernet_layers}"), config)?;
    }
    Ok(())
}

#[test]
fn qatten_matches_pytorch() -> Result<(), Box<dyn Error>> {
    for (name, n_attention_head, with) in [("qatten", 2, true), ("qatten plain", 3, false)] {
        let config = QattenMixer {
            n_attention_head,
            query_hidden_dim: HIDDEN,
            attention_embed_dim: EMBED,
            weighted_head: with,
            head_hidden_dim: HIDDEN,
            state_bias: with,
            state_bias_hidden_dim: HIDDEN,
        };
        check_mixer(name, config)?;
    }
    Ok(())
}

#[test]
fn the_unrestricted_mixer_matches_pytorch() -> Result<(), Box<dyn Error>> {
    check_mixer("unrestricted", UnrestrictedMixer { mixing_embed_dim: EMBED })
}

#[test]
fn the_residual_matches_pytorch() -> Result<(), Box<dyn Error>> {
    for (name, non_positive) in [("residual", true), ("residual free", false)] {
        check(
            name,
            |rng, device| Residual::new(EMBED, non_positive, SIZES, rng, device),
            utilities,
            |residual, utilities| {
                let MixerInput { q_chosen, state, .. } = input(utilities);
                residual.forward(q_chosen, state)
            },
        )?;
    }
    Ok(())
}

#[test]
fn the_networks_of_qtran_match_pytorch() -> Result<(), Box<dyn Error>> {
    for (name, hidden) in [("small", &[EMBED; 2][..]), ("big", &[EMBED; 3][..])] {
        check(
            &format!("qtran joint {name}"),
            |rng, device| QtranJoint::new(SIZES, FEATURES, hidden, rng, device),
            |device| tensor(4, [ROWS, AGENTS, FEATURES], 1.0, device),
            |joint, features: Tensor<3>| {
                let device = features.device();
                let state = tensor(2, [ROWS, STATE], 1.0, &device);
                joint.forward(features, actions(&device), state)
            },
        )?;
        check(
            &format!("qtran value {name}"),
            |rng, device| QtranValue::new(STATE, hidden, rng, device),
            |device| tensor(2, [ROWS, STATE], 1.0, device),
            |value, state| value.forward(state),
        )?;
    }
    Ok(())
}
