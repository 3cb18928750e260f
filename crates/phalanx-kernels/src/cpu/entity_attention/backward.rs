//! The backward pass of attention among entities, on slices.

use pulp::{Simd, WithSimd};

use super::forward::Inputs;
use crate::cpu::row_scratch::with_scratch;
use crate::cpu::tokens::{Outputs, Tokens, Weights, combine_all, scores_of_all, softmax_gradient};
use crate::entities::{MAX_ENTITIES, queried};
use crate::simd::dispatch::{dispatch, load, store};

/// The gradients of the inputs, in their shapes.
pub(super) struct Found {
    pub(super) projected: Vec<f32>,
    /// Empty without a bias.
    pub(super) table: Vec<f32>,
}

/// Computes the gradients from that of the output, with `a` the attention weights and `c` the factor
/// of the logits:
///
/// ```text
/// ds_ij = a_ij (g_i . v_j - sum_k a_ik g_i . v_k)
/// dq_i = c sum_j ds_ij k_j     dk_j = c sum_i ds_ij q_i     dv_j = sum_i a_ij g_i
/// ```
pub(super) fn backward(inputs: Inputs<'_>, gradient: &[f32]) -> Found {
    let mut found = Found {
        projected: vec![0.0; inputs.projected.len()],
        table: vec![0.0; inputs.table.map_or(0, <[f32]>::len)],
    };
    with_scratch(inputs.memory_len(), |memory| {
        dispatch(Backward { inputs, gradient, found: &mut found, memory });
    });
    found
}

struct Backward<'a> {
    inputs: Inputs<'a>,
    gradient: &'a [f32],
    found: &'a mut Found,
    memory: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, gradient, found, memory } = self;
        let Inputs { entities, settings, obs, projected, width: stride, .. } = inputs;
        let (number, width) = (entities.number(), inputs.head_width());
        let rows = obs.chunks_exact(entities.view_dim);
        let rows = rows.zip(projected.chunks_exact(number * 3 * stride));
        let rows = rows.zip(gradient.chunks_exact(settings.queries * stride));
        let mut list = [0; MAX_ENTITIES];
        let d_rows = found.projected.chunks_exact_mut(number * 3 * stride);
        for (((obs, values), gradient), d_values) in rows.zip(d_rows) {
            let list = entities.present(obs, &mut list);
            let n = list.len();
            let queries = queried(list, settings.queries);
            let padded = n.next_multiple_of(S::F32_LANES);
            let (biases, memory) = memory.split_at_mut(settings.heads * n * padded);
            if let Some(relative) = inputs.relative() {
                relative.write(entities, obs, (list, queries), padded, biases);
            }
            for head in 0..settings.heads {
                let [first, keys, head_values] = inputs.head(values, list, head);
                let list = &list[..queries];
                let tokens = [Tokens { list, ..first }, keys, head_values];
                let given = Tokens { values: gradient, list, stride, first: head * width, width };
                let biases = &mut biases[head * n * padded..][..n * padded];
                self::head(simd, inputs, memory, tokens, given, biases, d_values);
            }
            if let Some(relative) = inputs.relative() {
                let (list, table) = ((list, queries), &mut found.table);
                relative.add_gradient(entities, obs, list, padded, biases, table);
            }
        }
    }
}

/// Adds the gradients of one head of a row, and replaces its biases by their gradients.
#[inline(always)]
fn head<S: Simd>(
    simd: S,
    inputs: Inputs<'_>,
    memory: &mut [f32],
    [queries, keys, values]: [Tokens<'_>; 3],
    given: Tokens<'_>,
    biases: &mut [f32],
    d_values: &mut [f32],
) {
    let (n, width) = (keys.len(), keys.width);
    let padded = n.next_multiple_of(S::F32_LANES);
    let (turned_keys, memory) = memory.split_at_mut(width * padded);
    let (turned_values, memory) = memory.split_at_mut(width * padded);
    let (weights, memory) = memory.split_at_mut(n * padded);
    let d_logits = &mut memory[..n * padded];
    if n == 0 {
        return;
    }
    keys.transpose(padded, turned_keys);
    values.transpose(padded, turned_values);
    scores_of_all(simd, queries, turned_keys, padded, weights);
    scores_of_all(simd, given, turned_values, padded, d_logits);
    let scale = simd.splat_f32s(inputs.scale());
    for i in 0..queries.len() {
        let line = i * padded..(i + 1) * padded;
        let weights = &mut weights[line.clone()];
        inputs.weigh(simd, n, inputs.table.is_some().then_some(&biases[line.clone()]), weights);
        let logits = &mut d_logits[line.clone()];
        softmax_gradient(simd, weights, logits);
        biases[line].copy_from_slice(logits);
        for at in (0..padded).step_by(S::F32_LANES) {
            let scaled = simd.mul_f32s(scale, load(simd, &logits[at..]));
            store(simd, &mut logits[at..], scaled);
        }
    }
    let stride = keys.stride;
    let forward = Weights { values: d_logits, down: padded, along: 1 };
    let out = Outputs { values: &mut *d_values, list: queries.list, stride, first: queries.first };
    combine_all(simd, forward, keys, out);
    let backward = Weights { values: d_logits, down: 1, along: padded };
    let out = Outputs { values: &mut *d_values, list: keys.list, stride, first: keys.first };
    combine_all(simd, backward, queries, out);
    let backward = Weights { values: weights, down: 1, along: padded };
    let out = Outputs { values: d_values, list: values.list, stride, first: values.first };
    combine_all(simd, backward, given, out);
}
