//! The keys that every run has, for all algorithms.

use serde::{Deserialize, Serialize};

use phalanx_core::settings::{Check, InvalidSetting, fields};

use super::builder::run_defaults;
use super::lr_schedule::LrSchedule;
use crate::algorithms::Algorithm;

/// The keys that every run has, with PyMARL's names where it has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The seed of every random stream.
    pub seed: u64,
    /// The number of environment steps to train for, summed over all parallel environments.
    pub t_max: u64,
    /// How the learning rate changes during training, as a function of `t_env / t_max`: `constant`,
    /// `linear` or `cosine`. It multiplies the algorithm's `lr` and cannot be combined with
    /// `lr_anneal_time`. Resuming with another `t_max` changes the schedule, unless it is constant.
    #[serde(default)]
    pub lr_schedule: LrSchedule,
    /// The factor of the learning rate at `t_max` under a `linear` or `cosine` schedule.
    #[serde(default)]
    pub lr_schedule_final: f64,
    /// The number of greedy episodes in each evaluation.
    pub test_nepisode: usize,
    /// The number of environment steps between evaluations.
    pub test_interval: u64,
    /// The number of environment steps between two lines of `metrics.jsonl`.
    pub log_interval: u64,
    /// The number of environment steps between checkpoints that are kept besides the best and the
    /// latest; zero keeps only these two.
    pub save_model_interval: u64,
    /// The number of environment steps between saves of the full training state, from which an
    /// interrupted run can be resumed; zero disables them.
    pub save_state_interval: u64,
    /// Whether the full training state of a finished run is kept, so that the run can be extended
    /// with a larger `t_max`.
    #[serde(default)]
    pub keep_state: bool,
    /// The device on which networks are trained: `cpu`, `ndarray`, `wgpu` or `auto`, which selects
    /// the device with the fastest updates and is replaced by its name.
    pub device: String,
    /// The number of threads for acting, learning and stepping environments; zero uses one per
    /// core. Results do not depend on it.
    pub threads: usize,
    /// The folder that holds all runs.
    pub results_dir: String,
    /// The folder of another run, whose best policy gives the agents their first weights
    /// ([`Trainer::init_from`](crate::Trainer::init_from)); empty for random weights.
    #[serde(default)]
    pub init_from: String,
    /// The encoder of observations at the beginning of every agent's network, by name
    /// ([`Encoders`](crate::Encoders)), or `none`.
    #[serde(default = "no_encoder")]
    pub encoder: String,
    /// Settings of the encoder; those that are missing have their defaults.
    #[serde(default)]
    pub encoder_args: toml::Table,
    /// Arguments of the environment.
    pub env_args: toml::Table,
}

fn no_encoder() -> String {
    crate::encoders::NONE.to_owned()
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            t_max: 1_000_000,
            lr_schedule: LrSchedule::Constant,
            lr_schedule_final: 0.0,
            test_nepisode: 32,
            test_interval: 10_000,
            log_interval: 10_000,
            save_model_interval: 0,
            save_state_interval: 200_000,
            keep_state: false,
            device: "cpu".to_owned(),
            threads: 0,
            results_dir: "results".to_owned(),
            init_from: String::new(),
            encoder: no_encoder(),
            encoder_args: toml::Table::new(),
            env_args: toml::Table::new(),
        }
    }
}

impl RunConfig {
    /// The keys that may change when a run is resumed. They have no influence on training, with two
    /// exceptions: another device rounds differently, and another `t_max` changes a learning-rate
    /// schedule.
    pub const CHANGEABLE_ON_RESUME: [&str; 6] =
        ["t_max", "save_state_interval", "keep_state", "device", "threads", "results_dir"];

    /// Returns the defaults of a run with this algorithm ([`Algorithm::run_defaults`]).
    ///
    /// # Panics
    ///
    /// Panics if the algorithm states a key that runs do not have, or a value of the wrong type.
    pub fn of(algorithm: &dyn Algorithm) -> Self {
        let mut table = run_defaults();
        for (key, value) in algorithm.run_defaults() {
            let before = table.insert(key.clone(), value);
            assert!(before.is_some(), "{}: runs have no key `{key}`", algorithm.id());
        }
        table.try_into().unwrap_or_else(|error| panic!("{}: {error}", algorithm.id()))
    }

    /// Returns the invalid settings.
    pub fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: t_max, test_interval, log_interval));
        check.at_least_one(fields!(self: test_nepisode));
        let last = self.lr_schedule_final;
        let reason = "must be finite and not negative";
        check.that(last.is_finite() && last >= 0.0, "lr_schedule_final", reason);
        // TOML has signed 64-bit integers only.
        check.that(i64::try_from(self.seed).is_ok(), "seed", "must be below 2^63");
        check.finish()
    }
}
