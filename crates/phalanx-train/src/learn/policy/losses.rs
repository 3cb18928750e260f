//! The losses of policies and critics.

use std::iter::Sum;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{Categorical, categorical};

use crate::learn::host::to_vec;

/// What networks read, `[time, row, dim]`, `[row, memory]` and `[time, row]`.
#[derive(Clone)]
pub(super) struct Sequence {
    pub(super) input: Tensor<3>,
    pub(super) hidden: Tensor<2>,
    pub(super) keep: Tensor<2>,
}

/// What agents read and did; a row is an agent of an item.
pub(super) struct Played {
    pub(super) read: Sequence,
    /// Zero, or minus infinity for all purposes where an action is not available.
    pub(super) closed: Tensor<3>,
    pub(super) actions: Tensor<3, Int>,
}

impl Played {
    /// What networks that say `logits` think of the actions taken.
    pub(super) fn taken(&self, logits: Tensor<3>) -> Categorical {
        categorical(logits, self.closed.clone(), self.actions.clone())
    }

    /// The log-probabilities of all actions, `[time, row, action]`.
    pub(super) fn log_probs(&self, logits: Tensor<3>) -> Tensor<3> {
        log_softmax(logits + self.closed.clone(), 2)
    }
}

/// What a policy learns from.
pub(super) struct PolicyBatch {
    pub(super) played: Played,
    /// Of the actions taken, under the policy that took them, `[time, row]`.
    pub(super) log_prob: Tensor<2>,
    /// Of all actions, where a KL divergence is asked for.
    pub(super) log_probs: Option<Tensor<3>>,
    pub(super) advantage: Tensor<2>,
    /// Weights that sum to one over the living, acting agent steps of all shards of a minibatch.
    pub(super) active: Tensor<2>,
}

/// What a critic is to say, `[time, row]`; a row is a value of an item.
pub(super) struct ValueTargets {
    pub(super) value: Tensor<2>,
    pub(super) returns: Tensor<2>,
    /// Weights that sum to one over the steps to learn from, in all shards of a minibatch.
    pub(super) valued: Tensor<2>,
}

/// What a critic of its own learns from.
pub(super) struct ValueBatch {
    pub(super) read: Sequence,
    pub(super) targets: ValueTargets,
}

/// The constants of the losses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    /// How far ratios and values may move; `None` clips no ratio.
    pub(super) ratio_clip: Option<f32>,
    /// `None` clips no value.
    pub(super) value_clip: Option<f32>,
    /// Zero squares every error.
    pub(super) huber_delta: f32,
    pub(super) entropy_coef: f32,
    pub(super) kl_coef: f32,
}

/// What a policy update did; a shard has its part of every sum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PolicyReport {
    pub(super) pg_loss: f32,
    pub(super) entropy: f32,
    pub(super) clip_fraction: f32,
    pub(super) approx_kl: f32,
}

impl Sum for PolicyReport {
    fn sum<I: Iterator<Item = Self>>(shards: I) -> Self {
        shards.fold(Self::default(), |sum, shard| Self {
            pg_loss: sum.pg_loss + shard.pg_loss,
            entropy: sum.entropy + shard.entropy,
            clip_fraction: sum.clip_fraction + shard.clip_fraction,
            approx_kl: sum.approx_kl + shard.approx_kl,
        })
    }
}

impl Loss {
    /// The policy loss with entropy bonus, over living agents:
    ///
    /// ```text
    /// rho = pi(a|z) / pi_old(a|z)
    /// L   = -mean[ min(rho A, clip(rho, 1 - eps, 1 + eps) A) ] - entropy_coef mean[ H(pi) ]
    ///       + kl_coef mean[ KL(pi_old || pi) ]
    /// ```
    ///
    /// Without clipping, the first mean is that of `rho A`. Where agents improve one after another,
    /// `A` is the advantage times the factor of those before.
    ///
    /// `logits` are `[time, row, action]`.
    pub(super) fn policy(
        &self,
        logits: Tensor<3>,
        batch: &PolicyBatch,
    ) -> (Tensor<1>, PolicyReport) {
        let [time, rows, _] = logits.dims();
        let Categorical { log_prob, entropy } = batch.played.taken(logits.clone());
        let ratio = (log_prob - batch.log_prob.clone()).exp();
        let (advantage, active) = (batch.advantage.clone(), batch.active.clone());
        let gain = ratio.clone() * advantage.clone();
        let gain = match self.ratio_clip {
            Some(eps) => {
                let clipped = ratio.clone().clamp(1.0 - eps, 1.0 + eps) * advantage;
                gain.min_pair(clipped)
            }
            None => gain,
        };
        let pg_loss = -(gain * active.clone()).sum();
        let entropy = (entropy * active.clone()).sum();
        let report = PolicyReport {
            pg_loss: pg_loss.clone().inner().into_scalar(),
            entropy: entropy.clone().inner().into_scalar(),
            ..self.movement(&to_vec(ratio.inner()), &to_vec(active.clone().inner()))
        };
        let mut loss = pg_loss - entropy * self.entropy_coef;
        if let Some(old) = &batch.log_probs {
            let new = batch.played.log_probs(logits);
            let divergence = (old.clone().exp() * (old.clone() - new)).sum_dim(2);
            loss = loss + (divergence.reshape([time, rows]) * active).sum() * self.kl_coef;
        }
        (loss, report)
    }

    /// How far the policy moved: the share of ratios that were clipped, and the mean of
    /// `rho - 1 - ln rho`.
    fn movement(&self, ratio: &[f32], weight: &[f32]) -> PolicyReport {
        let (mut clip_fraction, mut approx_kl) = (0.0, 0.0);
        for (ratio, weight) in ratio.iter().zip(weight).filter(|(_, weight)| **weight > 0.0) {
            if self.ratio_clip.is_some_and(|eps| (ratio - 1.0).abs() > eps) {
                clip_fraction += weight;
            }
            approx_kl += weight * (ratio - 1.0 - ratio.ln());
        }
        PolicyReport { pg_loss: 0.0, entropy: 0.0, clip_fraction, approx_kl }
    }

    /// Half the squared error of the critic, or Huber's; with value clipping, the larger of that of
    /// the value and that of the old value moved by at most `eps_clip`.
    ///
    /// ```text
    /// l(e) = e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2)
    /// ```
    ///
    /// `value` is `[time, row, 1]`.
    pub(super) fn value(&self, value: Tensor<3>, targets: &ValueTargets) -> Tensor<1> {
        let ValueTargets { returns, value: old, valued } = targets;
        let value = value.reshape(returns.dims());
        let mut error = self.penalty(value.clone() - returns.clone());
        if let Some(eps) = self.value_clip {
            let moved = (value - old.clone()).clamp(-eps, eps) + old.clone();
            error = error.max_pair(self.penalty(moved - returns.clone()));
        }
        (error * valued.clone()).sum() * 0.5
    }

    /// Twice the loss of an error.
    fn penalty(&self, error: Tensor<2>) -> Tensor<2> {
        if self.huber_delta <= 0.0 {
            return error.square();
        }
        // With c the error cut off at delta: c^2 + 2 delta (|e| - |c|).
        let inside = error.clone().clamp(-self.huber_delta, self.huber_delta);
        let beyond = error.abs() - inside.clone().abs();
        inside.square() + beyond * (2.0 * self.huber_delta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::host::tensor;
    use burn::tensor::TensorData;
    use phalanx_core::nn::{Device, device};

    fn cpu() -> Device {
        device("cpu").expect("the CPU is always there").autodiff()
    }

    fn loss() -> Loss {
        Loss {
            ratio_clip: Some(0.2),
            value_clip: None,
            huber_delta: 0.0,
            entropy_coef: 0.0,
            kl_coef: 0.0,
        }
    }

    fn row(values: &[f32]) -> Tensor<2> {
        tensor(values.to_vec(), [1, values.len()], &cpu())
    }

    /// One step of agents with two actions each, who took the first one.
    fn batch(advantage: &[f32], old: &[f32], weight: &[f32]) -> PolicyBatch {
        let n = advantage.len();
        PolicyBatch {
            played: Played {
                read: Sequence {
                    input: Tensor::zeros([1, n, 1], &cpu()),
                    hidden: Tensor::zeros([n, 1], &cpu()),
                    keep: Tensor::ones([1, n], &cpu()),
                },
                closed: Tensor::zeros([1, n, 2], &cpu()),
                actions: Tensor::from_data(TensorData::new(vec![0_i32; n], [1, n, 1]), &cpu()),
            },
            log_prob: row(old),
            log_probs: None,
            advantage: row(advantage),
            active: row(weight),
        }
    }

    /// Logits of two actions whose first one has these probabilities.
    fn logits(first: &[f32]) -> Tensor<3> {
        let values = first.iter().flat_map(|p| [p.ln(), (1.0 - p).ln()]).collect();
        tensor(values, [1, first.len(), 2], &cpu()).require_grad()
    }

    fn number(loss: Tensor<1>) -> f32 {
        loss.inner().into_scalar()
    }

    #[test]
    fn the_clipped_loss_takes_the_smaller_gain_and_leaves_the_dead_out() {
        // Ratios 1.5, 0.5, 1.1, 0.5 with advantages 2, 2, -1, -1, and a dead agent.
        let old = [0.4_f32, 0.4, 0.5, 0.8, 0.5].map(f32::ln);
        let batch = batch(&[2.0, 2.0, -1.0, -1.0, 9.0], &old, &[0.25, 0.25, 0.25, 0.25, 0.0]);
        let (total, report) = loss().policy(logits(&[0.6, 0.2, 0.55, 0.4, 0.9]), &batch);
        let gain = 1.2 * 2.0 + 0.5 * 2.0 - 1.1 - 0.8;
        assert!((number(total) + gain / 4.0).abs() < 1e-6);
        assert!((report.clip_fraction - 0.75).abs() < 1e-6, "{report:?}");
        let kl = |ratio: f32| ratio - 1.0 - ratio.ln();
        let expected = (kl(1.5) + kl(0.5) + kl(1.1) + kl(0.5)) / 4.0;
        assert!((report.approx_kl - expected).abs() < 1e-6);
    }

    #[test]
    fn a_clipped_ratio_has_no_gradient_and_an_unclipped_loss_keeps_it() {
        let batch = batch(&[2.0], &[0.4_f32.ln()], &[1.0]);
        for (ratio_clip, slope) in [(Some(0.2), 0.0), (None, -2.0 * 1.5 * (1.0 - 0.6))] {
            let logits = logits(&[0.6]);
            let (total, _) = Loss { ratio_clip, ..loss() }.policy(logits.clone(), &batch);
            let gradients = total.backward();
            let gradient = to_vec(logits.grad(&gradients).expect("the loss depends on them"));
            assert!((gradient[0] - slope).abs() < 1e-5, "{gradient:?}");
        }
    }

    #[test]
    fn entropy_is_rewarded_and_divergence_from_the_old_policy_punished() {
        let mut batch = batch(&[0.0], &[0.5_f32.ln()], &[1.0]);
        batch.log_probs = Some(logits(&[0.5]));
        let loss = Loss { entropy_coef: 0.1, kl_coef: 2.0, ..loss() };
        let (total, report) = loss.policy(logits(&[0.8]), &batch);
        let entropy = -(0.8 * 0.8_f32.ln() + 0.2 * 0.2_f32.ln());
        let divergence = 0.5 * (0.5_f32 / 0.8).ln() + 0.5 * (0.5_f32 / 0.2).ln();
        assert!((report.entropy - entropy).abs() < 1e-6);
        assert!((number(total) - (2.0 * divergence - 0.1 * entropy)).abs() < 1e-5);
    }

    #[test]
    fn the_value_loss_is_the_larger_of_free_and_clipped_squared_or_hubers() {
        let targets = ValueTargets {
            value: row(&[0.0, 0.0, 0.0]),
            returns: row(&[1.0, -1.0, 9.0]),
            valued: row(&[0.5, 0.5, 0.0]),
        };
        let values = row(&[0.5, 0.5, 7.0]).unsqueeze_dim::<3>(2);
        let of = |value_clip, huber_delta| {
            number(Loss { value_clip, huber_delta, ..loss() }.value(values.clone(), &targets))
        };
        assert!((of(None, 0.0) - 0.5 * 0.5 * (0.25 + 2.25)).abs() < 1e-6);
        // Moved by at most 0.2: errors -0.8 and 1.2 against -0.5 and 1.5.
        assert!((of(Some(0.2), 0.0) - 0.5 * 0.5 * (0.64 + 2.25)).abs() < 1e-6);
        // With delta 1: 0.5^2 / 2, and 1 * (1.5 - 0.5).
        assert!((of(None, 1.0) - 0.5 * (0.125 + 1.0)).abs() < 1e-6);
    }
}
