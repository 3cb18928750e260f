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
    Pooling, attend_entities, normalise, pool_entities,
};

use super::entities::{
    EntityEmbedding, EntityHeads, PlainOutput, Readout, entity_indices, in_blocks, numbers,
    split_off,
};
use super::{EncoderSizes, PlainEncoder, PlainLinear};
use crate::nn::layers::layer_norm::EPS;
use crate::nn::layers::{LayerNorm, Linear};
use crate::rng::Rng;

/// The sizes of a [`TransformerNetwork`].
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) layers: usize,
    pub(super) feed_forward: usize,
    pub(super) attention: EntityAttention,
    /// The number of knots of the bias for relative positions; none without.
    pub(super) knots: usize,
    pub(super) readout: Readout,
    pub(super) entity_heads: bool,
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

/// Normalises the rows of `[row, width]`.
fn normalised(norm: &LayerNorm, rows: Tensor<2>) -> Tensor<2> {
    kernels::layer_norm(rows, norm.scale.val(), norm.shift.val(), EPS)
}

impl Block {
    fn new(shape: Shape, rng: &mut Rng, device: &Device) -> Self {
        let Shape { width, feed_forward, knots, attention, .. } = shape;
        // Without a bias, the positions have no effect before learning.
        let relative = (knots > 0).then(|| {
            let table = TensorData::zeros::<f32, _>([PER_KNOT * knots, attention.heads]);
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

    fn forward(
        &self,
        tokens: Tensor<2>,
        obs: Tensor<2>,
        entities: &Arc<EntityIndices>,
        attention: EntityAttention,
    ) -> Tensor<2> {
        let identity = Activation::Identity;
        let normal = normalised(&self.attention_norm, tokens.clone());
        let projected = self.projection.forward(normal, identity);
        let table = self.relative.as_ref().map(Param::val);
        let attended = kernels::entity_attention(projected, obs, entities, attention, table);
        let tokens = tokens + self.output.forward(attended, identity);
        let normal = normalised(&self.norm, tokens.clone());
        let hidden = self.hidden.forward(normal, Activation::Relu);
        tokens + self.last.forward(hidden, identity)
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

    pub(super) fn forward(&self, shape: Shape, obs: Tensor<2>) -> Tensor<2> {
        let entities = self.embedding.entities();
        let embedded = self.embedding.forward(obs.clone(), Activation::Identity);
        let attend = |h, block: &Block| block.forward(h, obs.clone(), entities, shape.attention);
        let tokens = normalised(&self.norm, self.blocks.iter().fold(embedded, attend));
        let pooling = shape.readout.pooling();
        let features = kernels::entity_pool(tokens.clone(), obs.clone(), entities, pooling);
        EntityHeads::append(self.heads.as_ref(), features, tokens)
    }

    pub(super) fn plain(&self, shape: Shape) -> Box<dyn PlainEncoder> {
        let entities = self.embedding.entities();
        Box::new(PlainTransformer {
            entities: Arc::clone(entities),
            embedding: self.embedding.plain(Activation::Identity),
            blocks: self.blocks.iter().map(PlainBlock::new).collect(),
            norm: PlainNorm::new(&self.norm),
            attention: shape.attention,
            pooling: shape.readout.pooling(),
            output: PlainOutput {
                heads: EntityHeads::plain(self.heads.as_ref()),
                features: shape.readout.output_dim(shape.width),
                number: entities.number(),
            },
        })
    }
}

#[derive(Debug)]
struct PlainTransformer {
    entities: Arc<EntityIndices>,
    embedding: PackedEmbedding,
    blocks: Vec<PlainBlock>,
    norm: PlainNorm,
    attention: EntityAttention,
    pooling: Pooling,
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

    fn multiply_adds(&self) -> usize {
        let layers = [&self.projection, &self.output, &self.hidden, &self.last];
        layers.into_iter().map(PlainLinear::multiply_adds).sum()
    }
}

impl PlainEncoder for PlainTransformer {
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>) {
        let Self { entities, embedding, blocks, norm, attention, pooling, output } = self;
        let tokens = entities.number() * embedding.width();
        let hidden = entities.number() * blocks.first().map_or(0, |b| b.hidden.output_dim());
        let wide = hidden.max(3 * tokens);
        let memory = 2 * tokens + wide + output.features + output.scratch_dim();
        let obs = (obs, entities.view_dim);
        let out = (features, output.row_dim());
        in_blocks(obs, out, (scratch, memory), |rows, obs, out, mut scratch| {
            let [tokens, other] = [0; 2].map(|_| split_off(&mut scratch, rows * tokens));
            let wide = split_off(&mut scratch, rows * wide);
            let features = split_off(&mut scratch, rows * output.features);
            embedding.forward(entities, obs, tokens);
            for block in blocks {
                other.copy_from_slice(tokens);
                block.attention_norm.forward(other);
                let projected = &mut wide[..3 * other.len()];
                block.projection.forward(other, projected);
                let table = block.relative.as_deref();
                attend_entities(projected, obs, entities, *attention, table, other);
                let change = &mut wide[..other.len()];
                block.output.forward(other, change);
                add(tokens, change);
                other.copy_from_slice(tokens);
                block.norm.forward(other);
                let hidden = &mut wide[..rows * hidden];
                block.hidden.forward(other, hidden);
                block.last.forward(hidden, other);
                add(tokens, other);
            }
            norm.forward(tokens);
            pool_entities(tokens, obs, entities, *pooling, features);
            output.write(features, tokens, scratch, out);
        });
    }

    fn multiply_adds(&self) -> usize {
        let (number, width) = (self.entities.number(), self.embedding.width());
        let attention = 2 * number * width;
        let blocks = self.blocks.iter().map(|block| attention + block.multiply_adds());
        self.embedding.multiply_adds(&self.entities)
            + number * blocks.sum::<usize>()
            + self.output.multiply_adds()
    }
}

/// Adds `change` to `values`.
fn add(values: &mut [f32], change: &[f32]) {
    values.iter_mut().zip(change).for_each(|(value, change)| *value += change);
}
