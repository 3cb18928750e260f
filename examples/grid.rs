//! A grid of runs: trained side by side, skipped where they are finished.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use phalanx::train::Trainer;
use phalanx::train::algorithms::algorithm;
use phalanx::train::config::{ConfigBuilder, RunConfig};
use phalanx::train::run::RunFolder;
use phalanx::train::run::checkpoint::RunState;

use crate::curves::Curve;

/// A run of a grid.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it is compared under, such as a penalty or a map; a folder and a panel of the picture.
    pub panel: String,
    /// What is compared, such as an algorithm; a folder and a curve of the picture.
    pub curve: String,
    /// The algorithm.
    pub alg: String,
    /// The environment.
    pub env: String,
    /// Configuration files and assignments `key=value`, the later the stronger.
    pub settings: Vec<String>,
    /// The seed.
    pub seed: u64,
}

impl Run {
    /// Where the run is kept.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.panel).join(&self.curve).join(format!("seed_{}", self.seed))
    }

    /// The run as far as it is on disk; `None` where there is nothing yet.
    ///
    /// # Errors
    ///
    /// When what is there is damaged.
    pub fn read(&self, root: &Path) -> anyhow::Result<Option<Curve>> {
        let folder = self.folder(root);
        folder.join("metrics.jsonl").is_file().then(|| Curve::read(&folder)).transpose()
    }

    fn trainer(&self) -> anyhow::Result<Trainer> {
        let mut builder = ConfigBuilder::new(algorithm(&self.alg)?).for_env(&self.env);
        for setting in &self.settings {
            builder.setting(setting)?;
        }
        builder.assignment(&format!("seed={}", self.seed))?;
        // One core each: the runs themselves are what goes side by side.
        builder.assignment("threads=1")?;
        let (config, algorithm) = builder.finish()?;
        let factory = phalanx::envs::registry::factory(&self.env, &config.env_args)?;
        Ok(Trainer::from_parts(config, algorithm, factory))
    }

    /// Whether the run is on disk and complete.
    ///
    /// # Errors
    ///
    /// When it was trained with other settings than it would be now.
    fn is_finished(&self, root: &Path, trainer: &Trainer) -> anyhow::Result<bool> {
        let Some(curve) = self.read(root)? else {
            return Ok(false);
        };
        let folder = self.folder(root);
        let (_, info) = RunFolder::open(&folder)?;
        let finished = curve.t_env() >= trainer.config.t_max as f64;
        // Keys that are younger than the run had no influence on it.
        let now = trainer.table();
        let mut differing = info.config.iter().filter(|(key, value)| {
            !RunConfig::CHANGEABLE_ON_RESUME.contains(&key.as_str())
                && now.get(*key) != Some(*value)
        });
        if let Some((key, _)) = differing.next().filter(|_| finished) {
            bail!(
                "{} was trained with another `{key}`; remove it or choose another folder",
                folder.display()
            );
        }
        Ok(finished)
    }
}

/// What the command line of a comparison asks for: the page to write to, the folder of the runs, how
/// many go side by side, and the names to train.
pub struct Request {
    /// The page that gets the table; the picture goes beside it.
    pub page: PathBuf,
    root: PathBuf,
    jobs: usize,
    only: Vec<String>,
}

impl Request {
    /// Reads the arguments of the program.
    ///
    /// # Errors
    ///
    /// When no page is named or a number is none.
    pub fn read(root: &str) -> anyhow::Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let cores = std::thread::available_parallelism()?.get();
        Ok(Self {
            page: arguments.first().context("name the page to write to")?.into(),
            root: arguments.get(1).map_or(root, String::as_str).into(),
            jobs: arguments.get(2).map_or(Ok(cores), |text| text.parse())?,
            only: arguments.into_iter().skip(3).collect(),
        })
    }

    /// The runs of the given names: of the curves among them, on the panels among them.
    fn chosen(&self, runs: &[Run]) -> anyhow::Result<Vec<Run>> {
        if self.only.iter().any(|name| name == "none") {
            return Ok(Vec::new());
        }
        let (curves, panels): (Vec<_>, Vec<_>) =
            self.only.iter().partition(|name| runs.iter().any(|run| run.curve == **name));
        if let Some(name) = panels.iter().find(|name| runs.iter().all(|run| run.panel != ***name)) {
            bail!("nothing is called `{name}`: neither a curve nor a panel");
        }
        let wanted = |run: &&Run| {
            (curves.is_empty() || curves.contains(&&run.curve))
                && (panels.is_empty() || panels.contains(&&run.panel))
        };
        Ok(runs.iter().filter(wanted).cloned().collect())
    }

    /// Trains the runs that are wanted and returns all that have begun, finished or not.
    ///
    /// # Errors
    ///
    /// When a name is unknown, and those of [`train`] and [`Run::read`].
    pub fn finish(&self, runs: Vec<Run>) -> anyhow::Result<Vec<(Run, Curve)>> {
        let chosen = self.chosen(&runs)?;
        train(&self.root, &chosen, self.jobs)?;
        let mut begun = Vec::new();
        for run in runs {
            if let Some(curve) = run.read(&self.root)?.filter(|curve| !curve.points.is_empty()) {
                begun.push((run, curve));
            }
        }
        Ok(begun)
    }
}

/// Trains every run that is not finished, `jobs` at a time, in the order of the list. A run that was
/// interrupted goes on from its last saved state.
///
/// # Errors
///
/// The first error of a run; the others that had begun go on to their end.
pub fn train(root: &Path, runs: &[Run], jobs: usize) -> anyhow::Result<()> {
    let mut open = Vec::new();
    for run in runs {
        let trainer = run.trainer().with_context(|| format!("{} on {}", run.alg, run.env))?;
        if !run.is_finished(root, &trainer)? {
            open.push((run, std::sync::Mutex::new(Some(trainer))));
        }
    }
    eprintln!("{} of {} runs are finished", runs.len() - open.len(), runs.len());
    let done = AtomicUsize::new(0);
    let started = Instant::now();
    side_by_side(&open, jobs, |(run, trainer)| {
        let trainer = trainer.lock().ok().and_then(|mut slot| slot.take());
        let trainer = trainer.context("every run is taken once")?;
        let folder = run.folder(root);
        let outcome = if RunState::of(&folder).load()?.is_some() {
            trainer.resume(&folder)
        } else {
            trainer.run_overwriting(&folder)
        };
        let outcome = outcome.with_context(|| format!("while training {}", folder.display()))?;
        eprintln!(
            "{}/{} {}: return {:.2} after {:.0} s; {:.0} min in all",
            1 + done.fetch_add(1, Ordering::Relaxed),
            open.len(),
            folder.display(),
            outcome.last.return_mean(),
            outcome.progress.seconds,
            started.elapsed().as_secs_f64() / 60.0
        );
        Ok(())
    })
}

/// Does `work` for every item, in the order of the list, on `jobs` threads. These are threads of
/// their own: one of rayon's would begin another item while it waits within the first.
///
/// # Errors
///
/// The first error; items that had begun go on to their end.
pub fn side_by_side<T: Sync>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let until_none_is_left = || -> anyhow::Result<()> {
        while !failed.load(Ordering::Relaxed) {
            let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            work(item).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(until_none_is_left)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}
