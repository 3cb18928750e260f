//! The schedules of the learning rate, by name.

use serde::{Deserialize, Serialize};

/// How the learning rate changes during training, for every algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LrSchedule {
    /// It stays the same.
    #[default]
    Constant,
    /// It changes along a line.
    Linear,
    /// It changes along half a cosine wave.
    Cosine,
    /// A function of the program ([`Trainer::learning_rate`](crate::Trainer::learning_rate)). A run's
    /// `config.toml` names it; it cannot be chosen by name.
    Custom,
}
