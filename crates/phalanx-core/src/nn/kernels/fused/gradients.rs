//! What the backward pass of a layer does beside products.

use pulp::{Arch, Simd, WithSimd};

use super::super::super::linear::Activation;
use super::super::simd::{load, store};

/// The gradient of an activation's input: that of its output times the slope at `at`, which is
/// the output of a ReLU and the input of an absolute value. The slope at zero is zero.
pub(super) fn activation_gradient(
    activation: Activation,
    at: &[f32],
    output: &[f32],
    input: &mut [f32],
) {
    Arch::new().dispatch(Slope { activation, at, output, input });
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
                Activation::Identity => d,
                Activation::Relu => rising,
                Activation::Absolute => {
                    let falling = simd.select_f32s(simd.less_than_f32s(x, zero), d, zero);
                    simd.sub_f32s(rising, falling)
                }
            };
            store(simd, input, gradient);
        }
    }
}

/// Adds every row of `matrix`, `[row, column]`, to `sums`, `[column]`, in order.
pub(super) fn add_column_sums(matrix: &[f32], sums: &mut [f32]) {
    Arch::new().dispatch(ColumnSums { matrix, sums });
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
