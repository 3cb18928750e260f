//! The training loop: iterate, evaluate, log, save.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::algorithms::NamedFile;
use crate::checkpoint::{RunCheckpoints, RunState};
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::evaluate::Evaluation;
use crate::fastest_device::AUTO;
use crate::log::{LogCursor, RunFolder, RunInfo, RunLog};
use crate::observer::{Progress, Report};
use crate::trainer::Trainer;

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The run's folder.
    pub path: PathBuf,
    /// Where training ended.
    pub progress: Progress,
    /// The last evaluation.
    pub last: Evaluation,
    /// The best evaluation and the environment steps before it.
    pub best: (u64, Evaluation),
}

/// Something that is due whenever another `interval` environment steps have passed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Due {
    interval: u64,
    next: u64,
}

impl Due {
    fn every(interval: u64) -> Self {
        Self { interval, next: interval }
    }

    /// Whether it is due now; if so, the next time is set.
    fn now(&mut self, t_env: u64) -> bool {
        let due = self.interval > 0 && t_env >= self.next;
        if due {
            self.next = t_env - t_env % self.interval + self.interval;
        }
        due
    }
}

/// Where the loop stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Position {
    log: Due,
    test: Due,
    save: Due,
    last_log: Progress,
    last: Evaluation,
    best: (u64, Evaluation),
}

/// The file of a saved state that holds the loop's [`Position`] and how far the logs were written.
const POSITION: &str = "position.json";

pub(crate) fn run(
    mut trainer: Trainer,
    path: &Path,
    overwrite: bool,
) -> Result<Outcome, TrainError> {
    // Everything that can be wrong is found before anything is written.
    trainer.prepare()?;
    let info = info(&mut trainer)?;
    let config = trainer.config.clone();
    let _lock = RunFolder::lock(path)?;
    let folder = RunFolder::create(path, &info, overwrite)?;
    trainer.add_observer(Box::new(RunLog::create(folder, &info, config.seed)?))?;
    trainer.notice()?;
    let last = trainer.evaluate()?;
    let mut position = Position {
        log: Due::every(config.log_interval),
        test: Due::every(config.test_interval),
        save: Due::every(config.save_model_interval),
        last_log: trainer.progress(),
        best: (0, last.clone()),
        last,
    };
    report(&mut trainer, &mut position, true)?;
    let files = trainer.weights()?;
    RunCheckpoints::of(path).save(0, &files, true, false)?;
    go_on(trainer, path, position)
}

pub(crate) fn resume(mut trainer: Trainer, path: &Path) -> Result<Outcome, TrainError> {
    let cannot = |reason: &str| TrainError::NothingToResume {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let (folder, run) = RunFolder::open(path)?;
    let _lock = RunFolder::lock(path)?;
    if trainer.config.device == AUTO {
        // It was chosen when the run began.
        let chosen = run.config.get("device").and_then(|name| name.as_str());
        chosen
            .ok_or_else(|| cannot("its config.toml names no device"))?
            .clone_into(&mut trainer.config.device);
    }
    trainer.prepare()?;
    let ours = info(&mut trainer)?;
    if let Some(key) = difference(&run, &ours, &trainer.algorithm().defaults()) {
        return Err(cannot(&format!("its `{key}` is another")));
    }
    let files = RunState::of(path)
        .load()?
        .ok_or_else(|| cannot("no state was saved (save_state_interval), or it has finished"))?;
    let position = files.iter().find(|file| file.name == POSITION);
    let position = position.ok_or_else(|| cannot("its saved state lacks position.json"))?;
    let (position, cursor, seconds): (Position, LogCursor, f64) =
        serde_json::from_slice(&position.bytes)
            .map_err(|error| cannot(&format!("position.json: {error}")))?;
    trainer.load(&files)?;
    trainer.count_seconds_from(seconds)?;
    folder.describe(&ours)?;
    let log = RunLog::reopen(folder, &ours, trainer.config.seed, &cursor)?;
    trainer.add_observer(Box::new(log))?;
    go_on(trainer, path, position)
}

/// What the run is.
fn info(trainer: &mut Trainer) -> Result<RunInfo, TrainError> {
    Ok(RunInfo {
        alg: trainer.algorithm().id().to_owned(),
        env: trainer.spec()?.id,
        config: trainer.table(),
    })
}

/// A key that a run cannot be resumed with another value of, and has another value of.
fn difference(run: &RunInfo, ours: &RunInfo, defaults: &toml::Table) -> Option<String> {
    if run.alg != ours.alg {
        return Some("alg".to_owned());
    }
    if run.env != ours.env {
        return Some("env".to_owned());
    }
    // A key that is younger than the run leaves it as it was, as long as it has its default.
    let other = |key: &&String| {
        let was = run.config.get(*key).or_else(|| defaults.get(*key));
        !RunConfig::CHANGEABLE_ON_RESUME.contains(&key.as_str()) && was != ours.config.get(*key)
    };
    ours.config.keys().find(other).cloned()
}

/// Trains to the end.
fn go_on(mut trainer: Trainer, path: &Path, mut at: Position) -> Result<Outcome, TrainError> {
    let config = trainer.config.clone();
    let (checkpoints, state) = (RunCheckpoints::of(path), RunState::of(path));
    let mut state_due = Due::every(config.save_state_interval);
    state_due.now(trainer.progress().t_env);
    loop {
        let progress = trainer.iterate()?;
        let finished = progress.t_env >= config.t_max;
        let test = at.test.now(progress.t_env) || finished;
        if test {
            at.last = trainer.evaluate()?;
            // A tie goes to the later policy, which has seen more.
            let better = at.last.score() >= at.best.1.score();
            let keep = at.save.now(progress.t_env);
            if better {
                at.best = (progress.t_env, at.last.clone());
            }
            if better || keep || finished {
                let files = trainer.weights()?;
                checkpoints.save(progress.t_env, &files, better, keep)?;
            }
        }
        if at.log.now(progress.t_env) || test {
            report(&mut trainer, &mut at, test)?;
        }
        if finished {
            state.remove()?;
            let Position { last, best, .. } = at;
            return Ok(Outcome { path: path.to_owned(), progress, last, best });
        }
        let stop = trainer.is_to_stop();
        if state_due.now(progress.t_env) || stop {
            let mut files = trainer.save()?;
            let cursor = LogCursor::here(path, progress.t_env)?;
            let position = serde_json::to_vec(&(&at, cursor, progress.seconds));
            let position = position.expect("a position is plain data");
            files.push(NamedFile::new(POSITION, position));
            state.save(progress.t_env, &files)?;
        }
        if stop {
            return Err(TrainError::Stopped { path: path.to_owned(), t_env: progress.t_env });
        }
    }
}

/// Reports everything since the last report, with the last evaluation if it is new.
fn report(trainer: &mut Trainer, at: &mut Position, tested: bool) -> Result<(), TrainError> {
    let progress = trainer.progress();
    let evaluation = tested.then(|| at.last.clone());
    let mut metrics = trainer.take_means()?;
    let seconds = (progress.seconds - at.last_log.seconds).max(1e-9);
    let rate = |now: u64, then: u64| (now - then) as f64 / seconds;
    metrics.insert("episode".to_owned(), progress.episodes as f64);
    metrics.insert("steps_per_second".to_owned(), rate(progress.t_env, at.last_log.t_env));
    metrics.insert("updates_per_second".to_owned(), rate(progress.updates, at.last_log.updates));
    metrics.insert("crashes".to_owned(), trainer.crashes() as f64);
    if let Some(evaluation) = &evaluation {
        metrics.extend(evaluation.means.clone());
    }
    at.last_log = progress;
    let seconds = progress.seconds;
    trainer.report(&Report { t_env: progress.t_env, seconds, metrics, evaluation })
}
