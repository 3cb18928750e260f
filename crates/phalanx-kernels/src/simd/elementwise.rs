//! Activations in place.

use pulp::{Simd, WithSimd};

use crate::Activation;
use crate::simd::activation::{sigmoid, tanh};
use crate::simd::dispatch::{dispatch, load, store};
use crate::simd::elu::elu;

/// Applies an activation in place.
pub fn activate(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::Softplus { beta } => {
            for x in values {
                // In a form whose exponential never overflows.
                *x = x.max(0.0) + (-(beta * *x).abs()).exp().ln_1p() / beta;
            }
        }
        activation => dispatch(Activate { activation, values }),
    }
}

struct Activate<'a> {
    activation: Activation,
    values: &'a mut [f32],
}

impl WithSimd for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Replaces every vector `$x` of the values. A closure might not be inlined, and would then
        // be slow.
        macro_rules! map {
            ($x:ident => $value:expr) => {
                for values in self.values.chunks_mut(S::F32_LANES) {
                    let $x = load(simd, values);
                    store(simd, values, $value);
                }
            };
        }
        let (zero, half) = (simd.splat_f32s(0.0), simd.splat_f32s(0.5));
        match self.activation {
            // The exponentials of softplus are computed one by one.
            Activation::Identity | Activation::Softplus { .. } => {}
            Activation::Relu => map!(x => simd.max_f32s(zero, x)),
            Activation::Absolute => map!(x => simd.abs_f32s(x)),
            Activation::Quadratic => map!(x => simd.mul_f32s(half, simd.mul_f32s(x, x))),
            Activation::Sigmoid => map!(x => sigmoid(simd, x)),
            Activation::Tanh => map!(x => tanh(simd, x)),
            Activation::Elu => map!(x => elu(simd, x)),
        }
    }
}
