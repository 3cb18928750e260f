//! Sums of outer products over the entities of a type, on slices.

use pulp::{Simd, WithSimd};

use crate::entities::EntityIndices;
use crate::simd::dispatch::{dispatch, load, store};

/// Returns the length of a row of [`hpn`](crate::hpn) for tokens of `width` numbers.
pub fn outer_sum_dim(entities: &EntityIndices, width: usize) -> usize {
    (width + 1) * entities.features()
}

/// Computes `[row, outer_sum_dim]` from tokens `[row, entity, width]` and observations `[row,
/// view_dim]`; see [`hpn`](crate::hpn).
pub fn sum_outer(
    tokens: &[f32],
    obs: &[f32],
    entities: &EntityIndices,
    width: usize,
    out: &mut [f32],
) {
    dispatch(Forward { tokens, obs, entities, width, out });
}

struct Forward<'a> {
    tokens: &'a [f32],
    obs: &'a [f32],
    entities: &'a EntityIndices,
    width: usize,
    out: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tokens, obs, entities, width, out } = self;
        let (number, dim) = (entities.number(), outer_sum_dim(entities, width));
        let rows = obs.chunks_exact(entities.view_dim).zip(tokens.chunks_exact(number * width));
        for ((obs, tokens), out) in rows.zip(out.chunks_exact_mut(dim)) {
            out.fill(0.0);
            let mut rest = out;
            for (first, group) in entities.spans() {
                let n = group.features;
                let (products, later) = rest.split_at_mut(n * width);
                let (sums, later) = later.split_at_mut(n);
                rest = later;
                for (k, columns) in group.columns.chunks_exact(n).enumerate() {
                    if !entities.is_present(obs, first + k) {
                        continue;
                    }
                    let token = &tokens[(first + k) * width..][..width];
                    let lines = products.chunks_exact_mut(width).zip(sums.iter_mut());
                    for (&column, (line, sum)) in columns.iter().zip(lines) {
                        let x = obs[column];
                        *sum += x;
                        let x = simd.splat_f32s(x);
                        for at in (0..width).step_by(S::F32_LANES) {
                            let token = load(simd, &token[at..]);
                            let product = simd.mul_add_e_f32s(x, token, load(simd, &line[at..]));
                            store(simd, &mut line[at..], product);
                        }
                    }
                }
            }
        }
    }
}
