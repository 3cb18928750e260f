//! Distributions over actions, and the losses of policies and critics.

use burn::tensor::{Int, Tensor};
pub use phalanx_kernels::{PolicyTargets, ValueTargets, ppo_loss, value_loss};

/// Log-probabilities and entropies of the actions taken.
#[derive(Clone, Debug)]
pub struct Categorical {
    /// The log-probabilities of the actions taken, `[time, row]`.
    pub log_prob: Tensor<2>,
    /// The entropies of the distributions, `[time, row]`.
    pub entropy: Tensor<2>,
}

/// Evaluates the distributions with unnormalised log-probabilities `logits + mask_bias`, `[time,
/// row, action]`, at the `actions` taken, `[time, row, 1]`. For the formula see
/// [`categorical`](phalanx_kernels::categorical()).
///
/// `mask_bias` is zero for available actions, and for others so negative that their probability is
/// zero. It gets no gradient.
pub fn categorical(
    logits: Tensor<3>,
    mask_bias: Tensor<3>,
    actions: Tensor<3, Int>,
) -> Categorical {
    let [time, rows, n_actions] = logits.dims();
    let flat = |x: Tensor<3>| x.reshape([time * rows, n_actions]);
    let actions = actions.reshape([time * rows, 1]);
    let both = phalanx_kernels::categorical(flat(logits), flat(mask_bias), actions);
    let column = |k: usize| both.clone().narrow(1, k, 1).reshape([time, rows]);
    Categorical { log_prob: column(0), entropy: column(1) }
}
