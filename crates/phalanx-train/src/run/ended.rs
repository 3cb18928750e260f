//! How a run ended.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::evaluate::Evaluation;
use super::observer::Progress;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It reached `t_max`.
    TMax,
    /// A rule of [`Trainer::stop_if`](crate::Trainer::stop_if) ended it.
    StoppingRule,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// The folder of the run.
    pub path: PathBuf,
    /// Why it ended.
    pub ended: Ended,
    /// The progress at the end of training.
    pub progress: Progress,
    /// The last evaluation.
    pub last: Evaluation,
    /// The best evaluation, and the environment steps before it.
    pub best: (u64, Evaluation),
}
