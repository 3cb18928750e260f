//! Outputs of actions whose weights are a linear function of a token, on slices:
//!
//! ```text
//! (w_j, b_j) = t_j U + d     out_j = w_j · h + b_j = t_j · v + s     (v, s) = h P + p
//! ```
//!
//! `P` holds, in its columns, the transpose of the first columns of `U`, then `d`: `[hidden, token + 1]`, and `p` the
//! last entries of both. The weights are thus never computed: `v` and `s` belong to all actions.

use pulp::{Simd, WithSimd};

use crate::cpu::layer::{Layer, LayerGradients};
use crate::flops::count;
use crate::simd::dispatch::{dispatch, load, store};

/// The heads of some actions.
#[derive(Clone, Copy)]
pub(crate) struct TokenHeads<'a> {
    /// `U`, `[token, hidden + 1]`, and `d`.
    pub(crate) layer: Layer<'a>,
    /// The number of actions with heads.
    pub(crate) number: usize,
    /// The first of them.
    pub(crate) first_action: usize,
}

impl TokenHeads<'_> {
    /// Returns the width of a token.
    pub(crate) fn width(&self) -> usize {
        self.layer.inner()
    }

    /// Returns `P`, `[hidden, token + 1]`, and `p`.
    pub(super) fn turned(&self) -> LayerGradients {
        let Layer { weight, bias } = self.layer;
        let (columns, hidden) = (bias.len(), bias.len() - 1);
        let column = |at: usize| {
            weight.chunks_exact(columns).map(move |row| row[at]).chain(std::iter::once(bias[at]))
        };
        LayerGradients {
            weight: (0..hidden).flat_map(column).collect(),
            bias: column(hidden).collect(),
        }
    }

    /// Returns the gradients of `U` and `d` from those of `P` and `p`.
    pub(super) fn turned_back(&self, found: &LayerGradients) -> LayerGradients {
        let (inner, columns) = (self.layer.inner(), self.layer.columns());
        let line = |at: usize| {
            let weight = found.weight.chunks_exact(inner + 1).map(move |row| row[at]);
            weight.chain(std::iter::once(found.bias[at]))
        };
        let weight: Vec<f32> = (0..inner).flat_map(line).collect();
        debug_assert_eq!(weight.len(), inner * columns);
        LayerGradients { weight, bias: line(inner).collect() }
    }
}

/// The tokens of targets in some rows: the last numbers of each row.
#[derive(Clone, Copy)]
pub(super) struct TargetRows<'a> {
    /// `[row, stride]`.
    pub(super) rows: &'a [f32],
    pub(super) stride: usize,
    /// The first of the tokens in a row.
    pub(super) from: usize,
    /// The width of a token.
    pub(super) width: usize,
}

/// Computes the scores of every target from `v` and `s`, `[row, width + 1]`.
pub(super) fn scores(tokens: TargetRows<'_>, projected: &[f32], scores: &mut [f32]) {
    count(scores.len() * tokens.width);
    dispatch(Scores { tokens, projected, scores });
}

struct Scores<'a> {
    tokens: TargetRows<'a>,
    projected: &'a [f32],
    scores: &'a mut [f32],
}

impl WithSimd for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tokens: TargetRows { rows, stride, from, width }, projected, scores } = self;
        let number = (stride - from) / width;
        let rows = rows.chunks_exact(stride).zip(projected.chunks_exact(width + 1));
        for ((row, projected), scores) in rows.zip(scores.chunks_exact_mut(number)) {
            let (v, s) = projected.split_at(width);
            for (score, token) in scores.iter_mut().zip(row[from..].chunks_exact(width)) {
                let mut sum = simd.splat_f32s(0.0);
                for (t, v) in token.chunks(S::F32_LANES).zip(v.chunks(S::F32_LANES)) {
                    sum = simd.mul_add_e_f32s(load(simd, t), load(simd, v), sum);
                }
                *score = simd.reduce_sum_f32s(sum) + s[0];
            }
        }
    }
}

/// Computes the gradients of `v` and `s`, and of the tokens at their places in rows, from that of the scores.
pub(super) fn backward(
    tokens: TargetRows<'_>,
    projected: &[f32],
    gradient: &[f32],
    d_projected: &mut [f32],
    d_rows: &mut [f32],
) {
    count(2 * gradient.len() * tokens.width);
    dispatch(Backward { tokens, projected, gradient, d_projected, d_rows });
}

struct Backward<'a> {
    tokens: TargetRows<'a>,
    projected: &'a [f32],
    gradient: &'a [f32],
    d_projected: &'a mut [f32],
    d_rows: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tokens, projected, gradient, d_projected, d_rows } = self;
        let TargetRows { rows, stride, from, width } = tokens;
        let number = (stride - from) / width;
        let rows = rows.chunks_exact(stride).zip(projected.chunks_exact(width + 1));
        let rows = rows.zip(gradient.chunks_exact(number));
        let writes = d_projected.chunks_exact_mut(width + 1).zip(d_rows.chunks_exact_mut(stride));
        for (((row, projected), gradient), (d_projected, d_row)) in rows.zip(writes) {
            let (d_v, d_s) = d_projected.split_at_mut(width);
            d_s[0] = gradient.iter().sum();
            for at in (0..width).step_by(S::F32_LANES) {
                let end = width.min(at + S::F32_LANES);
                let v = load(simd, &projected[at..end]);
                let mut sum = simd.splat_f32s(0.0);
                let tokens = row[from..].chunks_exact(width);
                let tokens = tokens.zip(d_row[from..].chunks_exact_mut(width));
                for (&g, (token, d_token)) in gradient.iter().zip(tokens) {
                    let g = simd.splat_f32s(g);
                    sum = simd.mul_add_e_f32s(g, load(simd, &token[at..]), sum);
                    store(simd, &mut d_token[at..], simd.mul_f32s(g, v));
                }
                store(simd, &mut d_v[at..], sum);
            }
        }
    }
}
