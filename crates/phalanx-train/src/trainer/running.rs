//! A whole run, in a folder of its own.

use std::path::Path;
use std::time::Instant;

use super::Trainer;
use crate::error::TrainError;
use crate::observer::{Observer, Report};
use crate::run::{self, Outcome};

impl Trainer {
    /// Trains to the end and writes a run's folder at `path`.
    ///
    /// # Errors
    ///
    /// When the folder holds a run already, something cannot be written, or training fails.
    pub fn run(self, path: impl AsRef<Path>) -> Result<Outcome, TrainError> {
        run::run(self, path.as_ref(), false)
    }

    /// As [`Trainer::run`], in place of a run that may be there.
    ///
    /// # Errors
    ///
    /// When something cannot be written, or training fails.
    pub fn run_over(self, path: impl AsRef<Path>) -> Result<Outcome, TrainError> {
        run::run(self, path.as_ref(), true)
    }

    /// Goes on with a run that was interrupted, exactly where its last whole state was saved.
    ///
    /// The trainer is to have the run's own configuration, except for `t_max`, `threads`, `device`
    /// and the intervals at which things are saved.
    ///
    /// # Errors
    ///
    /// When there is no such run or no state to go on from, when the configuration is another, or
    /// for the reasons of [`Trainer::run`].
    pub fn resume(self, path: impl AsRef<Path>) -> Result<Outcome, TrainError> {
        run::resume(self, path.as_ref())
    }

    /// Counts time on from there.
    pub(crate) fn count_seconds_from(&mut self, before: f64) -> Result<(), TrainError> {
        let live = self.live()?;
        (live.before, live.started) = (before, Instant::now());
        Ok(())
    }

    /// Adds an observer in the middle of things, and tells it how the device was chosen.
    pub(crate) fn add_observer(
        &mut self,
        mut observer: Box<dyn Observer>,
    ) -> Result<(), TrainError> {
        self.choice.iter().try_for_each(|line| observer.notice(line))?;
        self.observers.push(observer);
        Ok(())
    }

    /// Tells all observers what a user should know before training begins.
    pub(crate) fn notice(&mut self) -> Result<(), TrainError> {
        let Some(message) = self.live()?.learner.startup_message() else {
            return Ok(());
        };
        self.observers.iter_mut().try_for_each(|observer| observer.notice(&message))
    }

    /// Hands a report to all observers.
    pub(crate) fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        self.observers.iter_mut().try_for_each(|observer| observer.report(report))
    }
}
