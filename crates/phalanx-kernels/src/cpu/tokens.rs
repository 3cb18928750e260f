//! Tokens of the entities that are present in one row, and vectorised steps of attention over them.
//!
//! A list over `n` entities is padded to `padded` numbers, whole vectors.

use pulp::Simd;

use crate::simd::dispatch::{load, store};
use crate::simd::exp::exp;

/// The largest number of `f32` in a vector.
pub(crate) const MOST_LANES: usize = 16;

/// The logit of what gets no weight.
pub(crate) const MASKED: f32 = -1e30;

/// Some columns of the tokens of the present entities.
#[derive(Clone, Copy)]
pub(crate) struct Tokens<'a> {
    /// The tokens of a row, `[entity, stride]`.
    pub(crate) values: &'a [f32],
    /// The entities that are present.
    pub(crate) list: &'a [u16],
    pub(crate) stride: usize,
    /// The first column.
    pub(crate) first: usize,
    /// The number of columns.
    pub(crate) width: usize,
}

impl<'a> Tokens<'a> {
    /// Returns the number of entities.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the token of the `j`th present entity.
    #[inline(always)]
    pub(crate) fn at(&self, j: usize) -> &'a [f32] {
        &self.values[self.list[j] as usize * self.stride + self.first..][..self.width]
    }

    /// Writes the transpose, `[width, padded]`, with zeros as padding.
    #[inline(always)]
    pub(crate) fn transpose(&self, padded: usize, into: &mut [f32]) {
        let n = self.len();
        for line in into.chunks_exact_mut(padded).take(self.width) {
            line[n..].fill(0.0);
        }
        for j in 0..n {
            for (d, &x) in self.at(j).iter().enumerate() {
                into[d * padded + j] = x;
            }
        }
    }
}

/// Computes `out = sum_d query_d T_d`, with `T` a transpose `[width, padded]`: the product of the
/// query with every token.
#[inline(always)]
pub(crate) fn scores<S: Simd>(simd: S, query: &[f32], transposed: &[f32], out: &mut [f32]) {
    let padded = out.len();
    for at in (0..padded).step_by(S::F32_LANES) {
        let mut sum = simd.splat_f32s(0.0);
        for (d, &query) in query.iter().enumerate() {
            let line = load(simd, &transposed[d * padded + at..]);
            sum = simd.mul_add_e_f32s(simd.splat_f32s(query), line, sum);
        }
        store(simd, &mut out[at..], sum);
    }
}

/// Computes the products of some queries with every token, `[query, padded]`, from the transpose of the
/// tokens, `[width, padded]`.
#[inline(always)]
pub(crate) fn scores_of_all<S: Simd>(
    simd: S,
    queries: Tokens<'_>,
    transposed: &[f32],
    padded: usize,
    out: &mut [f32],
) {
    let n = queries.len();
    let fours = n - n % 4;
    for i in (0..fours).step_by(4) {
        scores_of::<S, 4>(simd, queries, i, transposed, padded, &mut out[i * padded..]);
    }
    for i in fours..n {
        scores_of::<S, 1>(simd, queries, i, transposed, padded, &mut out[i * padded..]);
    }
}

/// Computes the products of `R` queries from the `i`th on, whose sums do not wait for each other.
#[inline(always)]
fn scores_of<S: Simd, const R: usize>(
    simd: S,
    queries: Tokens<'_>,
    i: usize,
    transposed: &[f32],
    padded: usize,
    out: &mut [f32],
) {
    let queries: [&[f32]; R] = std::array::from_fn(|k| queries.at(i + k));
    for at in (0..padded).step_by(S::F32_LANES) {
        let mut sums = [simd.splat_f32s(0.0); R];
        for d in 0..queries[0].len() {
            let line = load(simd, &transposed[d * padded + at..]);
            for k in 0..R {
                sums[k] = simd.mul_add_e_f32s(simd.splat_f32s(queries[k][d]), line, sums[k]);
            }
        }
        for k in 0..R {
            store(simd, &mut out[k * padded + at..(k + 1) * padded], sums[k]);
        }
    }
}

/// Computes `out += sum_j weights[j] token_j`.
#[inline(always)]
pub(crate) fn combine<S: Simd>(simd: S, weights: &[f32], tokens: Tokens<'_>, out: &mut [f32]) {
    for at in (0..tokens.width).step_by(S::F32_LANES) {
        let mut sum = load(simd, &out[at..]);
        for (j, &weight) in weights.iter().enumerate().take(tokens.len()) {
            let weight = simd.splat_f32s(weight);
            sum = simd.mul_add_e_f32s(weight, load(simd, &tokens.at(j)[at..]), sum);
        }
        store(simd, &mut out[at..], sum);
    }
}

/// A matrix of weights, whose entry `(i, j)` is `values[i * down + j * along]`.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) down: usize,
    pub(crate) along: usize,
}

/// Some columns of the rows of present entities, to which results are added.
pub(crate) struct Outputs<'a> {
    /// `[entity, stride]`.
    pub(crate) values: &'a mut [f32],
    pub(crate) list: &'a [u16],
    pub(crate) stride: usize,
    /// The first column.
    pub(crate) first: usize,
}

impl Outputs<'_> {
    #[inline(always)]
    fn at(&mut self, i: usize, width: usize) -> &mut [f32] {
        &mut self.values[self.list[i] as usize * self.stride + self.first..][..width]
    }
}

/// Computes `out_i += sum_j weights_ij token_j` for every output.
#[inline(always)]
pub(crate) fn combine_all<S: Simd>(
    simd: S,
    weights: Weights<'_>,
    tokens: Tokens<'_>,
    mut outputs: Outputs<'_>,
) {
    let n = outputs.list.len();
    let fours = n - n % 4;
    for i in (0..fours).step_by(4) {
        combine_some::<S, 4>(simd, weights, tokens, &mut outputs, i);
    }
    for i in fours..n {
        combine_some::<S, 1>(simd, weights, tokens, &mut outputs, i);
    }
}

/// Computes `R` outputs from the `i`th on, whose sums do not wait for each other.
#[inline(always)]
fn combine_some<S: Simd, const R: usize>(
    simd: S,
    Weights { values, down, along }: Weights<'_>,
    tokens: Tokens<'_>,
    outputs: &mut Outputs<'_>,
    i: usize,
) {
    for at in (0..tokens.width).step_by(S::F32_LANES) {
        let mut sums = [simd.splat_f32s(0.0); R];
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = load(simd, &outputs.at(i + k, tokens.width)[at..]);
        }
        for j in 0..tokens.len() {
            let token = load(simd, &tokens.at(j)[at..]);
            for (k, sum) in sums.iter_mut().enumerate() {
                let weight = simd.splat_f32s(values[(i + k) * down + j * along]);
                *sum = simd.mul_add_e_f32s(weight, token, *sum);
            }
        }
        for (k, sum) in sums.into_iter().enumerate() {
            store(simd, &mut outputs.at(i + k, tokens.width)[at..], sum);
        }
    }
}

/// Ones, then zeros: from `MOST_LANES - k` on, a vector whose first `k` numbers are one.
const ONES: [f32; 2 * MOST_LANES] = {
    let mut ones = [0.0; 2 * MOST_LANES];
    let mut at = 0;
    while at < MOST_LANES {
        ones[at] = 1.0;
        at += 1;
    }
    ones
};

/// Replaces the first `n` logits by their softmax and the padding by zeros. There is at least one, and whole
/// vectors of them.
#[inline(always)]
pub(crate) fn softmax<S: Simd>(simd: S, n: usize, logits: &mut [f32]) {
    let lanes = S::F32_LANES;
    let last = logits.len() - lanes;
    // The padding is masked in a register: a vector that is loaded after a part of it was stored has to wait.
    let valid = load(simd, &ONES[MOST_LANES - (n - last)..]);
    let valid = simd.greater_than_f32s(valid, simd.splat_f32s(0.0));
    let ending = load(simd, &logits[last..]);
    let ending = simd.select_f32s(valid, ending, simd.splat_f32s(MASKED));
    let mut most = ending;
    for x in logits[..last].chunks_exact(lanes) {
        most = simd.max_f32s(most, load(simd, x));
    }
    let most = simd.splat_f32s(simd.reduce_max_f32s(most));
    let ending = exp(simd, simd.sub_f32s(ending, most));
    let mut sum = simd.splat_f32s(0.0);
    for x in logits[..last].chunks_exact_mut(lanes) {
        let e = exp(simd, simd.sub_f32s(load(simd, x), most));
        sum = simd.add_f32s(sum, e);
        store(simd, x, e);
    }
    sum = simd.add_f32s(sum, ending);
    let inverse = simd.splat_f32s(1.0 / simd.reduce_sum_f32s(sum));
    for x in logits[..last].chunks_exact_mut(lanes) {
        let weight = simd.mul_f32s(load(simd, x), inverse);
        store(simd, x, weight);
    }
    store(simd, &mut logits[last..], simd.mul_f32s(ending, inverse));
}

/// Replaces the gradient of softmax weights by that of their logits: `w (g - sum_j w_j g_j)`.
#[inline(always)]
#[cfg(feature = "flex")]
pub(crate) fn softmax_gradient<S: Simd>(simd: S, weights: &[f32], gradient: &mut [f32]) {
    let lanes = S::F32_LANES;
    let mut sum = simd.splat_f32s(0.0);
    for (w, g) in weights.chunks(lanes).zip(gradient.chunks(lanes)) {
        sum = simd.mul_add_e_f32s(load(simd, w), load(simd, g), sum);
    }
    let mean = simd.splat_f32s(simd.reduce_sum_f32s(sum));
    for (w, g) in weights.chunks(lanes).zip(gradient.chunks_mut(lanes)) {
        let change = simd.mul_f32s(load(simd, w), simd.sub_f32s(load(simd, g), mean));
        store(simd, g, change);
    }
}
