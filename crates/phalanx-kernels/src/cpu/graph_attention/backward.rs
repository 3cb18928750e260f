//! The backward pass of attention over neighbours in one row.

use pulp::Simd;

use super::forward::{Inputs, Memory};
use crate::cpu::tokens::{
    Outputs, Tokens, Weights, combine, combine_all, scores_of_all, softmax_gradient,
};
use crate::entities::LEAK;
use crate::simd::dispatch::{load, store};

/// Adds the gradients of the tokens and the vectors of one head of a row from that of the output:
///
/// ```text
/// de_ij = alpha_ij (g_i . h_j - sum_k alpha_ik g_i . h_k) slope(s_i + t_j)
/// dh_j = sum_i alpha_ij g_i + sum_k de_jk a_1 + sum_i de_ij a_2
/// da_1 = sum_ij de_ij h_i     da_2 = sum_ij de_ij h_j
/// ```
#[inline(always)]
pub(crate) fn add_head_gradients<S: Simd>(
    simd: S,
    inputs: Inputs<'_>,
    memory: &mut Memory<'_>,
    [tokens, given]: [Tokens<'_>; 2],
    d_tokens: &mut [f32],
    d_vectors: &mut [f32],
) {
    let (n, lanes) = (tokens.len(), S::F32_LANES);
    let padded = n.next_multiple_of(lanes);
    memory.attend(simd, inputs, tokens, given.len());
    let (d_logits, rest) = memory.rest.split_at_mut(n * padded);
    let (d_from, d_to) = rest[..2 * padded].split_at_mut(padded);
    d_from.fill(0.0);
    d_to.fill(0.0);
    let (leak, zero) = (simd.splat_f32s(LEAK), simd.splat_f32s(0.0));
    scores_of_all(simd, given, memory.transposed, padded, d_logits);
    for i in 0..given.len() {
        let logits = &mut d_logits[i * padded..][..padded];
        softmax_gradient(simd, &memory.weights[i * padded..][..padded], logits);
        let from = simd.splat_f32s(memory.from[i]);
        let mut sum = zero;
        for at in (0..padded).step_by(lanes) {
            let d = load(simd, &logits[at..]);
            let leaky = simd.add_f32s(from, load(simd, &memory.to[at..]));
            let positive = simd.greater_than_f32s(leaky, zero);
            let d = simd.select_f32s(positive, d, simd.mul_f32s(leak, d));
            sum = simd.add_f32s(sum, d);
            let to = simd.add_f32s(load(simd, &d_to[at..]), d);
            store(simd, &mut d_to[at..], to);
        }
        d_from[i] = simd.reduce_sum_f32s(sum);
    }
    let half = inputs.vectors.len() / 2;
    let columns = tokens.first..tokens.first + tokens.width;
    let (from, to) = inputs.vectors.split_at(half);
    let (from, to) = (&from[columns.clone()], &to[columns.clone()]);
    for (j, &entity) in tokens.list.iter().enumerate() {
        let out = &mut d_tokens[entity as usize * tokens.stride..][columns.clone()];
        let (along_from, along_to) = (simd.splat_f32s(d_from[j]), simd.splat_f32s(d_to[j]));
        for at in (0..out.len()).step_by(lanes) {
            let sum = simd.mul_add_e_f32s(along_to, load(simd, &to[at..]), load(simd, &out[at..]));
            let sum = simd.mul_add_e_f32s(along_from, load(simd, &from[at..]), sum);
            store(simd, &mut out[at..], sum);
        }
    }
    let weights = Weights { values: &*memory.weights, down: 1, along: padded };
    let out =
        Outputs { values: d_tokens, list: tokens.list, stride: tokens.stride, first: tokens.first };
    combine_all(simd, weights, given, out);
    let (d_vector, d_other) = d_vectors.split_at_mut(half);
    combine(simd, d_from, tokens, &mut d_vector[columns.clone()]);
    combine(simd, d_to, tokens, &mut d_other[columns]);
}
