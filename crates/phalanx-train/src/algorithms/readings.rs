//! Numbers that stay on the device until a rollout has been learned from.

use burn::tensor::Tensor;
use phalanx_core::nn::download;

use crate::error::TrainError;
use crate::rollout::Tally;

/// What updates computed beside gradients, still on their device: to read a number, the host would have to
/// wait until everything before it is computed, in every update.
#[derive(Clone, Default)]
pub(super) struct Readings {
    names: Vec<&'static str>,
    values: Vec<Tensor<1>>,
}

impl Readings {
    /// Notes one number for each of `names`.
    pub(super) fn add(&mut self, names: &[&'static str], values: Tensor<1>) {
        self.names.extend(names);
        self.values.push(values);
    }

    /// The numbers, for whoever reads them along with something else.
    pub(super) fn values(&self) -> Vec<Tensor<1>> {
        self.values.clone()
    }

    /// Reads all numbers at once and adds them to `tally`.
    ///
    /// # Errors
    ///
    /// When a loss or the norm of a gradient is not finite.
    pub(super) fn settle(self, tally: &mut Tally) -> Result<(), TrainError> {
        let numbers = download(self.values()).expect("the device hands out what it computed");
        self.accept(numbers, tally)
    }

    /// Adds the numbers of [`Readings::values`], which were read, to `tally`.
    ///
    /// # Errors
    ///
    /// When a loss or the norm of a gradient is not finite.
    pub(super) fn accept(
        self,
        numbers: Vec<Vec<f32>>,
        tally: &mut Tally,
    ) -> Result<(), TrainError> {
        for (what, value) in self.names.into_iter().zip(numbers.into_iter().flatten()) {
            let vital = what.contains("loss") || what.ends_with("_norm");
            if vital && !value.is_finite() {
                return Err(TrainError::NotFinite { what, value, t_env: tally.t_env });
            }
            tally.add(what, f64::from(value));
        }
        Ok(())
    }
}
