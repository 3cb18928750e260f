//! The training loop of a run: iterate, evaluate, log, save.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checkpoint::{RunCheckpoints, RunState};
use super::evaluate::Evaluation;
use super::folder::{RunFolder, RunInfo};
use super::log::{LogCursor, RunLog};
use super::observer::{Progress, Report};
use super::trainer::Trainer;
use crate::algorithms::NamedFile;
use crate::config::{RunConfig, run_defaults};
use crate::device::AUTO;
use crate::error::TrainError;

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// The folder of the run.
    pub path: PathBuf,
    /// The progress at the end of training.
    pub progress: Progress,
    /// The last evaluation.
    pub last: Evaluation,
    /// The best evaluation, and the environment steps before it.
    pub best: (u64, Evaluation),
}

/// An event that is due after every `interval` environment steps; never, if that is zero.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Every {
    interval: u64,
    next: u64,
}

impl Every {
    fn steps(interval: u64) -> Self {
        Self { interval, next: interval }
    }

    /// Returns whether the event is due, and if so, sets the next time.
    fn is_due(&mut self, t_env: u64) -> bool {
        let due = self.interval > 0 && t_env >= self.next;
        if due {
            self.next = t_env - t_env % self.interval + self.interval;
        }
        due
    }
}

/// The state of the loop.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LoopState {
    log: Every,
    test: Every,
    save: Every,
    last_log: Progress,
    last: Evaluation,
    best: (u64, Evaluation),
}

/// The file of a saved state that holds the [`LoopState`] and the lengths of the logs.
const LOOP_STATE: &str = "position.json";

/// Trains from the start in a folder at `path`; see [`Trainer::run`].
pub(super) fn run(
    mut trainer: Trainer,
    path: &Path,
    overwrite: bool,
) -> Result<RunSummary, TrainError> {
    // Errors are found before anything is written.
    trainer.prepare()?;
    let info = info(&mut trainer)?;
    let config = trainer.config.clone();
    let _lock = RunFolder::lock(path)?;
    let folder = RunFolder::create(path, &info, overwrite)?;
    trainer.add_observer(Box::new(RunLog::create(folder, &info, config.seed)?))?;
    trainer.send_startup_message()?;
    let last = trainer.evaluate()?;
    let mut state = LoopState {
        log: Every::steps(config.log_interval),
        test: Every::steps(config.test_interval),
        save: Every::steps(config.save_model_interval),
        last_log: trainer.progress(),
        best: (0, last.clone()),
        last,
    };
    report(&mut trainer, &mut state, true)?;
    let files = trainer.weights()?;
    RunCheckpoints::of(path).save(0, &files, true, false)?;
    train_loop(trainer, path, state)
}

/// Resumes the run at `path`; see [`Trainer::resume`].
pub(super) fn resume(mut trainer: Trainer, path: &Path) -> Result<RunSummary, TrainError> {
    let cannot = |reason: &str| TrainError::NothingToResume {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let (folder, run) = RunFolder::open(path)?;
    let _lock = RunFolder::lock(path)?;
    if trainer.config.device == AUTO {
        // It was chosen at the start of the run.
        let chosen = run.config.get("device").and_then(|name| name.as_str());
        chosen
            .ok_or_else(|| cannot("its config.toml names no device"))?
            .clone_into(&mut trainer.config.device);
    }
    trainer.prepare()?;
    let ours = info(&mut trainer)?;
    let mut defaults = run_defaults();
    defaults.extend(trainer.algorithm().defaults());
    if let Some(key) = difference(&run, &ours, &defaults) {
        return Err(cannot(&format!("its `{key}` differs")));
    }
    let files = RunState::of(path)
        .load()?
        .ok_or_else(|| cannot("no state was saved (save_state_interval), or it has finished"))?;
    let state = files.iter().find(|file| file.name == LOOP_STATE);
    let state = state.ok_or_else(|| cannot(&format!("its saved state lacks {LOOP_STATE}")))?;
    let (state, cursor, seconds): (LoopState, LogCursor, f64) =
        serde_json::from_slice(&state.bytes)
            .map_err(|error| cannot(&format!("{LOOP_STATE}: {error}")))?;
    trainer.load(&files)?;
    trainer.set_earlier_seconds(seconds)?;
    folder.describe(&ours)?;
    let log = RunLog::reopen(folder, &ours, trainer.config.seed, &cursor)?;
    trainer.add_observer(Box::new(log))?;
    train_loop(trainer, path, state)
}

/// Returns the description of the run.
fn info(trainer: &mut Trainer) -> Result<RunInfo, TrainError> {
    Ok(RunInfo {
        alg: trainer.algorithm().id().to_owned(),
        env: trainer.spec()?.id,
        config: trainer.table(),
    })
}

/// Returns the first setting that differs and must not differ in a resumed run.
fn difference(run: &RunInfo, ours: &RunInfo, defaults: &toml::Table) -> Option<String> {
    if run.alg != ours.alg {
        return Some("alg".to_owned());
    }
    if run.env != ours.env {
        return Some("env".to_owned());
    }
    // A setting that did not exist when the run began must have its default.
    let other = |key: &&String| {
        let was = run.config.get(*key).or_else(|| defaults.get(*key));
        !RunConfig::CHANGEABLE_ON_RESUME.contains(&key.as_str()) && was != ours.config.get(*key)
    };
    ours.config.keys().find(other).cloned()
}

/// Trains to the end.
fn train_loop(
    mut trainer: Trainer,
    path: &Path,
    mut state: LoopState,
) -> Result<RunSummary, TrainError> {
    let config = trainer.config.clone();
    let (checkpoints, saved) = (RunCheckpoints::of(path), RunState::of(path));
    let mut save_state = Every::steps(config.save_state_interval);
    save_state.is_due(trainer.progress().t_env);
    loop {
        let progress = trainer.iterate()?;
        let finished = progress.t_env >= config.t_max;
        let test = state.test.is_due(progress.t_env) || finished;
        if test {
            state.last = trainer.evaluate()?;
            // A tie goes to the later policy, which has trained longer.
            let better = state.last.score() >= state.best.1.score();
            let keep = state.save.is_due(progress.t_env);
            if better {
                state.best = (progress.t_env, state.last.clone());
            }
            if better || keep || finished {
                let files = trainer.weights()?;
                checkpoints.save(progress.t_env, &files, better, keep)?;
            }
        }
        if state.log.is_due(progress.t_env) || test {
            report(&mut trainer, &mut state, test)?;
        }
        if finished {
            saved.remove()?;
            let LoopState { last, best, .. } = state;
            return Ok(RunSummary { path: path.to_owned(), progress, last, best });
        }
        let stop = trainer.stop_requested();
        if save_state.is_due(progress.t_env) || stop {
            let mut files = trainer.save()?;
            let cursor = LogCursor::here(path, progress.t_env)?;
            let bytes = serde_json::to_vec(&(&state, cursor, progress.seconds));
            let bytes = bytes.expect("the state of the loop is plain data");
            files.push(NamedFile::new(LOOP_STATE, bytes));
            saved.save(progress.t_env, &files)?;
        }
        if stop {
            return Err(TrainError::Stopped { path: path.to_owned(), t_env: progress.t_env });
        }
    }
}

/// Reports the metrics since the last report, and the last evaluation if it is new.
fn report(trainer: &mut Trainer, state: &mut LoopState, tested: bool) -> Result<(), TrainError> {
    let progress = trainer.progress();
    let evaluation = tested.then(|| state.last.clone());
    let mut metrics = trainer.take_means()?;
    let seconds = (progress.seconds - state.last_log.seconds).max(1e-9);
    let rate = |now: u64, then: u64| (now - then) as f64 / seconds;
    metrics.insert("episode".to_owned(), progress.episodes as f64);
    metrics.insert("steps_per_second".to_owned(), rate(progress.t_env, state.last_log.t_env));
    metrics.insert("updates_per_second".to_owned(), rate(progress.updates, state.last_log.updates));
    metrics.insert("crashes".to_owned(), trainer.crashes() as f64);
    if let Some(evaluation) = &evaluation {
        metrics.extend(evaluation.means.clone());
    }
    state.last_log = progress;
    let seconds = progress.seconds;
    trainer.report(&Report { t_env: progress.t_env, seconds, metrics, evaluation })
}
