//! Encoders of entities as a part of agent networks.

#![cfg(feature = "flex")]

use std::collections::BTreeMap;
use std::error::Error;

use burn::tensor::{Tensor, TensorData};
use phalanx_core::env::{Entity, EntityLayout, EntityType, EnvSpec, Presence};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetwork, AnyEncoder, DeepSets, Device, EncoderSizes,
    EntityAttentionEncoder, Gat, Gcn, GraphKind, Hpn, Optimizer, OptimizerConfig, OptimizerKind,
    ParameterGradients, Readout, RelationalAttention, RnnKind, Scratch, device, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::SafeTensors;

use crate::support::agent_config;

const OWN: usize = 3;
const ENEMY: usize = 5;
const ALLY: usize = 4;
/// The number of actions without a target. They come first.
const OTHERS: usize = 6;
/// Further inputs of the network after the observation.
const FURTHER: usize = 2;
const HIDDEN: usize = 12;

/// Observations: three features of the agent, then enemies, which are targets of actions, then allies.
#[derive(Clone, Copy)]
struct Battle {
    enemies: usize,
    allies: usize,
    frames: usize,
}

const BATTLE: Battle = Battle { enemies: 4, allies: 3, frames: 1 };

impl Battle {
    fn obs_dim(&self) -> usize {
        OWN + self.enemies * ENEMY + self.allies * ALLY
    }

    fn n_actions(&self) -> usize {
        OTHERS + self.enemies
    }

    fn sizes(&self) -> EncoderSizes {
        let mut entities = vec![Entity::agent((0..OWN).collect())];
        let mut add = |kind: usize, first: usize, n: usize, action: Option<usize>| {
            entities.push(Entity {
                kind,
                columns: (first..first + n).collect(),
                presence: if kind == 1 { Presence::NonZero(first) } else { Presence::AnyNonZero },
                position: Some([first + 1, first + 2]),
                action,
            });
        };
        for i in 0..self.enemies {
            add(1, OWN + i * ENEMY, ENEMY, Some(OTHERS + i));
        }
        for i in 0..self.allies {
            add(2, OWN + self.enemies * ENEMY + i * ALLY, ALLY, None);
        }
        let mut types = vec![
            EntityType::new("self", ["health", "shield", "type"]),
            EntityType::new("enemy", ["visible", "x", "y", "health", "type"]),
            EntityType::new("ally", ["health", "x", "y", "type"]),
        ];
        // A type without entities would be refused.
        types.truncate(1 + entities.last().map_or(0, |entity| entity.kind));
        let layout =
            EntityLayout { types, entities, position_scale: [9.0, 9.0], hidden_targets: false };
        let spec = EnvSpec {
            obs_dim: self.obs_dim(),
            n_actions: self.n_actions(),
            entities: Some(layout),
            ..EnvSpec::new("battle", 1)
        };
        let layout = spec.entities.as_ref().expect("it was given");
        layout.check(&spec).expect("the layout is consistent");
        EncoderSizes::of(&spec, self.frames)
    }

    fn input_dim(&self) -> usize {
        self.frames * self.obs_dim() + FURTHER
    }

    fn config(&self, encoder: &AnyEncoder) -> AgentConfig {
        let sizes = [self.input_dim(), HIDDEN, self.n_actions()];
        let observation_encoder = Some(encoder.sized(self.sizes()));
        AgentConfig { observation_encoder, ..agent_config(sizes, Some(RnnKind::Gru)) }
    }

    fn network(&self, encoder: &AnyEncoder, device: &Device) -> AgentNetwork {
        self.config(encoder).init(&mut Rng::stream(3, Purpose::Weights, 0), device)
    }

    /// Returns inputs in which a third of the others are absent.
    fn inputs(&self, rows: usize) -> Vec<f32> {
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        let mut inputs: Vec<f32> =
            (0..rows * self.input_dim()).map(|_| rng.range(-1.0, 1.0)).collect();
        for row in inputs.chunks_exact_mut(self.input_dim()) {
            for frame in row[..self.frames * self.obs_dim()].chunks_exact_mut(self.obs_dim()) {
                let (enemies, allies) = frame[OWN..].split_at_mut(self.enemies * ENEMY);
                let units = enemies.chunks_exact_mut(ENEMY).chain(allies.chunks_exact_mut(ALLY));
                units.filter(|_| rng.below(3) == 0).for_each(|unit| unit.fill(0.0));
            }
        }
        inputs
    }
}

fn encoders() -> Vec<AnyEncoder> {
    let nearest = |readout| Gcn {
        width: 12,
        graph: GraphKind::Nearest,
        neighbours: 2,
        readout,
        ..Gcn::default()
    };
    vec![
        AnyEncoder::new(DeepSets::default()),
        AnyEncoder::new(DeepSets { width: 20, layers: 3, entity_heads: true }),
        AnyEncoder::new(DeepSets { entity_heads: false, ..DeepSets::default() }),
        AnyEncoder::new(Gcn::default()),
        AnyEncoder::new(Gcn { root: false, readout: Readout::Sum, ..Gcn::default() }),
        AnyEncoder::new(nearest(Readout::Both)),
        AnyEncoder::new(Gcn { graph: GraphKind::Radius, radius: 8.0, ..nearest(Readout::Mean) }),
        AnyEncoder::new(Gat::default()),
        AnyEncoder::new(Gat {
            heads: 1,
            width: 10,
            layers: 1,
            graph: GraphKind::Nearest,
            neighbours: 3,
            readout: Readout::Both,
            ..Gat::default()
        }),
        AnyEncoder::new(EntityAttentionEncoder::default()),
        AnyEncoder::new(EntityAttentionEncoder {
            width: 24,
            heads: 3,
            layers: 2,
            feed_forward: 100,
            readout: Readout::Both,
            entity_heads: true,
        }),
        AnyEncoder::new(RelationalAttention::default()),
        AnyEncoder::new(RelationalAttention {
            knots: 3,
            reach: 10.0,
            layers: 2,
            ..RelationalAttention::default()
        }),
        AnyEncoder::new(Hpn::default()),
        AnyEncoder::new(Hpn { width: 30, hyper_dim: 17, entity_heads: true }),
        AnyEncoder::new(Hpn { entity_heads: false, ..Hpn::default() }),
    ]
}

fn has_heads(encoder: &AnyEncoder) -> bool {
    encoder.settings()["entity_heads"] == true
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

/// Computes one step of some rows, beginning with a hidden state of zeros.
fn act(actor: &Actor, input: &[f32]) -> Vec<f32> {
    let rows = input.len() / actor.input_dim();
    let mut hidden = vec![0.0; rows * actor.carry_dim()];
    let mut output = vec![f32::NAN; rows * actor.output_dim()];
    actor.step(input, &mut hidden, &mut output, &mut Scratch::default());
    output
}

/// Returns the outputs of a network as learning computes them.
fn learn(network: &AgentNetwork, input: Vec<f32>, width: usize, device: &Device) -> Tensor<3> {
    let rows = input.len() / width;
    let start = Tensor::zeros([rows, HIDDEN], device);
    network.outputs(tensor(input, [1, rows, width], device), start, None)
}

#[test]
fn acting_computes_the_same_as_learning() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    for encoder in encoders() {
        for frames in [1, 2] {
            let battle = Battle { frames, ..BATTLE };
            let network = battle.network(&encoder, &cpu);
            // More than one block of rows.
            let input = battle.inputs(45);
            let acted = act(&network.to_actor(), &input);
            let learned = numbers(learn(&network, input, battle.input_dim(), &cpu));
            assert!(acted.iter().any(|&x| x != 0.0));
            for (x, y) in acted.iter().zip(&learned) {
                assert!((x - y).abs() < 1e-5, "{encoder:?}: {x} {y}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_bits_of_a_row_do_not_depend_on_the_other_rows_or_threads() -> Result<(), Box<dyn Error>> {
    for encoder in encoders() {
        let actor = BATTLE.network(&encoder, &device("cpu")?).to_actor();
        let (rows, width, n) = (61, BATTLE.input_dim(), BATTLE.n_actions());
        let input = BATTLE.inputs(rows);
        let together = act(&actor, &input);
        for (first, count) in [(0, 1), (60, 1), (5, 3), (17, 36)] {
            let alone = act(&actor, &input[first * width..(first + count) * width]);
            assert_eq!(alone, together[first * n..(first + count) * n], "{encoder:?}");
        }
        for threads in [2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            assert_eq!(pool.install(|| act(&actor, &input)), together, "{threads} threads");
        }
    }
    Ok(())
}

/// Reverses the order of the enemies and rotates the allies of every row.
fn permuted(battle: &Battle, input: &[f32]) -> Vec<f32> {
    let mut permuted = input.to_vec();
    for row in permuted.chunks_exact_mut(battle.input_dim()) {
        let units = &mut row[OWN..battle.obs_dim()];
        let (enemies, allies) = units.split_at_mut(battle.enemies * ENEMY);
        let reversed: Vec<f32> = enemies.rchunks_exact(ENEMY).flatten().copied().collect();
        enemies.copy_from_slice(&reversed);
        allies.rotate_left(ALLY);
    }
    permuted
}

#[test]
fn permuting_entities_permutes_their_actions_and_changes_nothing_else() -> Result<(), Box<dyn Error>>
{
    for encoder in encoders() {
        let actor = BATTLE.network(&encoder, &device("cpu")?).to_actor();
        let n = BATTLE.n_actions();
        let input = BATTLE.inputs(20);
        let before = act(&actor, &input);
        let after = act(&actor, &permuted(&BATTLE, &input));
        for (before, after) in before.chunks_exact(n).zip(after.chunks_exact(n)) {
            for (action, x) in before.iter().enumerate() {
                let is_attack = action >= OTHERS && has_heads(&encoder);
                let moved = if is_attack { OTHERS + n - 1 - action } else { action };
                let error = (x - after[moved]).abs();
                assert!(error < 1e-6, "{encoder:?}, action {action}: {x} {}", after[moved]);
            }
        }
        // Different enemies have different heads.
        let attacks = |row: &[f32]| row[OTHERS..].windows(2).any(|pair| pair[0] != pair[1]);
        assert!(before.chunks_exact(n).any(attacks), "{encoder:?}");
    }
    Ok(())
}

#[test]
fn absent_entities_contribute_nothing() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    let large = Battle { enemies: 9, allies: 11, frames: 1 };
    for encoder in encoders().into_iter().filter(has_heads) {
        // The weights do not depend on the number of entities.
        let small_network = BATTLE.network(&encoder, &cpu);
        let large_network = large.network(&encoder, &cpu);
        assert_eq!(to_safetensors(&small_network)?, to_safetensors(&large_network)?);
        let input = BATTLE.inputs(20);
        let mut padded = Vec::new();
        for row in input.chunks_exact(BATTLE.input_dim()) {
            let (obs, further) = row.split_at(BATTLE.obs_dim());
            let (enemies, allies) = obs[OWN..].split_at(BATTLE.enemies * ENEMY);
            padded.extend_from_slice(&obs[..OWN]);
            padded.extend_from_slice(enemies);
            padded.extend(vec![0.0; (large.enemies - BATTLE.enemies) * ENEMY]);
            padded.extend_from_slice(allies);
            padded.extend(vec![0.0; (large.allies - BATTLE.allies) * ALLY]);
            padded.extend_from_slice(further);
        }
        let small = act(&small_network.to_actor(), &input);
        let large_outputs = act(&large_network.to_actor(), &padded);
        let rows = small.chunks_exact(BATTLE.n_actions());
        for (small, large) in rows.zip(large_outputs.chunks_exact(large.n_actions())) {
            for (x, y) in small.iter().zip(large) {
                assert!((x - y).abs() < 1e-6, "{encoder:?}: {x} {y}");
            }
        }
    }
    Ok(())
}

#[test]
fn an_agent_that_sees_nothing_has_finite_outputs_and_gradients() -> Result<(), Box<dyn Error>> {
    let (cpu, tracked) = (device("cpu")?, device("cpu")?.autodiff());
    for encoder in encoders() {
        let width = BATTLE.input_dim();
        let network = BATTLE.network(&encoder, &tracked);
        let nothing = vec![0.0; 3 * width];
        let output = act(&network.to_actor(), &nothing);
        assert!(output.iter().all(|x| x.is_finite()), "{encoder:?}: {output:?}");
        let gradients = learn(&network, nothing, width, &tracked).sum().backward();
        let gradients = ParameterGradients::of(&network, gradients);
        let norm = optimizer().step(0.0, network, gradients, f32::INFINITY).grad_norm;
        assert!(numbers(norm.to_device(&cpu))[0].is_finite(), "{encoder:?}");
    }
    Ok(())
}

/// Returns an optimizer whose steps are `1e-6 lr` times the gradient.
fn optimizer() -> Optimizer {
    Optimizer::new(OptimizerConfig { kind: OptimizerKind::RmsProp, alpha: 0.0, eps: 1e6 })
}

#[test]
fn a_small_step_along_the_gradient_changes_the_loss_by_its_square() -> Result<(), Box<dyn Error>> {
    let (cpu, tracked) = (device("cpu")?, device("cpu")?.autodiff());
    let values = |bytes: &[u8]| -> Result<BTreeMap<String, Vec<f32>>, Box<dyn Error>> {
        let file = SafeTensors::deserialize(bytes)?;
        let numbers = |data: &[u8]| {
            data.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
        };
        let tensors = file.tensors().into_iter();
        Ok(tensors.map(|(name, tensor)| (name, numbers(tensor.data()))).collect())
    };
    for encoder in encoders() {
        let width = BATTLE.input_dim();
        let network = BATTLE.network(&encoder, &tracked);
        let input = BATTLE.inputs(20);
        let loss = |network: &AgentNetwork, device: &Device| {
            learn(network, input.clone(), width, device).tanh().square().sum()
        };
        let gradients = ParameterGradients::of(&network, loss(&network, &tracked).backward());
        // With a rate of `1e6 s`, a step of length `s` times the gradient.
        let step = |s: f64, gradients| {
            optimizer().step(1e6 * s, network.clone(), gradients, f32::INFINITY).module
        };
        let (before, after) = (to_safetensors(&network)?, to_safetensors(&step(1.0, gradients))?);
        let mut square = 0.0;
        let after = values(&after)?;
        for (name, before) in values(&before)? {
            let of_tensor: f64 =
                before.iter().zip(&after[&name]).map(|(x, y)| f64::from(x - y).powi(2)).sum();
            // The recurrent layer begins with a state of zero.
            let is_used = !name.contains("weight_hh");
            assert!(of_tensor > 0.0 || !is_used, "{encoder:?}: {name} has no gradient");
            square += of_tensor;
        }
        let s = 3e-3 / square.sqrt();
        let at = |s: f64| -> f64 {
            let gradients = ParameterGradients::of(&network, loss(&network, &tracked).backward());
            f64::from(numbers(loss(&step(s, gradients), &tracked).to_device(&cpu))[0])
        };
        let change = (at(-s) - at(s)) / (2.0 * s);
        let error = (change - square).abs() / square;
        assert!(error < 0.02, "{encoder:?}: {change} is not {square}");
    }
    Ok(())
}

#[test]
fn settings_out_of_bounds_are_refused() {
    for (encoder, key) in [
        (AnyEncoder::new(DeepSets { layers: 0, ..DeepSets::default() }), "encoder_args.layers"),
        (AnyEncoder::new(Gcn { neighbours: 0, ..Gcn::default() }), "encoder_args.neighbours"),
        (AnyEncoder::new(Gcn { radius: 0.0, ..Gcn::default() }), "encoder_args.radius"),
        (AnyEncoder::new(Gat { heads: 5, ..Gat::default() }), "encoder_args.heads"),
        (
            AnyEncoder::new(EntityAttentionEncoder { heads: 0, ..Default::default() }),
            "encoder_args.heads",
        ),
        (
            AnyEncoder::new(RelationalAttention { knots: 1, ..Default::default() }),
            "encoder_args.knots",
        ),
        (AnyEncoder::new(Hpn { hyper_dim: 0, ..Hpn::default() }), "encoder_args.hyper_dim"),
    ] {
        let invalid = encoder.validate();
        assert_eq!(invalid.len(), 1, "{invalid:?}");
        assert_eq!(invalid[0].key, key);
    }
    let alone = Battle { enemies: 0, allies: 0, frames: 1 };
    for encoder in encoders() {
        assert!(encoder.validate().is_empty(), "{encoder:?}");
        assert!(encoder.sized(BATTLE.sizes()).validate().is_empty());
        assert_eq!(encoder.sized(EncoderSizes::new(20, 1)).validate()[0].key, "encoder");
        assert!(!encoder.sized(alone.sizes()).validate().is_empty());
    }
}
