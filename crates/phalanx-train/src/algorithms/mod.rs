//! Algorithms: one file each, and one line in [`ALGORITHMS`].

mod pending_metrics;
mod policy_gradient;
mod q_learning;
mod transfer;

pub use policy_gradient::{
    CriticInput, Happo, Ia2c, Ippo, Maa2c, Mappo, NormaliseAdvantage, PolicyGradient,
    PolicyLearner, RolloutBatch, SequentialPpo, UpdateOrder,
};
pub use q_learning::{
    Acting, Bytes, ConcaveQ, ConvexName, CwQmix, Estimator, Experience, Factorisation,
    FirstLayerName, Iql, Loss, Mlp, Monotone, NetworkSize, OptimizerName, Overlap, OwQmix, Plan,
    PolicyLoss, PositiveName, Pqn, PqnIql, PqnVdn, QLearning, Qatten, Qmix, Qplex, Qtran,
    ReplayLearner, ResQ, SearchName, TargetUpdate, Targets, TdError, Vdn, WeightedSettings, number,
};
pub use q_learning::{Mixed, MixedNetworks};

use phalanx_core::env::{EnvSpec, VecEnv};
use phalanx_core::nn::Device;
use phalanx_envs::arguments::nearest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use crate::config::{ConfigError, Problem};
use crate::error::TrainError;
use crate::rollout::{Metrics, Policy};

/// All algorithms of the command line.
pub static ALGORITHMS: &[AlgorithmEntry] = &[
    AlgorithmEntry::of::<Iql>("iql", "independent Q-learning: every agent for itself"),
    AlgorithmEntry::of::<Vdn>("vdn", "value decomposition: the utilities add up"),
    AlgorithmEntry::of::<Qmix>("qmix", "monotonic mixing of utilities by a hypernetwork"),
    AlgorithmEntry::of::<Qplex>(
        "qplex",
        "duplex duelling: any joint value that agrees on the best",
    ),
    AlgorithmEntry::of::<Qatten>("qatten", "a sum of utilities weighted by attention to the state"),
    AlgorithmEntry::of::<Qtran>("qtran", "a joint value, and utilities whose sum transforms it"),
    AlgorithmEntry::of::<OwQmix>("ow_qmix", "weighted QMIX that trusts what is underestimated"),
    AlgorithmEntry::of::<CwQmix>("cw_qmix", "weighted QMIX that trusts the best joint action"),
    AlgorithmEntry::of::<ResQ>("resq", "QMIX plus a residual that leaves its best action alone"),
    AlgorithmEntry::of::<Mlp>("mlp", "unrestricted mixing by a plain network"),
    AlgorithmEntry::of::<ConcaveQ>(
        "concaveq",
        "concave mixing, iterative selection, local policies",
    ),
    AlgorithmEntry::of::<PqnVdn>("pqn_vdn", "VDN from rollouts: no replay, no target networks"),
    AlgorithmEntry::of::<PqnIql>("pqn_iql", "IQL from rollouts: no replay, no target networks"),
    AlgorithmEntry::of::<Ippo>("ippo", "independent proximal policy optimisation"),
    AlgorithmEntry::of::<Mappo>("mappo", "PPO with a value of the agent-specific state"),
    AlgorithmEntry::of::<Happo>("happo", "PPO whose agents improve one after another"),
    AlgorithmEntry::of::<SequentialPpo>(
        "sequential_ppo",
        "localised advantages one after another, held near the old policy",
    ),
    AlgorithmEntry::of::<Ia2c>("ia2c", "independent advantage actor-critic"),
    AlgorithmEntry::of::<Maa2c>("maa2c", "advantage actor-critic with a central value"),
];

/// The algorithm called `name` on the command line.
///
/// # Errors
///
/// When there is none; the error names the one most like it.
pub fn algorithm(name: &str) -> Result<&'static AlgorithmEntry, ConfigError> {
    ALGORITHMS.iter().find(|entry| entry.id == name).ok_or_else(|| {
        let nearest = nearest(name, ALGORITHMS.iter().map(|entry| entry.id));
        ConfigError::UnknownAlgorithm {
            name: name.to_owned(),
            nearest: nearest.unwrap_or_default().to_owned(),
        }
    })
}

/// An algorithm with its settings: a plain value with public fields, from which a learner is made.
pub trait Algorithm: Send + Sync {
    /// The name on the command line, such as `qmix`.
    fn id(&self) -> &'static str;

    /// The settings, as the configuration file shows them.
    fn table(&self) -> Table;

    /// Settings of the right type that make no sense.
    fn problems(&self) -> Vec<Problem>;

    /// Settings that do not suit an environment.
    fn problems_in(&self, spec: &EnvSpec) -> Vec<Problem> {
        let _ = spec;
        Vec::new()
    }

    /// A learner for an environment, with fresh networks.
    fn learner(&self, setup: &Setup) -> Box<dyn Learner>;
}

/// What a learner is made for.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The environment.
    pub spec: EnvSpec,
    /// The seed of every random stream.
    pub seed: u64,
    /// Where the networks learn.
    pub device: Device,
}

/// Collects experience and learns from it.
pub trait Learner: Send {
    /// The number of environments the learner acts in at once.
    fn n_envs(&self) -> usize;

    /// One iteration: a rollout in `envs` and the updates that follow it. Steps, episodes, updates
    /// and means are added to `metrics`.
    ///
    /// # Errors
    ///
    /// When a loss is not finite any more.
    fn iterate(&mut self, envs: &mut dyn VecEnv, metrics: &mut Metrics) -> Result<(), TrainError>;

    /// Waits for updates that a device is still computing, and adds what they tell to `metrics`. Nothing that is
    /// learned or played depends on when it is called.
    ///
    /// # Errors
    ///
    /// When a loss is not finite any more.
    fn settle(&mut self, metrics: &mut Metrics) -> Result<(), TrainError> {
        let _ = metrics;
        Ok(())
    }

    /// The learned value of each joint action `[agent]` of `actions`, taken at the first step of an
    /// episode with the observations `[agent, obs_dim]` and the state `[state_dim]`; `None` where
    /// no joint action value is learned.
    fn joint_values(&self, obs: &[f32], state: &[f32], actions: &[u16]) -> Option<Vec<f32>> {
        let _ = (obs, state, actions);
        None
    }

    /// What a user should know before a run starts, such as the memory it will take.
    fn notice(&self) -> Option<String> {
        None
    }

    /// What is needed to act as the learner would act now.
    fn policy(&self) -> Policy;

    /// The learner as named files: weights only, or everything an exact continuation needs.
    ///
    /// # Errors
    ///
    /// When weights cannot be read from the device.
    fn save(&self, contents: Contents) -> Result<Vec<SavedFile>, TrainError>;

    /// Takes over what [`Learner::save`] wrote with [`Contents::Everything`].
    ///
    /// # Errors
    ///
    /// When a file is missing, damaged or belongs to other networks.
    fn load(&mut self, files: &[SavedFile]) -> Result<(), TrainError>;
}

/// How much of a learner is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// The weights.
    Weights,
    /// The weights, targets, optimizers, experience and random streams.
    Everything,
}

/// One file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFile {
    /// The name, without a folder.
    pub name: String,
    /// The contents.
    pub bytes: Vec<u8>,
}

impl SavedFile {
    /// A file of this name.
    pub fn new(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), bytes }
    }
}

/// The bytes of the file `name`.
fn file<'a>(files: &'a [SavedFile], name: &str) -> Result<&'a [u8], TrainError> {
    files.iter().find(|file| file.name == name).map(|file| file.bytes.as_slice()).ok_or_else(|| {
        TrainError::NotARun { path: name.into(), reason: "the file is missing".to_owned() }
    })
}

/// A line of [`ALGORITHMS`].
#[derive(Debug)]
pub struct AlgorithmEntry {
    /// The name on the command line.
    pub id: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    defaults: fn() -> Table,
    read: fn(&Table) -> Result<Box<dyn Algorithm>, toml::de::Error>,
}

impl AlgorithmEntry {
    const fn of<A>(id: &'static str, summary: &'static str) -> Self
    where
        A: Algorithm + Default + Serialize + DeserializeOwned + 'static,
    {
        Self {
            id,
            summary,
            defaults: || A::default().table(),
            read: |table| Ok(Box::new(table.clone().try_into::<A>()?)),
        }
    }

    /// The algorithm's keys and their defaults.
    pub fn defaults(&self) -> Table {
        (self.defaults)()
    }

    /// The algorithm with the settings of a table, which may hold other keys besides.
    ///
    /// # Errors
    ///
    /// When a key is missing or has the wrong type.
    pub fn read(&self, table: &Table) -> Result<Box<dyn Algorithm>, toml::de::Error> {
        (self.read)(table)
    }
}

/// The table of a settings struct.
fn settings<A: Serialize>(algorithm: &A) -> Table {
    Table::try_from(algorithm).expect("settings are plain numbers, texts and flags")
}
