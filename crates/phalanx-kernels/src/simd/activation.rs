//! Vectorised activation functions.

use pulp::Simd;

/// `tanh` is constant beyond this bound.
const CLAMP: f32 = 8.0;
/// `tanh x = x P(x^2) / Q(x^2)` on `[-8, 8]`: the rational function of this degree with the
/// smallest maximal relative error, found by reweighted least squares (Lawson's algorithm).
const P: [f32; 5] = [1.0, 0.134_445_09, 0.003_571_611_4, 2.189_487_9e-5, 1.523_071_4e-8];
const Q: [f32; 5] = [1.0, 0.467_778_35, 0.026_164_494, 3.411_313_5e-4, 8.522_568_5e-7];

/// Computes the hyperbolic tangent, within `5e-7` of the exact value and within `[-1, 1]`.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // The argument comes second, so that NaN stays NaN.
    let x = simd.min_f32s(simd.splat_f32s(CLAMP), x);
    let x = simd.max_f32s(simd.splat_f32s(-CLAMP), x);
    let square = simd.mul_f32s(x, x);
    let numerator = simd.mul_f32s(x, polynomial(simd, P, square));
    simd.div_f32s(numerator, polynomial(simd, Q, square))
}

/// Computes `1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2`, within `5e-7` of the exact value.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_e_f32s(half, tanh(simd, simd.mul_f32s(half, x)), half)
}

#[inline(always)]
fn polynomial<S: Simd>(simd: S, coefficients: [f32; 5], x: S::f32s) -> S::f32s {
    let mut value = simd.splat_f32s(coefficients[4]);
    for coefficient in [coefficients[3], coefficients[2], coefficients[1], coefficients[0]] {
        value = simd.mul_add_e_f32s(value, x, simd.splat_f32s(coefficient));
    }
    value
}
