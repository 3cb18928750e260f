//! Algorithms, as settings that create learners.
//!
//! - [`Algorithm`] is a plain value with public fields that creates a [`Learner`].
//! - [`Algorithms`] lists the algorithms of the command line. To add one, add a line there, or call
//!   [`Algorithms::register`] in a program of your own.
//! - Q-learning: [`QLearning`] over any [`Mixer`](phalanx_core::nn::Mixer), and algorithms that
//!   implement [`ValueFactorisation`].
//! - DQN: [`Dqn`] and [`GnnDqn`].
//! - PQN: [`PqnVdn`] and [`PqnIql`].
//! - Policy gradients: [`PolicyGradient`] holds the settings of [`Ippo`], [`Mappo`], [`Happo`],
//!   [`SequentialPpo`], [`Ia2c`] and [`Maa2c`].

/// Implements [`Algorithm`] for a struct whose field `learning` holds all of its settings, given
/// its name, its summary and a constructor of its learner.
macro_rules! algorithm_of_settings {
    (
        $algorithm:ty, $id:literal, $summary:literal,
        |$learning:ident, $context:ident| $learner:expr, $($further:item)*
    ) => {
        impl $crate::algorithms::Algorithm for $algorithm {
            fn id(&self) -> &'static str {
                $id
            }

            fn summary(&self) -> &'static str {
                $summary
            }

            fn table(&self) -> toml::Table {
                $crate::algorithms::to_table(self)
            }

            fn defaults(&self) -> toml::Table {
                $crate::algorithms::to_table(&Self::default())
            }

            fn validate(&self) -> Vec<phalanx_core::settings::InvalidSetting> {
                self.learning.validate()
            }

            fn learner(
                &self,
                $context: &$crate::algorithms::LearnerContext,
            ) -> Box<dyn $crate::algorithms::Learner> {
                let $learning = &self.learning;
                Box::new($learner)
            }

            $($further)*
        }
    };
}
mod dqn;
mod learning_rate;
mod moments;
mod pending_metrics;
mod planned_updates;
mod policy_gradient;
mod pqn;
mod q_learning;
mod registry;
mod transfer;

pub use dqn::{Dqn, DqnLoss, DqnSettings, GnnDqn};
pub use learning_rate::LearningRate;
pub use planned_updates::PlannedUpdates;
pub use policy_gradient::{
    CriticInput, Happo, Ia2c, Ippo, Maa2c, Mappo, NormaliseAdvantage, PolicyGradient,
    PolicyLearner, RolloutBatch, SequentialPpo, UpdateOrder,
};
pub use pqn::{Pqn, PqnIql, PqnVdn};
pub use q_learning::{
    Acting, BootstrapRule, ConcaveQ, CwQmix, EpisodeTensors, Estimator, Iql, LossOutput,
    ModelContext, NetworkSize, Overlap, OwQmix, PolicyLoss, QLearning, QLearningSettings, Qatten,
    Qmix, Qplex, Qtran, ReplayLearner, ResQ, TargetUpdate, Targets, TdLoss, Unrestricted,
    ValueFactorisation, Vdn, WeightedSettings, detach, weighted_mse,
};
pub use registry::{AlgorithmEntry, Algorithms, algorithm};

use phalanx_core::env::{EnvError, EnvSpec, VecEnv};
use phalanx_core::nn::{AnyEncoder, Device, EncoderSizes, ObservationEncoder};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_core::settings::InvalidSetting;
use serde::Serialize;
use toml::Table;

use crate::error::TrainError;
use crate::rollout::{InputLayout, Metrics, Policy};
use crate::run::TransferError;

/// An algorithm with its settings: a plain value with public fields that creates learners.
pub trait Algorithm: Send + Sync {
    /// Returns the name on the command line, such as `qmix`.
    fn id(&self) -> &'static str;

    /// Returns a one-line summary of the algorithm.
    fn summary(&self) -> &'static str;

    /// Returns the settings as a table, as written in a configuration file.
    fn table(&self) -> Table;

    /// Returns the default settings in the form of [`Algorithm::table`].
    fn defaults(&self) -> Table;

    /// Returns the keys of every run ([`RunConfig`](crate::config::RunConfig)) whose defaults differ with
    /// this algorithm, in the form of [`Algorithm::table`]. Usually there are none.
    fn run_defaults(&self) -> Table {
        Table::new()
    }

    /// Returns the settings whose values are invalid. Their types have already been checked.
    fn validate(&self) -> Vec<InvalidSetting>;

    /// Returns the settings that are invalid for an environment.
    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        let _ = spec;
        Vec::new()
    }

    /// Returns the settings that do not suit an encoder of observations in an environment.
    fn validate_encoder(&self, encoder: &AnyEncoder, spec: &EnvSpec) -> Vec<InvalidSetting> {
        encoder.sized(EncoderSizes::of(spec, 1)).validate()
    }

    /// Creates a learner with initial weights. Its optimizers multiply their learning rate by the
    /// factor of [`LearnerContext::learning_rate`].
    fn learner(&self, context: &LearnerContext) -> Box<dyn Learner>;
}

/// Environment, seed, device and learning-rate schedule of a learner.
#[derive(Clone, Debug)]
pub struct LearnerContext {
    /// The environment.
    pub spec: EnvSpec,
    /// The seed of every random stream.
    pub seed: u64,
    /// The device on which the networks are trained.
    pub device: Device,
    /// The schedule of the learning rate.
    pub learning_rate: LearningRate,
    /// The encoder of observations; `None` stands for the observations themselves. It belongs to every
    /// network with the input of an agent: the agents' own, and critics that read the same.
    pub encoder: Option<AnyEncoder>,
}

impl LearnerContext {
    /// Creates the context of a learner with a constant learning rate and without an encoder.
    pub fn new(spec: EnvSpec, seed: u64, device: Device) -> Self {
        Self { spec, seed, device, learning_rate: LearningRate::constant(), encoder: None }
    }

    /// Returns the encoder for agents with these inputs.
    pub fn observation_encoder(&self, inputs: &InputLayout) -> Option<ObservationEncoder> {
        let sizes = || EncoderSizes::of(&self.spec, inputs.frames);
        self.encoder.as_ref().map(|encoder| encoder.sized(sizes()))
    }

    /// Returns a random stream for the exploration in each environment, `[env]`.
    fn exploration(&self, n_envs: usize) -> Vec<Rng> {
        (0..n_envs as u32).map(|env| Rng::stream(self.seed, Purpose::Exploration, env)).collect()
    }
}

/// Collects rollouts and learns from them.
pub trait Learner: Send {
    /// Returns the number of parallel environments.
    fn n_envs(&self) -> usize;

    /// Collects a rollout in `envs`, makes the updates that follow it, and adds steps, episodes,
    /// updates and metrics to `metrics`.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss or a gradient norm is not finite.
    fn train_iteration(
        &mut self,
        envs: &mut dyn VecEnv,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError>;

    /// Waits for pending device work and records its metrics in `metrics`. The time of the call has
    /// no influence on training.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss or a gradient norm is not finite.
    fn flush(&mut self, metrics: &mut Metrics) -> Result<(), TrainError> {
        let _ = metrics;
        Ok(())
    }

    /// Computes `Q_tot` of each joint action `[agent]` in `actions` at the first step of an
    /// episode, with observations `[agent, obs_dim]` and state `[state_dim]`. Returns `None` if the
    /// algorithm learns no joint action values.
    fn joint_q_values(&self, obs: &[f32], state: &[f32], actions: &[u16]) -> Option<Vec<f32>> {
        let _ = (obs, state, actions);
        None
    }

    /// Returns a message to show before training starts, such as the size of the replay buffer.
    fn startup_message(&self) -> Option<String> {
        None
    }

    /// Estimates the number of updates in a run of `t_max` environment steps, for a message before it
    /// starts. Returns `None` where it is unknown.
    fn planned_updates(&self, t_max: u64) -> Option<PlannedUpdates> {
        let _ = t_max;
        None
    }

    /// Returns whether the agents learn from rewards of their own
    /// ([`EnvSpec::agent_rewards`](phalanx_core::env::EnvSpec::agent_rewards)). Otherwise a run in an
    /// environment that has them starts with a warning.
    fn uses_agent_rewards(&self) -> bool {
        false
    }

    /// Returns the current policy.
    fn policy(&self) -> Policy;

    /// Saves the learner as named files: either the weights, or everything that exact resumption
    /// needs.
    ///
    /// # Errors
    ///
    /// Returns an error if weights cannot be read from the device.
    fn save(&self, scope: SaveScope) -> Result<Vec<NamedFile>, TrainError>;

    /// Replaces the initial weights of the agents' networks, and those of their target networks, by the
    /// weights in a checkpoint of another run. Mixers and critics get those of the checkpoint, too, if
    /// all their parameters have the same shapes.
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::Weights`] if a parameter of the agents is missing or has another shape, and
    /// [`TransferError::Unsupported`] by default. The learner is
    /// then unchanged.
    fn init_from(&mut self, files: &[NamedFile]) -> Result<LoadedParts, TrainError> {
        let _ = files;
        Err(TransferError::Unsupported.into())
    }

    /// Restores what [`Learner::save`] wrote with [`SaveScope::Full`].
    ///
    /// # Errors
    ///
    /// Returns an error if a file is missing, damaged or belongs to other networks.
    fn load(&mut self, files: &[NamedFile]) -> Result<(), TrainError>;
}

/// The parts of a learner that [`Learner::init_from`] has loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedParts {
    /// The parts with loaded weights, such as `agents` and `mixer`.
    pub loaded: Vec<&'static str>,
    /// The parts that keep their initial weights.
    pub not_loaded: Vec<&'static str>,
}

impl LoadedParts {
    /// Returns the parts of a learner whose only networks are those of the agents.
    fn agents() -> Self {
        Self { loaded: vec!["agents"], not_loaded: Vec::new() }
    }

    /// Adds a part with whether it was loaded.
    fn and(mut self, part: &'static str, is_loaded: bool) -> Self {
        if is_loaded { &mut self.loaded } else { &mut self.not_loaded }.push(part);
        self
    }
}

/// Parts of a learner that are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveScope {
    /// The weights only.
    Weights,
    /// The weights, target networks, optimizers, replay buffer and random streams.
    Full,
}

/// One file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The name, without a folder.
    pub name: String,
    /// The contents.
    pub bytes: Vec<u8>,
}

impl NamedFile {
    /// Creates a file with this name and contents.
    pub fn new(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), bytes }
    }
}

/// Returns the bytes of the file `name`.
fn file<'a>(files: &'a [NamedFile], name: &str) -> Result<&'a [u8], TrainError> {
    files.iter().find(|file| file.name == name).map(|file| file.bytes.as_slice()).ok_or_else(|| {
        TrainError::NotARun { path: name.into(), reason: "the file is missing".to_owned() }
    })
}

/// The random streams of a saved state, one for each environment.
const EXPLORATION: &str = "the random streams of exploration";

/// Checks that a part of a saved state is as long as that of this run.
fn same_length(what: &str, found: usize, expected: usize) -> Result<(), EnvError> {
    if found == expected {
        return Ok(());
    }
    let reason = format!("it has {found} entries, not {expected}");
    Err(EnvError::BadState { what: what.to_owned(), reason })
}

/// Returns the settings of an algorithm as a table.
fn to_table<A: Serialize>(algorithm: &A) -> Table {
    Table::try_from(algorithm).expect("settings are plain numbers, texts and flags")
}
