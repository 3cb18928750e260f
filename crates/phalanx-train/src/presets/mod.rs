//! Fixed work to measure: updates and decisions of given sizes on given weights and numbers.
//!
//! The same can be done in any other library, since all weights and data come from one small hash
//! ([`numbers`]); a first loss that agrees says that the same work is measured.

mod decisions;
mod noise;
mod numbers;
mod ppo;
mod qmix;

pub use decisions::Decisions;
pub use noise::Noise;
pub use numbers::numbers;
pub use ppo::PpoUpdate;
pub use qmix::QmixUpdate;

/// Five agents of fourteen actions who see eighty numbers, and a state of 120.
mod sizes {
    pub(super) const AGENTS: usize = 5;
    pub(super) const ACTIONS: usize = 14;
    pub(super) const OBS: usize = 80;
    pub(super) const HIDDEN: usize = 64;
    pub(super) const STATE: usize = 120;
}

/// The weights of the agents' network of a preset, by name and shape; `None` for others.
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

/// Weights or biases of a layer with so many inputs, between `±1 / sqrt(inputs)`.
fn layer(seed: u64, inputs: usize, shape: &[usize]) -> Vec<f32> {
    numbers(shape.iter().product(), seed, 1.0 / (inputs as f32).sqrt())
}
