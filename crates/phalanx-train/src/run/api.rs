//! Whole runs, each in a folder.

use std::path::Path;
use std::time::Instant;

use super::trainer::Trainer;
use super::training_loop::{self, RunSummary};
use crate::error::TrainError;
use crate::run::{Observer, Report};

impl Trainer {
    /// Trains to the end and writes the folder of the run at `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder already holds a run, a file cannot be written, or training
    /// fails.
    pub fn run(self, path: impl AsRef<Path>) -> Result<RunSummary, TrainError> {
        training_loop::run(self, path.as_ref(), false)
    }

    /// Trains like [`Trainer::run`], and replaces a run that the folder may hold.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written, or training fails.
    pub fn run_overwriting(self, path: impl AsRef<Path>) -> Result<RunSummary, TrainError> {
        training_loop::run(self, path.as_ref(), true)
    }

    /// Resumes an interrupted run exactly from its last saved state.
    ///
    /// The trainer must have the configuration of the run, except for `t_max`, `threads`, `device` and
    /// the intervals at which states are saved.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such run or no saved state, if the configuration differs,
    /// and the errors of [`Trainer::run`].
    pub fn resume(self, path: impl AsRef<Path>) -> Result<RunSummary, TrainError> {
        training_loop::resume(self, path.as_ref())
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

    /// Sends the learner's startup message to all observers.
    pub(super) fn send_startup_message(&mut self) -> Result<(), TrainError> {
        let Some(message) = self.session()?.learner.startup_message() else {
            return Ok(());
        };
        self.observers.iter_mut().try_for_each(|observer| observer.info(&message))
    }

    /// Sends a report to all observers.
    pub(super) fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        self.observers.iter_mut().try_for_each(|observer| observer.report(report))
    }
}
