//! Graph convolutions over entities.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{
    self as kernels, Activation, EntityIndices, GcnSettings, GcnWeights, Graph, GraphMix,
    PackedEmbedding, mix_graph,
};
use serde::{Deserialize, Serialize};

use super::entities::{EntityEmbedding, Readout, check_entities, entity_indices};
use super::entity_heads::{EntityHeads, PlainOutput, in_blocks, split_off};
use super::graph::{GraphKind, check_graph};
use super::{Encoder, EncoderSizes, PlainEncoder, PlainLinear};
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting, fields};

/// Graph convolutions (GCN; Kipf and Welling 2017, arXiv 1609.02907) over the entities that are present:
///
/// ```text
/// h_j = relu(x_j W_t + b_t)              entity j of type t, with features x_j
/// m_i = sum_j A_ij h_j / sqrt(d_i d_j),  d_i = sum_j A_ij,  A_ij = 1 for neighbours, and A_ii = 1
/// h_i = relu(h_i R_k + m_i W_k + b_k)    k = 1 … layers
/// features = h_0, the mean or the sum of all h_i, or [h_0, mean_i h_i]
/// (w_j, b_j) = h_j U + d                 head of the action that targets entity j
/// ```
///
/// The paper's layer has no root term `h_i R_k`. On a complete graph, the default, `m_i` is the mean of all
/// tokens and the same for every entity, so without the root term all tokens are equal after one layer. `root`
/// keeps it (as GraphSAGE does); `root = false` is the paper's layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gcn {
    /// The width of tokens.
    pub width: usize,
    /// The number of graph convolutions.
    pub layers: usize,
    /// Which entities are neighbours.
    pub graph: GraphKind,
    /// The number of nearest entities in a graph of kind `knn`.
    pub neighbours: usize,
    /// The largest distance of neighbours in a graph of kind `radius`, in the environment's unit of length.
    pub radius: f64,
    /// Whether a layer has a weight of its own for the entity itself.
    pub root: bool,
    /// Which tokens become the features.
    pub readout: Readout,
    /// Whether the outputs of actions that target entities have heads computed from their tokens.
    pub entity_heads: bool,
}

impl Default for Gcn {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 2,
            graph: GraphKind::Complete,
            neighbours: 5,
            radius: 10.0,
            root: true,
            readout: Readout::Own,
            entity_heads: true,
        }
    }
}

/// The network of [`Gcn`].
#[derive(Module, Debug)]
pub struct GcnNetwork {
    embedding: EntityEmbedding,
    /// `R` on top of `W`, or `W` alone.
    layers: Vec<Linear>,
    heads: Option<EntityHeads>,
}

impl Gcn {
    /// Returns the settings of the layers, of which the last computes `queries` tokens, for `number` entities.
    fn mixes(&self, queries: usize, number: usize) -> Vec<GraphMix> {
        let graph = self.graph.with(self.neighbours, self.radius);
        let of = |layer: usize| GraphMix {
            graph,
            keep_own: self.root,
            queries: if layer + 1 == self.layers { queries } else { number },
        };
        (0..self.layers).map(of).collect()
    }
}

impl Encoder for Gcn {
    const ID: &str = "gcn";
    const SUMMARY: &str = "graph convolutions over entities";
    type Network = GcnNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: width, layers));
        check_graph(&mut check, self.neighbours, self.radius);
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

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> GcnNetwork {
        let &Self { width, layers, root, entity_heads, .. } = self;
        let read = if root { 2 * width } else { width };
        GcnNetwork {
            embedding: EntityEmbedding::new(entity_indices(sizes), width, rng, device),
            layers: (0..layers).map(|_| Linear::new(read, width, rng, device)).collect(),
            heads: EntityHeads::new(entity_heads, sizes, width, rng, device),
        }
    }

    fn head_layer<'a>(&self, network: &'a GcnNetwork) -> Option<&'a Linear> {
        EntityHeads::layer(network.heads.as_ref())
    }

    fn forward(&self, network: &GcnNetwork, obs: Tensor<2>) -> Tensor<2> {
        let GcnNetwork { embedding, layers, heads } = network;
        let entities = embedding.entities();
        let settings = GcnSettings {
            graph: self.graph.with(self.neighbours, self.radius),
            root: self.root,
            queries: self.readout.queries(heads.as_ref(), entities.number()),
            pooling: self.readout.pooling(),
        };
        let weights = GcnWeights {
            embedding: embedding.values(),
            layers: layers.iter().map(Linear::values).collect(),
        };
        let targets = EntityHeads::targets(heads.as_ref());
        kernels::gcn(obs, entities, targets, settings, weights)
    }

    fn plain(&self, network: &GcnNetwork) -> Option<Box<dyn PlainEncoder>> {
        let GcnNetwork { embedding, layers, heads } = network;
        let relu = |layer: &Linear| PlainLinear::new(layer, Activation::Relu);
        let number = embedding.entities().number();
        let queries = self.readout.queries(heads.as_ref(), number);
        Some(Box::new(PlainGcn {
            entities: Arc::clone(embedding.entities()),
            embedding: embedding.plain(Activation::Relu),
            layers: layers.iter().map(relu).zip(self.mixes(queries, number)).collect(),
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
struct PlainGcn {
    entities: Arc<EntityIndices>,
    embedding: PackedEmbedding,
    layers: Vec<(PlainLinear, GraphMix)>,
    readout: Readout,
    output: PlainOutput,
}

impl PlainEncoder for PlainGcn {
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>) {
        let Self { entities, embedding, layers, readout, output } = self;
        let width = embedding.width();
        let tokens = entities.number() * width;
        let mixed = layers.iter().map(|(layer, mix)| mix.queries * layer.input_dim()).max();
        let mixed = mixed.unwrap_or(0);
        let memory = tokens + mixed + output.features + output.scratch_dim();
        let obs = (obs, entities.view_dim);
        let out = (features, output.row_dim());
        in_blocks(obs, out, (scratch, memory), |rows, obs, out, mut scratch| {
            let tokens = split_off(&mut scratch, rows * tokens);
            let mixed = split_off(&mut scratch, rows * mixed);
            let features = split_off(&mut scratch, rows * output.features);
            embedding.forward(entities, obs, tokens);
            for (layer, mix) in layers {
                let mixed = &mut mixed[..rows * mix.queries * layer.input_dim()];
                mix_graph(tokens, obs, entities, *mix, mixed);
                layer.forward(mixed, &mut tokens[..rows * mix.queries * width]);
            }
            let tokens = &tokens[..rows * output.number * width];
            readout.plain_features(tokens, (rows, obs), entities, features);
            output.write(features, tokens, (obs, entities), scratch, out);
        });
    }

    fn multiply_adds(&self) -> usize {
        let (number, width) = (self.entities.number(), self.embedding.width());
        let of = |(layer, mix): &(PlainLinear, GraphMix)| {
            let mixing = if mix.graph == Graph::Complete { width } else { number * width };
            mix.queries * (mixing + layer.multiply_adds())
        };
        self.embedding.multiply_adds(&self.entities)
            + self.layers.iter().map(of).sum::<usize>()
            + self.output.multiply_adds()
    }
}
