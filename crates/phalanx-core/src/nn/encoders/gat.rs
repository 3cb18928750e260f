//! Graph attention over entities.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{
    self as kernels, Activation, EntityIndices, GatLayerWeights, GatWeights, GraphAttention,
    Packed, PackedEmbedding, activate, attend_graph, multiply,
};
use serde::{Deserialize, Serialize};

use super::entities::{EntityEmbedding, ROWS, Readout, check_entities, entity_indices, numbers};
use super::entity_heads::{EntityHeads, PlainOutput, in_blocks, split_off};
use super::graph::{GraphKind, check_graph, check_heads};
use super::{Encoder, EncoderSizes, PlainEncoder};
use crate::nn::layers::Linear;
use crate::nn::layers::linear::uniform;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting, fields};

/// Graph attention (GAT; Veličković et al. 2018, arXiv 1710.10903) over the entities that are present. For
/// each head, which has its part of the columns:
///
/// ```text
/// h_j = relu(x_j W_t + b_t)              entity j of type t, with features x_j
/// g_j = h_j W_k                          k = 1 … layers
/// alpha_ij = softmax_j LeakyReLU(a_k . g_i + c_k . g_j)   over the neighbours j of i, with i
/// h_i = elu(sum_j alpha_ij g_j + b_k)
/// features = h_0, the mean or the sum of all h_i, or [h_0, mean_i h_i]
/// (w_j, b_j) = h_j U + d                 head of the action that targets entity j
/// ```
///
/// The leaky ReLU has slope 0.2 below zero. The heads of attention are concatenated in every layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gat {
    /// The width of tokens.
    pub width: usize,
    /// The number of attention heads, which divides the width.
    pub heads: usize,
    /// The number of layers of attention.
    pub layers: usize,
    /// Which entities are neighbours.
    pub graph: GraphKind,
    /// The number of nearest entities in a graph of kind `knn`.
    pub neighbours: usize,
    /// The largest distance of neighbours in a graph of kind `radius`, in the environment's unit of length.
    pub radius: f64,
    /// Which tokens become the features.
    pub readout: Readout,
    /// Whether the outputs of actions that target entities have heads computed from their tokens.
    pub entity_heads: bool,
}

impl Default for Gat {
    fn default() -> Self {
        Self {
            width: 64,
            heads: 4,
            layers: 2,
            graph: GraphKind::Complete,
            neighbours: 5,
            radius: 10.0,
            readout: Readout::Own,
            entity_heads: true,
        }
    }
}

/// A layer of graph attention.
#[derive(Module, Debug)]
pub(super) struct GatLayer {
    /// `W`, `[width, width]`.
    weight: Param<Tensor<2>>,
    /// `a` and `c` of all heads, `[2, width]`.
    vectors: Param<Tensor<2>>,
    /// `b`, `[width]`.
    bias: Param<Tensor<1>>,
}

impl GatLayer {
    fn new(width: usize, heads: usize, rng: &mut Rng, device: &Device) -> Self {
        let bound = 1.0 / (width as f32).sqrt();
        // The vectors of a head have as many entries as its tokens.
        let of_head = bound * (heads as f32).sqrt();
        Self {
            weight: uniform([width, width], bound, rng, device),
            vectors: uniform([2, width], of_head, rng, device),
            bias: uniform([width], bound, rng, device),
        }
    }

    fn values(&self) -> GatLayerWeights {
        let (weight, vectors) = (self.weight.val(), self.vectors.val());
        GatLayerWeights { weight, vectors, bias: self.bias.val() }
    }
}

/// The network of [`Gat`].
#[derive(Module, Debug)]
pub struct GatNetwork {
    embedding: EntityEmbedding,
    layers: Vec<GatLayer>,
    heads: Option<EntityHeads>,
}

impl Gat {
    /// Returns the settings of the layers, of which the last computes `queries` tokens, for `number` entities.
    fn attention(&self, queries: usize, number: usize) -> Vec<GraphAttention> {
        let graph = self.graph.with(self.neighbours, self.radius);
        let of = |layer: usize| GraphAttention {
            heads: self.heads,
            graph,
            queries: if layer + 1 == self.layers { queries } else { number },
        };
        (0..self.layers).map(of).collect()
    }
}

impl Encoder for Gat {
    const ID: &str = "gat";
    const SUMMARY: &str = "graph attention over entities";
    type Network = GatNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: width, layers));
        check_graph(&mut check, self.neighbours, self.radius);
        check_heads(&mut check, self.width, self.heads);
        check.finish()
    }

    fn validate_for(&self, sizes: &EncoderSizes) -> Vec<InvalidSetting> {
        check_entities(sizes, "width")
    }

    fn reads_entities(&self) -> bool {
        true
    }

    fn action_weights(&self, sizes: &EncoderSizes) -> bool {
        EntityHeads::are_wanted(self.entity_heads, sizes)
    }

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        self.readout.output_dim(self.width)
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> GatNetwork {
        let &Self { width, heads, layers, entity_heads, .. } = self;
        GatNetwork {
            embedding: EntityEmbedding::new(entity_indices(sizes), width, rng, device),
            layers: (0..layers).map(|_| GatLayer::new(width, heads, rng, device)).collect(),
            heads: EntityHeads::new(entity_heads, sizes, width, rng, device),
        }
    }

    fn head_layer<'a>(&self, network: &'a GatNetwork) -> Option<&'a Linear> {
        EntityHeads::layer(network.heads.as_ref())
    }

    fn forward(&self, network: &GatNetwork, obs: Tensor<2>) -> Tensor<2> {
        let GatNetwork { embedding, layers, heads } = network;
        let entities = embedding.entities();
        let attention = GraphAttention {
            heads: self.heads,
            graph: self.graph.with(self.neighbours, self.radius),
            queries: self.readout.queries(heads.as_ref(), entities.number()),
        };
        let weights = GatWeights {
            embedding: embedding.values(),
            layers: layers.iter().map(GatLayer::values).collect(),
        };
        let targets = EntityHeads::targets(heads.as_ref());
        kernels::gat(obs, entities, targets, (attention, self.readout.pooling()), weights)
    }

    fn plain(&self, network: &GatNetwork) -> Option<Box<dyn PlainEncoder>> {
        let GatNetwork { embedding, layers, heads } = network;
        let layer = |layer: &GatLayer| PlainGatLayer {
            weight: Packed::new(&numbers(&layer.weight), self.width, self.width, ROWS),
            vectors: numbers(&layer.vectors),
            bias: numbers(&layer.bias),
        };
        let number = embedding.entities().number();
        let queries = self.readout.queries(heads.as_ref(), number);
        Some(Box::new(PlainGat {
            entities: Arc::clone(embedding.entities()),
            embedding: embedding.plain(Activation::Relu),
            layers: layers.iter().map(layer).zip(self.attention(queries, number)).collect(),
            readout: self.readout,
            output: PlainOutput {
                heads: EntityHeads::plain(heads.as_ref()),
                features: self.readout.output_dim(self.width),
                number: queries,
            },
        }))
    }
}

#[derive(Debug)]
struct PlainGatLayer {
    weight: Packed,
    vectors: Vec<f32>,
    bias: Vec<f32>,
}

#[derive(Debug)]
struct PlainGat {
    entities: Arc<EntityIndices>,
    embedding: PackedEmbedding,
    layers: Vec<(PlainGatLayer, GraphAttention)>,
    readout: Readout,
    output: PlainOutput,
}

impl PlainEncoder for PlainGat {
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>) {
        let Self { entities, embedding, layers, readout, output } = self;
        let width = embedding.width();
        let tokens = entities.number() * width;
        let memory = 2 * tokens + output.features + output.scratch_dim();
        let obs = (obs, entities.view_dim);
        let out = (features, output.row_dim());
        in_blocks(obs, out, (scratch, memory), |rows, obs, out, mut scratch| {
            let [tokens, projected] = [0; 2].map(|_| split_off(&mut scratch, rows * tokens));
            let features = split_off(&mut scratch, rows * output.features);
            embedding.forward(entities, obs, tokens);
            for (PlainGatLayer { weight, vectors, bias }, settings) in layers {
                projected.fill(0.0);
                multiply(tokens, weight, None, projected);
                let tokens = &mut tokens[..rows * settings.queries * width];
                attend_graph(projected, obs, entities, *settings, (vectors, bias), tokens);
                activate(Activation::Elu, tokens);
            }
            let tokens = &tokens[..rows * output.number * width];
            readout.plain_features(tokens, (rows, obs), entities, features);
            output.write(features, tokens, (obs, entities), scratch, out);
        });
    }

    fn multiply_adds(&self) -> usize {
        let (number, width) = (self.entities.number(), self.embedding.width());
        let of = |(_, settings): &(PlainGatLayer, GraphAttention)| {
            number * width * (width + 2 + settings.queries)
        };
        self.embedding.multiply_adds(&self.entities)
            + self.layers.iter().map(of).sum::<usize>()
            + self.output.multiply_adds()
    }
}
