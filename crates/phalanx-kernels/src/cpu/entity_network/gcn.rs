//! Graph convolutions, on slices.

use std::sync::Arc;

use pulp::{Simd, WithSimd};

use super::op::EntityNetwork;
use super::packing::{Embedding, Packing, Rows};
use super::targets::OutputRow;
use super::{Found, Parameters, gather, in_blocks, pool, rows_at_once, scatter};
use crate::Activation;
use crate::cpu::activation_grad::{activation_gradient, add_column_sums};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::graph_mix::forward::normalise_weights;
use crate::cpu::layer::{Layer, LayerGradients, backwards};
use crate::cpu::neighbours::neighbours;
use crate::cpu::row_scratch::with_scratch;
use crate::cpu::tokens::{MOST_LANES, Outputs, Tokens, Weights, combine_all};
use crate::entities::{EntityIndices, Graph, Pooling};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::dispatch::dispatch;
use crate::simd::elementwise::activate;

/// About the number of tokens that are computed at a time.
const TOKENS: usize = 512;

/// See [`gcn`](crate::gcn). The flat parameters are weight and bias of the embedding and of every layer.
#[derive(Clone, Debug)]
pub(crate) struct Gcn {
    pub(crate) entities: Arc<EntityIndices>,
    /// The width of tokens.
    pub(crate) width: usize,
    pub(crate) layers: usize,
    pub(crate) graph: Graph,
    /// Whether the weight of a layer begins with that of the entity itself.
    pub(crate) root: bool,
    /// The number of entities, the first ones, whose tokens are needed after the last layer.
    pub(crate) queries: usize,
    pub(crate) pooling: Pooling,
    pub(crate) output: OutputRow,
}

/// The parameters of a layer: `R`, empty without, and `W` with `b`.
#[derive(Clone, Copy)]
struct Convolution<'a> {
    root: &'a [f32],
    mixed: Layer<'a>,
}

/// Layers and the results of some rows.
struct Memory<'a> {
    embedding: Embedding<'a>,
    layers: Vec<Convolution<'a>>,
    packed_embedding: Vec<Packed>,
    /// `R` and `W` of every layer.
    packed: Vec<[Packed; 2]>,
    packing: Packing,
    /// The entities that have a result in each layer.
    rows: Vec<Rows>,
    /// The tokens before the first layer and after every layer.
    tokens: Vec<Buffer>,
    /// The tokens of the entities themselves in each layer, `[query, width]`.
    own: Vec<Buffer>,
    /// The mixed tokens of each layer, `[query, width]`; over a complete graph, where they are equal,
    /// `[row, width]`.
    mixed: Vec<Buffer>,
    /// The products of the mixed tokens over a complete graph, `[row, width]`.
    products: Buffer,
    features: Buffer,
}

impl Gcn {
    fn block(&self) -> usize {
        rows_at_once(self.entities.number(), TOKENS)
    }

    fn is_complete(&self) -> bool {
        self.graph == Graph::Complete
    }

    fn memory<'a>(&self, parameters: &'a [f32], rows: usize) -> Memory<'a> {
        let Self { entities, width, layers, root, .. } = self;
        let mut rest = Parameters(parameters);
        let embedding = rest.embedding(entities.features(), entities.groups.len(), *width);
        let of_root = if *root { width * width } else { 0 };
        let convolutions: Vec<Convolution<'_>> = (0..*layers)
            .map(|_| Convolution { root: rest.take(of_root), mixed: rest.layer(*width, *width) })
            .collect();
        let all = rows * entities.number();
        let mixed_rows = if self.is_complete() { rows } else { all };
        let pack = |layer: &Convolution<'_>| {
            let inner = layer.root.len() / width;
            [Packed::new(layer.root, inner, *width, all), layer.mixed.packed(mixed_rows)]
        };
        let most = self.block() * entities.number() * width;
        let each = || (0..*layers).map(|_| Buffer::take(most)).collect::<Vec<_>>();
        Memory {
            embedding,
            packed_embedding: embedding.packed(entities, rows),
            packed: convolutions.iter().map(pack).collect(),
            layers: convolutions,
            packing: Packing::default(),
            rows: (0..*layers).map(|_| Rows::default()).collect(),
            tokens: (0..=*layers).map(|_| Buffer::take(most)).collect(),
            own: each(),
            mixed: each(),
            products: Buffer::take(self.block() * width),
            features: Buffer::take(self.block() * self.output.features()),
        }
    }

    /// Mixes tokens, `[place, width]`, into those of the entities that have a result, or the other way round
    /// for gradients, which are added. `mixed` is `[query, width]`.
    fn mix(&self, obs: &[f32], rows: [&Rows; 2], pass: Pass<'_>) {
        let number = self.entities.number();
        let len = number * number.next_multiple_of(MOST_LANES);
        with_scratch(2 * len, |scratch| {
            let (weights, distances) = scratch.split_at_mut(len);
            dispatch(Mix { network: self, obs, rows, pass, weights, distances });
        });
    }
}

/// What is read and written by [`Gcn::mix`].
enum Pass<'a> {
    /// From tokens to mixed tokens.
    Forward(&'a [f32], &'a mut [f32]),
    /// From the gradients of mixed tokens to those of tokens.
    Backward(&'a [f32], &'a mut [f32]),
}

struct Mix<'a> {
    network: &'a Gcn,
    obs: &'a [f32],
    rows: [&'a Rows; 2],
    pass: Pass<'a>,
    weights: &'a mut [f32],
    distances: &'a mut [f32],
}

impl WithSimd for Mix<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { network, obs, rows: [all, asking], mut pass, weights, distances } = self;
        let (entities, width) = (&network.entities, network.width);
        for (row, obs) in obs.chunks_exact(entities.view_dim).enumerate() {
            let ((list, places), (_, queries)) = (all.row(row), asking.row(row));
            let padded = list.len().next_multiple_of(S::F32_LANES);
            if queries.is_empty() {
                continue;
            }
            let matrices = [&mut *weights, &mut *distances];
            neighbours(network.graph, entities, obs, list, padded, matrices);
            normalise_weights(list.len(), padded, weights, distances);
            // The matrix is symmetric, and the entities that have a result are the first.
            let weights = Weights { values: &*weights, down: padded, along: 1 };
            let (list, to, (values, write)) = match &mut pass {
                Pass::Forward(read, write) => (places, queries, (&**read, &mut **write)),
                Pass::Backward(read, write) => (queries, places, (&**read, &mut **write)),
            };
            let tokens = Tokens { values, list, stride: width, first: 0, width };
            let out = Outputs { values: write, list: to, stride: width, first: 0 };
            combine_all(simd, weights, tokens, out);
        }
    }
}

/// Computes the mean of the tokens of each row, `[row, width]`.
fn means(tokens: &[f32], rows: &Rows, width: usize, means: &mut [f32]) {
    dispatch(|| {
        means.fill(0.0);
        for (row, mean) in means.chunks_exact_mut(width).enumerate() {
            let (_, places) = rows.row(row);
            for &place in places {
                let token = &tokens[usize::from(place) * width..][..width];
                mean.iter_mut().zip(token).for_each(|(sum, x)| *sum += x);
            }
            let share = 1.0 / places.len().max(1) as f32;
            mean.iter_mut().for_each(|x| *x *= share);
        }
    });
}

/// Adds to every token of a row its share of the gradient of the mean.
fn add_shares(gradient: &[f32], rows: &Rows, width: usize, tokens: &mut [f32]) {
    dispatch(|| {
        for (row, gradient) in gradient.chunks_exact(width).enumerate() {
            let (_, places) = rows.row(row);
            let share = 1.0 / places.len().max(1) as f32;
            for &place in places {
                let token = &mut tokens[usize::from(place) * width..][..width];
                token.iter_mut().zip(gradient).for_each(|(sum, d)| *sum += share * d);
            }
        }
    });
}

/// Computes the sum of the tokens of each row that have a result, `[row, width]`.
fn sums(tokens: &[f32], rows: &Rows, width: usize, sums: &mut [f32]) {
    dispatch(|| {
        sums.fill(0.0);
        for (row, sum) in sums.chunks_exact_mut(width).enumerate() {
            for token in
                tokens[rows.starts[row] * width..rows.starts[row + 1] * width].chunks_exact(width)
            {
                sum.iter_mut().zip(token).for_each(|(sum, x)| *sum += x);
            }
        }
    });
}

impl Memory<'_> {
    /// Computes the results of some rows up to the features.
    fn fill(&mut self, network: &Gcn, obs: &[f32]) {
        let (entities, width) = (&network.entities, network.width);
        let n = obs.len() / entities.view_dim;
        self.packing.fill(entities, obs);
        let tokens = &mut self.tokens[0][..self.packing.len() * width];
        self.packing.embed(entities, &self.packed_embedding, self.embedding.bias, tokens);
        activate(Activation::Relu, tokens);
        for (at, (layer, [root, mix])) in self.layers.iter().zip(&self.packed).enumerate() {
            let (past, rest) = self.rows.split_at_mut(at);
            let all = past.last().unwrap_or(self.packing.rows());
            let asking = &mut rest[0];
            let queries =
                if at + 1 == network.layers { network.queries } else { entities.number() };
            asking.fill_first(all, queries);
            let (past, rest) = self.tokens.split_at_mut(at + 1);
            let read = &past[at][..all.len() * width];
            let write = &mut rest[0][..asking.len() * width];
            let bias = Some(layer.mixed.bias);
            if network.is_complete() {
                let mixed = &mut self.mixed[at][..n * width];
                means(read, all, width, mixed);
                let products = &mut self.products[..n * width];
                multiply(mixed, mix, bias, products);
                for (row, product) in products.chunks_exact(width).enumerate() {
                    write[asking.starts[row] * width..asking.starts[row + 1] * width]
                        .chunks_exact_mut(width)
                        .for_each(|token| token.copy_from_slice(product));
                }
            } else {
                let mixed = &mut self.mixed[at][..write.len()];
                mixed.fill(0.0);
                network.mix(obs, [all, asking], Pass::Forward(read, mixed));
                multiply(mixed, mix, bias, write);
            }
            if network.root {
                let own = &mut self.own[at][..write.len()];
                gather(read, width, [all, asking], own);
                multiply(own, root, None, write);
            }
            activate(Activation::Relu, write);
        }
        let rows = self.rows.last().unwrap_or(self.packing.rows());
        let features = &mut self.features[..n * network.output.features()];
        pool::pool(network.pooling, rows, width, &self.tokens[network.layers], features);
    }

    /// Returns the entities that have a token at the end.
    fn last_rows(&self) -> &Rows {
        self.rows.last().unwrap_or(self.packing.rows())
    }
}

impl EntityNetwork for Gcn {
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
        let mixed_rows = if self.is_complete() { rows } else { all };
        let turn = |layer: &Convolution<'_>| {
            let inner = layer.root.len() / width;
            let root = Packed::transposed(layer.root, *width, inner, all);
            [root, layer.mixed.transposed(mixed_rows)]
        };
        let transposed: Vec<[Packed; 2]> = memory.layers.iter().map(turn).collect();
        let mut embedding = memory.embedding.zeros();
        let zeros = |layer: &Convolution<'_>| {
            (vec![0.0; layer.root.len()], LayerGradients::zeros(&layer.mixed))
        };
        let mut layers: Vec<_> = memory.layers.iter().map(zeros).collect();
        let mut given = Buffer::take(memory.features.len());
        let [mut d_tokens, mut before, mut d_read, mut spare] =
            [0; 4].map(|_| Buffer::take(memory.tokens[0].len()));
        let [mut d_products, mut d_mixed] = [0; 2].map(|_| Buffer::take(memory.products.len()));
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
                let len = asking.len() * width;
                let before = &mut before[..len];
                let tokens = &memory.tokens[at + 1][..len];
                activation_gradient(Activation::Relu, tokens, &d_tokens[..len], before);
                let d_read = &mut d_read[..all.len() * width];
                d_read.fill(0.0);
                let (root, mixed) = &mut layers[at];
                let [turned_root, turned] = &transposed[at];
                if self.is_complete() {
                    let d_products = &mut d_products[..n * width];
                    sums(before, asking, *width, d_products);
                    mixed.add(&memory.mixed[at][..n * width], d_products, &mut scratch);
                    let d_mixed = &mut d_mixed[..n * width];
                    backwards(d_products, turned, d_mixed);
                    add_shares(d_mixed, all, *width, d_read);
                } else {
                    let read = &memory.mixed[at][..len];
                    let weight = &mut mixed.weight;
                    add_transposed_left(
                        read,
                        before,
                        asking.len(),
                        0..*width,
                        &mut scratch,
                        weight,
                    );
                    add_column_sums(before, &mut mixed.bias);
                    let d_mixed = &mut spare[..len];
                    backwards(before, turned, d_mixed);
                    self.mix(obs, [all, asking], Pass::Backward(d_mixed, d_read));
                }
                if self.root {
                    let own = &memory.own[at][..len];
                    add_transposed_left(own, before, asking.len(), 0..*width, &mut scratch, root);
                    let d_own = &mut spare[..len];
                    backwards(before, turned_root, d_own);
                    scatter(d_own, *width, [all, asking], d_read);
                }
                d_tokens[..d_read.len()].copy_from_slice(d_read);
            }
            let len = memory.packing.len() * width;
            let before = &mut before[..len];
            let tokens = &memory.tokens[0][..len];
            activation_gradient(Activation::Relu, tokens, &d_tokens[..len], before);
            memory.packing.add_gradients(entities, before, &mut embedding, &mut scratch);
        }
        let mut found = Found::default();
        found.embedding(embedding);
        for (root, mixed) in layers {
            found.0.extend(root);
            found.layer(mixed);
        }
        found.0
    }
}
