//! The state of the training loop, as saved with the state of the trainer.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::checkpoint::{RunCheckpoints, RunState};
use super::evaluate::Evaluation;
use super::log::LogCursor;
use super::observer::Progress;
use super::trainer::Trainer;
use crate::algorithms::NamedFile;
use crate::config::RunConfig;
use crate::error::TrainError;

/// An event that is due after every `interval` environment steps; never, if that is zero.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Every {
    interval: u64,
    next: u64,
}

impl Every {
    pub(super) fn steps(interval: u64) -> Self {
        Self { interval, next: interval }
    }

    /// Returns whether the event is due.
    pub(super) fn would_be_due(&self, t_env: u64) -> bool {
        self.interval > 0 && t_env >= self.next
    }

    /// Returns whether the event is due, and if so, sets the next time.
    pub(super) fn is_due(&mut self, t_env: u64) -> bool {
        let due = self.would_be_due(t_env);
        if due {
            self.next = t_env - t_env % self.interval + self.interval;
        }
        due
    }
}

/// The state of the loop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LoopState {
    pub(super) log: Every,
    pub(super) test: Every,
    pub(super) save: Every,
    pub(super) last_log: Progress,
    pub(super) last: Evaluation,
    pub(super) best: (u64, Evaluation),
    /// Whether the evaluation, checkpoint and log line after the last iteration are still missing.
    /// The state of a finished run is saved before them, because they are due at other steps if the
    /// run is extended; so is that of a run that is stopped during an evaluation.
    #[serde(default)]
    pub(super) pending: bool,
    /// Whether the first evaluation, before training, has been played.
    #[serde(default = "yes")]
    pub(super) begun: bool,
}

fn yes() -> bool {
    true
}

/// The file of a saved state that holds the [`LoopState`] and the lengths of the logs.
const LOOP_STATE: &str = "position.json";

impl LoopState {
    /// Creates the state at the start of a run, after its first evaluation.
    pub(super) fn new(config: &RunConfig, start: Progress, first: Evaluation) -> Self {
        Self {
            log: Every::steps(config.log_interval),
            test: Every::steps(config.test_interval),
            save: Every::steps(config.save_model_interval),
            last_log: start,
            best: (start.t_env, first.clone()),
            last: first,
            pending: false,
            begun: true,
        }
    }

    /// Saves this state and that of the trainer in the folder of the run at `path`. The best checkpoint is kept as
    /// long as the state is.
    pub(super) fn save(&self, trainer: &mut Trainer, path: &Path) -> Result<(), TrainError> {
        let progress = trainer.progress();
        let mut files = trainer.save()?;
        let cursor = LogCursor::here(path, progress.t_env)?;
        let bytes = serde_json::to_vec(&(self, cursor, progress.seconds));
        let bytes = bytes.expect("the state of the loop is plain data");
        files.push(NamedFile::new(LOOP_STATE, bytes));
        files.push(trainer.identity(path)?.file());
        if self.begun {
            RunCheckpoints::of(path).protect_best(self.best.0)?;
        }
        RunState::of(path).save(progress.t_env, &files)
    }

    /// Reads the state from the files of a saved state, with the lengths of the logs and the seconds of
    /// training. The error is the reason.
    pub(super) fn read(files: &[NamedFile]) -> Result<(Self, LogCursor, f64), String> {
        let file = files.iter().find(|file| file.name == LOOP_STATE);
        let file = file.ok_or_else(|| format!("its saved state lacks {LOOP_STATE}"))?;
        serde_json::from_slice(&file.bytes).map_err(|error| format!("{LOOP_STATE}: {error}"))
    }
}
