//! The losses of policies and critics.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{
    Categorical, PolicyTargets, ValueTargets, categorical, ppo_loss, value_loss,
};

/// The inputs of recurrent networks: `[time, row, dim]`, hidden states `[row, carry]`, and resets
/// `[time, row]`.
#[derive(Clone)]
pub(super) struct Sequence {
    pub(super) input: Tensor<3>,
    pub(super) hidden: Tensor<2>,
    pub(super) not_reset: Tensor<2>,
}

/// The inputs, masks and actions of agents. A row is an agent of an item.
pub(super) struct PolicyInputs {
    pub(super) read: Sequence,
    /// Zero for available actions, a large negative number for others, `[time, row, action]`.
    pub(super) mask_bias: Tensor<3>,
    pub(super) actions: Tensor<3, Int>,
}

impl PolicyInputs {
    /// Returns the log-probabilities and entropy of the actions taken under `logits`.
    pub(super) fn evaluate_actions(&self, logits: Tensor<3>) -> Categorical {
        categorical(logits, self.mask_bias.clone(), self.actions.clone())
    }

    /// Returns the log-probabilities of all actions, `[time, row, action]`.
    pub(super) fn log_probs(&self, logits: Tensor<3>) -> Tensor<3> {
        log_softmax(logits + self.mask_bias.clone(), 2)
    }
}

/// The batch of a policy update.
pub(super) struct PolicyBatch {
    pub(super) read: Sequence,
    /// The targets; the weights sum to one over the active agent steps of all shards of a minibatch.
    pub(super) taken: PolicyTargets,
    /// The log-probabilities of all actions under the rollout's policy, `[time * row, action]`, if
    /// the loss has a KL term.
    pub(super) log_probs: Option<Tensor<2>>,
}

/// The batch of an update of a separate critic.
pub(super) struct ValueBatch {
    pub(super) read: Sequence,
    /// The targets; the weights sum to one over the active steps of all shards of a minibatch.
    pub(super) valued: ValueTargets,
}

/// Constants of the losses.
#[derive(Clone, Copy, Debug)]
pub(super) struct PpoLoss {
    /// The clip range of the ratio, if it is clipped.
    pub(super) ratio_clip: Option<f32>,
    /// The clip range of the value, if it is clipped.
    pub(super) value_clip: Option<f32>,
    /// The delta of the Huber loss; `None` uses the squared error.
    pub(super) huber_delta: Option<f32>,
    pub(super) entropy_coef: f32,
    pub(super) kl_coef: f32,
}

/// The names of the metrics that [`PpoLoss::policy`] returns with the loss.
pub(super) const POLICY_MEANS: [&str; 4] = ["pg_loss", "entropy", "clip_fraction", "approx_kl"];

impl PpoLoss {
    /// Returns the policy loss with entropy bonus over the active agent steps, and its
    /// [`POLICY_MEANS`], `[4]`:
    ///
    /// ```text
    /// L = surrogate - entropy_coef mean[ H(pi) ] + kl_coef mean[ KL(pi_old || pi) ]
    /// ```
    ///
    /// with the clipped [`surrogate`]. If agents are updated one after another, the advantage is
    /// multiplied by the importance ratio of the agents updated before.
    ///
    /// `logits` are `[time, row, action]`.
    pub(super) fn policy(&self, logits: Tensor<3>, batch: &PolicyBatch) -> (Tensor<1>, Tensor<1>) {
        let [time, rows, n_actions] = logits.dims();
        let logits = logits.reshape([time * rows, n_actions]);
        let sums = ppo_loss(logits.clone(), &batch.taken, self.ratio_clip);
        let part = |k: usize| sums.clone().narrow(0, k, 1);
        let mut loss = part(0) - part(1) * self.entropy_coef;
        if let Some(old) = &batch.log_probs {
            let new = log_softmax(logits + batch.taken.mask_bias.clone(), 1);
            let divergence = (old.clone().exp() * (old.clone() - new)).sum_dim(1);
            loss = loss + (divergence * batch.taken.weight.clone()).sum() * self.kl_coef;
        }
        (loss, sums.inner())
    }

    /// Returns the loss of the critic ([`value_loss`]); `value` is `[time, row, 1]`.
    pub(super) fn value(&self, value: Tensor<3>, valued: &ValueTargets) -> Tensor<1> {
        let [time, rows, _] = value.dims();
        let value = value.reshape([time * rows, 1]);
        value_loss(value, valued, self.value_clip, self.huber_delta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::transfer::{tensor, to_vec};
    use burn::tensor::TensorData;
    use phalanx_core::nn::{Device, device};

    fn cpu() -> Device {
        device("cpu").expect("the CPU is always available").autodiff()
    }

    fn loss() -> PpoLoss {
        PpoLoss {
            ratio_clip: Some(0.2),
            value_clip: None,
            huber_delta: None,
            entropy_coef: 0.0,
            kl_coef: 0.0,
        }
    }

    fn column(values: &[f32]) -> Tensor<2> {
        tensor(values.to_vec(), [values.len(), 1], &cpu())
    }

    /// Returns one step of agents with two actions each, which took the first one.
    fn batch(advantage: &[f32], old: &[f32], weight: &[f32]) -> PolicyBatch {
        let n = advantage.len();
        PolicyBatch {
            read: Sequence {
                input: Tensor::zeros([1, n, 1], &cpu()),
                hidden: Tensor::zeros([n, 1], &cpu()),
                not_reset: Tensor::ones([1, n], &cpu()),
            },
            taken: PolicyTargets {
                mask_bias: Tensor::zeros([n, 2], &cpu()),
                actions: Tensor::from_data(TensorData::new(vec![0_i32; n], [n, 1]), &cpu()),
                log_prob: column(old),
                advantage: column(advantage),
                weight: column(weight),
            },
            log_probs: None,
        }
    }

    /// Returns logits of two actions under which the first action has these probabilities.
    fn logits(first: &[f32]) -> Tensor<3> {
        let values = first.iter().flat_map(|p| [p.ln(), (1.0 - p).ln()]).collect();
        tensor(values, [1, first.len(), 2], &cpu()).require_grad()
    }

    fn number(loss: Tensor<1>) -> f32 {
        loss.inner().into_scalar()
    }

    #[test]
    fn the_clipped_loss_takes_the_smaller_gain_and_ignores_dead_agents() {
        // Ratios 1.5, 0.5, 1.1, 0.5 with advantages 2, 2, -1, -1, and a dead agent.
        let old = [0.4_f32, 0.4, 0.5, 0.8, 0.5].map(f32::ln);
        let batch = batch(&[2.0, 2.0, -1.0, -1.0, 9.0], &old, &[0.25, 0.25, 0.25, 0.25, 0.0]);
        let (total, means) = loss().policy(logits(&[0.6, 0.2, 0.55, 0.4, 0.9]), &batch);
        let [_, _, clip_fraction, approx_kl] = to_vec(means)[..] else {
            panic!("there are four metrics")
        };
        let gain = 1.2 * 2.0 + 0.5 * 2.0 - 1.1 - 0.8;
        assert!((number(total) + gain / 4.0).abs() < 1e-6);
        assert!((clip_fraction - 0.75).abs() < 1e-6, "{clip_fraction}");
        let kl = |ratio: f32| ratio - 1.0 - ratio.ln();
        let expected = (kl(1.5) + kl(0.5) + kl(1.1) + kl(0.5)) / 4.0;
        assert!((approx_kl - expected).abs() < 1e-6);
    }

    #[test]
    fn a_clipped_ratio_has_no_gradient_and_an_unclipped_loss_keeps_it() {
        let batch = batch(&[2.0], &[0.4_f32.ln()], &[1.0]);
        for (ratio_clip, slope) in [(Some(0.2), 0.0), (None, -2.0 * 1.5 * (1.0 - 0.6))] {
            let logits = logits(&[0.6]);
            let (total, _) = PpoLoss { ratio_clip, ..loss() }.policy(logits.clone(), &batch);
            let gradients = total.backward();
            let gradient = to_vec(logits.grad(&gradients).expect("the loss depends on them"));
            assert!((gradient[0] - slope).abs() < 1e-5, "{gradient:?}");
        }
    }

    #[test]
    fn entropy_lowers_the_loss_and_divergence_from_the_old_policy_raises_it() {
        let mut batch = batch(&[0.0], &[0.5_f32.ln()], &[1.0]);
        batch.log_probs = Some(logits(&[0.5]).reshape([1, 2]));
        let loss = PpoLoss { entropy_coef: 0.1, kl_coef: 2.0, ..loss() };
        let (total, means) = loss.policy(logits(&[0.8]), &batch);
        let entropy = -(0.8 * 0.8_f32.ln() + 0.2 * 0.2_f32.ln());
        let divergence = 0.5 * (0.5_f32 / 0.8).ln() + 0.5 * (0.5_f32 / 0.2).ln();
        assert!((to_vec(means)[1] - entropy).abs() < 1e-6);
        assert!((number(total) - (2.0 * divergence - 0.1 * entropy)).abs() < 1e-5);
    }

    #[test]
    fn the_value_loss_is_the_larger_of_free_and_clipped_squared_or_hubers() {
        let targets = ValueTargets {
            old_value: column(&[0.0, 0.0, 0.0]),
            returns: column(&[1.0, -1.0, 9.0]),
            weight: column(&[0.5, 0.5, 0.0]),
        };
        let values = column(&[0.5, 0.5, 7.0]).unsqueeze_dim::<3>(0);
        let of = |value_clip, huber_delta| {
            number(PpoLoss { value_clip, huber_delta, ..loss() }.value(values.clone(), &targets))
        };
        assert!((of(None, None) - 0.5 * 0.5 * (0.25 + 2.25)).abs() < 1e-6);
        // Values clipped to changes of at most 0.2: errors -0.8 and 1.2 against -0.5 and 1.5.
        assert!((of(Some(0.2), None) - 0.5 * 0.5 * (0.64 + 2.25)).abs() < 1e-6);
        // With delta 1: 0.5^2 / 2, and 1 * (1.5 - 0.5).
        assert!((of(None, Some(1.0)) - 0.5 * (0.125 + 1.0)).abs() < 1e-6);
    }
}
