//! The element-wise parts of the backward pass of a layer.

use pulp::{Simd, WithSimd};

use crate::Activation;
use crate::simd::dispatch::{dispatch, load, store};

/// Returns whether the slope of an activation is computed from its input, because its output does
/// not determine the sign of the input.
pub(crate) fn slope_needs_input(activation: Activation) -> bool {
    matches!(activation, Activation::Absolute | Activation::Quadratic)
}

/// Computes the gradient of an activation's input: the gradient of its output times the slope at
/// `at`, which is the activation's input if [`slope_needs_input`], otherwise its output. The slopes
/// of ReLU and of the absolute value at zero are zero.
pub(crate) fn activation_gradient(
    activation: Activation,
    at: &[f32],
    output: &[f32],
    input: &mut [f32],
) {
    match activation {
        Activation::Softplus { beta } => {
            for ((&y, &d), input) in at.iter().zip(output).zip(input) {
                // The slope is the sigmoid of beta x, which is 1 - exp(-beta y).
                *input = -d * (-beta * y).exp_m1();
            }
        }
        activation => dispatch(Slope { activation, at, output, input }),
    }
}

struct Slope<'a> {
    activation: Activation,
    at: &'a [f32],
    output: &'a [f32],
    input: &'a mut [f32],
}

impl WithSimd for Slope<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        let lanes = S::F32_LANES;
        let values = self.at.chunks(lanes).zip(self.output.chunks(lanes));
        for ((at, output), input) in values.zip(self.input.chunks_mut(lanes)) {
            let (x, d) = (load(simd, at), load(simd, output));
            let rising = simd.select_f32s(simd.greater_than_f32s(x, zero), d, zero);
            let gradient = match self.activation {
                // The exponentials of softplus are computed one by one.
                Activation::Identity | Activation::Softplus { .. } => d,
                Activation::Relu => rising,
                Activation::Absolute => {
                    let falling = simd.select_f32s(simd.less_than_f32s(x, zero), d, zero);
                    simd.sub_f32s(rising, falling)
                }
                Activation::Quadratic => simd.mul_f32s(d, x),
                Activation::Sigmoid => {
                    let slope = simd.mul_f32s(x, simd.sub_f32s(simd.splat_f32s(1.0), x));
                    simd.mul_f32s(d, slope)
                }
                Activation::Elu => {
                    let positive = simd.greater_than_f32s(x, zero);
                    simd.select_f32s(positive, d, simd.mul_add_e_f32s(d, x, d))
                }
                Activation::Tanh => simd.negate_mul_add_e_f32s(simd.mul_f32s(d, x), x, d),
            };
            store(simd, input, gradient);
        }
    }
}

/// Adds every row of `matrix`, `[row, column]`, to `sums`, `[column]`, in order.
pub(crate) fn add_column_sums(matrix: &[f32], sums: &mut [f32]) {
    dispatch(ColumnSums { matrix, sums });
}

struct ColumnSums<'a> {
    matrix: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for ColumnSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let columns = self.sums.len();
        for (chunk, sums) in self.sums.chunks_mut(S::F32_LANES).enumerate() {
            let mut sum = load(simd, sums);
            for row in self.matrix.chunks_exact(columns) {
                sum = simd.add_f32s(sum, load(simd, &row[chunk * S::F32_LANES..]));
            }
            store(simd, sums, sum);
        }
    }
}
