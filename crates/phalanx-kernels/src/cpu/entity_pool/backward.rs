//! The backward pass of summaries of tokens, on slices.

use std::ops::Range;

use super::forward::pooled;
use crate::entities::{EntityIndices, MAX_ENTITIES, Pool, Pooling};
use crate::simd::dispatch::dispatch;

/// Computes the gradient of the tokens, `[row, entity, width]`, from that of the summaries, `[row,
/// part * width]`. The gradient of a maximum goes to the first token that attains it.
pub(super) fn backward(
    tokens: &[f32],
    obs: &[f32],
    entities: &EntityIndices,
    pooling: Pooling,
    gradient: &[f32],
) -> Vec<f32> {
    let (parts, number) = (pooling.parts.len(), entities.number());
    let width = gradient.len() / (obs.len() / entities.view_dim * parts).max(1);
    let mut found = vec![0.0; tokens.len()];
    let mut list = [0; MAX_ENTITIES];
    dispatch(|| {
        let rows = obs.chunks_exact(entities.view_dim).zip(gradient.chunks_exact(parts * width));
        let tokens = tokens.chunks_exact(number * width);
        let tokens = tokens.zip(found.chunks_exact_mut(number * width));
        for ((obs, gradient), (tokens, found)) in rows.zip(tokens) {
            let list = pooled(entities, obs, pooling, &mut list);
            for (pool, gradient) in pooling.parts.iter().zip(gradient.chunks_exact(width)) {
                part(*pool, tokens, list, gradient, found);
            }
        }
    });
    found
}

/// Adds the gradient of one summary of a row.
#[inline(always)]
fn part(pool: Pool, tokens: &[f32], list: &[u16], gradient: &[f32], found: &mut [f32]) {
    let width = gradient.len();
    let share = match pool {
        Pool::Own => {
            found.iter_mut().zip(gradient).for_each(|(found, d)| *found += d);
            return;
        }
        Pool::Max => {
            for first in (0..width).step_by(PART) {
                let columns = first..width.min(first + PART);
                largest(tokens, list, width, columns, gradient, found);
            }
            return;
        }
        Pool::Mean => 1.0 / list.len().max(1) as f32,
        Pool::Sum => 1.0,
    };
    for &entity in list {
        let found = found[entity as usize * width..][..width].iter_mut();
        found.zip(gradient).for_each(|(found, d)| *found += share * d);
    }
}

/// The number of columns of a maximum that are computed at a time.
const PART: usize = 64;

/// Adds the gradient of some columns of a maximum to the first token that attains it.
#[inline(always)]
fn largest(
    tokens: &[f32],
    list: &[u16],
    width: usize,
    columns: Range<usize>,
    gradient: &[f32],
    found: &mut [f32],
) {
    let Some((&head, rest)) = list.split_first() else { return };
    let at = |entity: u16| entity as usize * width;
    let n = columns.len();
    let (mut best, mut whose) = ([0.0; PART], [u32::from(head); PART]);
    best[..n].copy_from_slice(&tokens[at(head)..][columns.clone()]);
    for &entity in rest {
        let token = &tokens[at(entity)..][columns.clone()];
        for ((&x, best), whose) in token.iter().zip(&mut best).zip(&mut whose) {
            let larger = x > *best;
            *best = if larger { x } else { *best };
            *whose = if larger { u32::from(entity) } else { *whose };
        }
    }
    for &entity in list {
        let token = found[at(entity)..][columns.clone()].iter_mut();
        for ((found, &d), &whose) in token.zip(&gradient[columns.clone()]).zip(&whose) {
            *found += if whose == u32::from(entity) { d } else { 0.0 };
        }
    }
}
