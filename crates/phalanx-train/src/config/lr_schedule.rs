//! The schedules of the learning rate.

use serde::{Deserialize, Serialize};

/// Schedule of the learning rate, for every algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LrSchedule {
    /// The learning rate is constant.
    #[default]
    Constant,
    /// The learning rate changes linearly.
    Linear,
    /// The learning rate changes along half a cosine wave.
    Cosine,
    /// The schedule is a function of the program
    /// ([`Trainer::learning_rate`](crate::Trainer::learning_rate)). It appears in a run's
    /// `config.toml` and cannot be selected by name.
    Custom,
}
