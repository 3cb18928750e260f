//! The training loop of a run: iterate, evaluate, log, save.

use std::path::Path;

use super::checkpoint::{RunCheckpoints, RunState};
use super::ended::{Ended, RunSummary};
use super::folder::{RunFolder, RunInfo};
use super::log::RunLog;
use super::loop_state::{Every, LoopState};
use super::observer::{Progress, Report};
use super::trainer::Trainer;
use crate::config::{RunConfig, run_defaults};
use crate::device::AUTO;
use crate::error::TrainError;

/// Trains from the start in a folder at `path`; see [`Trainer::run`].
pub(super) fn run(
    trainer: &mut Trainer,
    path: &Path,
    overwrite: bool,
) -> Result<RunSummary, TrainError> {
    // Errors are found before anything is written.
    let initial = trainer.session()?.initial.clone();
    let info = info(trainer)?;
    let config = trainer.config.clone();
    let _lock = RunFolder::lock(path)?;
    let folder = RunFolder::create(path, &info, overwrite)?;
    if let Some(initial) = initial {
        folder.record_initial_weights(initial)?;
    }
    trainer.add_observer(Box::new(RunLog::create(folder, &info, config.seed)?))?;
    trainer.send_progress();
    trainer.send_startup_messages()?;
    let first = trainer.evaluate()?;
    let mut state = LoopState::new(&config, trainer.progress(), first);
    let stop = report(trainer, &mut state, true)?;
    let files = trainer.weights()?;
    RunCheckpoints::of(path).save(0, &files, true, false)?;
    if stop {
        return end_by_rule(trainer, path, state, true);
    }
    train_loop(trainer, path, state)
}

/// Resumes the run at `path`; see [`Trainer::resume`].
pub(super) fn resume(trainer: &mut Trainer, path: &Path) -> Result<RunSummary, TrainError> {
    let cannot = |reason: String| TrainError::NothingToResume { path: path.to_owned(), reason };
    let (folder, run) = RunFolder::open(path)?;
    let _lock = RunFolder::lock(path)?;
    if trainer.config.device == AUTO {
        // It was chosen at the start of the run.
        let chosen = run.config.get("device").and_then(|name| name.as_str());
        chosen
            .ok_or_else(|| cannot("its config.toml names no device".to_owned()))?
            .clone_into(&mut trainer.config.device);
    }
    trainer.prepare()?;
    let ours = info(trainer)?;
    let mut defaults = run_defaults();
    defaults.extend(trainer.algorithm().defaults());
    if let Some(key) = difference(&run, &ours, &defaults) {
        return Err(cannot(format!("its `{key}` differs")));
    }
    let finished =
        |t_env, state_kept| TrainError::Finished { path: path.into(), t_env, state_kept };
    let Some(files) = RunState::of(path).load()? else {
        return Err(match finished_at(&folder, &run)? {
            Some(t_env) => finished(t_env, false),
            None => cannot("no state was saved yet (save_state_interval)".to_owned()),
        });
    };
    let (state, cursor, seconds) = LoopState::read(&files).map_err(cannot)?;
    let (reached, t_max) = (cursor.t_env(), trainer.config.t_max);
    let same = run.config.get("t_max") == ours.config.get("t_max");
    let ended = folder.ended();
    // If the run was killed after its last iteration, only its end is missing.
    let at_its_end = same && state.pending && ended.is_none();
    if t_max <= reached && !at_its_end {
        return Err(match ended {
            Some((_, t_env)) if same => finished(t_env, true),
            _ => cannot(format!(
                "it has reached {reached} environment steps; t_max={t_max} must be larger"
            )),
        });
    }
    trainer.load(&files)?;
    trainer.set_earlier_seconds(seconds)?;
    folder.describe(&ours)?;
    RunCheckpoints::of(path).restore_best(state.best.0)?;
    let log = RunLog::reopen(folder, &ours, trainer.config.seed, &cursor)?;
    trainer.add_observer(Box::new(log))?;
    trainer.send_progress();
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

/// Returns the environment steps after which a run without a saved state ended, if it did.
fn finished_at(folder: &RunFolder, run: &RunInfo) -> Result<Option<u64>, TrainError> {
    if let Some((_, t_env)) = folder.ended() {
        return Ok(Some(t_env));
    }
    // Earlier versions did not record it.
    let t_max = run.config.get("t_max").and_then(toml::Value::as_integer).unwrap_or(i64::MAX);
    let last = RunCheckpoints::of(folder.path()).index()?.last;
    Ok(last.filter(|&last| last >= t_max as u64))
}

/// Returns the first setting of a resumed run that differs but must not.
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
    trainer: &mut Trainer,
    path: &Path,
    mut state: LoopState,
) -> Result<RunSummary, TrainError> {
    let config = trainer.config.clone();
    let mut save_state = Every::steps(config.save_state_interval);
    save_state.is_due(trainer.progress().t_env);
    loop {
        let resumed = std::mem::take(&mut state.pending);
        let progress = if resumed { trainer.progress() } else { trainer.iterate()? };
        let finished = progress.t_env >= config.t_max;
        if finished && config.keep_state {
            keep_state(trainer, path, LoopState { pending: true, ..state.clone() })?;
        }
        let test = state.test.is_due(progress.t_env) || finished;
        if test {
            evaluate(trainer, path, &mut state, finished)?;
        }
        let log = state.log.is_due(progress.t_env) || test;
        let stop = log && report(trainer, &mut state, test)?;
        if finished {
            return end(trainer, path, state, Ended::TMax);
        }
        if stop {
            return end_by_rule(trainer, path, state, test);
        }
        let stop = trainer.stop_requested();
        if save_state.is_due(progress.t_env) || stop {
            state.save(trainer, path)?;
        }
        if stop {
            return Err(TrainError::Stopped { path: path.to_owned(), t_env: progress.t_env });
        }
    }
}

/// Evaluates the current policy, and saves a checkpoint if it is the best one, one to be kept or the last
/// one.
fn evaluate(
    trainer: &mut Trainer,
    path: &Path,
    state: &mut LoopState,
    last: bool,
) -> Result<(), TrainError> {
    let t_env = trainer.progress().t_env;
    state.last = trainer.evaluate()?;
    // A tie goes to the later policy, which has trained longer.
    let better = state.last.score() >= state.best.1.score();
    let keep = state.save.is_due(t_env);
    if better {
        state.best = (t_env, state.last.clone());
    }
    if better || keep || last {
        let files = trainer.weights()?;
        RunCheckpoints::of(path).save(t_env, &files, better, keep)?;
    }
    Ok(())
}

/// Ends a run by its stopping rule; `tested` is whether the current policy has been evaluated.
fn end_by_rule(
    trainer: &mut Trainer,
    path: &Path,
    mut state: LoopState,
    tested: bool,
) -> Result<RunSummary, TrainError> {
    if trainer.config.keep_state {
        keep_state(trainer, path, state.clone())?;
    }
    let checkpoints = RunCheckpoints::of(path);
    let t_env = trainer.progress().t_env;
    if !tested {
        evaluate(trainer, path, &mut state, true)?;
        report(trainer, &mut state, true)?;
    } else if checkpoints.index()?.last != Some(t_env) {
        let files = trainer.weights()?;
        checkpoints.save(t_env, &files, false, false)?;
    }
    end(trainer, path, state, Ended::StoppingRule)
}

/// Saves the state of a run that ends, and protects the checkpoint that is the best one in this state.
fn keep_state(trainer: &mut Trainer, path: &Path, state: LoopState) -> Result<(), TrainError> {
    RunCheckpoints::of(path).protect_best(state.best.0)?;
    state.save(trainer, path)
}

/// Records in the folder that the run has ended.
fn end(
    trainer: &Trainer,
    path: &Path,
    state: LoopState,
    ended: Ended,
) -> Result<RunSummary, TrainError> {
    let progress = trainer.progress();
    RunFolder::at(path).end(ended, progress.t_env)?;
    if !trainer.config.keep_state {
        RunState::of(path).remove()?;
    }
    let LoopState { last, best, .. } = state;
    Ok(RunSummary { path: path.to_owned(), ended, progress, last, best })
}

/// Reports the metrics since the last report, and the last evaluation if it is new. Returns whether a
/// stopping rule ends the run.
fn report(trainer: &mut Trainer, state: &mut LoopState, tested: bool) -> Result<bool, TrainError> {
    let progress = trainer.progress();
    let evaluation = tested.then(|| state.last.clone());
    let mut metrics = trainer.take_means()?;
    let seconds = (progress.seconds - state.last_log.seconds).max(1e-9);
    let rate = |now: u64, then: u64| (now - then) as f64 / seconds;
    metrics.insert("episode".to_owned(), progress.episodes as f64);
    metrics.insert("steps_per_second".to_owned(), rate(progress.t_env, state.last_log.t_env));
    metrics.insert("updates_per_second".to_owned(), rate(progress.updates, state.last_log.updates));
    metrics.insert("crashes".to_owned(), trainer.crashes() as f64);
    if let Some(factor) = trainer.learning_rate_factor()? {
        metrics.insert("lr_factor".to_owned(), factor);
    }
    if let Some(evaluation) = &evaluation {
        metrics.extend(evaluation.means.clone());
    }
    state.last_log = progress;
    let Progress { t_env, seconds, .. } = progress;
    trainer.report(Report { t_env, seconds, metrics, evaluation })
}
