//! Benchmark workloads: updates and action selection with fixed sizes, weights and data.
//!
//! Other libraries can measure the same work, because all weights and data come from one small hash
//! ([`numbers`]). Equal first losses show that the work is the same.

mod decisions;
mod hash;
mod noise;
mod ppo;
mod qmix;

use phalanx_core::env::{Entity, EntityLayout, EntityType, EnvSpec, Presence};

pub use decisions::Decisions;
pub use hash::numbers;
pub use noise::Noise;
pub use ppo::PpoUpdate;
pub use qmix::QmixUpdate;

/// The sizes of all workloads.
mod sizes {
    pub(super) const AGENTS: usize = 5;
    pub(super) const ACTIONS: usize = 14;
    pub(super) const OBS: usize = 80;
    pub(super) const HIDDEN: usize = 64;
    pub(super) const STATE: usize = 120;
}

/// Returns the specification of an environment with the sizes of all workloads.
fn spec(id: &str, agents: usize, steps: usize) -> EnvSpec {
    EnvSpec {
        n_actions: sizes::ACTIONS,
        obs_dim: sizes::OBS,
        state_dim: sizes::STATE,
        episode_limit: steps,
        entities: Some(entities()),
        ..EnvSpec::new(id, agents)
    }
}

/// Returns how the observations of all workloads consist of entities, for those with an encoder: eight
/// numbers for the agent, five for each of eight enemies, and eight for each of four allies. Each enemy is
/// the target of an action.
fn entities() -> EntityLayout {
    const OWN: usize = 8;
    let mut entities = vec![Entity::agent((0..OWN).collect())];
    let groups = [(8, 5, Some(6)), (4, 8, None)];
    let mut first = OWN;
    for (kind, (number, features, action)) in groups.into_iter().enumerate() {
        for i in 0..number {
            entities.push(Entity {
                kind: kind + 1,
                columns: (first..first + features).collect(),
                presence: Presence::NonZero(first),
                position: Some([first + 1, first + 2]),
                action: action.map(|action: usize| action + i),
            });
            first += features;
        }
    }
    assert_eq!(first, sizes::OBS, "every number belongs to an entity");
    let of_type = |name: &str, features: usize| EntityType {
        name: name.to_owned(),
        features: (0..features).map(|k| format!("feature {k}")).collect(),
    };
    EntityLayout {
        types: vec![of_type("self", OWN), of_type("enemy", 5), of_type("ally", 8)],
        entities,
        position_scale: [9.0; 2],
        hidden_targets: false,
    }
}

/// Returns a parameter of the agents' network by name and shape; `None` for other names.
fn agent_weights(name: &str, shape: &[usize]) -> Option<Vec<f32>> {
    let seed = match name.trim_start_matches("agents.").trim_start_matches("networks.0.") {
        "encoder.weight" => 10,
        "encoder.bias" => 11,
        "core.weight_ih" => 20,
        "core.bias_ih" => 21,
        "core.weight_hh" => 30,
        "core.bias_hh" => 31,
        "head.weight" => 40,
        "head.bias" => 41,
        _ => return None,
    };
    let inputs = if name.contains("encoder") { sizes::OBS } else { sizes::HIDDEN };
    Some(layer(seed, inputs, shape))
}

/// Returns weights or biases of a layer with `inputs` inputs, between `±1 / sqrt(inputs)`.
fn layer(seed: u64, inputs: usize, shape: &[usize]) -> Vec<f32> {
    numbers(shape.iter().product(), seed, 1.0 / (inputs as f32).sqrt())
}
