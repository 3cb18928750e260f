//! The losses of policy gradients and of their critics, on slices.

use super::distribution;

/// What was done, how likely it was and how good: the constants of an update.
#[derive(Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) inputs: distribution::Inputs<'a>,
    /// Of the actions, under the policy that took them, `[row]`.
    pub(super) log_prob: &'a [f32],
    /// `[row]`.
    pub(super) advantage: &'a [f32],
    /// `[row]`.
    pub(super) weight: &'a [f32],
}

/// The sums, and what the backward pass needs.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// The surrogate loss, the entropy, the share of clipped ratios and the divergence.
    pub(super) sums: [f32; 4],
    /// What [`distribution::forward`] returned.
    pub(super) distribution: (Vec<f32>, Vec<f32>),
    /// The slope of the first sum along the log-probability, and of the second along the entropy,
    /// `[row, 2]`.
    slopes: Vec<f32>,
}

/// See [`surrogate`](super::super::super::surrogate()); without an end, `clip` is infinite.
pub(super) fn forward(taken: Taken<'_>, clip: f32) -> Sums {
    let distribution = distribution::forward(taken.inputs);
    let mut slopes = Vec::with_capacity(distribution.0.len());
    let mut sums = [0.0_f64; 4];
    let constants = taken.log_prob.iter().zip(taken.advantage).zip(taken.weight);
    for (out, ((old, &advantage), &weight)) in distribution.0.chunks_exact(2).zip(constants) {
        let (log_ratio, entropy) = (out[0] - old, out[1]);
        let ratio = log_ratio.exp();
        let (free, clipped) = (ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage);
        slopes.extend([if free <= clipped { -weight * free } else { 0.0 }, weight]);
        if weight > 0.0 {
            let weight = f64::from(weight);
            sums[0] -= weight * f64::from(free.min(clipped));
            sums[1] += weight * f64::from(entropy);
            if (ratio - 1.0).abs() > clip {
                sums[2] += weight;
            }
            sums[3] += weight * f64::from(ratio - 1.0 - log_ratio);
        }
    }
    Sums { sums: sums.map(|sum| sum as f32), distribution, slopes }
}

impl Sums {
    /// The gradient of the logits, given that of the sums, of which the last two have none.
    pub(super) fn backward(
        mut self,
        inputs: distribution::Inputs<'_>,
        gradient: &[f32],
    ) -> Vec<f32> {
        for slopes in self.slopes.chunks_exact_mut(2) {
            slopes[0] *= gradient[0];
            slopes[1] *= gradient[1];
        }
        distribution::backward(inputs, &self.distribution.0, &self.distribution.1, &self.slopes)
    }
}

/// What a critic is to say: the constants of an update, `[row]` each.
#[derive(Clone, Copy)]
pub(super) struct Valued<'a> {
    /// What it said before.
    pub(super) before: &'a [f32],
    pub(super) returns: &'a [f32],
    pub(super) weight: &'a [f32],
}

/// See [`value_loss`](super::super::super::value_loss()), and its slope along every value; `clip` and
/// `huber_delta` are infinite where they have no effect.
pub(super) fn value_loss(
    values: &[f32],
    valued: Valued<'_>,
    clip: f32,
    huber_delta: f32,
) -> (f32, Vec<f32>) {
    // Twice the penalty and its slope.
    let penalty = |error: f32| {
        if error.abs() <= huber_delta {
            (error * error, 2.0 * error)
        } else {
            let slope = 2.0 * huber_delta;
            (slope * (error.abs() - 0.5 * huber_delta), slope.copysign(error))
        }
    };
    let mut sum = 0.0_f64;
    let constants = valued.before.iter().zip(valued.returns).zip(valued.weight);
    let slopes = values.iter().zip(constants).map(|(&value, ((&before, &returns), &weight))| {
        let (mut most, mut slope) = penalty(value - returns);
        let change = value - before;
        if change.abs() > clip {
            let (moved, _) = penalty(before + clip.copysign(change) - returns);
            if moved > most {
                (most, slope) = (moved, 0.0);
            }
        }
        sum += 0.5 * f64::from(weight) * f64::from(most);
        0.5 * weight * slope
    });
    let slopes = slopes.collect();
    (sum as f32, slopes)
}
