//! Networks over the entities in rows of observations, each as one operation. Some rows at a time go
//! through all layers while they are in cache; the backward pass computes the intermediate results
//! again, because reading them from memory takes longer.
//!
//! Their parameters are one flat tensor, since their number differs.

mod deep_sets;
mod gat;
mod gcn;
mod hpn;
pub(crate) mod op;
mod outer;
mod packing;
mod pool;
mod targets;
mod transformer;

use crate::cpu::layer::{Layer, LayerGradients};
use packing::{Embedding, EmbeddingGradients, Rows};

/// Splits flat parameters.
struct Parameters<'a>(&'a [f32]);

impl<'a> Parameters<'a> {
    fn take(&mut self, len: usize) -> &'a [f32] {
        let (first, rest) = self.0.split_at(len);
        self.0 = rest;
        first
    }

    fn layer(&mut self, inner: usize, columns: usize) -> Layer<'a> {
        Layer { weight: self.take(inner * columns), bias: self.take(columns) }
    }

    fn embedding(&mut self, features: usize, types: usize, width: usize) -> Embedding<'a> {
        Embedding { weight: self.take(features * width), bias: self.take(types * width) }
    }
}

/// Appends the gradients of flat parameters, in their order.
#[derive(Default)]
struct Found(Vec<f32>);

impl Found {
    fn layer(&mut self, LayerGradients { weight, bias }: LayerGradients) {
        self.0.extend(weight);
        self.0.extend(bias);
    }

    fn embedding(&mut self, EmbeddingGradients { weight, bias }: EmbeddingGradients) {
        self.0.extend(weight);
        self.0.extend(bias);
    }
}

/// Returns the number of rows that are computed at a time, for `number` entities per row and about `tokens`
/// tokens.
fn rows_at_once(number: usize, tokens: usize) -> usize {
    (tokens / number.max(1)).max(1)
}

/// Returns `dim` outputs for every row of `view` observed numbers. `write` computes those of `block` rows at a time.
fn in_blocks(
    obs: &[f32],
    [view, block, dim]: [usize; 3],
    mut write: impl FnMut(&[f32], &mut [f32]),
) -> Vec<f32> {
    let mut out = vec![0.0; obs.len() / view * dim];
    let blocks = obs.chunks(block * view).zip(out.chunks_mut(block * dim));
    blocks.for_each(|(obs, out)| write(obs, out));
    out
}

/// Copies the tokens that have a result from those of all, `[place, width]`.
fn gather(from: &[f32], width: usize, [all, asking]: [&Rows; 2], to: &mut [f32]) {
    let mut to = to.chunks_exact_mut(width);
    for row in 0..all.starts.len() - 1 {
        let queries = asking.row(row).0.len();
        for (&place, to) in all.row(row).1[..queries].iter().zip(&mut to) {
            to.copy_from_slice(&from[usize::from(place) * width..][..width]);
        }
    }
}

/// Adds to the tokens of all the gradients of those that have a result.
fn scatter(from: &[f32], width: usize, [all, asking]: [&Rows; 2], to: &mut [f32]) {
    let mut from = from.chunks_exact(width);
    for row in 0..all.starts.len() - 1 {
        let queries = asking.row(row).0.len();
        for (&place, from) in all.row(row).1[..queries].iter().zip(&mut from) {
            let to = &mut to[usize::from(place) * width..][..width];
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}
