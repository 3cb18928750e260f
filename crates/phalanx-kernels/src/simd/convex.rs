//! The convex activations of a concave mixer and their slopes, vectorised.

use pulp::Simd;

use crate::Convex;
#[cfg(feature = "flex")]
use crate::simd::activation::sigmoid;
use crate::simd::activation::tanh;
use crate::simd::elu::elu;

/// `2 atanh(w) / w` as a polynomial in `w^2`; for `w <= 1/3`, the terms left out are below `2e-8`.
const ATANH: [f32; 7] = [2.0, 2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0, 2.0 / 13.0];

/// Computes the activation, within `1e-6` of the exact value.
#[inline(always)]
pub(crate) fn value<S: Simd>(simd: S, activation: Convex, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    match activation {
        Convex::Relu => simd.max_f32s(zero, x),
        Convex::LeakyRelu => simd.max_f32s(simd.mul_f32s(simd.splat_f32s(Convex::LEAK), x), x),
        Convex::Softplus => softplus(simd, x),
        Convex::Elu => elu(simd, x),
    }
}

/// Computes the activation's slope at the input `x`; at a kink, the slope on its left.
#[inline(always)]
#[cfg(feature = "flex")] // Only the fused backward pass needs it.
pub(crate) fn slope<S: Simd>(simd: S, activation: Convex, x: S::f32s) -> S::f32s {
    let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
    let positive = simd.greater_than_f32s(x, zero);
    match activation {
        Convex::Relu => simd.select_f32s(positive, one, zero),
        Convex::LeakyRelu => simd.select_f32s(positive, one, simd.splat_f32s(Convex::LEAK)),
        Convex::Softplus => sigmoid(simd, x),
        Convex::Elu => simd.select_f32s(positive, one, simd.add_f32s(elu(simd, x), one)),
    }
}

/// Computes `ln(1 + exp(x)) = max(x, 0) + ln(2 / (1 + t))` with `t = tanh(|x| / 2)`.
///
/// The logarithm is `2 atanh(w)` with `w = (1 - t) / (3 + t)`, which lies in `[0, 1/3]`.
#[inline(always)]
fn softplus<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |x: f32| simd.splat_f32s(x);
    let t = tanh(simd, simd.mul_f32s(splat(0.5), simd.abs_f32s(x)));
    let w = simd.div_f32s(simd.sub_f32s(splat(1.0), t), simd.add_f32s(splat(3.0), t));
    let square = simd.mul_f32s(w, w);
    let mut series = splat(ATANH[6]);
    for term in ATANH[..6].iter().rev() {
        series = simd.mul_add_e_f32s(series, square, splat(*term));
    }
    simd.mul_add_e_f32s(w, series, simd.max_f32s(splat(0.0), x))
}
