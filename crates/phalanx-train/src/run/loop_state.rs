//! The state of the training loop, as saved with the state of the trainer.

use std::path::Path;

use phalanx_core::env::{pack, unpack};
use serde::{Deserialize, Serialize};

use super::checkpoint::{RunCheckpoints, RunState};
use super::evaluate::Evaluation;
use super::log::{LogCursor, TimedEvaluation};
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
    /// All evaluations so far.
    #[serde(skip)]
    pub(super) evaluations: Vec<TimedEvaluation>,
}

/// A saved [`LoopState`], and what was saved with it.
pub(super) struct SavedLoop {
    pub(super) state: LoopState,
    /// Whether the evaluations were saved. Earlier versions did not save them.
    pub(super) has_evaluations: bool,
    pub(super) cursor: LogCursor,
    /// The seconds of training.
    pub(super) seconds: f64,
}

fn yes() -> bool {
    true
}

/// The file of a saved state that holds the [`LoopState`] and the lengths of the logs.
const LOOP_STATE: &str = "position.json";
/// The file that holds the evaluations: in binary, because decimal numbers may lose their last bits.
const EVALUATIONS: &str = "evaluations.bin";

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
            evaluations: Vec::new(),
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
        let mut evaluations = Vec::new();
        pack(&self.evaluations, &mut evaluations);
        files.push(NamedFile::new(EVALUATIONS, evaluations));
        files.push(trainer.identity(path)?.file());
        if self.begun {
            RunCheckpoints::of(path).protect_best(self.best.0)?;
        }
        RunState::of(path).save(progress.t_env, &files)
    }

    /// Reads the state from the files of a saved state. The error is the reason.
    pub(super) fn read(files: &[NamedFile]) -> Result<SavedLoop, String> {
        let find = |name: &str| files.iter().find(|file| file.name == name);
        let file = find(LOOP_STATE).ok_or_else(|| format!("its saved state lacks {LOOP_STATE}"))?;
        let (mut state, cursor, seconds): (Self, LogCursor, f64) =
            serde_json::from_slice(&file.bytes)
                .map_err(|error| format!("{LOOP_STATE}: {error}"))?;
        let evaluations = find(EVALUATIONS);
        if let Some(file) = evaluations {
            state.evaluations =
                unpack(EVALUATIONS, &file.bytes).map_err(|error| error.to_string())?;
            // To the last bit, which decides ties.
            for TimedEvaluation { t_env, evaluation, .. } in &state.evaluations {
                state.last.clone_from(evaluation);
                if *t_env == state.best.0 {
                    state.best.1.clone_from(evaluation);
                }
            }
        }
        Ok(SavedLoop { state, has_evaluations: evaluations.is_some(), cursor, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_score_is_the_same_to_the_last_bit() {
        let evaluation = |mean: f64| Evaluation {
            episodes: 1,
            means: [("test_return_mean".to_owned(), mean)].into(),
            returns: vec![mean],
            crashes: 0,
        };
        let start = Progress { t_env: 0, t_max: 10, episodes: 0, updates: 0, seconds: 0.0 };
        let mut state = LoopState::new(&RunConfig::default(), start, evaluation(0.0));
        let mut rng = phalanx_core::rng::Rng::stream(1, phalanx_core::rng::Purpose::Check, 0);
        for t_env in 0..200 {
            let evaluation = evaluation(f64::from(rng.uniform()) / 3.0);
            state.best = (t_env, evaluation.clone());
            state.last = evaluation.clone();
            state.evaluations.push(TimedEvaluation { t_env, seconds: 0.1, evaluation });
            let cursor = serde_json::json!({ "t_env": 1, "metrics": 0, "text": 0, "board": 0 });
            let position = serde_json::to_vec(&(&state, cursor, 0.1)).expect("plain data");
            let mut evaluations = Vec::new();
            pack(&state.evaluations, &mut evaluations);
            let files =
                [NamedFile::new(LOOP_STATE, position), NamedFile::new(EVALUATIONS, evaluations)];
            let read = LoopState::read(&files).expect("it is whole");
            assert!(read.has_evaluations);
            assert_eq!((&read.state.best, &read.state.last), (&state.best, &state.last));
        }
    }
}
