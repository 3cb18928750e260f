//! Observers of a run, and the data that they receive.

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
    /// Adds a metric.
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::DuplicateMetric`] if there is already a metric of this name.
    pub fn add(&mut self, name: &str, value: f64) -> Result<(), TrainError> {
        if matches!(name, "t_env" | "seconds") || self.metrics.contains_key(name) {
            return Err(TrainError::DuplicateMetric { name: name.to_owned() });
        }
        self.metrics.insert(name.to_owned(), value);
        Ok(())
    }

    /// Returns the report as a line of `metrics.jsonl`: `t_env`, then the metrics by name.
    pub fn line(&self) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("t_env".to_owned(), self.t_env.into());
        line.extend(self.metrics.iter().map(|(name, &value)| {
            let counts = matches!(name.as_str(), "episode" | "crashes" | "test_crashes");
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
///
/// Every method has a default that does nothing.
///
/// ```
/// use phalanx_train::{Observer, Report, TrainError};
///
/// /// Logs the largest mean return so far as `return_max`.
/// struct LargestReturn(f64);
///
/// impl Observer for LargestReturn {
///     fn metrics(&mut self, report: &mut Report) -> Result<(), TrainError> {
///         if let Some(&mean) = report.metrics.get("return_mean") {
///             self.0 = self.0.max(mean);
///         }
///         report.add("return_max", self.0)
///     }
/// }
/// ```
pub trait Observer: Send {
    /// Called at the start of a run and after every iteration.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// Called with messages at startup, such as the memory that the replay buffer needs.
    ///
    /// # Errors
    ///
    /// Returning an error ends the run.
    fn info(&mut self, message: &str) -> Result<(), TrainError> {
        let _ = message;
        Ok(())
    }

    /// Adds metrics at a log point ([`Report::add`]). It is called for all observers, in the order in which
    /// they were added, before [`Observer::report`] is called for any of them: the metrics reach
    /// `metrics.jsonl`, TensorBoard and every other observer.
    ///
    /// # Errors
    ///
    /// Returning an error ends the run.
    fn metrics(&mut self, report: &mut Report) -> Result<(), TrainError> {
        let _ = report;
        Ok(())
    }

    /// Called at every log point.
    ///
    /// # Errors
    ///
    /// Returning an error ends the run.
    fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        let _ = report;
        Ok(())
    }

    /// Called with warnings, after which the run continues.
    ///
    /// # Errors
    ///
    /// Returning an error ends the run.
    fn warn(&mut self, message: &str) -> Result<(), TrainError> {
        let _ = message;
        Ok(())
    }
}
