//! The losses of policies and critics, on slices.

use crate::cpu::categorical::backward::backward;
use crate::cpu::categorical::forward::{self, forward};

/// Inputs of the policy loss. Only the logits get a gradient.
#[derive(Clone, Copy)]
pub(crate) struct PolicyInputs<'a> {
    pub(crate) distributions: forward::Inputs<'a>,
    /// The log-probabilities of the actions under the policy that took them, `[row]`.
    pub(crate) log_prob: &'a [f32],
    /// `[row]`.
    pub(crate) advantage: &'a [f32],
    /// `[row]`.
    pub(crate) weight: &'a [f32],
}

/// The sums, and the data for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct PolicySums {
    /// The policy loss, the entropy, the fraction of clipped ratios and the KL divergence.
    pub(crate) sums: [f32; 4],
    /// The result of [`forward`].
    distributions: (Vec<f32>, Vec<f32>),
    /// The derivatives of the first sum by the log-probability and of the second by the entropy,
    /// `[row, 2]`.
    slopes: Vec<f32>,
}

/// See [`ppo_loss`](crate::ppo_loss); `clip` is infinite to disable clipping.
pub(crate) fn policy_forward(inputs: PolicyInputs<'_>, clip: f32) -> PolicySums {
    let distributions = forward(inputs.distributions);
    let mut slopes = Vec::with_capacity(distributions.0.len());
    let mut sums = [0.0_f64; 4];
    let constants = inputs.log_prob.iter().zip(inputs.advantage).zip(inputs.weight);
    for (out, ((old, &advantage), &weight)) in distributions.0.chunks_exact(2).zip(constants) {
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
    PolicySums { sums: sums.map(|sum| sum as f32), distributions, slopes }
}

impl PolicySums {
    /// Returns the gradient of the logits from that of the sums, the last two of which have none.
    pub(crate) fn backward(
        mut self,
        distributions: forward::Inputs<'_>,
        gradient: &[f32],
    ) -> Vec<f32> {
        for slopes in self.slopes.chunks_exact_mut(2) {
            slopes[0] *= gradient[0];
            slopes[1] *= gradient[1];
        }
        backward(distributions, &self.distributions.0, &self.distributions.1, &self.slopes)
    }
}

/// Inputs of the value loss that have no gradient, `[row]` each.
#[derive(Clone, Copy)]
pub(crate) struct ValueInputs<'a> {
    pub(crate) old_value: &'a [f32],
    pub(crate) returns: &'a [f32],
    pub(crate) weight: &'a [f32],
}

/// Returns the loss of [`value_loss`](crate::value_loss) and its derivative by every value; an
/// infinite `clip` or `huber_delta` has no effect.
pub(crate) fn value_loss(
    values: &[f32],
    inputs: ValueInputs<'_>,
    clip: f32,
    huber_delta: f32,
) -> (f32, Vec<f32>) {
    // Twice the penalty, and its slope.
    let penalty = |error: f32| {
        if error.abs() <= huber_delta {
            (error * error, 2.0 * error)
        } else {
            let slope = 2.0 * huber_delta;
            (slope * (error.abs() - 0.5 * huber_delta), slope.copysign(error))
        }
    };
    let mut sum = 0.0_f64;
    let constants = inputs.old_value.iter().zip(inputs.returns).zip(inputs.weight);
    let slopes = values.iter().zip(constants).map(|(&value, ((&old_value, &returns), &weight))| {
        let (mut most, mut slope) = penalty(value - returns);
        let change = value - old_value;
        if change.abs() > clip {
            let (moved, _) = penalty(old_value + clip.copysign(change) - returns);
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
