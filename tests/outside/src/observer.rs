//! The observer: logs the best mean return of the evaluations so far.

use phalanx::prelude::*;

/// Adds the metric `best_test_return`.
#[derive(Default)]
pub struct BestReturn(Option<f64>);

impl Observer for BestReturn {
    fn metrics(&mut self, report: &mut Report) -> Result<(), TrainError> {
        if let Some(evaluation) = &report.evaluation {
            let mean = evaluation.return_mean();
            self.0 = Some(self.0.map_or(mean, |best| best.max(mean)));
        }
        self.0.map_or(Ok(()), |best| report.add("best_test_return", best))
    }
}
