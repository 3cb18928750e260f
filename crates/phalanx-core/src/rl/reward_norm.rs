//! Standardisation of rewards.

use serde::{Deserialize, Serialize};

/// Running mean and variance of all rewards with equal weights (EPyMARL's `standardise_rewards`;
/// the parallel update of Chan et al. 1979).
///
/// As in EPyMARL, it starts with mean 0 and variance 1 at a weight of 0.0001.
///
/// ```
/// let mut norm = phalanx_core::rl::RewardNorm::default();
/// norm.update([2.0, 4.0]);
/// norm.update([6.0]);
/// assert!((norm.standardise(4.0)).abs() < 1e-3);
/// assert!((norm.standardise(6.0) - 1.2247).abs() < 1e-3);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardNorm {
    mean: f64,
    variance: f64,
    count: f64,
}

impl Default for RewardNorm {
    fn default() -> Self {
        Self { mean: 0.0, variance: 1.0, count: 1e-4 }
    }
}

impl RewardNorm {
    /// Adds the rewards of a batch. An empty batch changes nothing.
    pub fn update(&mut self, rewards: impl IntoIterator<Item = f32>) {
        let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for reward in rewards {
            n += 1.0;
            let distance = f64::from(reward) - mean;
            mean += distance / n;
            squares += distance * (f64::from(reward) - mean);
        }
        if n == 0.0 {
            return;
        }
        let total = self.count + n;
        let distance = mean - self.mean;
        let spread =
            self.variance * self.count + squares + distance * distance * self.count * n / total;
        self.mean += distance * n / total;
        self.variance = spread / total;
        self.count = total;
    }

    /// Returns `(reward - mean) / deviation`.
    pub fn standardise(&self, reward: f32) -> f32 {
        ((f64::from(reward) - self.mean) / self.variance.sqrt().max(1e-8)) as f32
    }
}
