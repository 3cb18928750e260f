//! Outputs whose weights an encoder computes from the entities that the actions target.

#![cfg(feature = "flex")]

use std::error::Error;

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::env::{Entity, EntityLayout, EntityType, EnvSpec, Presence};
use phalanx_core::nn::{
    Activation, Actor, AgentConfig, AgentNetworks, AnyEncoder, Device, Encoder, EncoderSizes, Init,
    Linear, Normalisation, RnnKind, Scratch, device, from_safetensors, in_shards, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use serde::{Deserialize, Serialize};

use crate::support::agent_config;

/// The number of enemies, and the features of each and of the agent itself.
const ENEMIES: usize = 3;
const FEATURES: usize = 4;
const OBS_DIM: usize = 2 + ENEMIES * FEATURES;
const ACTIONS: usize = 6;
const HIDDEN: usize = 10;

/// Returns `own | enemy 0 | enemy 1 | enemy 2`, whose targets are the actions 2, 3 and 4.
fn layout() -> EntityLayout {
    let enemy = |i: usize| {
        let first = 2 + i * FEATURES;
        Entity {
            kind: 1,
            columns: (first..first + FEATURES).collect(),
            presence: Presence::NonZero(first),
            position: Some([first + 1, first + 2]),
            action: Some(2 + i),
        }
    };
    EntityLayout {
        types: vec![
            EntityType::new("self", ["health", "cooldown"]),
            EntityType::new("enemy", ["visible", "x", "y", "health"]),
        ],
        entities: std::iter::once(Entity::agent(vec![0, 1]))
            .chain((0..ENEMIES).map(enemy))
            .collect(),
        position_scale: [1.0; 2],
        hidden_targets: false,
    }
}

fn spec() -> EnvSpec {
    let spec = EnvSpec { obs_dim: OBS_DIM, n_actions: ACTIONS, ..EnvSpec::new("duel", 2) };
    EnvSpec { entities: Some(layout()), ..spec }
}

/// Features of the agent itself, and heads that are a linear function of an enemy's features.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct LinearHeads {}

#[derive(Module, Debug)]
struct LinearHeadsNetwork {
    own: Linear,
    heads: Option<Linear>,
    /// The columns of the agent itself, then of every target.
    #[module(skip)]
    columns: Vec<Vec<usize>>,
}

const WIDTH: usize = 5;

impl Encoder for LinearHeads {
    const ID: &str = "linear_heads";
    const SUMMARY: &str = "heads from the features of enemies";
    type Network = LinearHeadsNetwork;

    fn reads_entities(&self) -> bool {
        true
    }

    fn action_weights(&self, _: &EncoderSizes) -> bool {
        true
    }

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        WIDTH
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> LinearHeadsNetwork {
        let layout = sizes.entities.as_ref().expect("the environment has entities");
        let targets = if sizes.entity_actions().is_empty() { Vec::new() } else { layout.targets() };
        let columns = std::iter::once(0).chain(targets.iter().copied());
        let columns: Vec<Vec<usize>> =
            columns.map(|entity| sizes.feature_columns(&layout.entities[entity])).collect();
        LinearHeadsNetwork {
            own: Linear::new(columns[0].len(), WIDTH, rng, device),
            heads: targets.first().map(|_| {
                Linear::scaled(
                    columns[1].len(),
                    sizes.weights_per_action(),
                    sizes.head_gain,
                    rng,
                    device,
                )
            }),
            columns,
        }
    }

    fn forward(&self, network: &LinearHeadsNetwork, obs: Tensor<2>) -> Tensor<2> {
        let device = obs.device();
        let columns = |which: &[usize]| {
            let which: Vec<i32> = which.iter().map(|&column| column as i32).collect();
            let which = Tensor::<1, Int>::from_data(&which[..], &device.clone().inner());
            obs.clone().select(1, which)
        };
        let mut parts = vec![network.own.forward(columns(&network.columns[0]), Activation::Relu)];
        if let Some(heads) = &network.heads {
            let targets = network.columns[1..].iter();
            parts.extend(targets.map(|own| heads.forward(columns(own), Activation::Identity)));
        }
        Tensor::cat(parts, 1)
    }
}

/// Returns a network whose input is the stacked observations and four further numbers.
fn config(recurrent: Option<RnnKind>, frames: usize, output_dim: usize) -> AgentConfig {
    let sizes = EncoderSizes::of(&spec(), frames);
    let observation_encoder = Some(AnyEncoder::new(LinearHeads {}).sized(sizes));
    let input_dim = OBS_DIM * frames + 4;
    AgentConfig { observation_encoder, ..agent_config([input_dim, HIDDEN, output_dim], recurrent) }
}

fn rng() -> Rng {
    Rng::stream(3, Purpose::Weights, 0)
}

fn random(n: usize) -> Vec<f32> {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    (0..n).map(|_| rng.range(-2.0, 2.0)).collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

fn act(actor: &Actor, input: &[f32]) -> Vec<f32> {
    let rows = input.len() / actor.input_dim();
    let mut hidden = vec![0.0; rows * actor.carry_dim()];
    let mut output = vec![f32::NAN; rows * actor.output_dim()];
    actor.step(input, &mut hidden, &mut output, &mut Scratch::default());
    output
}

fn assert_close(ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len());
    for (x, y) in ours.iter().zip(theirs) {
        assert!((x - y).abs() < 1e-5, "{x} is not {y}");
    }
}

const CORES: [Option<RnnKind>; 3] = [Some(RnnKind::Gru), Some(RnnKind::Lstm), None];

#[test]
fn acting_with_heads_computes_the_same_as_learning() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    for recurrent in CORES {
        for normalisation in [Normalisation::None, Normalisation::Throughout] {
            for (frames, second_hidden_dim) in [(1, None), (3, Some(7))] {
                let config = AgentConfig {
                    normalisation,
                    second_hidden_dim,
                    ..config(recurrent, frames, ACTIONS)
                };
                let network = config.init(&mut rng(), &cpu);
                let actor = network.to_actor();
                let rows = 5;
                assert_eq!((actor.input_dim(), actor.output_dim()), (config.input_dim, ACTIONS));
                let input = random(rows * config.input_dim);
                let whole = || tensor(&input, [1, rows, config.input_dim], &cpu);
                let start = || Tensor::zeros([rows, config.carry_dim()], &cpu);
                let acted = act(&actor, &input);
                assert_close(&acted, &numbers(network.forward(whole(), start(), None).output));
                assert_close(&acted, &numbers(network.outputs(whole(), start(), None)));
            }
        }
    }
    Ok(())
}

#[test]
fn an_output_with_a_head_is_its_product_with_the_last_layers_input() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    let config = config(Some(RnnKind::Gru), 1, ACTIONS);
    let network = config.init(&mut rng(), &cpu);
    let input = random(config.input_dim);
    let whole = tensor(&input, [1, 1, config.input_dim], &cpu);
    let out = network.forward(whole, Tensor::zeros([1, HIDDEN], &cpu), None);
    let (h, output) = (numbers(out.features), numbers(out.output));
    let file = to_safetensors(&network)?;
    let file = safetensors::SafeTensors::deserialize(&file)?;
    let values = |name: &str| -> Result<Vec<f32>, Box<dyn Error>> {
        let (values, _) = file.tensor(name)?.data().as_chunks::<4>();
        Ok(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    };
    let weight = values("observation_encoder.heads.weight")?;
    let bias = values("observation_encoder.heads.bias")?;
    for enemy in 0..ENEMIES {
        let features = &input[2 + enemy * FEATURES..][..FEATURES];
        let head = |k: usize| {
            let products =
                features.iter().enumerate().map(|(i, x)| x * weight[i * (HIDDEN + 1) + k]);
            products.sum::<f32>() + bias[k]
        };
        let expected: f32 = (0..HIDDEN).map(|k| head(k) * h[k]).sum::<f32>() + head(HIDDEN);
        assert!((output[2 + enemy] - expected).abs() < 1e-5, "{} {expected}", output[2 + enemy]);
    }
    let (weight, bias) = (values("head.weight")?, values("head.bias")?);
    assert_eq!(bias.len(), ACTIONS - ENEMIES, "the other actions have one linear layer");
    for (column, action) in [0, 1, 5].into_iter().enumerate() {
        let products = h.iter().enumerate().map(|(k, h)| h * weight[k * bias.len() + column]);
        assert!((output[action] - products.sum::<f32>() - bias[column]).abs() < 1e-5);
    }
    Ok(())
}

#[test]
fn permuting_entities_permutes_the_outputs_of_their_actions() -> Result<(), Box<dyn Error>> {
    for recurrent in CORES {
        for frames in [1, 2] {
            let config = config(recurrent, frames, ACTIONS);
            let actor = config.init(&mut rng(), &device("cpu")?).to_actor();
            let input = random(config.input_dim);
            let order = [2, 0, 1];
            let mut permuted = input.clone();
            for frame in 0..frames {
                for (to, from) in order.into_iter().enumerate() {
                    let enemy = |i: usize| frame * OBS_DIM + 2 + i * FEATURES;
                    permuted[enemy(to)..][..FEATURES]
                        .copy_from_slice(&input[enemy(from)..][..FEATURES]);
                }
            }
            let (before, after) = (act(&actor, &input), act(&actor, &permuted));
            for (to, from) in order.into_iter().enumerate() {
                assert_eq!(after[2 + to], before[2 + from]);
            }
            for action in [0, 1, 5] {
                assert_eq!(after[action], before[action]);
            }
        }
    }
    Ok(())
}

#[test]
fn a_network_without_one_output_per_action_has_no_heads() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    let critic = config(Some(RnnKind::Gru), 1, 1).init(&mut rng(), &cpu);
    assert_eq!(critic.to_actor().output_dim(), 1);
    let names = to_safetensors(&critic)?;
    let names = safetensors::SafeTensors::deserialize(&names)?;
    assert!(names.names().iter().all(|name| !name.contains("heads")));
    assert_eq!(names.tensor("head.bias")?.shape(), [1]);
    // Even where the numbers of outputs and actions are the same.
    let config = config(None, 1, ACTIONS);
    let encoder = config.observation_encoder.clone().map(|encoder| encoder.without_actions());
    let critic = AgentConfig { observation_encoder: encoder, ..config }.init(&mut rng(), &cpu);
    let names = to_safetensors(&critic)?;
    assert_eq!(
        safetensors::SafeTensors::deserialize(&names)?.tensor("head.bias")?.shape(),
        [ACTIONS]
    );
    Ok(())
}

#[test]
fn heads_learn_alike_in_shards_and_in_one_piece() -> Result<(), Box<dyn Error>> {
    let tracked = device("cpu")?.autodiff();
    for recurrent in CORES {
        let config = config(recurrent, 1, ACTIONS);
        let network = config.init(&mut rng(), &tracked);
        let losses = |shards: usize| {
            let (losses, _) = in_shards(&network, vec![(); shards], |network, ()| {
                let input =
                    tensor(&random(6 * config.input_dim), [2, 3, config.input_dim], &tracked);
                let start = Tensor::zeros([3, config.carry_dim()], &tracked);
                let loss = network.outputs(input, start, None).square().sum();
                (loss.clone(), loss.inner())
            });
            numbers(losses[0].clone())
        };
        assert_close(&losses(1), &losses(2));
    }
    Ok(())
}

#[test]
fn agents_with_networks_of_their_own_have_heads_of_their_own() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    let config = config(Some(RnnKind::Gru), 1, ACTIONS);
    let team = AgentNetworks::new(&config, &[0, 1], &mut rng(), &cpu);
    let width = config.input_dim;
    let input = random(4 * width);
    let together = act(&team.to_actor(), &input);
    for row in 0..4 {
        let own = act(&team.network(row % 2).to_actor(), &input[row * width..][..width]);
        assert_eq!(own, together[row * ACTIONS..][..ACTIONS]);
    }
    let learned =
        team.outputs(tensor(&input, [1, 4, width], &cpu), Tensor::zeros([4, HIDDEN], &cpu), None);
    assert_close(&together, &numbers(learned));
    Ok(())
}

#[test]
fn weights_with_heads_fit_teams_of_other_sizes() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    let network = config(Some(RnnKind::Gru), 1, ACTIONS).init(&mut rng(), &cpu);
    // One enemy fewer, without its columns and its action.
    let mut fewer = spec();
    fewer.obs_dim -= FEATURES;
    fewer.n_actions -= 1;
    fewer.entities.as_mut().expect("there are entities").entities.pop();
    fewer.entities.as_ref().expect("there are entities").check(&fewer)?;
    let encoder = AnyEncoder::new(LinearHeads {}).sized(EncoderSizes::of(&fewer, 1));
    let config = AgentConfig {
        observation_encoder: Some(encoder),
        ..agent_config([fewer.obs_dim + 4, HIDDEN, fewer.n_actions], Some(RnnKind::Gru))
    };
    let other = config.init(&mut Rng::stream(4, Purpose::Weights, 0), &cpu);
    let other = from_safetensors(other, &to_safetensors(&network)?)?;
    let input = random(OBS_DIM + 4);
    let mut shorter = input.clone();
    shorter.drain(OBS_DIM - FEATURES..OBS_DIM);
    let (all, some) = (act(&network.to_actor(), &input), act(&other.to_actor(), &shorter));
    assert_eq!(all[..4], some[..4]);
    assert_eq!(all[5], some[4]);
    Ok(())
}

#[test]
fn the_gain_of_the_last_layer_is_that_of_heads() -> Result<(), Box<dyn Error>> {
    let outputs = |head_gain: f32| -> Result<Vec<f32>, Box<dyn Error>> {
        let init = Init::Orthogonal { head_gain };
        let config = AgentConfig { init, ..config(None, 1, ACTIONS) };
        let actor = config.init(&mut rng(), &device("cpu")?).to_actor();
        Ok(act(&actor, &random(20 * config.input_dim)))
    };
    for (small, large) in outputs(0.01)?.iter().zip(&outputs(1.0)?) {
        assert!((small - 0.01 * large).abs() < 1e-6, "{small} {large}");
    }
    Ok(())
}
