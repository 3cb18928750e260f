//! The forward pass on slices.

use pulp::{Simd, WithSimd};

use crate::flops::count;
use crate::simd::dispatch::{dispatch, load};

/// Computes `out[row, j] = w[row, j] · hidden[row] + b[row, j]`, `[row, action]`.
///
/// `hidden` is `[row, width]`; `weights` is `[row, action, width + 1]`: the weights of an action, then its
/// bias. The bits of a row do not depend on the other rows.
///
/// # Panics
///
/// Panics if the slices have different numbers of rows.
pub fn score_entities(width: usize, hidden: &[f32], weights: &[f32], out: &mut [f32]) {
    let rows = hidden.len() / width;
    assert_eq!(weights.len(), out.len() * (width + 1), "one weight vector and bias per output");
    let actions = out.len() / rows.max(1);
    assert_eq!(out.len(), rows * actions, "the same number of actions in every row");
    count(out.len() * width);
    dispatch(Forward { width, actions, hidden, weights, out });
}

struct Forward<'a> {
    width: usize,
    actions: usize,
    hidden: &'a [f32],
    weights: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { width, actions, hidden, weights, out } = self;
        if actions == 0 {
            return;
        }
        let lanes = S::F32_LANES;
        let rows = hidden.chunks_exact(width).zip(weights.chunks_exact(actions * (width + 1)));
        for (out, (hidden, weights)) in out.chunks_exact_mut(actions).zip(rows) {
            for (out, weights) in out.iter_mut().zip(weights.chunks_exact(width + 1)) {
                let (weights, bias) = weights.split_at(width);
                let mut sum = simd.splat_f32s(0.0);
                for (w, h) in weights.chunks(lanes).zip(hidden.chunks(lanes)) {
                    sum = simd.mul_add_e_f32s(load(simd, w), load(simd, h), sum);
                }
                *out = simd.reduce_sum_f32s(sum) + bias[0];
            }
        }
    }
}
