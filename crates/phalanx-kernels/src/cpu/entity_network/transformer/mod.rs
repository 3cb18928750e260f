//! Blocks of attention among the tokens of entities, on slices.

mod attention;
mod block;

use std::sync::Arc;

use self::block::{Block, BlockGradients, PackedBlock, Results, TransposedBlock};
use super::op::EntityNetwork;
use super::packing::{Embedding, Packing, Rows};
use super::targets::OutputRow;
use super::{Found, Parameters, in_blocks, pool, rows_at_once};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer_norm::backward::{Saved, add_backward};
use crate::cpu::layer_norm::forward::normalise;
use crate::entities::{EntityIndices, PER_KNOT, Pooling};
use crate::gemm::backward_matmul::Scratch;
use crate::gemm::pack::Packed;

/// About the number of tokens that are computed at a time.
const TOKENS: usize = 256;

/// See [`transformer`](crate::transformer). The flat parameters are weight and bias of the embedding, then for
/// every block scale and shift before attention, weight and bias of the projection, the table if there is
/// one, weight and bias after attention, scale and shift, and weight and bias of two layers; at the end, scale
/// and shift.
#[derive(Clone, Debug)]
pub(crate) struct Transformer {
    pub(crate) entities: Arc<EntityIndices>,
    /// The width of tokens.
    pub(crate) width: usize,
    /// The number of attention heads.
    pub(crate) heads: usize,
    /// The number of blocks.
    pub(crate) layers: usize,
    /// The width between the two layers of a block.
    pub(crate) feed_forward: usize,
    /// The number of knots of the bias for relative positions; none without.
    pub(crate) knots: usize,
    /// The distance of the last knot.
    pub(crate) reach: f32,
    /// What is added to variances.
    pub(crate) eps: f32,
    /// The number of entities, the first ones, whose tokens are needed after the last block.
    pub(crate) queries: usize,
    pub(crate) pooling: Pooling,
    pub(crate) output: OutputRow,
}

/// Scale and shift of a normalisation.
#[derive(Clone, Copy)]
struct Norm<'a> {
    scale: &'a [f32],
    shift: &'a [f32],
}

impl<'a> Norm<'a> {
    fn take(parameters: &mut Parameters<'a>, width: usize) -> Self {
        Self { scale: parameters.take(width), shift: parameters.take(width) }
    }
}

/// The gradients of scale and shift.
struct NormGradients {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl NormGradients {
    fn zeros(width: usize) -> Self {
        Self { scale: vec![0.0; width], shift: vec![0.0; width] }
    }
}

/// A normalisation of some rows.
struct Normalised {
    /// The result.
    rows: Buffer,
    /// The rows before scaling.
    normal: Buffer,
    /// The inverse deviation of each row.
    inverses: Buffer,
}

impl Normalised {
    fn new(rows: usize, width: usize) -> Self {
        let [normalised, normal] = [0; 2].map(|_| Buffer::take(rows * width));
        Self { rows: normalised, normal, inverses: Buffer::take(rows) }
    }

    fn fill(&mut self, from: &[f32], norm: Norm<'_>, eps: f32) {
        let (len, width) = (from.len(), norm.scale.len());
        self.rows[..len].copy_from_slice(from);
        let saved = (&mut self.normal[..len], &mut self.inverses[..len / width]);
        normalise(&mut self.rows[..len], (norm.scale, norm.shift), eps, Some(saved));
    }

    /// Computes the gradient of the rows before normalisation.
    fn backward(
        &self,
        norm: Norm<'_>,
        gradient: &[f32],
        found: &mut NormGradients,
        rows: &mut [f32],
    ) {
        let len = gradient.len();
        let inverses = &self.inverses[..len / norm.scale.len()];
        let saved = Saved { normal: &self.normal[..len], inverses, scale: norm.scale };
        add_backward(saved, gradient, rows, [&mut found.scale, &mut found.shift]);
    }
}

/// Layers and the results of some rows.
struct Memory<'a> {
    embedding: Embedding<'a>,
    blocks: Vec<(Block<'a>, PackedBlock)>,
    norm: Norm<'a>,
    packed_embedding: Vec<Packed>,
    packing: Packing,
    /// The entities that have a result in each block.
    rows: Vec<Rows>,
    /// The tokens before the first block and after every block.
    tokens: Vec<Buffer>,
    results: Vec<Results>,
    normalised: Normalised,
    features: Buffer,
}

impl Transformer {
    /// Returns the number of entities that have a result in a block.
    fn queries(&self, layer: usize) -> usize {
        if layer + 1 == self.layers { self.queries } else { self.entities.number() }
    }

    fn block(&self) -> usize {
        rows_at_once(self.entities.number(), TOKENS)
    }

    /// Prepares the memory; the results of each block are kept for a backward pass if `keep` is set.
    fn memory<'a>(&self, parameters: &'a [f32], rows: usize, keep: bool) -> Memory<'a> {
        let Self { entities, width, layers, .. } = self;
        let mut rest = Parameters(parameters);
        let embedding = rest.embedding(entities.features(), entities.groups.len(), *width);
        let all = rows * entities.number();
        let block = |_| {
            let block = Block::take(&mut rest, self);
            (block, block.packed(all))
        };
        let blocks = (0..*layers).map(block).collect();
        let most = self.block() * entities.number();
        Memory {
            embedding,
            blocks,
            norm: Norm::take(&mut rest, *width),
            packed_embedding: embedding.packed(entities, rows),
            packing: Packing::default(),
            rows: (0..*layers).map(|_| Rows::default()).collect(),
            tokens: (0..=*layers).map(|_| Buffer::take(most * width)).collect(),
            results: (0..if keep { *layers } else { 1 })
                .map(|_| Results::new(self, self.block()))
                .collect(),
            normalised: Normalised::new(most, *width),
            features: Buffer::take(self.block() * self.output.features()),
        }
    }
}

impl Memory<'_> {
    /// Computes the results of some rows up to the features.
    fn fill(&mut self, network: &Transformer, obs: &[f32]) {
        let (entities, width) = (&network.entities, network.width);
        self.packing.fill(entities, obs);
        let tokens = &mut self.tokens[0][..self.packing.len() * width];
        self.packing.embed(entities, &self.packed_embedding, self.embedding.bias, tokens);
        for (at, (block, packed)) in self.blocks.iter().enumerate() {
            let (past, rest) = self.rows.split_at_mut(at);
            let all = past.last().unwrap_or(self.packing.rows());
            let asking = &mut rest[0];
            asking.fill_first(all, network.queries(at));
            let (past, rest) = self.tokens.split_at_mut(at + 1);
            let read = &past[at][..all.len() * width];
            let write = &mut rest[0][..asking.len() * width];
            let results = if self.results.len() == 1 { 0 } else { at };
            let results = &mut self.results[results];
            block.forward(packed, network, (obs, [all, asking]), read, results, write);
        }
        let rows = self.rows.last().unwrap_or(self.packing.rows());
        let tokens = &self.tokens[network.layers][..rows.len() * width];
        self.normalised.fill(tokens, self.norm, network.eps);
        let n = obs.len() / entities.view_dim;
        let features = &mut self.features[..n * network.output.features()];
        pool::pool(network.pooling, rows, width, &self.normalised.rows, features);
    }

    /// Returns the entities that have a token at the end.
    fn last_rows(&self) -> &Rows {
        self.rows.last().unwrap_or(self.packing.rows())
    }
}

impl EntityNetwork for Transformer {
    fn output_dim(&self) -> usize {
        self.output.dim()
    }

    fn forward(&self, parameters: &[f32], obs: &[f32]) -> Vec<f32> {
        let view = self.entities.view_dim;
        let mut memory = self.memory(parameters, obs.len() / view, false);
        in_blocks(obs, [view, self.block(), self.output.dim()], |obs, out| {
            memory.fill(self, obs);
            let features = &memory.features[..obs.len() / view * self.output.features()];
            let tokens = &memory.normalised.rows;
            self.output.write(features, tokens, memory.last_rows(), out);
        })
    }

    fn backward(&self, parameters: &[f32], obs: &[f32], _: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Self { entities, width, .. } = self;
        let (view, dim) = (entities.view_dim, self.output.dim());
        let rows = obs.len() / view;
        let mut memory = self.memory(parameters, rows, true);
        let all = rows * entities.number();
        let transposed: Vec<TransposedBlock> =
            memory.blocks.iter().map(|(block, _)| block.transposed(all)).collect();
        let mut embedding = memory.embedding.zeros();
        let mut blocks: Vec<_> =
            memory.blocks.iter().map(|(block, _)| BlockGradients::zeros(block)).collect();
        let mut norm = NormGradients::zeros(*width);
        let mut given = Buffer::take(memory.features.len());
        let [mut d_tokens, mut d_before] = [0; 2].map(|_| Buffer::take(memory.tokens[0].len()));
        let mut scratch = Scratch::default();
        let mut spare = block::Spare::new(self, self.block());
        let block = self.block();
        for (obs, gradient) in obs.chunks(block * view).zip(gradient.chunks(block * dim)) {
            let n = obs.len() / view;
            memory.fill(self, obs);
            let rows = memory.last_rows();
            let mut len = rows.len() * width;
            let given = &mut given[..n * self.output.features()];
            self.output.split(gradient, given);
            d_tokens[..len].fill(0.0);
            let tokens = &memory.normalised.rows;
            let features = &memory.features[..given.len()];
            let found = &mut d_tokens[..len];
            pool::backward(self.pooling, rows, *width, tokens, features, given, found);
            self.output.add_gradient(gradient, rows, found);
            memory.normalised.backward(memory.norm, found, &mut norm, &mut d_before[..len]);
            for at in (0..self.layers).rev() {
                let all = if at == 0 { memory.packing.rows() } else { &memory.rows[at - 1] };
                let before = all.len() * width;
                memory.blocks[at].0.backward(
                    &transposed[at],
                    self,
                    (obs, [all, &memory.rows[at]]),
                    (&memory.results[at], &d_before[..len]),
                    (&mut blocks[at], &mut d_tokens[..before]),
                    (&mut spare, &mut scratch),
                );
                std::mem::swap(&mut d_tokens, &mut d_before);
                len = before;
            }
            let before = &d_before[..len];
            memory.packing.add_gradients(entities, before, &mut embedding, &mut scratch);
        }
        let mut found = Found::default();
        found.embedding(embedding);
        blocks.into_iter().for_each(|block| block.append_to(&mut found));
        found.0.extend(norm.scale);
        found.0.extend(norm.shift);
        found.0
    }
}

impl Transformer {
    /// Returns the length of the table of a block.
    fn table_len(&self) -> usize {
        PER_KNOT * self.knots * self.heads
    }
}
