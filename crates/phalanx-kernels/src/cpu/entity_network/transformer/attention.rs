//! Attention of some entities to all of their row; see [`entity_attention`](crate::cpu::entity_attention).

use pulp::{Simd, WithSimd};

use crate::cpu::entity_attention::relative::Relative;
use crate::cpu::entity_network::packing::Rows;
use crate::cpu::row_scratch::with_scratch;
use crate::cpu::tokens::{
    MOST_LANES, Outputs, Tokens, Weights, combine_all, scores_of_all, softmax, softmax_gradient,
};
use crate::entities::EntityIndices;
use crate::simd::dispatch::{dispatch, load, store};

/// Returns the length of the attention weights of a row with at most `number` entities.
pub(super) fn weights_len(number: usize, heads: usize) -> usize {
    heads * number * number.next_multiple_of(MOST_LANES)
}

/// Attention in some rows.
#[derive(Clone, Copy)]
pub(super) struct Attention<'a> {
    pub(super) entities: &'a EntityIndices,
    pub(super) heads: usize,
    pub(super) reach: f32,
    /// The entries of the bias, `[knot, 3, head]`.
    pub(super) table: Option<&'a [f32]>,
    /// The width of a token.
    pub(super) width: usize,
    /// `[row, view_dim]`.
    pub(super) obs: &'a [f32],
    /// All present entities, and those that have a result, which are the first of each row.
    pub(super) all: &'a Rows,
    pub(super) asking: &'a Rows,
}

/// One row.
#[derive(Clone, Copy)]
struct Row<'a> {
    obs: &'a [f32],
    /// All present entities and their places, and the places of those that have a result.
    entities: &'a [u16],
    places: &'a [u16],
    asking: &'a [u16],
    padded: usize,
}

impl<'a> Attention<'a> {
    /// Computes the attention weights of each row and head, `[query, padded]`, and `attended`, `[query,
    /// width]`, from queries, `[query, width]`, and keys and values, `[place, 2 * width]`.
    pub(super) fn forward(
        self,
        queries: &[f32],
        keys_values: &[f32],
        weights: &mut [f32],
        attended: &mut [f32],
    ) {
        attended.fill(0.0);
        with_scratch(self.memory_len(), |memory| {
            dispatch(Forward { attention: self, queries, keys_values, weights, attended, memory });
        });
    }

    /// Computes the gradients of queries, and of keys and values, from the results of the forward pass and
    /// the gradient of `attended`, and adds that of the table.
    pub(super) fn backward(
        self,
        [queries, keys_values]: [&[f32]; 2],
        weights: &[f32],
        gradient: &[f32],
        [d_queries, d_others, d_table]: [&mut [f32]; 3],
    ) {
        d_queries.fill(0.0);
        d_others.fill(0.0);
        with_scratch(self.memory_len(), |memory| {
            let read = [queries, keys_values, weights, gradient];
            let write = [d_queries, d_others, d_table];
            dispatch(Backward { attention: self, read, write, memory });
        });
    }

    fn relative(&self) -> Option<Relative<'a>> {
        self.table.map(|table| Relative { table, heads: self.heads, reach: self.reach })
    }

    /// Returns the length of the intermediate results of a row: a transpose, a matrix, and the biases of all
    /// heads.
    fn memory_len(&self) -> usize {
        let number = self.entities.number();
        let padded = number.next_multiple_of(MOST_LANES);
        padded * (self.width / self.heads + (1 + self.heads) * number)
    }

    /// Returns the factor of the products of queries and keys.
    fn scale(&self) -> f32 {
        1.0 / ((self.width / self.heads) as f32).sqrt()
    }

    #[inline(always)]
    fn rows<S: Simd>(self, _: S) -> impl Iterator<Item = Row<'a>> {
        self.obs.chunks_exact(self.entities.view_dim).enumerate().map(move |(row, obs)| {
            let (entities, places) = self.all.row(row);
            let (_, asking) = self.asking.row(row);
            let padded = places.len().next_multiple_of(S::F32_LANES);
            Row { obs, entities, places, asking, padded }
        })
    }

    /// Returns one head of queries, keys and values.
    #[inline(always)]
    fn head<'b>(
        &self,
        row: Row<'b>,
        queries: &'b [f32],
        keys_values: &'b [f32],
        head: usize,
    ) -> [Tokens<'b>; 3] {
        let width = self.width / self.heads;
        let first = head * width;
        let keys =
            Tokens { values: keys_values, list: row.places, stride: 2 * self.width, first, width };
        let queries =
            Tokens { values: queries, list: row.asking, stride: self.width, first, width };
        [queries, keys, Tokens { first: self.width + first, ..keys }]
    }
}

struct Forward<'a> {
    attention: Attention<'a>,
    queries: &'a [f32],
    keys_values: &'a [f32],
    weights: &'a mut [f32],
    attended: &'a mut [f32],
    memory: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { attention, queries, keys_values, weights, attended, memory } = self;
        let Attention { entities, heads, width: stride, .. } = attention;
        let scale = simd.splat_f32s(attention.scale());
        let mut rest = weights;
        for row in attention.rows(simd) {
            let (n, asking, padded) = (row.places.len(), row.asking.len(), row.padded);
            if asking == 0 {
                continue;
            }
            let (turned, biases) = memory.split_at_mut(stride / heads * padded);
            if let Some(relative) = attention.relative() {
                relative.write(entities, row.obs, (row.entities, asking), padded, biases);
            }
            for head in 0..heads {
                let [queries, keys, values] = attention.head(row, queries, keys_values, head);
                let (weights, later) = rest.split_at_mut(asking * padded);
                rest = later;
                keys.transpose(padded, turned);
                scores_of_all(simd, queries, turned, padded, weights);
                for (i, weights) in weights.chunks_exact_mut(padded).enumerate() {
                    let biases = &biases[(head * n + i) * padded..];
                    for at in (0..padded).step_by(S::F32_LANES) {
                        let logit = simd.mul_f32s(load(simd, &weights[at..]), scale);
                        let logit = match attention.table {
                            Some(_) => simd.add_f32s(logit, load(simd, &biases[at..])),
                            None => logit,
                        };
                        store(simd, &mut weights[at..], logit);
                    }
                    softmax(simd, n, weights);
                }
                let weights = Weights { values: weights, down: padded, along: 1 };
                let first = queries.first;
                let out = Outputs { values: &mut *attended, list: row.asking, stride, first };
                combine_all(simd, weights, values, out);
            }
        }
    }
}

struct Backward<'a> {
    attention: Attention<'a>,
    read: [&'a [f32]; 4],
    write: [&'a mut [f32]; 3],
    memory: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { attention, read, write, memory } = self;
        let [queries, keys_values, weights, gradient] = read;
        let [d_queries, d_others, d_table] = write;
        let Attention { entities, heads, width: stride, .. } = attention;
        let scale = simd.splat_f32s(attention.scale());
        let mut rest = weights;
        for row in attention.rows(simd) {
            let (n, asking, padded) = (row.places.len(), row.asking.len(), row.padded);
            if asking == 0 {
                continue;
            }
            let (turned, memory) = memory.split_at_mut(stride / heads * padded);
            let (d_logits, biases) = memory.split_at_mut(asking * padded);
            for head in 0..heads {
                let [queries, keys, values] = attention.head(row, queries, keys_values, head);
                let given = Tokens { values: gradient, ..queries };
                let (weights, later) = rest.split_at(asking * padded);
                rest = later;
                values.transpose(padded, turned);
                scores_of_all(simd, given, turned, padded, d_logits);
                let rows = d_logits.chunks_exact_mut(padded);
                for (i, (logits, weights)) in rows.zip(weights.chunks_exact(padded)).enumerate() {
                    softmax_gradient(simd, weights, logits);
                    if attention.table.is_some() {
                        biases[(head * n + i) * padded..][..padded].copy_from_slice(logits);
                    }
                    for at in (0..padded).step_by(S::F32_LANES) {
                        let scaled = simd.mul_f32s(scale, load(simd, &logits[at..]));
                        store(simd, &mut logits[at..], scaled);
                    }
                }
                let forward = Weights { values: &*d_logits, down: padded, along: 1 };
                let first = queries.first;
                let out = Outputs { values: &mut *d_queries, list: row.asking, stride, first };
                combine_all(simd, forward, keys, out);
                let backward = Weights { values: &*d_logits, down: 1, along: padded };
                let (list, stride) = (row.places, 2 * stride);
                let out = Outputs { values: &mut *d_others, list, stride, first: keys.first };
                combine_all(simd, backward, queries, out);
                let backward = Weights { values: weights, down: 1, along: padded };
                let out = Outputs { values: &mut *d_others, list, stride, first: values.first };
                combine_all(simd, backward, given, out);
            }
            if let Some(relative) = attention.relative() {
                let (list, table) = ((row.entities, asking), &mut *d_table);
                relative.add_gradient(entities, row.obs, list, padded, biases, table);
            }
        }
    }
}
