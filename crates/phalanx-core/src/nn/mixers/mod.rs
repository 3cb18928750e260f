//! Mixers: from the utilities of the agents to the joint action value, one file each.

mod concave;
mod hypernetwork;
mod independent;
mod qatten;
mod qmix;
mod qplex;
mod qtran;
mod residual;
mod unrestricted;
mod vdn;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

pub use self::concave::{Concave, ConcaveConfig, FirstLayer};
pub use self::independent::Independent;
pub use self::qatten::{Qatten, QattenConfig};
pub use self::qmix::{Qmix, QmixConfig};
pub use self::qplex::{Qplex, QplexConfig};
pub use self::qtran::{QtranConfig, QtranJoint, QtranValue};
pub use self::residual::{Residual, ResidualConfig};
pub use self::unrestricted::{Unrestricted, UnrestrictedConfig};
pub use self::vdn::Vdn;
use crate::rng::Rng;

/// Which mixer, and its sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MixerConfig {
    /// No mixing: every agent learns from the team's reward alone.
    Independent,
    /// The sum of the utilities.
    Vdn,
    /// A monotone network whose weights depend on the state.
    Qmix(QmixConfig),
    /// The sum of the utilities and of weighted advantages.
    Qplex(QplexConfig),
    /// A sum whose weights come from attention to the agents.
    Qatten(QattenConfig),
    /// A feed-forward network without restriction.
    Unrestricted(UnrestrictedConfig),
}

impl MixerConfig {
    /// A mixer with initial weights drawn from `rng`.
    pub fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> Mixer {
        let MixerSizes { n_agents, state_dim, .. } = sizes;
        match self {
            Self::Independent => Mixer::Independent(Independent::new()),
            Self::Vdn => Mixer::Vdn(Vdn::new()),
            Self::Qmix(config) => Mixer::Qmix(config.init(n_agents, state_dim, rng, device)),
            Self::Qplex(config) => Mixer::Qplex(config.init(sizes, rng, device)),
            Self::Qatten(config) => Mixer::Qatten(config.init(sizes, rng, device)),
            Self::Unrestricted(config) => {
                Mixer::Unrestricted(config.init(n_agents, state_dim, rng, device))
            }
        }
    }
}

/// The sizes of the team that a mixer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixerSizes {
    /// The number of agents.
    pub n_agents: usize,
    /// The number of actions of an agent.
    pub n_actions: usize,
    /// The length of the state.
    pub state_dim: usize,
    /// The length of what an agent's network reads.
    pub input_dim: usize,
}

/// What a mixer may read. A row is a time step of an episode. Every mixer reads `chosen`; what
/// else it reads, its own page says.
#[derive(Clone, Debug)]
pub struct MixerInput {
    /// The utilities of the chosen actions, `[row, agent]`.
    pub chosen: Tensor<2>,
    /// The utilities of all actions, `[row, agent, n_actions]`; those of actions that are not
    /// available are lowered so far that they are never the largest.
    pub utilities: Tensor<3>,
    /// The chosen actions, `[row, agent]`.
    pub actions: Tensor<2, Int>,
    /// The states, `[row, state_dim]`.
    pub state: Tensor<2>,
    /// What the agents' networks read, `[row, agent, input_dim]`.
    pub agent_input: Tensor<3>,
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
    /// QPLEX.
    Qplex(Qplex),
    /// Qatten.
    Qatten(Qatten),
    /// The baseline that has no structure.
    Unrestricted(Unrestricted),
}

impl Mixer {
    /// The joint action value, `[row, 1]`; [`Mixer::Independent`] returns the chosen utilities
    /// unchanged, `[row, agent]`.
    pub fn forward(&self, input: MixerInput) -> Tensor<2> {
        match self {
            Self::Independent(mixer) => mixer.forward(input.chosen),
            Self::Vdn(mixer) => mixer.forward(input.chosen),
            Self::Qmix(mixer) => mixer.forward(input.chosen, input.state),
            Self::Qplex(mixer) => mixer.forward(input),
            Self::Qatten(mixer) => mixer.forward(input.chosen, input.state, input.agent_input),
            Self::Unrestricted(mixer) => mixer.forward(input.chosen, input.state),
        }
    }
}

/// `[row, agent]` to `[row, agent, n_actions]`, 1 at the action and 0 elsewhere.
fn one_hot(actions: Tensor<2, Int>, n_actions: usize) -> Tensor<3> {
    let [row, agent] = actions.dims();
    let all = Tensor::<1, Int>::arange(0..n_actions as i64, (&actions.device(), actions.dtype()));
    let all: Tensor<3, Int> = all.reshape([1, 1, n_actions]).expand([row, agent, n_actions]);
    actions.reshape([row, agent, 1]).expand([row, agent, n_actions]).equal(all).float()
}
