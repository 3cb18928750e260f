//! Normalisation of values.

use serde::{Deserialize, Serialize};

/// Running mean and deviation of returns, so that a critic predicts values of unit scale.
///
/// Moments are exponential averages with decay 0.99999, divided by the sum of all weights so far;
/// the variance is at least 0.01 (MAPPO's `ValueNorm`, Yu et al. 2022, arXiv 2103.01955).
///
/// ```
/// let mut norm = phalanx_core::rl::ValueNorm::default();
/// norm.update([1.0, 2.0, 3.0]);
/// assert!((norm.normalise(3.0) - 1.224745).abs() < 1e-5);
/// assert!((norm.denormalise(norm.normalise(7.5)) - 7.5).abs() < 1e-5);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ValueNorm {
    mean: f64,
    mean_square: f64,
    weight: f64,
}

const DECAY: f64 = 0.99999;
const LEAST_VARIANCE: f64 = 0.01;

impl ValueNorm {
    /// Adds the returns of a batch. An empty batch changes nothing.
    pub fn update(&mut self, returns: impl IntoIterator<Item = f32>) {
        let (mut n, mut sum, mut squares) = (0_u64, 0.0, 0.0);
        for value in returns {
            let value = f64::from(value);
            n += 1;
            sum += value;
            squares += value * value;
        }
        if n == 0 {
            return;
        }
        self.mean = DECAY * self.mean + (1.0 - DECAY) * sum / n as f64;
        self.mean_square = DECAY * self.mean_square + (1.0 - DECAY) * squares / n as f64;
        self.weight = DECAY * self.weight + (1.0 - DECAY);
    }

    /// Returns the mean and the standard deviation, zero and one before the first update.
    pub fn mean_and_deviation(&self) -> (f32, f32) {
        if self.weight == 0.0 {
            return (0.0, 1.0);
        }
        let mean = self.mean / self.weight;
        let variance = self.mean_square / self.weight - mean * mean;
        (mean as f32, variance.max(LEAST_VARIANCE).sqrt() as f32)
    }

    /// Converts a return to the critic's scale.
    pub fn normalise(&self, value: f32) -> f32 {
        let (mean, deviation) = self.mean_and_deviation();
        (value - mean) / deviation
    }

    /// Converts a value of the critic to the scale of returns.
    pub fn denormalise(&self, value: f32) -> f32 {
        let (mean, deviation) = self.mean_and_deviation();
        value * deviation + mean
    }
}
