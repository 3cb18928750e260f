//! The losses of policy gradients and of their critics.

use burn::tensor::{Int, Tensor};

use super::kernels;

/// What was done, how likely it was and how good: the constants of an update of a policy.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Zero, or so negative where an action is not available that its probability is zero,
    /// `[row, action]`.
    pub closed: Tensor<2>,
    /// The actions taken, `[row, 1]`.
    pub actions: Tensor<2, Int>,
    /// Their log-probabilities under the policy that took them, `[row, 1]`.
    pub log_prob: Tensor<2>,
    /// `[row, 1]`.
    pub advantage: Tensor<2>,
    /// How much every row counts, `[row, 1]`.
    pub weight: Tensor<2>,
}

/// Four sums over rows, `[4]`, of which gradients flow through the first two: the loss of PPO (Schulman
/// et al. 2017, arXiv 1707.06347), the entropy, the share of ratios that were clipped, and an estimate of
/// the KL divergence of the policy from that which acted.
///
/// ```text
/// rho = pi(a|z) / pi_old(a|z)      pi = softmax(logits + closed)
/// -sum_i w_i min(rho_i A_i, clip(rho_i, 1 - eps, 1 + eps) A_i)      sum_i w_i H(pi_i)
///  sum_i w_i [|rho_i - 1| > eps]                                    sum_i w_i (rho_i - 1 - ln rho_i)
/// ```
///
/// `logits` is `[row, action]`; without `clip`, which is `eps`, nothing is clipped.
pub fn surrogate(logits: Tensor<2>, taken: &Taken, clip: Option<f32>) -> Tensor<1> {
    kernels::surrogate(logits, taken, clip.unwrap_or(f32::INFINITY))
}

/// What a critic is to say: the constants of an update of a critic, `[row, 1]` each.
#[derive(Clone, Debug)]
pub struct Valued {
    /// What it said before.
    pub before: Tensor<2>,
    /// What it was to say.
    pub returns: Tensor<2>,
    /// How much every row counts.
    pub weight: Tensor<2>,
}

/// Half the squared error of a critic, or Huber's, `[1]`; with `clip`, which is `eps`, the larger of that
/// of the value and that of the value moved by at most `eps`.
///
/// ```text
/// sum_i w_i max(l(v_i - R_i), l(v_old_i + clip(v_i - v_old_i, -eps, eps) - R_i))
/// l(e) = e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2)
/// ```
///
/// `values` is `[row, 1]`; without `huber_delta` every error is squared.
pub fn value_loss(
    values: Tensor<2>,
    valued: &Valued,
    clip: Option<f32>,
    huber_delta: Option<f32>,
) -> Tensor<1> {
    let end = |delta: Option<f32>| delta.unwrap_or(f32::INFINITY);
    kernels::value_loss(values, valued, end(clip), end(huber_delta))
}
