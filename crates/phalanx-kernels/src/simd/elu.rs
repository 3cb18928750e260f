//! The exponential linear unit, vectorised.

use pulp::Simd;

use crate::simd::activation::tanh;

/// Computes `x` for positive `x` and otherwise `exp(x) - 1`, within `1e-6` of the exact value.
///
/// With `t = tanh(x / 2)`, `exp(x) - 1 = 2 t / (1 - t)`, which has no cancellation for negative
/// `x`.
#[inline(always)]
pub(crate) fn elu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let negative = simd.min_f32s(zero, x);
    let t = tanh(simd, simd.mul_f32s(simd.splat_f32s(0.5), negative));
    let below = simd.div_f32s(simd.add_f32s(t, t), simd.sub_f32s(simd.splat_f32s(1.0), t));
    simd.add_f32s(simd.max_f32s(zero, x), below)
}
