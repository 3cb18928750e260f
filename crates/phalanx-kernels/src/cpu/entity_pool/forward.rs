//! Summaries of the tokens of entities, on slices.

use crate::cpu::tokens::Tokens;
use crate::entities::{EntityIndices, MAX_ENTITIES, Pool, Pooling};
use crate::simd::dispatch::dispatch;

/// Computes `[row, part * width]` from tokens `[row, entity, width]` and observations `[row,
/// view_dim]`; see [`Pooling`](crate::Pooling).
pub fn pool_entities(
    tokens: &[f32],
    obs: &[f32],
    entities: &EntityIndices,
    pooling: Pooling,
    out: &mut [f32],
) {
    let parts = pooling.parts.len();
    let rows = obs.len() / entities.view_dim;
    let width = out.len() / (rows * parts).max(1);
    let mut list = [0; MAX_ENTITIES];
    // The closure is compiled for the processor's vectors.
    dispatch(|| {
        let rows = obs.chunks_exact(entities.view_dim).zip(out.chunks_exact_mut(parts * width));
        for ((obs, out), values) in rows.zip(tokens.chunks_exact(entities.number() * width)) {
            let list = pooled(entities, obs, pooling, &mut list);
            let tokens = Tokens { values, list, stride: width, first: 0, width };
            for (pool, out) in pooling.parts.iter().zip(out.chunks_exact_mut(width)) {
                part(*pool, tokens, out);
            }
        }
    });
}

/// Returns the entities that mean, sum and maximum run over.
#[inline(always)]
pub(super) fn pooled<'a>(
    entities: &EntityIndices,
    obs: &[f32],
    pooling: Pooling,
    list: &'a mut [u16; MAX_ENTITIES],
) -> &'a [u16] {
    let list = entities.present(obs, list);
    match list {
        [0, others @ ..] if pooling.of_others => others,
        _ => list,
    }
}

#[inline(always)]
fn part(pool: Pool, tokens: Tokens<'_>, out: &mut [f32]) {
    if pool == Pool::Own {
        out.copy_from_slice(&tokens.values[..tokens.width]);
        return;
    }
    out.fill(0.0);
    for j in 0..tokens.len() {
        let token = out.iter_mut().zip(tokens.at(j));
        if pool != Pool::Max {
            token.for_each(|(out, x)| *out += x);
        } else if j == 0 {
            token.for_each(|(out, x)| *out = *x);
        } else {
            token.for_each(|(out, &x)| *out = if x > *out { x } else { *out });
        }
    }
    if pool == Pool::Mean {
        let share = 1.0 / tokens.len().max(1) as f32;
        out.iter_mut().for_each(|out| *out *= share);
    }
}
