//! The training loop: iterate, evaluate, log, save.

use std::path::{Path, PathBuf};

use crate::checkpoint::RunCheckpoints;
use crate::error::TrainError;
use crate::evaluate::Evaluation;
use crate::log::{RunFolder, RunInfo, RunLog};
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

pub(crate) fn run(
    mut trainer: Trainer,
    path: &Path,
    overwrite: bool,
) -> Result<Outcome, TrainError> {
    // Everything that can be wrong is found before anything is written.
    trainer.prepare()?;
    let config = trainer.config.clone();
    let info = RunInfo {
        alg: trainer.algorithm().id().to_owned(),
        env: trainer.spec()?.id,
        config: trainer.table(),
    };
    let folder = RunFolder::create(path, &info, overwrite)?;
    trainer.add_observer(Box::new(RunLog::create(folder, &info, config.seed)?));
    trainer.notice()?;
    let checkpoints = RunCheckpoints::of(path);

    let mut log_due = Due::every(config.log_interval);
    let mut test_due = Due::every(config.test_interval);
    let mut save_due = Due::every(config.save_model_interval);
    let mut last_log = trainer.progress();
    let mut last = trainer.evaluate()?;
    let mut best = (0, last.clone());
    report(&mut trainer, &mut last_log, Some(last.clone()))?;
    let files = trainer.weights()?;
    checkpoints.save(0, &files, true, false)?;

    loop {
        let progress = trainer.iterate()?;
        let finished = progress.t_env >= config.t_max;
        let test = test_due.now(progress.t_env) || finished;
        if test {
            last = trainer.evaluate()?;
            // A tie goes to the later policy, which has seen more.
            let better = last.score() >= best.1.score();
            let keep = save_due.now(progress.t_env);
            if better {
                best = (progress.t_env, last.clone());
            }
            if better || keep || finished {
                let files = trainer.weights()?;
                checkpoints.save(progress.t_env, &files, better, keep)?;
            }
        }
        if log_due.now(progress.t_env) || test {
            report(&mut trainer, &mut last_log, test.then(|| last.clone()))?;
        }
        if finished {
            return Ok(Outcome { path: path.to_owned(), progress, last, best });
        }
    }
}

/// Reports everything since the last report.
fn report(
    trainer: &mut Trainer,
    last: &mut Progress,
    evaluation: Option<Evaluation>,
) -> Result<(), TrainError> {
    let progress = trainer.progress();
    let mut metrics = trainer.take_means();
    let seconds = (progress.seconds - last.seconds).max(1e-9);
    let rate = |now: u64, then: u64| (now - then) as f64 / seconds;
    metrics.insert("episode".to_owned(), progress.episodes as f64);
    metrics.insert("steps_per_second".to_owned(), rate(progress.t_env, last.t_env));
    metrics.insert("updates_per_second".to_owned(), rate(progress.updates, last.updates));
    metrics.insert("crashes".to_owned(), trainer.crashes() as f64);
    if let Some(evaluation) = &evaluation {
        metrics.extend(evaluation.means.clone());
    }
    *last = progress;
    let seconds = progress.seconds;
    trainer.report(&Report { t_env: progress.t_env, seconds, metrics, evaluation })
}
