//! Log-probabilities and entropies of categorical distributions, on slices.

use pulp::{Simd, WithSimd};

use crate::simd::dispatch::{dispatch, load, store};
use crate::simd::exp::exp;

/// Pads a row to whole vectors; its exponential is zero.
pub(super) const PADDING: f32 = -1e30;

/// Distributions and the actions taken.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) n_actions: usize,
    /// `[row, action]`.
    pub(crate) logits: &'a [f32],
    /// Added to the logits, `[row, action]`.
    pub(crate) mask_bias: &'a [f32],
    /// Whole numbers, `[row]`.
    pub(crate) actions: &'a [f32],
}

/// Computes the log-probability of the action taken and the entropy, `[row, 2]`, and the
/// log-sum-exp of the logits, `[row]`.
pub(crate) fn forward(inputs: Inputs<'_>) -> (Vec<f32>, Vec<f32>) {
    let rows = inputs.actions.len();
    let (mut out, mut sums) = (vec![0.0; 2 * rows], vec![0.0; rows]);
    dispatch(Forward { inputs, out: &mut out, sums: &mut sums });
    (out, sums)
}

/// Computes `logits + mask_bias` of a row, padded to whole vectors.
#[inline(always)]
pub(super) fn row<S: Simd>(simd: S, inputs: &Inputs<'_>, row: usize, x: &mut [f32]) {
    let n = inputs.n_actions;
    let range = row * n..(row + 1) * n;
    let parts = inputs.logits[range.clone()]
        .chunks(S::F32_LANES)
        .zip(inputs.mask_bias[range].chunks(S::F32_LANES));
    for ((logits, mask_bias), x) in parts.zip(x.chunks_mut(S::F32_LANES)) {
        let sum = simd.add_f32s(load(simd, logits), load(simd, mask_bias));
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
        let mut x = vec![PADDING; inputs.n_actions.next_multiple_of(lanes)];
        for (at, (out, log_sum)) in out.chunks_exact_mut(2).zip(sums).enumerate() {
            row(simd, &inputs, at, &mut x);
            let mut most = simd.splat_f32s(PADDING);
            for x in x.chunks_exact(lanes) {
                most = simd.max_f32s(most, load(simd, x));
            }
            let most = simd.reduce_max_f32s(most);
            let shift = simd.splat_f32s(most);
            // The sums of e = exp(x - most) and of e (x - most).
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
