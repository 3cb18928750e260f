//! The keys every run has, whatever its algorithm.

use serde::{Deserialize, Serialize};

use phalanx_core::settings::InvalidSetting;

/// The keys every run has, named as in PyMARL where it has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The seed of every random stream.
    pub seed: u64,
    /// How many environment steps to train for, summed over all parallel environments.
    pub t_max: u64,
    /// How many greedy episodes an evaluation plays.
    pub test_nepisode: usize,
    /// How many environment steps lie between two evaluations.
    pub test_interval: u64,
    /// How many environment steps lie between two lines of `metrics.jsonl`.
    pub log_interval: u64,
    /// How many environment steps lie between two checkpoints; the best and the last policy are
    /// kept besides. Zero keeps those two alone.
    pub save_model_interval: u64,
    /// How many environment steps lie between two savings of the whole state, from which an
    /// interrupted run can be resumed. Zero saves none.
    pub save_state_interval: u64,
    /// Where networks learn: `cpu`, `ndarray`, `wgpu`, or `auto` for the one whose updates are
    /// fastest here, which is then written in its place.
    pub device: String,
    /// How many threads act, learn and step environments; zero takes one per core. Results do not
    /// depend on it.
    pub threads: usize,
    /// The folder that holds all runs.
    pub results_dir: String,
    /// Arguments of the environment.
    pub env_args: toml::Table,
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
            env_args: toml::Table::new(),
        }
    }
}

impl RunConfig {
    /// The keys that may change when a run is resumed: but for rounding on another device, they
    /// have no influence on what is learned.
    pub const FREE: [&str; 5] =
        ["t_max", "save_state_interval", "device", "threads", "results_dir"];

    /// Values that are of the right type and still make no sense.
    pub fn problems(&self) -> Vec<InvalidSetting> {
        let mut problems = Vec::new();
        InvalidSetting::check(&mut problems, self.t_max > 0, "t_max", "must be at least 1");
        InvalidSetting::check(
            &mut problems,
            self.test_nepisode > 0,
            "test_nepisode",
            "must be at least 1",
        );
        InvalidSetting::check(
            &mut problems,
            self.test_interval > 0,
            "test_interval",
            "must be at least 1",
        );
        InvalidSetting::check(
            &mut problems,
            self.log_interval > 0,
            "log_interval",
            "must be at least 1",
        );
        // TOML has signed 64-bit integers only.
        let signed = i64::try_from(self.seed).is_ok();
        InvalidSetting::check(&mut problems, signed, "seed", "must be below 2^63");
        problems
    }
}
