//! Mixers, which combine the agents' utilities into the joint action value, one file each.
//!
//! A file holds everything about its mixer: the settings, which implement [`Mixer`], the network,
//! and the formula. It is named after the mixer's name on the command line. To add a mixer, add a
//! file, its `mod` line, and a line in [`visit_mixers`], which makes it an algorithm.
//!
//! `concaveq`, `qtran` and `resq` hold the networks of algorithms that need a loss of their own.

mod concaveq;
mod hypernetwork;
mod iql;
mod qatten;
mod qmix;
mod qplex;
mod qtran;
mod resq;
mod unrestricted;
mod vdn;

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Int, Tensor};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::concaveq::*;
pub use self::iql::*;
pub use self::qatten::*;
pub use self::qmix::*;
pub use self::qplex::*;
pub use self::qtran::*;
pub use self::resq::*;
pub use self::unrestricted::*;
pub use self::vdn::*;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting};

/// Calls `visitor` for every mixer of this crate that is an algorithm on its own.
pub fn visit_mixers(visitor: &mut impl MixerVisitor) {
    visitor.visit::<IqlMixer>();
    visitor.visit::<VdnMixer>();
    visitor.visit::<QmixMixer>();
    visitor.visit::<QplexMixer>();
    visitor.visit::<QattenMixer>();
    visitor.visit::<UnrestrictedMixer>();
}

/// An operation on every mixer type.
pub trait MixerVisitor {
    /// Visits the mixer `M`.
    fn visit<M: Mixer>(&mut self);
}

/// A mixer, which combines the agents' utilities into the joint action value `Q_tot`.
///
/// The implementing type holds the mixer's settings, whose names are keys of the configuration.
/// `phalanx_train::algorithms::QLearning` turns a mixer into an algorithm with all settings of
/// Q-learning:
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use phalanx_core::nn::{Activation, Linear, Mixer, MixerInput, MixerSizes};
/// use phalanx_core::rng::Rng;
/// use serde::{Deserialize, Serialize};
///
/// /// The sum of the utilities plus a linear function of the state.
/// #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
/// struct SumAndState {}
///
/// impl Mixer for SumAndState {
///     const ID: &str = "sum_and_state";
///     const SUMMARY: &str = "VDN with a state-dependent bias";
///     type Network = Linear;
///
///     fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> Linear {
///         Linear::new(sizes.state_dim, 1, rng, device)
///     }
///
///     fn forward(&self, bias: &Linear, input: MixerInput) -> Tensor<2> {
///         input.q_chosen.sum_dim(1) + bias.forward(input.state, Activation::Identity)
///     }
/// }
/// ```
pub trait Mixer:
    Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The name on the command line, such as `qmix`, of the mixer and of its algorithm.
    const ID: &str;

    /// One-line summary, shown by `phalanx list algs`.
    const SUMMARY: &str;

    /// Whether the mixer returns one value for the team, `[row, 1]`. Otherwise it returns one value
    /// per agent, `[row, agent]`.
    const MIXES: bool = true;

    /// The trained network; its field names are those of saved weights. A mixer without weights has
    /// an empty module, such as [`VdnMixer`].
    type Network: Module + ModuleDisplay + Debug + Sync;

    /// Returns the invalid settings.
    fn validate(&self) -> Vec<InvalidSetting> {
        Vec::new()
    }

    /// Creates a network with initial weights drawn from `rng`.
    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> Self::Network;

    /// Computes the joint action values, `[row, 1]`, or the agents' own values, `[row, agent]`, if
    /// [`Mixer::MIXES`] is `false`.
    fn forward(&self, network: &Self::Network, input: MixerInput) -> Tensor<2>;
}

/// Sizes of a team, for which a mixer's network is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixerSizes {
    /// The number of agents.
    pub n_agents: usize,
    /// The number of actions of each agent.
    pub n_actions: usize,
    /// The length of the state.
    pub state_dim: usize,
    /// The length of the input of an agent's network.
    pub input_dim: usize,
}

/// Input of a mixer. A row is a time step of an episode. Every mixer reads `q_chosen`; the
/// documentation of a mixer states what else it reads.
#[derive(Clone, Debug)]
pub struct MixerInput {
    /// The utilities of the chosen actions, `[row, agent]`.
    pub q_chosen: Tensor<2>,
    /// The utilities of all actions, `[row, agent, n_actions]`. Those of unavailable actions are
    /// lowered by a large number, so that they are never the largest.
    pub utilities: Tensor<3>,
    /// The chosen actions, `[row, agent]`.
    pub actions: Tensor<2, Int>,
    /// The states, `[row, state_dim]`.
    pub state: Tensor<2>,
    /// The inputs of the agents' networks, `[row, agent, input_dim]`.
    pub agent_input: Tensor<3>,
}

/// Returns the sizes that are zero, for mixers with no other checks.
fn zero_sizes(sizes: &[(&str, usize)]) -> Vec<InvalidSetting> {
    let mut check = Check::default();
    check.at_least_one(sizes);
    check.finish()
}

/// Converts actions, `[row, agent]`, to one-hot vectors, `[row, agent, n_actions]`.
fn one_hot(actions: Tensor<2, Int>, n_actions: usize) -> Tensor<3> {
    let [row, agent] = actions.dims();
    let all = Tensor::<1, Int>::arange(0..n_actions as i64, (&actions.device(), actions.dtype()));
    let all: Tensor<3, Int> = all.reshape([1, 1, n_actions]).expand([row, agent, n_actions]);
    actions.reshape([row, agent, 1]).expand([row, agent, n_actions]).equal(all).float()
}
