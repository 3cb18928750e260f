//! The backward pass of sums of outer products, on slices.

use pulp::{Simd, WithSimd};

use super::forward::outer_sum_dim;
use crate::entities::EntityIndices;
use crate::simd::dispatch::{dispatch, load, store};

/// Computes the gradient of the tokens, `[row, entity, width]`, from that of the sums.
pub(super) fn backward(
    obs: &[f32],
    entities: &EntityIndices,
    width: usize,
    gradient: &[f32],
) -> Vec<f32> {
    let mut found = vec![0.0; obs.len() / entities.view_dim * entities.number() * width];
    dispatch(Backward { obs, entities, width, gradient, found: &mut found });
    found
}

struct Backward<'a> {
    obs: &'a [f32],
    entities: &'a EntityIndices,
    width: usize,
    gradient: &'a [f32],
    found: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { obs, entities, width, gradient, found } = self;
        let (number, dim) = (entities.number(), outer_sum_dim(entities, width));
        let rows = obs.chunks_exact(entities.view_dim).zip(gradient.chunks_exact(dim));
        for ((obs, gradient), found) in rows.zip(found.chunks_exact_mut(number * width)) {
            let mut rest = gradient;
            for (first, group) in entities.spans() {
                let n = group.features;
                let products = &rest[..n * width];
                rest = &rest[n * width + n..];
                for (k, columns) in group.columns.chunks_exact(n).enumerate() {
                    if !entities.is_present(obs, first + k) {
                        continue;
                    }
                    let token = &mut found[(first + k) * width..][..width];
                    for at in (0..width).step_by(S::F32_LANES) {
                        let mut sum = simd.splat_f32s(0.0);
                        for (&column, line) in columns.iter().zip(products.chunks_exact(width)) {
                            let x = simd.splat_f32s(obs[column]);
                            sum = simd.mul_add_e_f32s(x, load(simd, &line[at..]), sum);
                        }
                        store(simd, &mut token[at..], sum);
                    }
                }
            }
        }
    }
}
