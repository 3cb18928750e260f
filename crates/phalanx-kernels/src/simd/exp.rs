//! The exponential function, vectorised.

use pulp::Simd;

/// `log2 e`, and `ln 2` in two parts, the first of which has few digits.
const LOG2_E: f32 = std::f32::consts::LOG2_E;
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Adding this to a number leaves the nearest integer in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// The exponential of smaller arguments is zero.
const LOWEST: f32 = -87.0;

/// Computes `exp x` for `x` up to 88 with a relative error of at most `2e-6`; below -87 it is zero.
///
/// `exp x = 2^n exp r` with `n` the integer nearest to `x log2 e` and `r = x - n ln 2` below 0.35,
/// for which six terms of the series are enough.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |x: f32| simd.splat_f32s(x);
    // The argument comes second, so that NaN stays NaN.
    let bounded = simd.max_f32s(splat(LOWEST), x);
    let rounded = simd.mul_add_e_f32s(bounded, splat(LOG2_E), splat(ROUND));
    let n = simd.sub_f32s(rounded, splat(ROUND));
    let r = simd.mul_add_e_f32s(n, splat(-LN_2_HIGH), bounded);
    let r = simd.mul_add_e_f32s(n, splat(-LN_2_LOW), r);
    let mut value = splat(1.0 / 720.0);
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        value = simd.mul_add_e_f32s(value, r, splat(coefficient));
    }
    // The exponent of an `f32` starts at bit 23.
    let n = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(23));
    let scaled = simd.add_u32s(simd.transmute_u32s_f32s(value), n);
    let scaled = simd.transmute_f32s_u32s(scaled);
    simd.select_f32s(simd.less_than_f32s(x, splat(LOWEST)), splat(0.0), scaled)
}
