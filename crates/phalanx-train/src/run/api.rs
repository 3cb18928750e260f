//! Whole runs, each in a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use phalanx_core::settings::Check;
use phalanx_core::terminal::take_loss;

use super::ended::RunSummary;
use super::folder::RunFolder;
use super::trainer::Trainer;
use super::training_loop;
use crate::config::ConfigError;
use crate::error::TrainError;
use crate::run::{Observer, Report};

impl Trainer {
    /// Trains to the end and writes the folder of the run at `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder already holds a run, a file cannot be written, or training
    /// fails.
    pub fn run(mut self, path: impl AsRef<Path>) -> Result<RunSummary, TrainError> {
        training_loop::run(&mut self, path.as_ref(), false)
    }

    /// Trains like [`Trainer::run`], and replaces a run that the folder may hold.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written, or training fails.
    pub fn run_overwriting(mut self, path: impl AsRef<Path>) -> Result<RunSummary, TrainError> {
        training_loop::run(&mut self, path.as_ref(), true)
    }

    /// Trains one run after another, one for each seed, in the folders `path/seed_1`, `path/seed_2`, …
    ///
    /// Each run equals that of [`Trainer::run`] with its seed. The runs share observers, metrics and
    /// stopping rules, which see them one after another.
    ///
    /// ```no_run
    /// use phalanx_train::{Trainer, algorithms::Qmix};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let env = phalanx_envs::registry::factory("skirmish/3m", &Default::default())?;
    /// for run in Trainer::new(Qmix::default(), env).run_seeds(1..=5, "results/3m")? {
    ///     println!("{}: {}", run.path.display(), run.last.return_mean());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if a folder already holds a run or a seed occurs twice, before anything is
    /// trained. Also returns the errors of [`Trainer::run`]; earlier runs are then finished.
    pub fn run_seeds(
        mut self,
        seeds: impl IntoIterator<Item = u64>,
        path: impl AsRef<Path>,
    ) -> Result<Vec<RunSummary>, TrainError> {
        let folder = |seed: u64| (seed, path.as_ref().join(format!("seed_{seed}")));
        let runs: Vec<(u64, PathBuf)> = seeds.into_iter().map(folder).collect();
        let mut check = Check::default();
        let different: BTreeSet<u64> = runs.iter().map(|&(seed, _)| seed).collect();
        check.that(different.len() == runs.len(), "seed", "must differ between the runs");
        let invalid = check.finish();
        if !invalid.is_empty() {
            return Err(ConfigError::InvalidSettings { invalid }.into());
        }
        if let Some((_, path)) = runs.iter().find(|(_, path)| RunFolder::holds_run(path)) {
            return Err(RunFolder::exists(path));
        }
        let observers = self.observers.len();
        let mut summaries = Vec::with_capacity(runs.len());
        for (seed, path) in runs {
            (self.config.seed, self.session) = (seed, None);
            let message = format!("seed {seed}, writing to {}", path.display());
            self.observers.iter_mut().try_for_each(|observer| observer.info(&message))?;
            summaries.push(training_loop::run(&mut self, &path, false)?);
            // The log of this run.
            self.observers.truncate(observers);
        }
        Ok(summaries)
    }

    /// Resumes a run exactly from its last saved state: an interrupted run, or one that has finished with
    /// [`Trainer::keep_state`], which then continues to a larger `t_max`. The folder is afterwards that of
    /// an uninterrupted run with this `t_max`: the evaluation with which the shorter run ended is
    /// removed from the logs, unless it is one of the longer run as well. A run that a stopping rule has
    /// ended continues in the same way, under the rules of this trainer.
    ///
    /// ```no_run
    /// use phalanx_train::{Trainer, algorithms::Qmix};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let env = phalanx_envs::registry::factory("skirmish/3m", &Default::default())?;
    /// let trainer = |t_max| Trainer::new(Qmix::default(), env.clone()).t_max(t_max);
    /// trainer(300_000).keep_state().run("results/3m")?;
    /// trainer(600_000).resume("results/3m")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The trainer must have the configuration of the run, except for the keys
    /// [`RunConfig::CHANGEABLE_ON_RESUME`](crate::config::RunConfig::CHANGEABLE_ON_RESUME): `t_max`,
    /// `save_state_interval`, `keep_state`, `device`, `threads` and `results_dir`. A learning-rate schedule
    /// that is not constant is a function of `t_max` and changes with it.
    ///
    /// # Errors
    ///
    /// - [`TrainError::NothingToResume`] if no state was saved, the configuration differs, or `t_max` is
    ///   not larger than the environment steps of the saved state;
    /// - [`TrainError::Finished`] if the run has finished, and `t_max` is the same or its state was not
    ///   kept;
    /// - [`TrainError::NotARun`] if there is no such run;
    /// - the errors of [`Trainer::run`].
    ///
    /// None of the first three changes or deletes a file.
    pub fn resume(mut self, path: impl AsRef<Path>) -> Result<RunSummary, TrainError> {
        training_loop::resume(&mut self, path.as_ref())
    }

    /// Sets the seconds of training before now.
    pub(super) fn set_earlier_seconds(&mut self, seconds: f64) -> Result<(), TrainError> {
        let session = self.session()?;
        (session.earlier_seconds, session.started) = (seconds, Instant::now());
        Ok(())
    }

    /// Adds an observer to a prepared trainer, and sends it the messages about the device.
    pub(super) fn add_observer(
        &mut self,
        mut observer: Box<dyn Observer>,
    ) -> Result<(), TrainError> {
        self.device_messages.iter().try_for_each(|line| observer.info(line))?;
        self.observers.push(observer);
        Ok(())
    }

    /// Sends a warning to all observers.
    pub(super) fn warn(&mut self, message: &str) -> Result<(), TrainError> {
        self.observers.iter_mut().try_for_each(|observer| observer.warn(message))
    }

    /// Sends the current progress to all observers.
    pub(super) fn send_progress(&mut self) {
        let progress = self.progress();
        self.observers.iter_mut().for_each(|observer| observer.progress(&progress));
    }

    /// Completes a report with the metrics of all observers and sends it to them. Returns whether a
    /// stopping rule ends the run.
    pub(super) fn report(&mut self, mut report: Report) -> Result<bool, TrainError> {
        if let Some(message) = take_loss() {
            self.warn(&message)?;
        }
        self.observers.iter_mut().try_for_each(|observer| observer.metrics(&mut report))?;
        self.observers.iter_mut().try_for_each(|observer| observer.report(&report))?;
        // Every rule sees every report.
        Ok(self.stop_rules.iter_mut().fold(false, |stop, rule| rule(&report) | stop))
    }
}
