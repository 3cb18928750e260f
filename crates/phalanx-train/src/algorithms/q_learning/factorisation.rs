//! The part in which value-factorisation algorithms differ.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{
    AgentConfig, AgentNetworks, Device, HiddenActivation, Init, MixerSizes, Normalisation,
    ObservationEncoder,
};
use phalanx_core::rng::Rng;
use phalanx_core::settings::InvalidSetting;
use serde::Serialize;
use toml::Table;

use super::batch::EpisodeTensors;
use super::learner::ReplayLearner;
use super::settings::QLearningSettings;
use super::td_loss::TdLoss;
use crate::algorithms::{Algorithm, Learner, LearnerContext, to_table};
use crate::rollout::InputLayout;

/// The networks of an algorithm and their loss.
///
/// The implementing type holds the algorithm's settings. Every value factorisation is an
/// [`Algorithm`]. If only the mixer is new, implement [`Mixer`](phalanx_core::nn::Mixer) instead
/// and use [`QLearning`](super::QLearning).
pub trait ValueFactorisation: Clone + Default + Serialize + Send + Sync + 'static {
    /// The algorithm's name on the command line.
    const ID: &str;

    /// One-line summary, shown by `phalanx list algs`.
    const SUMMARY: &str;

    /// Whether the utilities are mixed into one value of the team.
    const MIXES: bool = true;

    /// All trained networks.
    type Networks: Module + Sync;

    /// Returns the settings of Q-learning.
    fn learning(&self) -> &QLearningSettings;

    /// Returns the invalid settings, except for those of [`ValueFactorisation::learning`].
    fn validate(&self) -> Vec<InvalidSetting>;

    /// Returns the settings that are invalid for an environment, except for those of
    /// [`ValueFactorisation::learning`].
    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        let _ = spec;
        Vec::new()
    }

    /// Creates the networks with initial weights drawn from `rng`.
    fn networks(&self, context: &ModelContext, rng: &mut Rng, device: &Device) -> Self::Networks;

    /// Returns the networks that act. An agent's greedy action is the available action with the
    /// largest output.
    fn agent_networks<'a>(&self, networks: &'a Self::Networks) -> &'a AgentNetworks;

    /// Computes the loss of a batch under the `online` networks; the `target` networks have no
    /// gradients. The batch may be a shard of a larger one, whose other shards are computed in
    /// parallel.
    fn loss(
        &self,
        online: &Self::Networks,
        target: &Self::Networks,
        batch: &EpisodeTensors,
    ) -> LossOutput;

    /// Computes the joint action values of the actions taken, `[row, 1]`, or without a mixer the
    /// agents' own action values, `[row, agent]`. Neither the networks nor the batch have
    /// gradients.
    fn q_tot(&self, networks: &Self::Networks, batch: &EpisodeTensors) -> Tensor<2>;
}

impl<F: ValueFactorisation> Algorithm for F {
    fn id(&self) -> &'static str {
        F::ID
    }

    fn summary(&self) -> &'static str {
        F::SUMMARY
    }

    fn table(&self) -> Table {
        to_table(self)
    }

    fn defaults(&self) -> Table {
        to_table(&F::default())
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        [self.learning().validate(), ValueFactorisation::validate(self)].concat()
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        let own = ValueFactorisation::validate_for(self, spec);
        [self.learning().validate_for(spec, F::MIXES), own].concat()
    }

    fn learner(&self, context: &LearnerContext) -> Box<dyn Learner> {
        Box::new(ReplayLearner::new(self.clone(), context))
    }
}

/// Environment and settings for which networks are created.
#[derive(Clone, Debug)]
pub struct ModelContext {
    /// The environment.
    pub spec: EnvSpec,
    /// The layout of an agent's input.
    pub inputs: InputLayout,
    /// The settings of Q-learning.
    pub learning: QLearningSettings,
    /// The encoder of observations.
    pub encoder: Option<ObservationEncoder>,
}

impl ModelContext {
    /// Creates the networks of all agents with `output_dim` outputs.
    pub fn agents(&self, output_dim: usize, rng: &mut Rng, device: &Device) -> AgentNetworks {
        let owners = self.learning.parameter_sharing.owners(&self.spec);
        let config = AgentConfig {
            input_dim: self.inputs.dim(),
            hidden_dim: self.learning.rnn_hidden_dim,
            output_dim,
            recurrent: self.learning.recurrent(),
            second_hidden_dim: None,
            convolution: None,
            observation_encoder: self.encoder.clone(),
            normalisation: Normalisation::None,
            activation: HiddenActivation::Relu,
            init: Init::default(),
        };
        AgentNetworks::new(&config, &owners, rng, device)
    }

    /// Returns the sizes for which a mixer is created.
    pub fn mixer_sizes(&self) -> MixerSizes {
        MixerSizes {
            n_agents: self.spec.n_agents(),
            n_actions: self.spec.n_actions,
            state_dim: self.spec.state_dim,
            input_dim: self.inputs.dim(),
        }
    }
}

/// Loss of a batch and its metrics.
pub struct LossOutput {
    /// The loss to minimise, `[1]`.
    pub loss: Tensor<1>,
    /// Metrics by name, each `[1]`, including `loss_td`. They have no gradients and stay on the
    /// device: reading one would wait for all pending work.
    pub metrics: Vec<(&'static str, Tensor<1>)>,
    /// The mean absolute TD error of every episode, `[episode]`, if replay is prioritised.
    pub td_errors: Option<Tensor<1>>,
}

impl LossOutput {
    /// Creates the output of a loss that consists of the TD loss alone, with the metrics `loss_td`,
    /// `q_taken_mean` and `target_mean`.
    pub fn new(td: TdLoss, target_mean: Tensor<1>) -> Self {
        Self {
            metrics: vec![
                ("loss_td", detach(&td.loss)),
                ("q_taken_mean", td.q_taken_mean),
                ("target_mean", target_mean),
            ],
            loss: td.loss,
            td_errors: td.td_errors,
        }
    }

    /// Adds a term to the loss, and its value to the metrics.
    #[must_use]
    pub fn plus(mut self, metric: &'static str, term: Tensor<1>) -> Self {
        self.metrics.push((metric, detach(&term)));
        self.loss = self.loss + term;
        self
    }
}

/// Returns the value of a loss, `[1]`, without its gradient, for logging.
pub fn detach(loss: &Tensor<1>) -> Tensor<1> {
    loss.clone().inner()
}
