//! Distributions over actions.

use burn::tensor::{Int, Tensor};

use super::kernels;

/// What a policy says of the actions taken.
#[derive(Clone, Debug)]
pub struct Categorical {
    /// Their log-probabilities, `[time, row]`.
    pub log_prob: Tensor<2>,
    /// The entropies of the distributions they were drawn from, `[time, row]`.
    pub entropy: Tensor<2>,
}

/// The distributions with unnormalised log-probabilities `logits + closed`, `[time, row, action]`, and
/// the `actions` taken, `[time, row, 1]`:
///
/// ```text
/// log p_j = x_j - ln sum_k exp x_k          H = - sum_j p_j log p_j
/// ```
///
/// `closed` is zero, or so negative where an action is not available that its probability is zero. No
/// gradient reaches it. On the CPU device this is one operation, with the backward pass
/// `dL/dx_j = (1_{j=a} - p_j) dL/dlog p_a - p_j (log p_j + H) dL/dH`.
pub fn categorical(logits: Tensor<3>, closed: Tensor<3>, actions: Tensor<3, Int>) -> Categorical {
    let [time, rows, n_actions] = logits.dims();
    let flat = |x: Tensor<3>| x.reshape([time * rows, n_actions]);
    let actions = actions.reshape([time * rows, 1]);
    let both = kernels::categorical(flat(logits), flat(closed), actions);
    let column = |k: usize| both.clone().narrow(1, k, 1).reshape([time, rows]);
    Categorical { log_prob: column(0), entropy: column(1) }
}
