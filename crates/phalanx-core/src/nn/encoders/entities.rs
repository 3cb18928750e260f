//! What encoders of entities have in common: where entities stand in a row, a layer that embeds them, and the
//! readout.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use phalanx_kernels::{
    Activation, EmbeddingWeights, EntityGroup, EntityIndices, MAX_ENTITIES, PackedEmbedding, Pool,
    Pooling, pool_entities,
};
use serde::{Deserialize, Serialize};

use super::EncoderSizes;
use super::entity_heads::EntityHeads;
use crate::env::EntityLayout;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting};

/// Returns the entities that an encoder reads.
///
/// # Panics
///
/// Panics if there are none, which [`ObservationEncoder::validate`](super::ObservationEncoder::validate)
/// reports.
pub(super) fn layout(sizes: &EncoderSizes) -> &EntityLayout {
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

/// Returns what is wrong with the number of entities. `key` is a setting of the encoder.
pub(super) fn check_entities(sizes: &EncoderSizes, key: &str) -> Vec<InvalidSetting> {
    let mut check = Check::default();
    let number = sizes.entities.as_ref().map_or(0, EntityLayout::len);
    let reason = format!(
        "belongs to an encoder of 2 to {MAX_ENTITIES} entities, but the environment describes {number}"
    );
    check.that((2..=MAX_ENTITIES).contains(&number), key, &reason);
    check.finish()
}

/// Which tokens become the features of the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readout {
    /// The token of the agent itself, `self` in a configuration.
    #[default]
    #[serde(rename = "self")]
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
        let last = heads.map_or(0, EntityHeads::last_target);
        if self == Self::Own { last + 1 } else { number }
    }

    /// Computes the features of `rows` rows from the tokens of the first entities that need one, `[row, query,
    /// width]`, and observations, on plain slices.
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
    pub(super) fn pooling(self) -> Pooling {
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

    /// Returns the values of the parameters.
    pub(super) fn values(&self) -> EmbeddingWeights {
        EmbeddingWeights { weight: self.weight.val(), bias: self.bias.val() }
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
