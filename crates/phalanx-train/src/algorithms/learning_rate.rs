//! The schedule of the learning rate over a run.

use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;

use crate::error::TrainError;

/// The factor by which a learner multiplies its learning rate, as a function of the progress of
/// training, `t_env / t_max`, which is at most one.
///
/// It depends on nothing else, so that a resumed run continues it exactly.
///
/// ```
/// use phalanx_train::algorithms::LearningRate;
///
/// # fn main() -> Result<(), phalanx_train::TrainError> {
/// let linear = LearningRate::linear(0.2, 1000);
/// assert_eq!(linear.factor_at(500)?, 0.6);
/// assert_eq!(linear.factor_at(2000)?, 0.2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LearningRate {
    factor: Arc<dyn Fn(f64) -> f64 + Send + Sync>,
    t_max: u64,
}

impl LearningRate {
    /// Creates a schedule over `t_max` environment steps from a function that maps the progress, in
    /// `[0, 1]`, to the factor.
    pub fn new(t_max: u64, factor: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Self {
        Self { factor: Arc::new(factor), t_max: t_max.max(1) }
    }

    /// Creates the constant schedule, whose factor is one.
    pub fn constant() -> Self {
        Self::new(1, |_| 1.0)
    }

    /// Creates a schedule whose factor changes linearly from one to `last`.
    pub fn linear(last: f64, t_max: u64) -> Self {
        Self::new(t_max, move |progress| between(last, progress))
    }

    /// Creates a schedule whose factor changes from one to `last` along half a cosine wave (Loshchilov and
    /// Hutter 2017, arXiv 1608.03983).
    pub fn cosine(last: f64, t_max: u64) -> Self {
        Self::new(t_max, move |progress| between(last, 0.5 * (1.0 - (PI * progress).cos())))
    }

    /// Returns the factor after `t_env` environment steps.
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::LearningRate`] if the factor is negative or not finite.
    pub fn factor_at(&self, t_env: u64) -> Result<f64, TrainError> {
        let progress = (t_env as f64 / self.t_max as f64).min(1.0);
        let factor = (self.factor)(progress);
        if factor.is_finite() && factor >= 0.0 {
            Ok(factor)
        } else {
            Err(TrainError::LearningRate { factor, progress })
        }
    }
}

impl Default for LearningRate {
    fn default() -> Self {
        Self::constant()
    }
}

impl fmt::Debug for LearningRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LearningRate").field("t_max", &self.t_max).finish_non_exhaustive()
    }
}

/// Interpolates between one and `last`; both ends are exact.
fn between(last: f64, share: f64) -> f64 {
    1.0 - share + last * share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(rate: &LearningRate) -> [f64; 4] {
        [0, 25, 50, 1000].map(|t_env| rate.factor_at(t_env).expect("it is valid"))
    }

    #[test]
    fn a_schedule_runs_from_one_to_its_last_factor_and_stays_there() {
        assert_eq!(factors(&LearningRate::constant()), [1.0; 4]);
        assert_eq!(factors(&LearningRate::linear(0.0, 100)), [1.0, 0.75, 0.5, 0.0]);
        assert_eq!(factors(&LearningRate::linear(3.0, 100)), [1.0, 1.5, 2.0, 3.0]);
        let cosine = factors(&LearningRate::cosine(0.5, 100));
        let expected = [1.0, 0.75 + 0.125 * 2_f64.sqrt(), 0.75, 0.5];
        assert!(cosine.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{cosine:?}");
    }

    #[test]
    fn an_invalid_factor_is_an_error_with_its_progress() {
        for factor in [f64::NAN, f64::INFINITY, -0.5] {
            let rate = LearningRate::new(100, move |at| if at < 0.5 { 1.0 } else { factor });
            assert_eq!(rate.factor_at(49).expect("it is valid"), 1.0);
            let error = rate.factor_at(50).expect_err("it is invalid");
            assert!(
                matches!(error, TrainError::LearningRate { progress: 0.5, .. }),
                "{factor}: {error}"
            );
        }
    }
}
