//! A metric of the caller's program.

use super::observer::{Observer, Report};
use crate::error::TrainError;

/// Adds one metric at every log point.
pub(super) struct Metric<F> {
    name: String,
    value: F,
}

impl<F> Metric<F> {
    pub(super) fn new(name: String, value: F) -> Self {
        Self { name, value }
    }
}

impl<F: FnMut(&Report) -> Option<f64> + Send> Observer for Metric<F> {
    fn metrics(&mut self, report: &mut Report) -> Result<(), TrainError> {
        let value = (self.value)(report);
        value.map_or(Ok(()), |value| report.add(&self.name, value))
    }
}
