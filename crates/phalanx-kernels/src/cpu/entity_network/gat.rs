//! Graph attention, on slices.

use std::sync::Arc;

use pulp::{Simd, WithSimd};

use super::op::EntityNetwork;
use super::packing::{Embedding, Packing, Rows};
use super::targets::OutputRow;
use super::{Found, Parameters, in_blocks, pool, rows_at_once};
use crate::Activation;
use crate::cpu::activation_grad::{activation_gradient, add_column_sums};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::graph_attention::backward::add_head_gradients;
use crate::cpu::graph_attention::forward::{Inputs, Memory as RowMemory};
use crate::cpu::layer::backwards;
use crate::cpu::row_scratch::with_scratch;
use crate::cpu::tokens::{Outputs, Tokens, Weights, combine_all};
use crate::entities::{EntityIndices, GraphAttention, Pooling};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::dispatch::dispatch;
use crate::simd::elementwise::activate;

/// About the number of tokens that are computed at a time.
const TOKENS: usize = 512;

/// See [`gat`](crate::gat). The flat parameters are weight and bias of the embedding, and for every layer its
/// weight, the attention vectors and the bias.
#[derive(Clone, Debug)]
pub(crate) struct Gat {
    pub(crate) entities: Arc<EntityIndices>,
    /// The width of tokens.
    pub(crate) width: usize,
    pub(crate) layers: usize,
    /// Attention in the last layer.
    pub(crate) attention: GraphAttention,
    pub(crate) pooling: Pooling,
    pub(crate) output: OutputRow,
}

/// The parameters of a layer.
#[derive(Clone, Copy)]
struct AttentionLayer<'a> {
    weight: &'a [f32],
    /// `[2, width]`.
    vectors: &'a [f32],
    bias: &'a [f32],
}

/// Layers and the results of some rows.
struct Memory<'a> {
    embedding: Embedding<'a>,
    layers: Vec<AttentionLayer<'a>>,
    packed_embedding: Vec<Packed>,
    packed: Vec<Packed>,
    packing: Packing,
    /// The entities that have a result in each layer.
    rows: Vec<Rows>,
    /// The tokens before the first layer and after every layer.
    tokens: Vec<Buffer>,
    /// The products of the tokens with the weight of each layer, `[place, width]`.
    products: Vec<Buffer>,
    features: Buffer,
}

impl Gat {
    fn block(&self) -> usize {
        rows_at_once(self.entities.number(), TOKENS)
    }

    fn memory<'a>(&self, parameters: &'a [f32], rows: usize) -> Memory<'a> {
        let Self { entities, width, layers, .. } = self;
        let mut rest = Parameters(parameters);
        let embedding = rest.embedding(entities.features(), entities.groups.len(), *width);
        let layers: Vec<AttentionLayer<'_>> = (0..*layers)
            .map(|_| AttentionLayer {
                weight: rest.take(width * width),
                vectors: rest.take(2 * width),
                bias: rest.take(*width),
            })
            .collect();
        let all = rows * entities.number();
        let most = self.block() * entities.number() * width;
        Memory {
            embedding,
            packed_embedding: embedding.packed(entities, rows),
            packed: layers
                .iter()
                .map(|layer| Packed::new(layer.weight, *width, *width, all))
                .collect(),
            packing: Packing::default(),
            rows: layers.iter().map(|_| Rows::default()).collect(),
            tokens: (0..=layers.len()).map(|_| Buffer::take(most)).collect(),
            products: layers.iter().map(|_| Buffer::take(most)).collect(),
            features: Buffer::take(self.block() * self.output.features()),
            layers,
        }
    }

    fn inputs<'a>(&'a self, obs: &'a [f32], vectors: &'a [f32]) -> Inputs<'a> {
        let Self { entities, attention, .. } = self;
        Inputs { entities, settings: *attention, obs, tokens: &[], vectors }
    }
}

/// Attention in some rows, which adds to `out`, `[query, width]`.
struct Attend<'a> {
    inputs: Inputs<'a>,
    rows: [&'a Rows; 2],
    /// `[place, width]`.
    tokens: &'a [f32],
    out: &'a mut [f32],
    memory: &'a mut [f32],
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, rows: [all, asking], tokens: values, out, memory } = self;
        let stride = inputs.vectors.len() / 2;
        let width = stride / inputs.settings.heads;
        for (row, obs) in inputs.obs.chunks_exact(inputs.entities.view_dim).enumerate() {
            let ((entities, list), (_, queries)) = (all.row(row), asking.row(row));
            if queries.is_empty() {
                continue;
            }
            let padded = list.len().next_multiple_of(S::F32_LANES);
            let mut memory = RowMemory::new(&mut *memory, inputs, padded);
            memory.find_edges(inputs, obs, entities, padded);
            for first in (0..stride).step_by(width) {
                let tokens = Tokens { values, list, stride, first, width };
                memory.attend(simd, inputs, tokens, queries.len());
                let weights = Weights { values: &*memory.weights, down: padded, along: 1 };
                let out = Outputs { values: &mut *out, list: queries, stride, first };
                combine_all(simd, weights, tokens, out);
            }
        }
    }
}

/// The backward pass of [`Attend`], which adds to the gradients of the tokens and the vectors.
struct AttendBackward<'a> {
    inputs: Inputs<'a>,
    rows: [&'a Rows; 2],
    tokens: &'a [f32],
    gradient: &'a [f32],
    d_tokens: &'a mut [f32],
    d_vectors: &'a mut [f32],
    memory: &'a mut [f32],
}

impl WithSimd for AttendBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, rows: [all, asking], tokens: values, gradient, .. } = self;
        let Self { d_tokens, d_vectors, memory, .. } = self;
        let stride = inputs.vectors.len() / 2;
        let width = stride / inputs.settings.heads;
        for (row, obs) in inputs.obs.chunks_exact(inputs.entities.view_dim).enumerate() {
            let ((entities, list), (_, queries)) = (all.row(row), asking.row(row));
            if queries.is_empty() {
                continue;
            }
            let padded = list.len().next_multiple_of(S::F32_LANES);
            let mut memory = RowMemory::new(&mut *memory, inputs, padded);
            memory.find_edges(inputs, obs, entities, padded);
            for first in (0..stride).step_by(width) {
                let tokens = Tokens { values, list, stride, first, width };
                let given = Tokens { values: gradient, list: queries, ..tokens };
                let read = [tokens, given];
                add_head_gradients(simd, inputs, &mut memory, read, d_tokens, d_vectors);
            }
        }
    }
}

impl Memory<'_> {
    /// Computes the results of some rows up to the features.
    fn fill(&mut self, network: &Gat, obs: &[f32]) {
        let (entities, width) = (&network.entities, network.width);
        self.packing.fill(entities, obs);
        let tokens = &mut self.tokens[0][..self.packing.len() * width];
        self.packing.embed(entities, &self.packed_embedding, self.embedding.bias, tokens);
        activate(Activation::Relu, tokens);
        for (at, (layer, packed)) in self.layers.iter().zip(&self.packed).enumerate() {
            let (past, rest) = self.rows.split_at_mut(at);
            let all = past.last().unwrap_or(self.packing.rows());
            let asking = &mut rest[0];
            let is_last = at + 1 == network.layers;
            let queries = if is_last { network.attention.queries } else { entities.number() };
            asking.fill_first(all, queries);
            let (past, rest) = self.tokens.split_at_mut(at + 1);
            let products = &mut self.products[at][..all.len() * width];
            products.fill(0.0);
            multiply(&past[at][..all.len() * width], packed, None, products);
            let out = &mut rest[0][..asking.len() * width];
            out.chunks_exact_mut(width).for_each(|token| token.copy_from_slice(layer.bias));
            let inputs = network.inputs(obs, layer.vectors);
            let rows = [all, &*asking];
            with_scratch(RowMemory::len(inputs), |memory| {
                dispatch(Attend { inputs, rows, tokens: products, out: &mut *out, memory });
            });
            activate(Activation::Elu, out);
        }
        let n = obs.len() / entities.view_dim;
        let rows = self.rows.last().unwrap_or(self.packing.rows());
        let features = &mut self.features[..n * network.output.features()];
        pool::pool(network.pooling, rows, width, &self.tokens[network.layers], features);
    }

    /// Returns the entities that have a token at the end.
    fn last_rows(&self) -> &Rows {
        self.rows.last().unwrap_or(self.packing.rows())
    }
}

impl EntityNetwork for Gat {
    fn output_dim(&self) -> usize {
        self.output.dim()
    }

    fn forward(&self, parameters: &[f32], obs: &[f32]) -> Vec<f32> {
        let view = self.entities.view_dim;
        let mut memory = self.memory(parameters, obs.len() / view);
        in_blocks(obs, [view, self.block(), self.output.dim()], |obs, out| {
            memory.fill(self, obs);
            let features = &memory.features[..obs.len() / view * self.output.features()];
            let tokens = &memory.tokens[self.layers];
            self.output.write(features, tokens, memory.last_rows(), out);
        })
    }

    fn backward(&self, parameters: &[f32], obs: &[f32], _: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Self { entities, width, .. } = self;
        let (view, dim) = (entities.view_dim, self.output.dim());
        let rows = obs.len() / view;
        let mut memory = self.memory(parameters, rows);
        let all = rows * entities.number();
        let turn =
            |layer: &AttentionLayer<'_>| Packed::transposed(layer.weight, *width, *width, all);
        let transposed: Vec<Packed> = memory.layers.iter().map(turn).collect();
        let mut embedding = memory.embedding.zeros();
        // Weight, attention vectors and bias of every layer.
        let mut layers: Vec<[Vec<f32>; 3]> = (memory.layers.iter())
            .map(|layer| [layer.weight, layer.vectors, layer.bias].map(|x| vec![0.0; x.len()]))
            .collect();
        let mut given = Buffer::take(memory.features.len());
        let [mut d_tokens, mut before, mut d_products] =
            [0; 3].map(|_| Buffer::take(memory.tokens[0].len()));
        let mut scratch = Scratch::default();
        let block = self.block();
        for (obs, gradient) in obs.chunks(block * view).zip(gradient.chunks(block * dim)) {
            let n = obs.len() / view;
            memory.fill(self, obs);
            let rows = memory.last_rows();
            let given = &mut given[..n * self.output.features()];
            self.output.split(gradient, given);
            let found = &mut d_tokens[..rows.len() * width];
            found.fill(0.0);
            let (tokens, features) = (&memory.tokens[self.layers], &memory.features[..given.len()]);
            pool::backward(self.pooling, rows, *width, tokens, features, given, found);
            self.output.add_gradient(gradient, rows, found);
            for at in (0..self.layers).rev() {
                let asking = &memory.rows[at];
                let all = if at == 0 { memory.packing.rows() } else { &memory.rows[at - 1] };
                let (len, all_len) = (asking.len() * width, all.len() * width);
                let before = &mut before[..len];
                let tokens = &memory.tokens[at + 1][..len];
                activation_gradient(Activation::Elu, tokens, &d_tokens[..len], before);
                let [weight, vectors, bias] = &mut layers[at];
                add_column_sums(before, bias);
                let d_products = &mut d_products[..all_len];
                d_products.fill(0.0);
                let inputs = self.inputs(obs, memory.layers[at].vectors);
                with_scratch(RowMemory::len(inputs), |row_memory| {
                    dispatch(AttendBackward {
                        inputs,
                        rows: [all, asking],
                        tokens: &memory.products[at][..all_len],
                        gradient: before,
                        d_tokens: &mut *d_products,
                        d_vectors: vectors,
                        memory: row_memory,
                    });
                });
                let read = &memory.tokens[at][..all_len];
                add_transposed_left(read, d_products, all.len(), 0..*width, &mut scratch, weight);
                backwards(d_products, &transposed[at], &mut d_tokens[..all_len]);
            }
            let len = memory.packing.len() * width;
            let before = &mut before[..len];
            let tokens = &memory.tokens[0][..len];
            activation_gradient(Activation::Relu, tokens, &d_tokens[..len], before);
            memory.packing.add_gradients(entities, before, &mut embedding, &mut scratch);
        }
        let mut found = Found::default();
        found.embedding(embedding);
        found.0.extend(layers.into_iter().flatten().flatten());
        found.0
    }
}
