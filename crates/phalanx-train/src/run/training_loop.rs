//! The training loop of a run: iterate, evaluate, log, save.

use std::path::Path;

use super::checkpoint::{CheckpointId, RunCheckpoints, RunState, StateIdentity};
use super::ended::{Ended, RunSummary};
use super::evaluate::Evaluation;
use super::folder::RunFolder;
use super::log::{RunLog, TimedEvaluation, evaluations_on_disk, write_absolute_metrics};
use super::loop_state::{Every, LoopState, SavedLoop};
use super::observer::{Progress, Report};
use super::run_info::RunInfo;
use super::trainer::Trainer;
use crate::config::run_defaults;
use crate::device::AUTO;
use crate::error::TrainError;

/// The episodes of the absolute metrics, as a multiple of those of an evaluation (Gorsane et al. 2022).
const ABSOLUTE_EPISODES: usize = 10;

/// Trains from the start in a folder at `path`; see [`Trainer::run`].
pub(super) fn run(
    trainer: &mut Trainer,
    path: &Path,
    overwrite: bool,
) -> Result<RunSummary, TrainError> {
    // Errors are found before anything is written.
    let initial = trainer.session()?.initial.clone();
    let info = trainer.info()?;
    let seed = trainer.config.seed;
    let (_lock, warning) = RunFolder::lock_or_warn(path)?;
    let folder = RunFolder::create(path, &info, overwrite)?;
    if let Some(initial) = initial {
        folder.record_initial_weights(initial)?;
    }
    trainer.add_observer(Box::new(RunLog::create(folder, &info, seed)?))?;
    trainer.send_progress();
    trainer.send_startup_messages()?;
    warning.map_or(Ok(()), |warning| trainer.warn(&warning))?;
    begin(trainer, path)
}

/// Plays the first evaluation and trains.
fn begin(trainer: &mut Trainer, path: &Path) -> Result<RunSummary, TrainError> {
    let config = trainer.config.clone();
    let start = trainer.progress();
    let before = trainer.test_envs_state()?;
    let Some(first) = trainer.evaluate_unless_stopped()? else {
        let state = LoopState::new(&config, start, Evaluation::default());
        return Err(stop(trainer, path, LoopState { begun: false, ..state }, &before));
    };
    let mut state = LoopState::new(&config, trainer.progress(), first);
    let ends = report(trainer, &mut state, true)?;
    let files = trainer.weights()?;
    RunCheckpoints::of(path).save(0, &files, true, false)?;
    if ends {
        return end_by_rule(trainer, path, state, true);
    }
    train_loop(trainer, path, state)
}

/// Resumes the run at `path`; see [`Trainer::resume`].
pub(super) fn resume(trainer: &mut Trainer, path: &Path) -> Result<RunSummary, TrainError> {
    let cannot = |reason: String| TrainError::NothingToResume { path: path.to_owned(), reason };
    let (folder, run) = RunFolder::open(path)?;
    let (_lock, warning) = RunFolder::lock_or_warn(path)?;
    let mut warnings: Vec<String> = warning.into_iter().collect();
    if trainer.config.device == AUTO {
        // It was chosen at the start of the run.
        let chosen = run.config.get("device").and_then(|name| name.as_str());
        chosen
            .ok_or_else(|| cannot("its config.toml names no device".to_owned()))?
            .clone_into(&mut trainer.config.device);
    }
    trainer.prepare()?;
    let ours = trainer.info()?;
    let mut defaults = run_defaults();
    defaults.extend(trainer.algorithm().defaults());
    if let Some(key) = run.difference(&ours, &defaults) {
        return Err(cannot(format!("its `{key}` differs")));
    }
    let finished =
        |t_env, state_kept| TrainError::Finished { path: path.into(), t_env, state_kept };
    let ended = folder.ended();
    let keeps_state = run.config.get("keep_state").and_then(toml::Value::as_bool) == Some(true);
    if let Some((_, t_env)) = ended.filter(|_| !keeps_state) {
        // It may have been killed while its state was removed.
        tidy(path, None)?;
        return Err(finished(t_env, false));
    }
    let Some(latest) = RunState::of(path).load_latest()? else {
        return Err(match finished_at(&folder, &run)? {
            Some(t_env) => finished(t_env, false),
            None => cannot("no state was saved yet (save_state_interval)".to_owned()),
        });
    };
    let files = latest.files;
    let identity = check_identity(&folder, &files, &ours, &defaults).map_err(cannot)?;
    let SavedLoop { mut state, has_evaluations, cursor, seconds } =
        LoopState::read(&files).map_err(cannot)?;
    let (reached, t_max) = (cursor.t_env(), trainer.config.t_max);
    warnings.extend(latest.skipped.iter().map(|error| {
        format!("{error}; the run continues from the state after {reached} environment steps")
    }));
    let same = run.config.get("t_max") == ours.config.get("t_max");
    // If the run was killed after its last iteration, only its end is missing.
    let at_its_end = same && state.pending && ended.is_none();
    if t_max <= reached && !at_its_end {
        return Err(match ended {
            Some((_, t_env)) if same => {
                if latest.skipped.is_empty() {
                    tidy(path, Some(reached))?;
                }
                finished(t_env, true)
            }
            _ => cannot(format!(
                "it has reached {reached} environment steps; t_max={t_max} must be larger"
            )),
        });
    }
    trainer.load(&files)?;
    trainer.set_earlier_seconds(seconds)?;
    warnings.extend(folder.description_damage());
    match identity {
        Some(StateIdentity { run, initial_weights, .. }) if !run.is_empty() => {
            // States of earlier versions do not hold the initial weights.
            let described = folder.origin().and_then(|(_, weights)| weights);
            folder.describe_as(&ours, &run, initial_weights.or(described))?;
        }
        _ => folder.describe(&ours)?,
    }
    warnings.extend(RunCheckpoints::of(path).return_to(reached, state.best.0, state.pending)?);
    let seed = trainer.config.seed;
    if !has_evaluations {
        let (evaluations, warning) =
            evaluations_on_disk(&folder, &ours, seed, &cursor, state.pending)?;
        state.evaluations = evaluations;
        warnings.extend(warning);
    }
    let (log, damage) = RunLog::reopen(folder, &ours, seed, &cursor, &state.evaluations)?;
    warnings.extend(damage);
    trainer.add_observer(Box::new(log))?;
    trainer.send_progress();
    warnings.iter().try_for_each(|warning| trainer.warn(warning))?;
    if state.begun { train_loop(trainer, path, state) } else { begin(trainer, path) }
}

/// Checks that a saved state belongs to the run in `folder` with the configuration `ours`, and returns its identity.
/// States of earlier versions cannot be checked. The error is the reason.
fn check_identity(
    folder: &RunFolder,
    files: &[crate::algorithms::NamedFile],
    ours: &RunInfo,
    defaults: &toml::Table,
) -> Result<Option<StateIdentity>, String> {
    let Some(theirs) = StateIdentity::read(files) else { return Ok(None) };
    let known = folder.origin().filter(|_| !theirs.run.is_empty());
    if known.is_some_and(|(id, _)| id != theirs.run) {
        return Err("its saved state belongs to another run".to_owned());
    }
    let info = RunInfo::from_toml(&theirs.config)?;
    match info.difference(ours, defaults) {
        None => Ok(Some(theirs)),
        Some(key) => Err(format!(
            "its saved state was trained with another `{key}` than its config.toml states"
        )),
    }
}

/// Returns the environment steps after which a run without a saved state ended, if it did.
fn finished_at(folder: &RunFolder, run: &RunInfo) -> Result<Option<u64>, TrainError> {
    if let Some((_, t_env)) = folder.ended() {
        return Ok(Some(t_env));
    }
    // Earlier versions did not record it.
    let t_max = run.config.get("t_max").and_then(toml::Value::as_integer).unwrap_or(i64::MAX);
    let (index, _) = RunCheckpoints::of(folder.path()).index_or_rebuilt()?;
    Ok(index.last.filter(|&last| last >= t_max as u64))
}

/// Trains to the end.
fn train_loop(
    trainer: &mut Trainer,
    path: &Path,
    state: LoopState,
) -> Result<RunSummary, TrainError> {
    let result = iterate_to_the_end(trainer, path, state);
    result.map_err(|error| match error {
        TrainError::NotFinite { what, value, t_env, .. } => {
            TrainError::NotFinite { what, value, t_env, states: RunState::of(path).folders() }
        }
        error => error,
    })
}

fn iterate_to_the_end(
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
        let test = state.test.would_be_due(progress.t_env) || finished;
        // The state to return to if the evaluation is not played to its end.
        let before = match test {
            true => {
                let state = LoopState { pending: true, ..state.clone() };
                Some((state, trainer.test_envs_state()?))
            }
            false => None,
        };
        if finished && config.keep_state {
            LoopState { pending: true, ..state.clone() }.save(trainer, path)?;
        }
        state.test.is_due(progress.t_env);
        let mut absolute = None;
        if let Some((before, test_envs)) = before {
            let mut played = evaluate(trainer, path, &mut state, finished)?;
            if finished && played {
                absolute = play_best(trainer, path)?;
                played = absolute.is_some();
            }
            if !played {
                return Err(stop(trainer, path, before, &test_envs));
            }
        }
        let log = state.log.is_due(progress.t_env) || test;
        let ends = log && report(trainer, &mut state, test)?;
        if finished {
            return end(trainer, path, state, Ended::TMax, absolute);
        }
        if ends {
            return end_by_rule(trainer, path, state, test);
        }
        let stopped = trainer.stop_requested();
        if save_state.is_due(progress.t_env) || stopped {
            state.save(trainer, path)?;
        }
        if stopped {
            return Err(TrainError::Stopped { path: path.to_owned(), t_env: progress.t_env });
        }
    }
}

/// Saves the state before an evaluation that was left because a stop was requested, with the test environments as they
/// were then. Returns the error that ends the run.
fn stop(trainer: &mut Trainer, path: &Path, before: LoopState, test_envs: &[u8]) -> TrainError {
    let saved = trainer.restore_test_envs(test_envs).and_then(|()| before.save(trainer, path));
    let t_env = trainer.progress().t_env;
    saved.err().unwrap_or_else(|| TrainError::Stopped { path: path.to_owned(), t_env })
}

/// Evaluates the current policy, and saves a checkpoint if it is the best one, one to be kept or the last
/// one. Returns whether the evaluation was played to its end; otherwise a stop was requested.
fn evaluate(
    trainer: &mut Trainer,
    path: &Path,
    state: &mut LoopState,
    last: bool,
) -> Result<bool, TrainError> {
    let t_env = trainer.progress().t_env;
    let Some(evaluation) = trainer.evaluate_unless_stopped()? else { return Ok(false) };
    state.last = evaluation;
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
    Ok(true)
}

/// Plays the episodes of the absolute metrics with the best policy, as `phalanx eval` does. Returns `None` if a stop was
/// requested. A run does not fail at its end because its best checkpoint was deleted: no episode is played then.
fn play_best(trainer: &mut Trainer, path: &Path) -> Result<Option<Evaluation>, TrainError> {
    let episodes = ABSOLUTE_EPISODES.saturating_mul(trainer.config.test_nepisode);
    let loaded = RunCheckpoints::of(path).load(CheckpointId::Best);
    match loaded.and_then(|(_, files)| trainer.evaluate_files(&files, episodes)) {
        Err(error @ (TrainError::NotARun { .. } | TrainError::Io { .. })) => {
            trainer.warn(&format!("marl_eval.json has no absolute metrics: {error}"))?;
            Ok(Some(Evaluation::default()))
        }
        played => played,
    }
}

/// Removes what a run that has ended no longer needs: its states, except the one after `kept` steps, and the checkpoints
/// that only they needed.
fn tidy(path: &Path, kept: Option<u64>) -> Result<(), TrainError> {
    match kept {
        Some(t_env) => RunState::of(path).keep_only(t_env)?,
        None => RunState::of(path).remove()?,
    }
    RunCheckpoints::of(path).end_protection(kept.is_some())
}

/// Ends a run by its stopping rule; `tested` is whether the current policy has been evaluated.
fn end_by_rule(
    trainer: &mut Trainer,
    path: &Path,
    mut state: LoopState,
    tested: bool,
) -> Result<RunSummary, TrainError> {
    if trainer.config.keep_state {
        state.save(trainer, path)?;
    }
    let checkpoints = RunCheckpoints::of(path);
    let t_env = trainer.progress().t_env;
    let stopped = || TrainError::Stopped { path: path.to_owned(), t_env };
    if !tested {
        if !evaluate(trainer, path, &mut state, true)? {
            return Err(stopped());
        }
        report(trainer, &mut state, true)?;
    } else if checkpoints.index_or_rebuilt()?.0.last != Some(t_env) {
        let files = trainer.weights()?;
        checkpoints.save(t_env, &files, false, false)?;
    }
    let absolute = play_best(trainer, path)?.ok_or_else(stopped)?;
    end(trainer, path, state, Ended::StoppingRule, Some(absolute))
}

/// Records in the folder that the run has ended.
fn end(
    trainer: &mut Trainer,
    path: &Path,
    state: LoopState,
    ended: Ended,
    absolute: Option<Evaluation>,
) -> Result<RunSummary, TrainError> {
    let progress = trainer.progress();
    if let Some(absolute) = absolute.filter(|absolute| absolute.episodes > 0) {
        let (info, seed) = (trainer.info()?, trainer.config.seed);
        write_absolute_metrics(path, &info, seed, &state.evaluations, &absolute)?;
    }
    RunFolder::at(path).end(ended, progress.t_env)?;
    tidy(path, trainer.config.keep_state.then_some(progress.t_env))?;
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
    let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
    metrics.insert("episode".to_owned(), progress.episodes as f64);
    metrics.insert("steps_per_second".to_owned(), rate(progress.t_env, state.last_log.t_env));
    metrics.insert("updates_per_second".to_owned(), rate(progress.updates, state.last_log.updates));
    metrics.insert("crashes".to_owned(), trainer.crashes() as f64);
    if let Some(factor) = trainer.learning_rate_factor()? {
        metrics.insert("lr_factor".to_owned(), factor);
    }
    if let Some(evaluation) = &evaluation {
        metrics.extend(evaluation.means.clone());
        metrics.insert("test_crashes".to_owned(), evaluation.crashes as f64);
    }
    state.last_log = progress;
    let Progress { t_env, seconds, .. } = progress;
    if let Some(evaluation) = evaluation.clone() {
        state.evaluations.push(TimedEvaluation { t_env, seconds, evaluation });
    }
    trainer.report(Report { t_env, seconds, metrics, evaluation })
}
