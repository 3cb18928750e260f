//! What happens to the elements of a matrix after a product.

use pulp::{Simd, WithSimd};

use crate::Activation;
use crate::simd::activation::{sigmoid, tanh};
use crate::simd::dispatch::{dispatch, load, store};

/// Applies an activation in place.
pub fn activate(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::Softplus { beta } => {
            for x in values {
                // Written so that the exponential never overflows.
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
        let zero = simd.splat_f32s(0.0);
        match self.activation {
            // A softplus is computed one by one.
            Activation::Identity | Activation::Softplus { .. } => {}
            Activation::Relu => {
                for values in self.values.chunks_mut(S::F32_LANES) {
                    let x = load(simd, values);
                    store(simd, values, simd.max_f32s(zero, x));
                }
            }
            Activation::Absolute => {
                for values in self.values.chunks_mut(S::F32_LANES) {
                    let x = load(simd, values);
                    store(simd, values, simd.abs_f32s(x));
                }
            }
            Activation::Quadratic => {
                let half = simd.splat_f32s(0.5);
                for values in self.values.chunks_mut(S::F32_LANES) {
                    let x = load(simd, values);
                    store(simd, values, simd.mul_f32s(half, simd.mul_f32s(x, x)));
                }
            }
            Activation::Sigmoid => {
                for values in self.values.chunks_mut(S::F32_LANES) {
                    let x = load(simd, values);
                    store(simd, values, sigmoid(simd, x));
                }
            }
            Activation::Tanh => {
                for values in self.values.chunks_mut(S::F32_LANES) {
                    let x = load(simd, values);
                    store(simd, values, tanh(simd, x));
                }
            }
        }
    }
}
