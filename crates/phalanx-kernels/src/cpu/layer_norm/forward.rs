//! Layer normalisation of rows, vectorised.

use pulp::{Simd, WithSimd};

use crate::simd::dispatch::{dispatch, load, store};

/// Normalises every row to mean zero and variance one, then scales and shifts it, in place: `y =
/// scale (x - mean) / deviation + shift` with `deviation = sqrt(mean((x - mean)^2) + eps)`. For the
/// backward pass, `saved` receives the normalised rows before scaling, `[row, width]`, and
/// `deviations` receives `1 / deviation` of each row.
pub fn normalise(
    rows: &mut [f32],
    (scale, shift): (&[f32], &[f32]),
    eps: f32,
    saved: Option<(&mut [f32], &mut [f32])>,
) {
    match saved {
        Some((saved, inverses)) => {
            dispatch(Normalise::<true> { rows, scale, shift, eps, saved, inverses });
        }
        None => {
            let (saved, inverses): (&mut [f32], &mut [f32]) = (&mut [], &mut []);
            dispatch(Normalise::<false> { rows, scale, shift, eps, saved, inverses });
        }
    }
}

struct Normalise<'a, const SAVE: bool> {
    rows: &'a mut [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    eps: f32,
    saved: &'a mut [f32],
    inverses: &'a mut [f32],
}

impl<const SAVE: bool> WithSimd for Normalise<'_, SAVE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (lanes, width) = (S::F32_LANES, self.scale.len());
        for (at, row) in self.rows.chunks_exact_mut(width).enumerate() {
            let mut sum = simd.splat_f32s(0.0);
            for x in row.chunks(lanes) {
                sum = simd.add_f32s(sum, load(simd, x));
            }
            let mean = simd.splat_f32s(simd.reduce_sum_f32s(sum) / width as f32);
            let mut squares = simd.splat_f32s(0.0);
            for x in row.chunks_mut(lanes) {
                let centred = simd.sub_f32s(load(simd, x), mean);
                store(simd, x, centred);
                // Loaded again, so that padding after the end of the row is zero.
                let centred = load(simd, x);
                squares = simd.mul_add_e_f32s(centred, centred, squares);
            }
            let variance = simd.reduce_sum_f32s(squares) / width as f32;
            let inverse = 1.0 / (variance + self.eps).sqrt();
            if SAVE {
                self.inverses[at] = inverse;
            }
            let inverse = simd.splat_f32s(inverse);
            let weights = self.scale.chunks(lanes).zip(self.shift.chunks(lanes));
            for (part, (x, (scale, shift))) in row.chunks_mut(lanes).zip(weights).enumerate() {
                let normal = simd.mul_f32s(load(simd, x), inverse);
                if SAVE {
                    let saved = &mut self.saved[at * width + part * lanes..][..x.len()];
                    store(simd, saved, normal);
                }
                let y = simd.mul_add_e_f32s(normal, load(simd, scale), load(simd, shift));
                store(simd, x, y);
            }
        }
    }
}
