//! The exponential linear unit, vectorised.

use pulp::Simd;

use crate::simd::activation::tanh;

/// `x` where it is positive, `exp(x) - 1` elsewhere, within `1e-6` of the true value.
///
/// With `t = tanh(x / 2)`, `exp(x) - 1 = 2 t / (1 - t)`, which cancels nowhere for negative `x`.
#[inline(always)]
pub(crate) fn elu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let negative = simd.min_f32s(zero, x);
    let t = tanh(simd, simd.mul_f32s(simd.splat_f32s(0.5), negative));
    let below = simd.div_f32s(simd.add_f32s(t, t), simd.sub_f32s(simd.splat_f32s(1.0), t));
    simd.add_f32s(simd.max_f32s(zero, x), below)
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, WithSimd};

    use super::*;
    use crate::simd::dispatch::{load, store};

    struct Map<'a>(&'a mut [f32]);

    impl WithSimd for Map<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for x in self.0.chunks_mut(S::F32_LANES) {
                let value = elu(simd, load(simd, x));
                store(simd, x, value);
            }
        }
    }

    #[test]
    fn elu_is_within_a_millionth_of_the_true_value() {
        let inputs: Vec<f32> = (-300_000..=300_001).map(|i| i as f32 * 1e-4).collect();
        let mut outputs = inputs.clone();
        Arch::new().dispatch(Map(&mut outputs));
        for (&x, &y) in inputs.iter().zip(&outputs) {
            let (x, y) = (f64::from(x), f64::from(y));
            let exact = if x > 0.0 { x } else { x.exp_m1() };
            assert!((y - exact).abs() < 1e-6, "{y} at {x}");
        }
    }
}
