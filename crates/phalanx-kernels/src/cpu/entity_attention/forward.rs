//! Attention among entities, on slices.

use pulp::{Simd, WithSimd};

use super::relative::Relative;
use crate::cpu::row_scratch::with_scratch;
use crate::cpu::tokens::{
    MOST_LANES, Outputs, Tokens, Weights, combine_all, scores_of_all, softmax,
};
use crate::entities::{EntityAttention, EntityIndices, MAX_ENTITIES, queried};
use crate::simd::dispatch::{dispatch, load, store};

/// The inputs of attention among entities.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) entities: &'a EntityIndices,
    pub(crate) settings: EntityAttention,
    /// `[row, view_dim]`.
    pub(crate) obs: &'a [f32],
    /// Queries, keys and values, `[row, entity, 3 * width]`.
    pub(crate) projected: &'a [f32],
    /// The width of a token.
    pub(crate) width: usize,
    /// The entries of the bias, `[knot, 3, head]`.
    pub(crate) table: Option<&'a [f32]>,
}

/// Computes attention among entities, `[row, query, width]`, from queries, keys and values, `[row,
/// entity, 3 * width]`, and observations `[row, view_dim]`; see
/// [`transformer`](crate::transformer). `table` is `[knot, 3, head]`.
pub fn attend_entities(
    projected: &[f32],
    obs: &[f32],
    entities: &EntityIndices,
    settings: EntityAttention,
    table: Option<&[f32]>,
    out: &mut [f32],
) {
    let tokens = obs.len() / entities.view_dim * settings.queries;
    let width = out.len() / tokens.max(1);
    let inputs = Inputs { entities, settings, obs, projected, width, table };
    with_scratch(inputs.memory_len(), |memory| {
        dispatch(Forward { inputs, out, memory });
    });
}

impl<'a> Inputs<'a> {
    /// Returns the length of the intermediate results of a row.
    pub(super) fn memory_len(&self) -> usize {
        let number = self.entities.number();
        let padded = number.next_multiple_of(MOST_LANES);
        // Transposed keys and values, three matrices, and the biases of all heads.
        padded * (2 * self.head_width() + (3 + self.settings.heads) * number)
    }

    pub(super) fn head_width(&self) -> usize {
        self.width / self.settings.heads
    }

    pub(super) fn relative(&self) -> Option<Relative<'a>> {
        let EntityAttention { heads, reach, .. } = self.settings;
        self.table.map(|table| Relative { table, heads, reach })
    }

    /// Returns queries, keys and values of one head of a row.
    #[inline(always)]
    pub(super) fn head(&self, values: &'a [f32], list: &'a [u16], head: usize) -> [Tokens<'a>; 3] {
        let width = self.head_width();
        let of = |part: usize| Tokens {
            values,
            list,
            stride: 3 * self.width,
            first: part * self.width + head * width,
            width,
        };
        [of(0), of(1), of(2)]
    }

    /// Computes the attention weights of one entity from the products of its query with the keys, in
    /// place.
    #[inline(always)]
    pub(super) fn weigh<S: Simd>(
        &self,
        simd: S,
        n: usize,
        bias: Option<&[f32]>,
        weights: &mut [f32],
    ) {
        let scale = simd.splat_f32s(self.scale());
        for at in (0..weights.len()).step_by(S::F32_LANES) {
            let logit = simd.mul_f32s(load(simd, &weights[at..]), scale);
            let logit = match bias {
                Some(bias) => simd.add_f32s(logit, load(simd, &bias[at..])),
                None => logit,
            };
            store(simd, &mut weights[at..], logit);
        }
        softmax(simd, n, weights);
    }

    /// Returns the factor of the products of queries and keys.
    pub(super) fn scale(&self) -> f32 {
        1.0 / (self.head_width() as f32).sqrt()
    }
}

struct Forward<'a> {
    inputs: Inputs<'a>,
    out: &'a mut [f32],
    memory: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, out, memory } = self;
        let Inputs { entities, settings, obs, projected, width: stride, .. } = inputs;
        let (number, width) = (entities.number(), inputs.head_width());
        let rows = obs.chunks_exact(entities.view_dim);
        let rows = rows.zip(projected.chunks_exact(number * 3 * stride));
        let mut list = [0; MAX_ENTITIES];
        for ((obs, values), out) in rows.zip(out.chunks_exact_mut(settings.queries * stride)) {
            out.fill(0.0);
            let list = entities.present(obs, &mut list);
            let n = list.len();
            let queries = queried(list, settings.queries);
            let padded = n.next_multiple_of(S::F32_LANES);
            let (keys, memory) = memory.split_at_mut(width * padded);
            if n == 0 {
                continue;
            }
            let (weights, biases) = memory.split_at_mut(n * padded);
            if let Some(relative) = inputs.relative() {
                relative.write(entities, obs, (list, queries), padded, biases);
            }
            let asking = &list[..queries];
            for head in 0..settings.heads {
                let [head_queries, head_keys, head_values] = inputs.head(values, list, head);
                head_keys.transpose(padded, keys);
                let head_queries = Tokens { list: asking, ..head_queries };
                scores_of_all(simd, head_queries, keys, padded, weights);
                for (i, weights) in weights.chunks_exact_mut(padded).take(queries).enumerate() {
                    let bias = &biases[(head * n + i) * padded..][..padded];
                    inputs.weigh(simd, n, inputs.table.is_some().then_some(bias), weights);
                }
                let weights = Weights { values: weights, down: padded, along: 1 };
                let first = head * width;
                let out = Outputs { values: &mut *out, list: asking, stride, first };
                combine_all(simd, weights, head_values, out);
            }
        }
    }
}
