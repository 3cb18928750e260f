//! What encoders of entities have in common: where entities stand in a row, a layer that embeds them, the
//! heads of the actions that target them, and the readout.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use phalanx_kernels::{
    self as kernels, Activation, EntityGroup, EntityIndices, MAX_ENTITIES, PackedEmbedding, Pool,
    Pooling, pool_entities,
};
use serde::{Deserialize, Serialize};

use super::{EncoderSizes, PlainLinear};
use crate::env::EntityLayout;
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting};

/// Returns the entities that an encoder reads.
///
/// # Panics
///
/// Panics if there are none, which [`ObservationEncoder::validate`](super::ObservationEncoder::validate)
/// reports.
fn layout(sizes: &EncoderSizes) -> &EntityLayout {
    sizes.entities.as_ref().expect("the environment describes entities")
}

/// An actor may have few rows now and many later, and its bits must not depend on their number.
pub(super) const ROWS: usize = usize::MAX;

/// Returns where the entities stand in a row of observations.
pub(super) fn entity_indices(sizes: &EncoderSizes) -> Arc<EntityIndices> {
    let layout = layout(sizes);
    let group = |kind: usize| {
        let entities = &layout.entities[layout.of_type(kind)];
        let columns = entities.iter().flat_map(|entity| sizes.feature_columns(entity)).collect();
        EntityGroup { features: sizes.frames * layout.types[kind].features.len(), columns }
    };
    let entities = &layout.entities;
    Arc::new(EntityIndices {
        view_dim: sizes.view_dim(),
        groups: (0..layout.types.len()).map(group).filter(|group| group.number() > 0).collect(),
        presence: entities.iter().map(|entity| sizes.presence_columns(entity)).collect(),
        positions: entities.iter().map(|entity| sizes.position_columns(entity)).collect(),
        position_scale: layout.position_scale,
    })
}

/// Returns what is wrong with the number of entities.
pub(super) fn check_entities(sizes: &EncoderSizes, key: &str) -> Vec<InvalidSetting> {
    let mut check = Check::default();
    let number = sizes.entities.as_ref().map_or(0, EntityLayout::len);
    let reason = "is of an encoder for 2 to 256 entities, which this environment does not have";
    check.that((2..=MAX_ENTITIES).contains(&number), key, reason);
    check.finish()
}

/// Which tokens become the features of the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readout {
    /// The token of the agent itself.
    #[default]
    Own,
    /// The mean of all tokens.
    Mean,
    /// The sum of all tokens.
    Sum,
    /// The token of the agent itself, then the mean of all.
    Both,
}

impl Readout {
    /// Returns how many of the first entities need a token after the last layer, of `number`.
    pub(super) fn queries(self, heads: Option<&EntityHeads>, number: usize) -> usize {
        let targets = heads.map(|heads| &heads.targets[..]).unwrap_or_default();
        let last = targets.iter().max().copied().unwrap_or(0);
        if self == Self::Own { last + 1 } else { number }
    }

    /// Returns the features, `[row, output_dim]`, from the tokens of the first entities that need one, `[row *
    /// query, width]`, and observations.
    pub(super) fn features(
        self,
        tokens: Tensor<2>,
        obs: Tensor<2>,
        entities: &Arc<EntityIndices>,
    ) -> Tensor<2> {
        if self != Self::Own {
            return kernels::entity_pool(tokens, obs, entities, self.pooling());
        }
        let [[rows, _], [all, width]] = [obs.dims(), tokens.dims()];
        tokens.reshape([rows, all / rows.max(1) * width]).narrow(1, 0, width)
    }

    /// Computes the same on plain slices, for `rows` rows.
    pub(super) fn plain_features(
        self,
        tokens: &[f32],
        (rows, obs): (usize, &[f32]),
        entities: &EntityIndices,
        features: &mut [f32],
    ) {
        if self != Self::Own {
            return pool_entities(tokens, obs, entities, self.pooling(), features);
        }
        let width = features.len() / rows;
        let tokens = tokens.chunks_exact(tokens.len() / rows);
        for (own, tokens) in features.chunks_exact_mut(width).zip(tokens) {
            own.copy_from_slice(&tokens[..width]);
        }
    }

    /// Returns the summaries of tokens of which the features consist.
    fn pooling(self) -> Pooling {
        let parts: &'static [Pool] = match self {
            Self::Own => &[Pool::Own],
            Self::Mean => &[Pool::Mean],
            Self::Sum => &[Pool::Sum],
            Self::Both => &[Pool::Own, Pool::Mean],
        };
        Pooling { parts, of_others: false }
    }

    /// Returns the number of features from tokens of `width` numbers.
    pub(super) fn output_dim(self, width: usize) -> usize {
        self.pooling().parts.len() * width
    }
}

/// A linear layer for each type of entities, which makes tokens of equal width of their features:
/// `h_j = activation(x_j W_t + b_t)`. Tokens of absent entities are zero.
#[derive(Module, Debug)]
pub(super) struct EntityEmbedding {
    /// `[feature, width]`, the features of all types one after the other.
    weight: Param<Tensor<2>>,
    /// `[type, width]`.
    bias: Param<Tensor<2>>,
    #[module(skip)]
    entities: Arc<EntityIndices>,
}

impl EntityEmbedding {
    /// Creates a layer with weights and biases uniform in `±1 / sqrt(features)` of each type.
    pub(super) fn new(
        entities: Arc<EntityIndices>,
        width: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for group in &entities.groups {
            let bound = 1.0 / (group.features as f32).sqrt();
            weight.extend((0..group.features * width).map(|_| rng.range(-bound, bound)));
            bias.extend((0..width).map(|_| rng.range(-bound, bound)));
        }
        let [features, types] = [entities.features(), entities.groups.len()];
        let weight = TensorData::new(weight, [features, width]);
        let bias = TensorData::new(bias, [types, width]);
        Self {
            weight: Param::from_data(weight, device),
            bias: Param::from_data(bias, device),
            entities,
        }
    }

    /// Returns the entities that it reads.
    pub(super) fn entities(&self) -> &Arc<EntityIndices> {
        &self.entities
    }

    /// Maps `[row, view_dim]` to `[row * entity, width]`.
    pub(super) fn forward(&self, obs: Tensor<2>, activation: Activation) -> Tensor<2> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        kernels::entity_embed(obs, &self.entities, weight, bias, activation)
    }

    /// Returns the same layer on plain slices.
    pub(super) fn plain(&self, activation: Activation) -> PackedEmbedding {
        let [weight, bias] = [&self.weight, &self.bias].map(numbers);
        PackedEmbedding::new(&self.entities, &weight, &bias, activation, ROWS)
    }
}

/// Returns the values of a parameter, row-major.
pub(super) fn numbers<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().try_into_vec::<f32>().expect("32-bit floats")
}

/// The heads of the actions that target entities: the weights and the bias of an action's output are a
/// linear function of the token of its target, `(w_j, b_j) = h_j V + c`.
#[derive(Module, Debug)]
pub(super) struct EntityHeads {
    layer: Linear,
    /// The entity that each action targets.
    #[module(skip)]
    targets: Vec<usize>,
}

impl EntityHeads {
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
            layer: Linear::new(width, sizes.weights_per_action(), rng, device),
            targets: layout(sizes).targets(),
        })
    }

    /// Returns the same heads for tokens without the first entity.
    pub(super) fn without_first(self) -> Self {
        Self { targets: self.targets.iter().map(|target| target - 1).collect(), ..self }
    }

    /// Appends the weights of heads to the features, `[row, feature]`, from tokens of the first
    /// entities, `[row * query, width]`.
    pub(super) fn append(
        heads: Option<&Self>,
        features: Tensor<2>,
        tokens: Tensor<2>,
    ) -> Tensor<2> {
        let Some(heads) = heads else { return features };
        let [[rows, _], [all, width]] = [features.dims(), tokens.dims()];
        let tokens: Tensor<3> = tokens.reshape([rows, all / rows.max(1), width]);
        let (first, n) = (heads.targets[0], heads.targets.len());
        let in_order = heads.targets.iter().copied().eq(first..first + n);
        let targets: Tensor<3> = if in_order {
            tokens.narrow(1, first, n)
        } else {
            let one = |&target: &usize| tokens.clone().narrow(1, target, 1);
            Tensor::cat(heads.targets.iter().map(one).collect(), 1)
        };
        let weights = heads.layer.forward(targets.reshape([rows * n, width]), Activation::Identity);
        let [_, columns] = weights.dims();
        Tensor::cat(vec![features, weights.reshape([rows, n * columns])], 1)
    }

    /// Returns the same heads on plain slices.
    pub(super) fn plain(heads: Option<&Self>) -> Option<PlainHeads> {
        heads.map(|heads| PlainHeads {
            layer: PlainLinear::new(&heads.layer, Activation::Identity),
            targets: heads.targets.clone(),
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

    /// Writes rows `[row, row_dim]` from features `[row, feature]` and tokens `[row, entity, width]`.
    pub(super) fn write(
        &self,
        features: &[f32],
        tokens: &[f32],
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
        for row in tokens.chunks_exact(self.number * width).take(n) {
            for (&target, into) in heads.targets.iter().zip(&mut into) {
                into.copy_from_slice(&row[target * width..][..width]);
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
