//! Trains a grid of runs in parallel, skipping finished ones.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use phalanx::train::algorithms::algorithm;
use phalanx::train::config::{ConfigBuilder, RunConfig};
use phalanx::train::run::RunFolder;
use phalanx::train::run::checkpoint::RunState;
use phalanx::train::{TrainError, Trainer};

use crate::curves::Curve;
use crate::kept_runs::KeptRuns;

/// A run of a grid.
#[derive(Clone, Debug)]
pub struct Run {
    /// The condition, such as a penalty or a map: a folder and a panel of the figure.
    pub panel: String,
    /// The compared variant, such as an algorithm: a folder and a curve of the figure.
    pub curve: String,
    /// The algorithm.
    pub alg: String,
    /// The environment.
    pub env: String,
    /// Configuration files and assignments `key=value`; later ones override earlier ones.
    pub settings: Vec<String>,
    /// The seed.
    pub seed: u64,
}

impl Run {
    /// Returns the folder of the run.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.panel).join(&self.curve).join(format!("seed_{}", self.seed))
    }

    /// Reads the evaluations so far; `None` if the run has not begun.
    ///
    /// # Errors
    ///
    /// Returns an error if the run is damaged.
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
        // One core each, because the runs themselves are parallel.
        builder.assignment("threads=1")?;
        let (config, algorithm) = builder.finish()?;
        let factory = phalanx::envs::registry::factory(&self.env, &config.env_args)?;
        Ok(Trainer::from_parts(config, algorithm, factory))
    }

    /// Returns whether the run is complete.
    ///
    /// # Errors
    ///
    /// Returns an error if it was trained with other settings.
    fn is_finished(&self, root: &Path, trainer: &Trainer) -> anyhow::Result<bool> {
        let Some(curve) = self.read(root)? else {
            return Ok(false);
        };
        let folder = self.folder(root);
        let (_, info) = RunFolder::open(&folder)?;
        let finished = curve.t_env() >= trainer.config.t_max as f64;
        // Keys that were added after the run had no influence on it.
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

/// The command line of a comparison: the page to write to, the folder of the runs, the number of parallel
/// runs, the names to train, and `hours=H`, the core-hours that training may take.
pub struct Request {
    /// The page that gets the table; the figure is written next to it.
    pub page: PathBuf,
    /// The runs that the page shows already; they are not trained again.
    pub kept: KeptRuns,
    root: PathBuf,
    jobs: usize,
    only: Vec<String>,
    budget: Option<Duration>,
}

impl Request {
    /// Reads the arguments of the program, and the runs that are kept next to the page: for the folder
    /// `results/football`, those in `football.jsonl`.
    ///
    /// # Errors
    ///
    /// Returns an error if no page is given, a number is invalid or a kept run cannot be read.
    pub fn read(root: &str) -> anyhow::Result<Self> {
        let (hours, arguments): (Vec<String>, Vec<String>) =
            std::env::args().skip(1).partition(|argument| argument.starts_with("hours="));
        let hours = hours.first().map(|word| word["hours=".len()..].parse::<f64>()).transpose();
        let hours = hours.context("`hours=` takes a number of core-hours")?;
        let cores = std::thread::available_parallelism()?.get();
        let page = PathBuf::from(arguments.first().context("name the page to write to")?);
        let name = Path::new(root).file_name().context("the folder of the runs has a name")?;
        Ok(Self {
            kept: KeptRuns::read(&page.with_file_name(name).with_extension("jsonl"))?,
            page,
            root: arguments.get(1).map_or(root, String::as_str).into(),
            jobs: arguments.get(2).map_or(Ok(cores), |text| text.parse())?,
            only: arguments.into_iter().skip(3).collect(),
            budget: hours.map(|hours| Duration::try_from_secs_f64(3600.0 * hours)).transpose()?,
        })
    }

    /// Returns the folder of all runs.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the runs with the given names, each of which is a curve or a panel.
    fn chosen(&self, runs: &[Run]) -> anyhow::Result<Vec<Run>> {
        if self.only.iter().any(|name| name == "none") {
            return Ok(Vec::new());
        }
        let (curves, panels): (Vec<_>, Vec<_>) =
            self.only.iter().partition(|name| runs.iter().any(|run| run.curve == **name));
        if let Some(name) = panels.iter().find(|name| runs.iter().all(|run| run.panel != ***name)) {
            bail!("`{name}` is neither a curve nor a panel");
        }
        let wanted = |run: &&Run| {
            (curves.is_empty() || curves.contains(&&run.curve))
                && (panels.is_empty() || panels.contains(&&run.panel))
        };
        Ok(runs.iter().filter(wanted).cloned().collect())
    }

    /// Trains the requested runs that are not kept, keeps their evaluations, and returns all runs that have begun,
    /// finished or not.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is unknown, and the errors of [`train`], [`Run::read`] and [`KeptRuns::write`].
    pub fn finish(&mut self, runs: Vec<Run>) -> anyhow::Result<Vec<(Run, Curve)>> {
        let mut chosen = self.chosen(&runs)?;
        let all = chosen.len();
        chosen.retain(|run| self.kept.curve(run).is_none_or(|curve| !curve.is_finished()));
        if chosen.len() < all {
            eprintln!("{} runs are kept next to the page", all - chosen.len());
        }
        let time = self.budget.map(|budget| budget / self.jobs.max(1) as u32);
        train(&self.root, &chosen, self.jobs, time)?;
        let mut begun = Vec::new();
        for run in runs {
            let kept = self.kept.curve(&run);
            let played = run.read(&self.root)?.filter(|curve| !curve.points.is_empty());
            // A run that goes on replaces its own beginning.
            let further =
                |curve: &Curve| kept.as_ref().is_none_or(|kept| curve.t_env() > kept.t_env());
            if let Some(curve) = played.filter(further) {
                self.kept.keep(&run, &curve);
                begun.push((run, curve));
            } else if let Some(curve) = kept {
                begun.push((run, curve));
            }
        }
        self.kept.write()?;
        Ok(begun)
    }
}

/// Trains every unfinished run, `jobs` at a time, in the order of the list. An interrupted run resumes from
/// its last saved state. When `time` is over, the runs that go on save their states and stop.
///
/// # Errors
///
/// Returns the first error of a run. Runs that have begun still finish.
pub fn train(root: &Path, runs: &[Run], jobs: usize, time: Option<Duration>) -> anyhow::Result<()> {
    let over = Arc::new(AtomicBool::new(false));
    let mut open = Vec::new();
    for run in runs {
        let trainer = run.trainer().with_context(|| format!("{} on {}", run.alg, run.env))?;
        if !run.is_finished(root, &trainer)? {
            open.push((run, Mutex::new(Some(trainer.stop_when(Arc::clone(&over))))));
        }
    }
    eprintln!("{} of {} runs are finished", runs.len() - open.len(), runs.len());
    let done = AtomicUsize::new(0);
    let started = Instant::now();
    if let Some(time) = time {
        // It ends with the program.
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            std::thread::sleep(time);
            over.store(true, Ordering::Relaxed);
        });
    }
    side_by_side(&open, jobs, |(run, trainer)| {
        if over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let trainer = trainer.lock().ok().and_then(|mut slot| slot.take());
        let trainer = trainer.context("a run was taken twice")?;
        let folder = run.folder(root);
        let outcome = if RunState::of(&folder).load()?.is_some() {
            trainer.resume(&folder)
        } else {
            trainer.run_overwriting(&folder)
        };
        if let Err(TrainError::Stopped { t_env, .. }) = outcome {
            eprintln!("the time is over: {} continues after {t_env} steps", folder.display());
            return Ok(());
        }
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

/// Runs `work` for every item, in the order of the list, on `jobs` dedicated threads. A rayon
/// thread would begin another item while it waits inside the first.
///
/// # Errors
///
/// Returns the first error. Items that have begun still finish.
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
