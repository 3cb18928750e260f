//! Observers of a run, and what they receive.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::evaluate::Evaluation;
use crate::error::TrainError;

/// The progress of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Environment steps so far, over all parallel environments.
    pub t_env: u64,
    /// Environment steps at the end of training.
    pub t_max: u64,
    /// Episodes so far.
    pub episodes: u64,
    /// Updates so far.
    pub updates: u64,
    /// Seconds since training began.
    pub seconds: f64,
}

/// The contents of a log point.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Environment steps so far.
    pub t_env: u64,
    /// Seconds since training began.
    pub seconds: f64,
    /// All metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// The evaluation, if there was one.
    pub evaluation: Option<Evaluation>,
}

impl Report {
    /// Returns the report as a line of `metrics.jsonl`: `t_env`, then the metrics by name.
    pub fn line(&self) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("t_env".to_owned(), self.t_env.into());
        line.extend(self.metrics.iter().map(|(name, &value)| {
            let counts = matches!(name.as_str(), "episode" | "crashes");
            (name.clone(), if counts { Value::from(value as u64) } else { value.into() })
        }));
        line.insert("seconds".to_owned(), self.seconds.into());
        line
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t_env {:>9}", self.t_env)?;
        for (name, short) in [
            ("test_battle_won_mean", "test won"),
            ("test_return_mean", "test return"),
            ("battle_won_mean", "won"),
            ("return_mean", "return"),
            ("ep_length_mean", "length"),
            ("loss_td", "loss_td"),
            ("pg_loss", "pg_loss"),
            ("value_loss", "value_loss"),
            ("epsilon", "epsilon"),
            ("entropy", "entropy"),
        ] {
            if let Some(value) = self.metrics.get(name) {
                write!(f, " | {short} {value:.3}")?;
            }
        }
        if let Some(speed) = self.metrics.get("steps_per_second") {
            write!(f, " | {speed:.0} steps/s")?;
        }
        Ok(())
    }
}

/// Receives progress, metrics and warnings during training: log files, a progress bar, or user code.
pub trait Observer: Send {
    /// Is called after every iteration.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// Is called with messages at startup, such as the memory that the replay buffer needs.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn info(&mut self, message: &str) -> Result<(), TrainError> {
        let _ = message;
        Ok(())
    }

    /// Is called at every log point.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn report(&mut self, report: &Report) -> Result<(), TrainError>;

    /// Is called with warnings, after which the run continues.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn warn(&mut self, message: &str) -> Result<(), TrainError>;
}
