//! Attention over neighbours with additive logits, on slices.

use pulp::{Simd, WithSimd};

use crate::cpu::neighbours::neighbours;
use crate::cpu::row_scratch::with_scratch;
use crate::cpu::tokens::{
    MASKED, MOST_LANES, Outputs, Tokens, Weights, combine_all, scores, softmax,
};
use crate::entities::{EntityIndices, Graph, GraphAttention, LEAK, MAX_ENTITIES, queried};
use crate::simd::dispatch::{dispatch, load, store};

/// The inputs of attention over neighbours.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) entities: &'a EntityIndices,
    pub(crate) settings: GraphAttention,
    /// `[row, view_dim]`.
    pub(crate) obs: &'a [f32],
    /// `[row, entity, width]`.
    pub(crate) tokens: &'a [f32],
    /// The attention vectors of an entity and of its neighbour, `[2, width]`.
    pub(crate) vectors: &'a [f32],
}

/// Computes `sum_j alpha_ij token_j + bias`, `[row, query, width]`; see
/// [`gat`](crate::gat). `vectors` is `[2, width]` and `bias` is `[width]`.
pub fn attend_graph(
    tokens: &[f32],
    obs: &[f32],
    entities: &EntityIndices,
    settings: GraphAttention,
    (vectors, bias): (&[f32], &[f32]),
    out: &mut [f32],
) {
    let inputs = Inputs { entities, settings, obs, tokens, vectors };
    with_scratch(Memory::len(inputs), |memory| {
        dispatch(Forward { inputs, bias, out, memory });
    });
}

/// Intermediate results of one row.
pub(crate) struct Memory<'a> {
    /// Zero where entities are not neighbours, `[entity, padded]`.
    pub(crate) edges: &'a mut [f32],
    /// Attention weights, `[entity, padded]`.
    pub(crate) weights: &'a mut [f32],
    /// Tokens of a head, `[head_width, padded]`.
    pub(crate) transposed: &'a mut [f32],
    /// The parts of a logit that belong to the entity and to its neighbour, `[padded]` each.
    pub(crate) from: &'a mut [f32],
    pub(crate) to: &'a mut [f32],
    pub(crate) rest: &'a mut [f32],
}

impl<'a> Memory<'a> {
    pub(crate) fn len(inputs: Inputs<'_>) -> usize {
        let padded = inputs.entities.number().next_multiple_of(MOST_LANES);
        let width = inputs.vectors.len() / 2 / inputs.settings.heads;
        // The rest holds distances, or two matrices and two lists of the backward pass.
        padded * (4 * inputs.entities.number() + width + 4)
    }

    #[inline(always)]
    pub(crate) fn new(memory: &'a mut [f32], inputs: Inputs<'_>, padded: usize) -> Self {
        let number = inputs.entities.number();
        let width = inputs.vectors.len() / 2 / inputs.settings.heads;
        let (edges, memory) = memory.split_at_mut(number * padded);
        let (weights, memory) = memory.split_at_mut(number * padded);
        let (transposed, memory) = memory.split_at_mut(width * padded);
        let (from, memory) = memory.split_at_mut(padded);
        let (to, rest) = memory.split_at_mut(padded);
        Self { edges, weights, transposed, from, to, rest }
    }

    /// Finds the neighbours of every entity.
    #[inline(always)]
    pub(crate) fn find_edges(
        &mut self,
        inputs: Inputs<'_>,
        obs: &[f32],
        list: &[u16],
        padded: usize,
    ) {
        let Inputs { entities, settings, .. } = inputs;
        if settings.graph != Graph::Complete {
            let into = [&mut *self.edges, &mut *self.rest];
            neighbours(settings.graph, entities, obs, list, padded, into);
        }
    }

    /// Computes the attention weights of the first `queries` entities for one head.
    #[inline(always)]
    pub(crate) fn attend<S: Simd>(
        &mut self,
        simd: S,
        inputs: Inputs<'_>,
        tokens: Tokens<'_>,
        queries: usize,
    ) {
        let n = tokens.len();
        let padded = n.next_multiple_of(S::F32_LANES);
        tokens.transpose(padded, self.transposed);
        let (from, to) = inputs.vectors.split_at(inputs.vectors.len() / 2);
        let head = tokens.first..tokens.first + tokens.width;
        scores(simd, &from[head.clone()], self.transposed, &mut self.from[..padded]);
        scores(simd, &to[head], self.transposed, &mut self.to[..padded]);
        let complete = inputs.settings.graph == Graph::Complete;
        let (leak, zero) = (simd.splat_f32s(LEAK), simd.splat_f32s(0.0));
        for (i, weights) in self.weights.chunks_exact_mut(padded).take(queries).enumerate() {
            let from = simd.splat_f32s(self.from[i]);
            for at in (0..padded).step_by(S::F32_LANES) {
                let sum = simd.add_f32s(from, load(simd, &self.to[at..]));
                let logit = simd.max_f32s(sum, simd.mul_f32s(leak, sum));
                let logit = if complete {
                    logit
                } else {
                    let edge = load(simd, &self.edges[i * padded + at..]);
                    let apart = simd.splat_f32s(MASKED);
                    simd.select_f32s(simd.greater_than_f32s(edge, zero), logit, apart)
                };
                store(simd, &mut weights[at..], logit);
            }
            softmax(simd, n, weights);
        }
    }
}

struct Forward<'a> {
    inputs: Inputs<'a>,
    bias: &'a [f32],
    out: &'a mut [f32],
    memory: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, bias, out, memory } = self;
        let Inputs { entities, settings, obs, tokens, .. } = inputs;
        let stride = bias.len();
        let width = stride / settings.heads;
        let size = entities.number() * stride;
        let rows = obs.chunks_exact(entities.view_dim).zip(tokens.chunks_exact(size));
        let mut list = [0; MAX_ENTITIES];
        for ((obs, values), out) in rows.zip(out.chunks_exact_mut(settings.queries * stride)) {
            out.fill(0.0);
            let list = entities.present(obs, &mut list);
            let padded = list.len().next_multiple_of(S::F32_LANES);
            if padded == 0 {
                continue;
            }
            let mut memory = Memory::new(&mut *memory, inputs, padded);
            memory.find_edges(inputs, obs, list, padded);
            let queries = queried(list, settings.queries);
            for &entity in &list[..queries] {
                out[entity as usize * stride..][..stride].copy_from_slice(bias);
            }
            for first in (0..stride).step_by(width) {
                let tokens = Tokens { values, list, stride, first, width };
                memory.attend(simd, inputs, tokens, queries);
                let weights = Weights { values: &*memory.weights, down: padded, along: 1 };
                let list = &list[..queries];
                let out = Outputs { values: &mut *out, list, stride, first };
                combine_all(simd, weights, tokens, out);
            }
        }
    }
}
