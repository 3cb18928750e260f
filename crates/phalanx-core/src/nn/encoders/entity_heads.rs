//! The heads of the actions that target entities, and the output of encoders on plain slices.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use phalanx_kernels::{Activation, EntityIndices};

use super::entities::layout;
use super::{EncoderSizes, PlainLinear};
use crate::nn::layers::Linear;
use crate::rng::Rng;

/// The heads of the actions that target entities: the weights and the bias of an action's output are a
/// linear function of the token of its target, `(w_j, b_j) = h_j V + c`.
#[derive(Module, Debug)]
pub(super) struct EntityHeads {
    layer: Linear,
    /// The entity that each action targets.
    #[module(skip)]
    targets: Arc<[usize]>,
}

impl EntityHeads {
    /// Returns the last entity that an action targets.
    pub(super) fn last_target(&self) -> usize {
        self.targets.iter().copied().max().unwrap_or(0)
    }

    /// Returns whether there are heads.
    pub(super) fn are_wanted(entity_heads: bool, sizes: &EncoderSizes) -> bool {
        entity_heads && !sizes.entity_actions().is_empty()
    }

    /// Creates heads for tokens of `width` numbers if they are wanted.
    pub(super) fn new(
        entity_heads: bool,
        sizes: &EncoderSizes,
        width: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Option<Self> {
        Self::are_wanted(entity_heads, sizes).then(|| Self {
            layer: Linear::scaled(width, sizes.weights_per_action(), sizes.head_gain, rng, device),
            targets: layout(sizes).targets().into(),
        })
    }

    /// Returns the same heads for tokens without the first entity.
    pub(super) fn without_first(self) -> Self {
        Self { targets: self.targets.iter().map(|target| target - 1).collect(), ..self }
    }

    /// Returns the entities that actions target; empty without heads.
    pub(super) fn targets(heads: Option<&Self>) -> &[usize] {
        heads.map_or(&[], |heads| &heads.targets)
    }

    /// Returns the layer that computes heads from tokens.
    pub(super) fn layer(heads: Option<&Self>) -> Option<&Linear> {
        heads.map(|heads| &heads.layer)
    }

    /// Returns the same heads on plain slices.
    pub(super) fn plain(heads: Option<&Self>) -> Option<PlainHeads> {
        heads.map(|heads| PlainHeads {
            layer: PlainLinear::new(&heads.layer, Activation::Identity),
            targets: heads.targets.to_vec(),
        })
    }
}

/// The heads of actions on plain slices.
#[derive(Debug)]
pub(super) struct PlainHeads {
    layer: PlainLinear,
    targets: Vec<usize>,
}

impl PlainHeads {
    /// Returns the number of weights and biases of a row.
    fn output_dim(&self) -> usize {
        self.targets.len() * self.layer.output_dim()
    }
}

/// Writes the output of an encoder: features and weights of heads.
#[derive(Debug)]
pub(super) struct PlainOutput {
    pub(super) heads: Option<PlainHeads>,
    /// The number of features.
    pub(super) features: usize,
    /// The number of tokens of a row, those of the first entities.
    pub(super) number: usize,
}

impl PlainOutput {
    /// Returns the length of a row.
    pub(super) fn row_dim(&self) -> usize {
        self.features + self.heads.as_ref().map_or(0, PlainHeads::output_dim)
    }

    /// Returns the number of numbers per row of scratch that [`PlainOutput::write`] needs.
    pub(super) fn scratch_dim(&self) -> usize {
        let of =
            |heads: &PlainHeads| heads.targets.len() * heads.layer.input_dim() + heads.output_dim();
        self.heads.as_ref().map_or(0, of)
    }

    /// Returns the multiply-adds of a row.
    pub(super) fn multiply_adds(&self) -> usize {
        let of = |heads: &PlainHeads| heads.targets.len() * heads.layer.multiply_adds();
        self.heads.as_ref().map_or(0, of)
    }

    /// Writes rows `[row, row_dim]` from features `[row, feature]` and tokens `[row, entity, width]`. The
    /// heads of absent entities are those of a token of zeros.
    pub(super) fn write(
        &self,
        features: &[f32],
        tokens: &[f32],
        (obs, entities): (&[f32], &EntityIndices),
        scratch: &mut [f32],
        out: &mut [f32],
    ) {
        let rows = out.chunks_exact_mut(self.row_dim());
        for (row, features) in rows.zip(features.chunks_exact(self.features)) {
            row[..self.features].copy_from_slice(features);
        }
        let Some(heads) = &self.heads else { return };
        let n = out.len() / self.row_dim();
        let width = heads.layer.input_dim();
        let (read, written) = scratch.split_at_mut(n * heads.targets.len() * width);
        let written = &mut written[..n * heads.output_dim()];
        let mut into = read.chunks_exact_mut(width);
        let rows = tokens.chunks_exact(self.number * width).take(n);
        for (row, obs) in rows.zip(obs.chunks_exact(entities.view_dim)) {
            for (&target, into) in heads.targets.iter().zip(&mut into) {
                if entities.is_present(obs, target) {
                    into.copy_from_slice(&row[target * width..][..width]);
                } else {
                    into.fill(0.0);
                }
            }
        }
        heads.layer.forward(read, written);
        let rows = out.chunks_exact_mut(self.row_dim());
        for (row, weights) in rows.zip(written.chunks_exact(heads.output_dim())) {
            row[self.features..].copy_from_slice(weights);
        }
    }
}

/// The number of rows that acting computes at a time, so that their tokens stay in cache.
pub(super) const BLOCK: usize = 32;

/// Calls `work` for blocks of rows of observations and of the output, with `memory` numbers per row of
/// scratch.
pub(super) fn in_blocks(
    (obs, view_dim): (&[f32], usize),
    (out, row_dim): (&mut [f32], usize),
    (scratch, memory): (&mut Vec<f32>, usize),
    mut work: impl FnMut(usize, &[f32], &mut [f32], &mut [f32]),
) {
    scratch.resize(BLOCK * memory, 0.0);
    let blocks = obs.chunks(BLOCK * view_dim).zip(out.chunks_mut(BLOCK * row_dim));
    for (obs, out) in blocks {
        work(obs.len() / view_dim, obs, out, scratch.as_mut_slice());
    }
}

/// Splits the first `len` numbers off `rest`.
pub(super) fn split_off<'a>(rest: &mut &'a mut [f32], len: usize) -> &'a mut [f32] {
    let (first, later) = std::mem::take(rest).split_at_mut(len);
    *rest = later;
    first
}
