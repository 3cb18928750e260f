//! Log-probabilities and entropies of categorical distributions, on slices.

use pulp::{Simd, WithSimd};

use super::super::exp::exp;
use super::super::simd::{dispatch, load, store};

/// Stands behind the last action, where a vector is wider; its exponential is zero.
const BEHIND: f32 = -1e30;

/// Distributions and the actions taken.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) n_actions: usize,
    /// `[row, action]`.
    pub(super) logits: &'a [f32],
    /// Added to the logits, `[row, action]`.
    pub(super) closed: &'a [f32],
    /// Whole numbers, `[row]`.
    pub(super) actions: &'a [f32],
}

/// The log-probability of the action taken and the entropy, `[row, 2]`, and the logarithm of the sum of
/// exponentials, `[row]`.
pub(super) fn forward(inputs: Inputs<'_>) -> (Vec<f32>, Vec<f32>) {
    let rows = inputs.actions.len();
    let (mut out, mut sums) = (vec![0.0; 2 * rows], vec![0.0; rows]);
    dispatch(Forward { inputs, out: &mut out, sums: &mut sums });
    (out, sums)
}

/// The gradient of the logits, `[row, action]`, given what [`forward`] returned and the gradient of its
/// first part.
pub(super) fn backward(
    inputs: Inputs<'_>,
    out: &[f32],
    sums: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let mut logits = vec![0.0; inputs.logits.len()];
    dispatch(Backward { inputs, out, sums, gradient, logits: &mut logits });
    logits
}

/// `logits + closed` of a row, padded to whole vectors.
#[inline(always)]
fn row<S: Simd>(simd: S, inputs: &Inputs<'_>, row: usize, x: &mut [f32]) {
    let n = inputs.n_actions;
    let range = row * n..(row + 1) * n;
    let parts = inputs.logits[range.clone()]
        .chunks(S::F32_LANES)
        .zip(inputs.closed[range].chunks(S::F32_LANES));
    for ((logits, closed), x) in parts.zip(x.chunks_mut(S::F32_LANES)) {
        let sum = simd.add_f32s(load(simd, logits), load(simd, closed));
        store(simd, &mut x[..logits.len()], sum);
    }
}

struct Forward<'a> {
    inputs: Inputs<'a>,
    out: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, out, sums } = self;
        let lanes = S::F32_LANES;
        let mut x = vec![BEHIND; inputs.n_actions.next_multiple_of(lanes)];
        for (at, (out, log_sum)) in out.chunks_exact_mut(2).zip(sums).enumerate() {
            row(simd, &inputs, at, &mut x);
            let mut most = simd.splat_f32s(BEHIND);
            for x in x.chunks_exact(lanes) {
                most = simd.max_f32s(most, load(simd, x));
            }
            let most = simd.reduce_max_f32s(most);
            let shift = simd.splat_f32s(most);
            // The sum of e = exp(x - most), and that of e (x - most).
            let (mut sum, mut weighted) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            for x in x.chunks_exact(lanes) {
                let x = simd.sub_f32s(load(simd, x), shift);
                let e = exp(simd, x);
                sum = simd.add_f32s(sum, e);
                weighted = simd.mul_add_e_f32s(e, x, weighted);
            }
            let (sum, weighted) = (simd.reduce_sum_f32s(sum), simd.reduce_sum_f32s(weighted));
            let log = sum.ln();
            *log_sum = most + log;
            out[0] = x[inputs.actions[at] as usize] - most - log;
            out[1] = log - weighted / sum;
        }
    }
}

struct Backward<'a> {
    inputs: Inputs<'a>,
    out: &'a [f32],
    sums: &'a [f32],
    gradient: &'a [f32],
    logits: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, out, sums, gradient, logits } = self;
        let (n, lanes) = (inputs.n_actions, S::F32_LANES);
        let mut x = vec![BEHIND; n.next_multiple_of(lanes)];
        let rows = out.chunks_exact(2).zip(sums).zip(gradient.chunks_exact(2));
        for (at, (((out, &log_sum), gradient), logits)) in
            rows.zip(logits.chunks_exact_mut(n)).enumerate()
        {
            row(simd, &inputs, at, &mut x);
            let log_sum = simd.splat_f32s(log_sum);
            let (entropy, d_entropy) = (simd.splat_f32s(out[1]), simd.splat_f32s(-gradient[1]));
            let d_taken = simd.splat_f32s(-gradient[0]);
            for (x, logits) in x.chunks_exact(lanes).zip(logits.chunks_mut(lanes)) {
                let log_p = simd.sub_f32s(load(simd, x), log_sum);
                let slope = simd.mul_add_e_f32s(d_entropy, simd.add_f32s(log_p, entropy), d_taken);
                store(simd, logits, simd.mul_f32s(exp(simd, log_p), slope));
            }
            logits[inputs.actions[at] as usize] += gradient[0];
        }
    }
}
