//! The backward pass of log-probabilities and entropies, on slices.

use pulp::{Simd, WithSimd};

use super::forward::{Inputs, PADDING, row};
use crate::simd::dispatch::{dispatch, load, store};
use crate::simd::exp::exp;

/// Computes the gradient of the logits, `[row, action]`, from the results of
/// [`forward`](super::forward::forward) and the gradient of the first of them.
pub(crate) fn backward(
    inputs: Inputs<'_>,
    out: &[f32],
    sums: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let mut logits = vec![0.0; inputs.logits.len()];
    dispatch(Backward { inputs, out, sums, gradient, logits: &mut logits });
    logits
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
        let mut x = vec![PADDING; n.next_multiple_of(lanes)];
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
