//! Blocks of attention among the tokens of entities, which [`EntityAttentionEncoder`] and
//! [`RelationalAttention`] have in common.
//!
//! [`EntityAttentionEncoder`]: super::EntityAttentionEncoder
//! [`RelationalAttention`]: super::RelationalAttention

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use phalanx_kernels::{
    self as kernels, Activation, EntityAttention, EntityIndices, PER_KNOT, PackedEmbedding,
    TransformerBlock, TransformerSettings, TransformerWeights, attend_entities, normalise,
};

use super::entities::{EntityEmbedding, Readout, entity_indices, numbers};
use super::entity_heads::{EntityHeads, PlainOutput, in_blocks, split_off};
use super::graph::check_heads;
use super::{EncoderSizes, PlainEncoder, PlainLinear};
use crate::nn::layers::layer_norm::EPS;
use crate::nn::layers::{LayerNorm, Linear};
use crate::rng::Rng;
use crate::settings::{Check, fields};

/// The sizes of a [`TransformerNetwork`].
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) layers: usize,
    pub(super) feed_forward: usize,
    /// The number of attention heads, and the distance of the last knot.
    pub(super) heads: usize,
    pub(super) reach: f32,
    /// The number of knots of the bias for relative positions; none without.
    pub(super) knots: usize,
    pub(super) readout: Readout,
    pub(super) entity_heads: bool,
}

impl Shape {
    /// Tests the settings that all encoders with blocks of attention have.
    pub(super) fn check(&self) -> Check {
        let mut check = Check::default();
        check.at_least_one(fields!(self: width, layers, feed_forward));
        check_heads(&mut check, self.width, self.heads);
        check
    }

    /// Returns the settings of the blocks, of which the last computes `queries` tokens, for `number` entities.
    fn attention(&self, queries: usize, number: usize) -> Vec<EntityAttention> {
        let of = |block: usize| EntityAttention {
            heads: self.heads,
            reach: self.reach,
            queries: if block + 1 == self.layers { queries } else { number },
        };
        (0..self.layers).map(of).collect()
    }
}

/// The network of [`EntityAttentionEncoder`](super::EntityAttentionEncoder) and
/// [`RelationalAttention`](super::RelationalAttention).
#[derive(Module, Debug)]
pub struct TransformerNetwork {
    embedding: EntityEmbedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    heads: Option<EntityHeads>,
}

/// A block of attention and two linear layers, both with normalisation before them and a residual
/// connection.
#[derive(Module, Debug)]
struct Block {
    attention_norm: LayerNorm,
    /// Queries, keys and values of all heads, `[width, 3 * width]`.
    projection: Linear,
    /// The bias for relative positions, `[3 * knot, head]`.
    relative: Option<Param<Tensor<2>>>,
    output: Linear,
    norm: LayerNorm,
    hidden: Linear,
    last: Linear,
}

impl Block {
    fn new(shape: Shape, rng: &mut Rng, device: &Device) -> Self {
        let Shape { width, feed_forward, knots, heads, .. } = shape;
        // Without a bias, the positions have no effect before learning.
        let relative = (knots > 0).then(|| {
            let table = TensorData::zeros::<f32, _>([PER_KNOT * knots, heads]);
            Param::from_data(table, device)
        });
        Self {
            attention_norm: LayerNorm::new(width, device),
            projection: Linear::new(width, 3 * width, rng, device),
            relative,
            output: Linear::new(width, width, rng, device),
            norm: LayerNorm::new(width, device),
            hidden: Linear::new(width, feed_forward, rng, device),
            last: Linear::new(feed_forward, width, rng, device),
        }
    }

    fn values(&self) -> TransformerBlock {
        TransformerBlock {
            attention_norm: self.attention_norm.values(),
            projection: self.projection.values(),
            table: self.relative.as_ref().map(Param::val),
            output: self.output.values(),
            norm: self.norm.values(),
            hidden: self.hidden.values(),
            last: self.last.values(),
        }
    }
}

impl TransformerNetwork {
    pub(super) fn new(shape: Shape, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> Self {
        let Shape { width, layers, entity_heads, .. } = shape;
        Self {
            embedding: EntityEmbedding::new(entity_indices(sizes), width, rng, device),
            blocks: (0..layers).map(|_| Block::new(shape, rng, device)).collect(),
            norm: LayerNorm::new(width, device),
            heads: EntityHeads::new(entity_heads, sizes, width, rng, device),
        }
    }

    pub(super) fn head_layer(&self) -> Option<&Linear> {
        EntityHeads::layer(self.heads.as_ref())
    }

    pub(super) fn forward(&self, shape: Shape, obs: Tensor<2>) -> Tensor<2> {
        let entities = self.embedding.entities();
        let weights = TransformerWeights {
            embedding: self.embedding.values(),
            blocks: self.blocks.iter().map(Block::values).collect(),
            norm: self.norm.values(),
        };
        let settings = TransformerSettings {
            heads: shape.heads,
            reach: shape.reach,
            queries: shape.readout.queries(self.heads.as_ref(), entities.number()),
            eps: EPS,
            pooling: shape.readout.pooling(),
        };
        let targets = EntityHeads::targets(self.heads.as_ref());
        kernels::transformer(obs, entities, targets, settings, weights)
    }

    pub(super) fn plain(&self, shape: Shape) -> Box<dyn PlainEncoder> {
        let entities = self.embedding.entities();
        let queries = shape.readout.queries(self.heads.as_ref(), entities.number());
        let settings = shape.attention(queries, entities.number());
        Box::new(PlainTransformer {
            entities: Arc::clone(entities),
            embedding: self.embedding.plain(Activation::Identity),
            blocks: self.blocks.iter().map(PlainBlock::new).zip(settings).collect(),
            norm: PlainNorm::new(&self.norm),
            readout: shape.readout,
            output: PlainOutput {
                heads: EntityHeads::plain(self.heads.as_ref()),
                features: shape.readout.output_dim(shape.width),
                number: queries,
            },
        })
    }
}

#[derive(Debug)]
struct PlainTransformer {
    entities: Arc<EntityIndices>,
    embedding: PackedEmbedding,
    blocks: Vec<(PlainBlock, EntityAttention)>,
    norm: PlainNorm,
    readout: Readout,
    output: PlainOutput,
}

#[derive(Debug)]
struct PlainBlock {
    attention_norm: PlainNorm,
    projection: PlainLinear,
    relative: Option<Vec<f32>>,
    output: PlainLinear,
    norm: PlainNorm,
    hidden: PlainLinear,
    last: PlainLinear,
}

#[derive(Debug)]
struct PlainNorm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl PlainNorm {
    fn new(norm: &LayerNorm) -> Self {
        Self { scale: numbers(&norm.scale), shift: numbers(&norm.shift) }
    }

    fn forward(&self, rows: &mut [f32]) {
        normalise(rows, (&self.scale, &self.shift), EPS, None);
    }
}

impl PlainBlock {
    fn new(block: &Block) -> Self {
        let linear = |layer: &Linear| PlainLinear::new(layer, Activation::Identity);
        Self {
            attention_norm: PlainNorm::new(&block.attention_norm),
            projection: linear(&block.projection),
            relative: block.relative.as_ref().map(numbers),
            output: linear(&block.output),
            norm: PlainNorm::new(&block.norm),
            hidden: PlainLinear::new(&block.hidden, Activation::Relu),
            last: linear(&block.last),
        }
    }

    /// Returns the multiply-adds of a row.
    fn multiply_adds(&self, number: usize, queries: usize) -> usize {
        let layers = [&self.output, &self.hidden, &self.last];
        let layers = layers.into_iter().map(PlainLinear::multiply_adds).sum::<usize>();
        let attention = 2 * number * self.output.input_dim();
        number * self.projection.multiply_adds() + queries * (attention + layers)
    }
}

impl PlainEncoder for PlainTransformer {
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>) {
        let Self { entities, embedding, blocks, norm, readout, output } = self;
        let (number, width) = (entities.number(), embedding.width());
        let tokens = number * width;
        let hidden = blocks.first().map_or(0, |(block, _)| block.hidden.output_dim());
        let wide = (number * hidden).max(3 * tokens);
        let memory = 2 * tokens + wide + output.features + output.scratch_dim();
        let obs = (obs, entities.view_dim);
        let out = (features, output.row_dim());
        in_blocks(obs, out, (scratch, memory), |rows, obs, out, mut scratch| {
            let [tokens, other] = [0; 2].map(|_| split_off(&mut scratch, rows * tokens));
            let wide = split_off(&mut scratch, rows * wide);
            let features = split_off(&mut scratch, rows * output.features);
            embedding.forward(entities, obs, tokens);
            for (block, settings) in blocks {
                other.copy_from_slice(tokens);
                block.attention_norm.forward(other);
                let projected = &mut wide[..3 * other.len()];
                block.projection.forward(other, projected);
                let queries = rows * settings.queries;
                let other = &mut other[..queries * width];
                let table = block.relative.as_deref();
                attend_entities(projected, obs, entities, *settings, table, other);
                let change = &mut wide[..other.len()];
                block.output.forward(other, change);
                keep_first(tokens, number * width, settings.queries * width);
                let tokens = &mut tokens[..queries * width];
                add(tokens, change);
                other.copy_from_slice(tokens);
                block.norm.forward(other);
                let hidden = &mut wide[..queries * hidden];
                block.hidden.forward(other, hidden);
                block.last.forward(hidden, other);
                add(tokens, other);
            }
            let tokens = &mut tokens[..rows * output.number * width];
            norm.forward(tokens);
            readout.plain_features(tokens, (rows, obs), entities, features);
            output.write(features, tokens, (obs, entities), scratch, out);
        });
    }

    fn multiply_adds(&self) -> usize {
        let number = self.entities.number();
        let blocks = self.blocks.iter();
        let blocks = blocks.map(|(block, settings)| block.multiply_adds(number, settings.queries));
        self.embedding.multiply_adds(&self.entities)
            + blocks.sum::<usize>()
            + self.output.multiply_adds()
    }
}

/// Moves the first `kept` of every `len` values together.
fn keep_first(values: &mut [f32], len: usize, kept: usize) {
    for row in 1..values.len() / len {
        values.copy_within(row * len..row * len + kept, row * kept);
    }
}

/// Adds `change` to `values`.
fn add(values: &mut [f32], change: &[f32]) {
    values.iter_mut().zip(change).for_each(|(value, change)| *value += change);
}
