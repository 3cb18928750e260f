//! The keys that every run has, whatever its algorithm.

use serde::{Deserialize, Serialize};

use phalanx_core::settings::{Check, InvalidSetting, fields};

/// The keys that every run has, named as in PyMARL where it has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The seed of every random stream.
    pub seed: u64,
    /// The number of environment steps to train for, summed over all parallel environments.
    pub t_max: u64,
    /// The number of greedy episodes per evaluation.
    pub test_nepisode: usize,
    /// The number of environment steps between evaluations.
    pub test_interval: u64,
    /// The number of environment steps between lines of `metrics.jsonl`.
    pub log_interval: u64,
    /// The number of environment steps between checkpoints that are kept in addition to the best and
    /// the latest one; zero keeps only those two.
    pub save_model_interval: u64,
    /// The number of environment steps between saves of the full training state, from which an
    /// interrupted run can be resumed; zero disables them.
    pub save_state_interval: u64,
    /// The device on which networks learn: `cpu`, `ndarray`, `wgpu`, or `auto` for the one with the
    /// fastest updates, whose name then replaces `auto`.
    pub device: String,
    /// The number of threads that act, learn and step environments; zero uses one per core. Results
    /// do not depend on it.
    pub threads: usize,
    /// The folder of all runs.
    pub results_dir: String,
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
            test_nepisode: 32,
            test_interval: 10_000,
            log_interval: 10_000,
            save_model_interval: 0,
            save_state_interval: 200_000,
            device: "cpu".to_owned(),
            threads: 0,
            results_dir: "results".to_owned(),
            encoder: no_encoder(),
            encoder_args: toml::Table::new(),
            env_args: toml::Table::new(),
        }
    }
}

impl RunConfig {
    /// The keys that may change when a run is resumed. Apart from rounding on another device, they
    /// have no influence on what is learned.
    pub const CHANGEABLE_ON_RESUME: [&str; 5] =
        ["t_max", "save_state_interval", "device", "threads", "results_dir"];

    /// Returns the invalid settings.
    pub fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: t_max, test_interval, log_interval));
        check.at_least_one(fields!(self: test_nepisode));
        // TOML has signed 64-bit integers only.
        check.that(i64::try_from(self.seed).is_ok(), "seed", "must be below 2^63");
        check.finish()
    }
}
