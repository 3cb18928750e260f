//! The backward pass on slices.

use pulp::{Simd, WithSimd};

use crate::flops::count;
use crate::simd::dispatch::{dispatch, load, store};

/// The inputs of the backward pass and the gradients that it computes.
pub(crate) struct Backward<'a> {
    /// `[row, width]`.
    pub(crate) hidden: &'a [f32],
    /// `[row, action, width + 1]`.
    pub(crate) weights: &'a [f32],
    /// The gradient of the output, `[row, action]`.
    pub(crate) gradient: &'a [f32],
    /// The gradient of `hidden`; zeros before the call.
    pub(crate) d_hidden: &'a mut [f32],
    /// The gradient of `weights`.
    pub(crate) d_weights: &'a mut [f32],
}

impl Backward<'_> {
    /// Computes both gradients of rows with `actions` outputs from `width` inputs each.
    pub(crate) fn run(self, width: usize, actions: usize) {
        count(2 * self.gradient.len() * width);
        dispatch(Rows { width, actions, pass: self });
    }
}

struct Rows<'a> {
    width: usize,
    actions: usize,
    pass: Backward<'a>,
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { width, actions, pass } = self;
        if actions == 0 {
            return;
        }
        let (lanes, stride) = (S::F32_LANES, width + 1);
        let rows = pass.hidden.chunks_exact(width).zip(pass.weights.chunks_exact(actions * stride));
        let gradients = pass
            .gradient
            .chunks_exact(actions)
            .zip(pass.d_hidden.chunks_exact_mut(width))
            .zip(pass.d_weights.chunks_exact_mut(actions * stride));
        for ((hidden, weights), ((gradient, d_hidden), d_weights)) in rows.zip(gradients) {
            let heads = weights.chunks_exact(stride).zip(d_weights.chunks_exact_mut(stride));
            for (&g, (weights, d_weights)) in gradient.iter().zip(heads) {
                let splat = simd.splat_f32s(g);
                let (d_weights, d_bias) = d_weights.split_at_mut(width);
                d_bias[0] = g;
                let inputs = weights[..width].chunks(lanes).zip(hidden.chunks(lanes));
                let outputs = d_weights.chunks_mut(lanes).zip(d_hidden.chunks_mut(lanes));
                for ((w, h), (d_w, d_h)) in inputs.zip(outputs) {
                    store(simd, d_w, simd.mul_f32s(splat, load(simd, h)));
                    let sum = simd.mul_add_e_f32s(splat, load(simd, w), load(simd, d_h));
                    store(simd, d_h, sum);
                }
            }
        }
    }
}
