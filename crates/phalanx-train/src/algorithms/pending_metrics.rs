//! Metrics that stay on the device until the end of the iteration.

use burn::tensor::Tensor;
use phalanx_core::nn::download;

use crate::error::TrainError;
use crate::rollout::Metrics;

/// Scalars of updates that are still on their device. Reading one of them in every update would
/// make the host wait for all pending work.
#[derive(Clone, Default)]
pub(super) struct PendingMetrics {
    names: Vec<&'static str>,
    values: Vec<Tensor<1>>,
}

impl PendingMetrics {
    /// Adds one scalar of `values` for each of `names`.
    pub(super) fn add(&mut self, names: &[&'static str], values: Tensor<1>) {
        self.names.extend(names);
        self.values.push(values);
    }

    /// Returns the scalars, which can be downloaded together with other tensors.
    pub(super) fn values(&self) -> Vec<Tensor<1>> {
        self.values.clone()
    }

    /// Downloads all scalars in one transfer and adds them to `metrics`.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss or the norm of a gradient is not finite.
    pub(super) fn flush(self, metrics: &mut Metrics) -> Result<(), TrainError> {
        let values = download(self.values()).expect("the device returns what it computed");
        self.record(values, metrics)
    }

    /// Adds `values`, downloaded from the tensors of [`PendingMetrics::values`], to `metrics`.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss or the norm of a gradient is not finite.
    pub(super) fn record(
        self,
        values: Vec<Vec<f32>>,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        for (what, value) in self.names.into_iter().zip(values.into_iter().flatten()) {
            let must_be_finite = what.contains("loss") || what.ends_with("_norm");
            if must_be_finite && !value.is_finite() {
                let (t_env, states) = (metrics.t_env, Vec::new());
                return Err(TrainError::NotFinite { what, value, t_env, states });
            }
            metrics.add(what, f64::from(value));
        }
        Ok(())
    }
}
