//! Deep sets, on slices.

use std::sync::Arc;

use super::op::EntityNetwork;
use super::packing::{Embedding, Packing};
use super::targets::OutputRow;
use super::{Found, Parameters, in_blocks, pool, rows_at_once};
use crate::Activation;
use crate::cpu::activation_grad::activation_gradient;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::{Layer, LayerGradients, backwards};
use crate::entities::{EntityIndices, Pooling};
use crate::gemm::backward_matmul::Scratch;
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::elementwise::activate;

/// About the number of tokens that are computed at a time.
const TOKENS: usize = 512;

/// See [`deep_sets`](crate::deep_sets). The flat parameters are weight and bias of the embedding, of every
/// further layer of a token, and of the last layer.
#[derive(Clone, Debug)]
pub(crate) struct DeepSets {
    pub(crate) entities: Arc<EntityIndices>,
    /// The width of tokens.
    pub(crate) width: usize,
    /// The number of layers of a token after the embedding.
    pub(crate) layers: usize,
    pub(crate) pooling: Pooling,
    pub(crate) output: OutputRow,
}

/// Layers and the results of some rows.
struct Memory<'a> {
    embedding: Embedding<'a>,
    layers: Vec<Layer<'a>>,
    last: Layer<'a>,
    packed_embedding: Vec<Packed>,
    packed: Vec<Packed>,
    packing: Packing,
    /// The tokens after the embedding and after every layer, `[place, width]`.
    tokens: Vec<Buffer>,
    pooled: Buffer,
}

impl DeepSets {
    fn memory<'a>(&self, parameters: &'a [f32], rows: usize) -> Memory<'a> {
        let Self { entities, width, layers, pooling, output } = self;
        let mut rest = Parameters(parameters);
        let embedding = rest.embedding(entities.features(), entities.groups.len(), *width);
        let layers: Vec<Layer<'_>> = (0..*layers).map(|_| rest.layer(*width, *width)).collect();
        let block = self.block();
        let tokens = block * entities.number() * width;
        Memory {
            embedding,
            packed_embedding: embedding.packed(entities, rows),
            packed: layers.iter().map(|layer| layer.packed(rows * entities.number())).collect(),
            tokens: (0..=layers.len()).map(|_| Buffer::take(tokens)).collect(),
            layers,
            last: rest.layer(pooling.parts.len() * width, output.features()),
            packing: Packing::default(),
            pooled: Buffer::take(block * pooling.parts.len() * width),
        }
    }

    fn block(&self) -> usize {
        rows_at_once(self.entities.number(), TOKENS)
    }
}

impl Memory<'_> {
    /// Computes the tokens and the summaries of some rows.
    fn fill(&mut self, network: &DeepSets, obs: &[f32]) {
        let (entities, width) = (&network.entities, network.width);
        self.packing.fill(entities, obs);
        let len = self.packing.len() * width;
        let tokens = &mut self.tokens[0][..len];
        self.packing.embed(entities, &self.packed_embedding, self.embedding.bias, tokens);
        activate(Activation::Relu, tokens);
        for (at, (layer, packed)) in self.layers.iter().zip(&self.packed).enumerate() {
            let (past, rest) = self.tokens.split_at_mut(at + 1);
            let tokens = &mut rest[0][..len];
            multiply(&past[at][..len], packed, Some(layer.bias), tokens);
            activate(Activation::Relu, tokens);
        }
        let n = obs.len() / entities.view_dim;
        let pooled = &mut self.pooled[..n * self.last.inner()];
        let tokens = &self.tokens[self.layers.len()][..len];
        pool::pool(network.pooling, self.packing.rows(), width, tokens, pooled);
    }
}

impl EntityNetwork for DeepSets {
    fn output_dim(&self) -> usize {
        self.output.dim()
    }

    fn forward(&self, parameters: &[f32], obs: &[f32]) -> Vec<f32> {
        let (view, width) = (self.entities.view_dim, self.output.features());
        let rows = obs.len() / view;
        let mut memory = self.memory(parameters, rows);
        let last = memory.last.packed(rows);
        let block = self.block();
        let mut features = Buffer::take(block * width);
        in_blocks(obs, [view, block, self.output.dim()], |obs, out| {
            let n = obs.len() / view;
            memory.fill(self, obs);
            let features = &mut features[..n * width];
            multiply(&memory.pooled[..n * last.inner()], &last, Some(memory.last.bias), features);
            activate(Activation::Relu, features);
            let tokens = &memory.tokens[self.layers];
            self.output.write(features, tokens, memory.packing.rows(), out);
        })
    }

    fn backward(
        &self,
        parameters: &[f32],
        obs: &[f32],
        output: &[f32],
        gradient: &[f32],
    ) -> Vec<f32> {
        let (view, width, dim) =
            (self.entities.view_dim, self.output.features(), self.output.dim());
        let rows = obs.len() / view;
        let mut memory = self.memory(parameters, rows);
        let tokens = rows * self.entities.number();
        let transposed: Vec<Packed> =
            memory.layers.iter().map(|layer| layer.transposed(tokens)).collect();
        let last_transposed = memory.last.transposed(rows);
        let mut embedding = memory.embedding.zeros();
        let mut layers: Vec<_> = memory.layers.iter().map(LayerGradients::zeros).collect();
        let mut last = LayerGradients::zeros(&memory.last);
        let block = self.block();
        let [mut features, mut given, mut before] = [0; 3].map(|_| Buffer::take(block * width));
        let mut d_pooled = Buffer::take(memory.pooled.len());
        let [mut d_tokens, mut d_before] = [0; 2].map(|_| Buffer::take(memory.tokens[0].len()));
        let mut scratch = Scratch::default();
        let blocks = output.chunks(block * dim).zip(gradient.chunks(block * dim));
        for (obs, (output, gradient)) in obs.chunks(block * view).zip(blocks) {
            let n = obs.len() / view;
            memory.fill(self, obs);
            let [features, given, before] =
                [&mut features, &mut given, &mut before].map(|buffer| &mut buffer[..n * width]);
            self.output.split(output, features);
            self.output.split(gradient, given);
            activation_gradient(Activation::Relu, features, given, before);
            let pooled = &memory.pooled[..n * memory.last.inner()];
            last.add(pooled, before, &mut scratch);
            let d_pooled = &mut d_pooled[..pooled.len()];
            backwards(before, &last_transposed, d_pooled);

            let (rows, len) = (memory.packing.rows(), memory.packing.len() * self.width);
            let (d_tokens, d_before) = (&mut d_tokens[..len], &mut d_before[..len]);
            d_tokens.fill(0.0);
            let tokens = &memory.tokens[self.layers][..len];
            pool::backward(self.pooling, rows, self.width, tokens, pooled, d_pooled, d_tokens);
            self.output.add_gradient(gradient, rows, d_tokens);
            activation_gradient(Activation::Relu, tokens, d_tokens, d_before);
            for at in (0..self.layers).rev() {
                let tokens = &memory.tokens[at][..len];
                layers[at].add(tokens, d_before, &mut scratch);
                backwards(d_before, &transposed[at], d_tokens);
                activation_gradient(Activation::Relu, tokens, d_tokens, d_before);
            }
            memory.packing.add_gradients(&self.entities, d_before, &mut embedding, &mut scratch);
        }
        let mut found = Found::default();
        found.embedding(embedding);
        layers.into_iter().for_each(|layer| found.layer(layer));
        found.layer(last);
        found.0
    }
}
