//! Vectorised activation functions.

use pulp::Simd;

/// Beyond this, `tanh` is constant.
const CLAMP: f32 = 8.0;
/// `tanh x = x P(x^2) / Q(x^2)` on `[-8, 8]`: the rational function of this degree with the least
/// maximal relative error, found by reweighted least squares (Lawson's algorithm).
const P: [f32; 5] = [1.0, 0.134_445_09, 0.003_571_611_4, 2.189_487_9e-5, 1.523_071_4e-8];
const Q: [f32; 5] = [1.0, 0.467_778_35, 0.026_164_494, 3.411_313_5e-4, 8.522_568_5e-7];

/// The hyperbolic tangent, within `5e-7` of the true value and never beyond one.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // The variable comes second, so that a NaN stays one.
    let x = simd.min_f32s(simd.splat_f32s(CLAMP), x);
    let x = simd.max_f32s(simd.splat_f32s(-CLAMP), x);
    let square = simd.mul_f32s(x, x);
    let numerator = simd.mul_f32s(x, polynomial(simd, P, square));
    simd.div_f32s(numerator, polynomial(simd, Q, square))
}

/// `1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2`, within `5e-7` of the true value.
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

#[cfg(test)]
mod tests {
    use pulp::{Arch, WithSimd};

    use super::*;
    use crate::simd::dispatch::{load, store};

    #[derive(Clone, Copy)]
    enum Function {
        Tanh,
        Sigmoid,
    }

    struct Map<'a>(Function, &'a mut [f32]);

    impl WithSimd for Map<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for x in self.1.chunks_mut(S::F32_LANES) {
                let value = load(simd, x);
                let value = match self.0 {
                    Function::Tanh => tanh(simd, value),
                    Function::Sigmoid => sigmoid(simd, value),
                };
                store(simd, x, value);
            }
        }
    }

    fn largest_error(function: Function, exact: fn(f64) -> f64) -> f64 {
        let inputs: Vec<f32> = (-300_000..=300_001).map(|i| i as f32 * 1e-4).collect();
        let mut outputs = inputs.clone();
        Arch::new().dispatch(Map(function, &mut outputs));
        inputs
            .iter()
            .zip(&outputs)
            .map(|(&x, &y)| (f64::from(y) - exact(f64::from(x))).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn activations_are_within_a_millionth_of_the_true_value() {
        assert!(largest_error(Function::Tanh, f64::tanh) < 5e-7);
        assert!(largest_error(Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())) < 5e-7);
    }

    #[test]
    fn extreme_inputs_give_the_limits_and_a_nan_stays_one() {
        let mut x = [f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 0.0, f32::NAN];
        Arch::new().dispatch(Map(Function::Tanh, &mut x));
        for (value, limit) in x.into_iter().zip([1.0, -1.0, 1.0, -1.0]) {
            assert!((value - limit).abs() < 5e-7 && value.abs() <= 1.0, "{value}");
        }
        assert_eq!(x[4], 0.0);
        assert!(x[5].is_nan());
    }
}
