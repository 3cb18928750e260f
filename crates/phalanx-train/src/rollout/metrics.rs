//! Training metrics: running means and counters.

use std::collections::BTreeMap;

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};

/// Means of named quantities since the last log point, and counters since the start of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Sum and number of values, by name.
    sums: BTreeMap<String, (f64, u64)>,
    /// Episodes finished since the start of the run.
    pub episodes: u64,
    /// Environment steps since the start of the run.
    pub t_env: u64,
    /// Updates of the networks since the start of the run.
    pub updates: u64,
    /// Environments that panicked since the start of the run.
    pub crashes: u64,
}

impl Metrics {
    /// Adds one value of the quantity `name`.
    pub fn add(&mut self, name: &str, value: f64) {
        if let Some((sum, n)) = self.sums.get_mut(name) {
            *sum += value;
            *n += 1;
        } else {
            self.sums.insert(name.to_owned(), (value, 1));
        }
    }

    /// Adds a finished episode with its return, its length in steps and the environment's metrics
    /// `info`.
    pub fn episode(&mut self, spec: &EnvSpec, total: f64, length: usize, info: &[f32]) {
        self.episodes += 1;
        self.add("return_mean", total);
        self.add("ep_length_mean", length as f64);
        for (name, &value) in spec.info.iter().zip(info) {
            self.add(&format!("{name}_mean"), f64::from(value));
        }
    }

    /// Returns the means by name and clears them.
    pub fn take_means(&mut self) -> BTreeMap<String, f64> {
        let sums = std::mem::take(&mut self.sums);
        sums.into_iter().map(|(name, (sum, n))| (name, sum / n as f64)).collect()
    }
}
