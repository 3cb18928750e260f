//! The backward pass of layer normalisation, on slices.

use pulp::{Simd, WithSimd};

use crate::simd::dispatch::{dispatch, load, store};

/// Intermediate results of the forward pass.
#[derive(Clone, Copy)]
pub(crate) struct Saved<'a> {
    /// The normalised rows before scaling and shifting, `[row, width]`.
    pub(crate) normal: &'a [f32],
    /// The inverse deviation of each row, `[row]`.
    pub(crate) inverses: &'a [f32],
    /// `[width]`.
    pub(crate) scale: &'a [f32],
}

/// Returns the gradients of the rows, the scale and the shift from that of the output:
///
/// ```text
/// g = dy scale;  dx = (g - mean(g) - n mean(g n)) / deviation
/// ```
pub(crate) fn backward(saved: Saved<'_>, gradient: &[f32]) -> [Vec<f32>; 3] {
    let width = saved.scale.len();
    let mut rows = vec![0.0; gradient.len()];
    let [mut scale, mut shift] = [vec![0.0; width], vec![0.0; width]];
    add_backward(saved, gradient, &mut rows, [&mut scale, &mut shift]);
    [rows, scale, shift]
}

/// Computes the gradient of the rows and adds those of scale and shift.
pub(crate) fn add_backward(
    saved: Saved<'_>,
    gradient: &[f32],
    rows: &mut [f32],
    [scale, shift]: [&mut [f32]; 2],
) {
    dispatch(Backward { saved, gradient, rows, scale, shift });
}

struct Backward<'a> {
    saved: Saved<'a>,
    gradient: &'a [f32],
    rows: &'a mut [f32],
    scale: &'a mut [f32],
    shift: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (lanes, width) = (S::F32_LANES, self.saved.scale.len());
        let read = self.gradient.chunks_exact(width).zip(self.saved.normal.chunks_exact(width));
        let rows = read.zip(self.rows.chunks_exact_mut(width)).zip(self.saved.inverses);
        for (((gradient, normal), row), &inverse) in rows {
            let (mut sum, mut along) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            for at in (0..width).step_by(lanes) {
                let (dy, n) = (load(simd, &gradient[at..]), load(simd, &normal[at..]));
                let g = simd.mul_f32s(dy, load(simd, &self.saved.scale[at..]));
                sum = simd.add_f32s(sum, g);
                along = simd.mul_add_e_f32s(g, n, along);
                let (scale, shift) = (&mut self.scale[at..], &mut self.shift[at..]);
                let d_scale = simd.mul_add_e_f32s(dy, n, load(simd, scale));
                store(simd, scale, d_scale);
                let d_shift = simd.add_f32s(dy, load(simd, shift));
                store(simd, shift, d_shift);
            }
            let mean = simd.splat_f32s(simd.reduce_sum_f32s(sum) / width as f32);
            let along = simd.splat_f32s(simd.reduce_sum_f32s(along) / width as f32);
            let inverse = simd.splat_f32s(inverse);
            for at in (0..width).step_by(lanes) {
                let (dy, n) = (load(simd, &gradient[at..]), load(simd, &normal[at..]));
                let g = simd.mul_f32s(dy, load(simd, &self.saved.scale[at..]));
                let g = simd.negate_mul_add_e_f32s(n, along, simd.sub_f32s(g, mean));
                store(simd, &mut row[at..], simd.mul_f32s(g, inverse));
            }
        }
    }
}
