//! What tells one value factorisation from another.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{
    AgentConfig, AgentNetworks, Device, HiddenActivation, Init, MixerSizes, Normalisation,
};
use phalanx_core::rng::Rng;

use super::experience::Experience;
use super::settings::QLearning;
use crate::rollout::InputLayout;

/// The networks of an algorithm and the loss by which they learn.
///
/// With a [`ReplayLearner`](super::ReplayLearner) this is a whole algorithm; the example
/// `write_a_mixer` has one in a file.
pub trait Factorisation: Send + Sync {
    /// All networks that learn.
    type Networks: Module + Sync;

    /// Fresh networks.
    fn networks(&self, plan: &Plan, rng: &mut Rng, device: &Device) -> Self::Networks;

    /// The networks that act: the largest output of an available action is the greedy action.
    fn acting<'a>(&self, networks: &'a Self::Networks) -> &'a AgentNetworks;

    /// The loss of a batch under the `online` networks; `target` are the target networks, without
    /// gradients. The batch may be a shard of a larger one, the others of which are computed at the
    /// same time.
    fn loss(
        &self,
        online: &Self::Networks,
        target: &Self::Networks,
        batch: &Experience,
        learning: &QLearning,
    ) -> Loss;

    /// The learned joint action values of the actions taken, `[row, 1]`, or the agents' own values,
    /// `[row, agent]`, where there is no joint one. Neither networks nor batch are tracked.
    fn joint(&self, networks: &Self::Networks, batch: &Experience) -> Tensor<2>;
}

/// What networks are made for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The environment.
    pub spec: EnvSpec,
    /// What an agent's network reads.
    pub inputs: InputLayout,
    /// The shared settings.
    pub learning: QLearning,
}

impl Plan {
    /// Networks of all agents with `output_dim` outputs.
    pub fn agents(&self, output_dim: usize, rng: &mut Rng, device: &Device) -> AgentNetworks {
        let owners = self.learning.parameter_sharing.owners(&self.spec);
        let config = AgentConfig {
            input_dim: self.inputs.dim(),
            hidden_dim: self.learning.rnn_hidden_dim,
            output_dim,
            recurrent: self.learning.recurrent(),
            second_hidden_dim: None,
            convolution: None,
            normalisation: Normalisation::None,
            activation: HiddenActivation::Relu,
            init: Init::default(),
        };
        AgentNetworks::new(&config, &owners, rng, device)
    }

    /// The sizes a mixer serves.
    pub fn sizes(&self) -> MixerSizes {
        MixerSizes {
            n_agents: self.spec.n_agents(),
            n_actions: self.spec.n_actions,
            state_dim: self.spec.state_dim,
            input_dim: self.inputs.dim(),
        }
    }
}

/// What a batch is to be learned by.
pub struct Loss {
    /// What is minimised, `[1]`.
    pub total: Tensor<1>,
    /// Quantities to be logged, by name, `[1]`; `loss_td` is among them. Without gradients, and still on
    /// their device: to read one, the host would have to wait for everything before it.
    pub means: Vec<(&'static str, Tensor<1>)>,
    /// The mean absolute TD error of every episode, `[episode]`, where replay is prioritised.
    pub errors: Option<Tensor<1>>,
}

/// The value of a loss, `[1]`, that is still to be differentiated.
pub fn number(loss: &Tensor<1>) -> Tensor<1> {
    loss.clone().inner()
}
