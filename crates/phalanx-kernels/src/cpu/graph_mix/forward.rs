//! Weighted sums over neighbours, on slices.

use pulp::{Simd, WithSimd};

use crate::cpu::neighbours::neighbours;
use crate::cpu::row_scratch::with_scratch;
use crate::cpu::tokens::{MOST_LANES, Outputs, Tokens, Weights, combine, combine_all};
use crate::entities::{EntityIndices, Graph, GraphMix, MAX_ENTITIES, queried};
use crate::simd::dispatch::dispatch;

/// Computes `[row, query, width]`, or `[row, query, 2 * width]` with the entities' own tokens before the mixed
/// ones, from tokens `[row, entity, width]` and observations `[row, view_dim]`; see [`gcn`](crate::gcn). Rows of
/// absent entities are zero.
pub fn mix_graph(
    tokens: &[f32],
    obs: &[f32],
    entities: &EntityIndices,
    settings: GraphMix,
    out: &mut [f32],
) {
    let number = entities.number();
    let len = number * number.next_multiple_of(MOST_LANES);
    with_scratch(2 * len, |scratch| {
        let (weights, distances) = scratch.split_at_mut(len);
        dispatch(Mix { tokens, obs, entities, settings, out, scratch: [weights, distances] });
    });
}

struct Mix<'a> {
    tokens: &'a [f32],
    obs: &'a [f32],
    entities: &'a EntityIndices,
    settings: GraphMix,
    out: &'a mut [f32],
    scratch: [&'a mut [f32]; 2],
}

impl WithSimd for Mix<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tokens, obs, entities, settings, out, scratch: [weights, distances] } = self;
        let GraphMix { graph, keep_own, queries } = settings;
        let rows = obs.len() / entities.view_dim;
        let number = entities.number();
        let width = tokens.len() / (rows * number).max(1);
        let writes = out.len() / (rows * queries).max(1);
        // The mixed part comes last.
        let offset = writes - width;
        let rows = obs.chunks_exact(entities.view_dim).zip(tokens.chunks_exact(number * width));
        let mut list = [0; MAX_ENTITIES];
        for ((obs, values), write) in rows.zip(out.chunks_exact_mut(queries * writes)) {
            write.fill(0.0);
            let list = entities.present(obs, &mut list);
            if list.is_empty() {
                continue;
            }
            let queried = &list[..queried(list, queries)];
            let tokens = Tokens { values, list, stride: width, first: 0, width };
            if keep_own {
                for &entity in queried {
                    let at = entity as usize;
                    let kept = &values[at * width..][..width];
                    write[at * writes..][..width].copy_from_slice(kept);
                }
            }
            if graph == Graph::Complete {
                // All rows of the result are the mean.
                weights[..list.len()].fill(1.0 / list.len() as f32);
                mean(simd, weights, tokens, (write, queried), (writes, offset));
                continue;
            }
            let padded = list.len().next_multiple_of(S::F32_LANES);
            neighbours(graph, entities, obs, list, padded, [&mut *weights, &mut *distances]);
            normalise_weights(list.len(), padded, weights, distances);
            // The entities that have a result are the first of the list.
            let weights = Weights { values: &*weights, down: padded, along: 1 };
            let out = Outputs { values: write, list: queried, stride: writes, first: offset };
            combine_all(simd, weights, tokens, out);
        }
    }
}

/// Adds a weighted sum of the tokens to the parts of a row that belong to some entities.
#[inline(always)]
fn mean<S: Simd>(
    simd: S,
    weights: &[f32],
    tokens: Tokens<'_>,
    (write, written): (&mut [f32], &[u16]),
    (stride, offset): (usize, usize),
) {
    let mut means = [0.0; MEAN];
    for first in (0..tokens.width).step_by(MEAN) {
        let width = MEAN.min(tokens.width - first);
        let means = &mut means[..width];
        means.fill(0.0);
        let part = Tokens { first: tokens.first + first, width, ..tokens };
        combine(simd, weights, part, means);
        for &entity in written {
            let out = &mut write[entity as usize * stride + offset + first..][..width];
            out.iter_mut().zip(&*means).for_each(|(out, mean)| *out += mean);
        }
    }
}

/// The number of columns that [`mean`] computes at a time.
const MEAN: usize = 128;

/// Divides the weight of each pair by the square root of the product of both degrees. `inverses` is
/// scratch.
#[inline(always)]
pub(crate) fn normalise_weights(
    n: usize,
    padded: usize,
    weights: &mut [f32],
    inverses: &mut [f32],
) {
    for (line, inverse) in weights.chunks_exact(padded).zip(inverses.iter_mut()).take(n) {
        *inverse = 1.0 / line[..n].iter().sum::<f32>().sqrt();
    }
    for (i, line) in weights.chunks_exact_mut(padded).take(n).enumerate() {
        let own = inverses[i];
        line.iter_mut().zip(&*inverses).take(n).for_each(|(weight, other)| *weight *= own * other);
    }
}
