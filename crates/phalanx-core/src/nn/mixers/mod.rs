//! Mixers: from the utilities of the agents to the joint action value, one file each.

mod independent;
mod qmix;
mod vdn;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

pub use self::independent::Independent;
pub use self::qmix::{Qmix, QmixConfig};
pub use self::vdn::Vdn;
use crate::rng::Rng;

/// Which mixer, and its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MixerConfig {
    /// No mixing: every agent learns from the team's reward alone.
    Independent,
    /// The sum of the utilities.
    Vdn,
    /// A monotone network whose weights depend on the state.
    Qmix(QmixConfig),
}

impl MixerConfig {
    /// A mixer for `n_agents` agents and states of length `state_dim`.
    pub fn init(&self, n_agents: usize, state_dim: usize, rng: &mut Rng, device: &Device) -> Mixer {
        match self {
            Self::Independent => Mixer::Independent(Independent::new()),
            Self::Vdn => Mixer::Vdn(Vdn::new()),
            Self::Qmix(config) => Mixer::Qmix(config.init(n_agents, state_dim, rng, device)),
        }
    }
}

/// From the utilities of the chosen actions to the joint action value.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // There is one per learner, so its size does not matter.
pub enum Mixer {
    /// Independent Q-learning.
    Independent(Independent),
    /// Value decomposition networks.
    Vdn(Vdn),
    /// QMIX.
    Qmix(Qmix),
}

impl Mixer {
    /// Mixes the utilities `q`, `[row, agent]`, under the states `[row, state_dim]`.
    ///
    /// The joint action value is `[row, 1]`; [`Mixer::Independent`] returns `q` unchanged,
    /// `[row, agent]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Independent(mixer) => mixer.forward(q),
            Self::Vdn(mixer) => mixer.forward(q),
            Self::Qmix(mixer) => mixer.forward(q, state),
        }
    }
}
