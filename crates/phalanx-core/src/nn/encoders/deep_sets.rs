//! Deep sets: summaries of independently embedded entities.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{
    self as kernels, Activation, DeepSetsWeights, EntityIndices, PackedEmbedding, Pool, Pooling,
    pool_entities,
};
use serde::{Deserialize, Serialize};

use super::entities::{EntityEmbedding, check_entities, entity_indices};
use super::entity_heads::{EntityHeads, PlainOutput, in_blocks, split_off};
use super::{Encoder, EncoderSizes, PlainEncoder, PlainLinear};
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting, fields};

/// The summaries from which the features are computed.
const POOLING: Pooling = Pooling { parts: &[Pool::Own, Pool::Mean, Pool::Max], of_others: true };

/// Deep sets (Zaheer et al. 2017, arXiv 1703.06114): every entity becomes a token by itself, and the
/// features are a function of the agent's own token, and of the mean and the maximum of the others.
///
/// ```text
/// h_j = relu(x_j W_t + b_t)              entity j of type t, with features x_j
/// h_j = relu(h_j W_k + b_k)              k = 2 … layers
/// features = relu([h_0, mean_j h_j, max_j h_j] V + c)     over the other entities j that are present
/// (w_j, b_j) = h_j U + d                 head of the action that targets entity j
/// ```
///
/// It is the cheapest encoder of entities, and the baseline for those in which entities meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeepSets {
    /// The width of tokens, and the number of features.
    pub width: usize,
    /// The number of layers of a token.
    pub layers: usize,
    /// Whether the outputs of actions that target entities have heads computed from their tokens.
    pub entity_heads: bool,
}

impl Default for DeepSets {
    fn default() -> Self {
        Self { width: 64, layers: 1, entity_heads: true }
    }
}

/// The network of [`DeepSets`].
#[derive(Module, Debug)]
pub struct DeepSetsNetwork {
    embedding: EntityEmbedding,
    layers: Vec<Linear>,
    output: Linear,
    heads: Option<EntityHeads>,
}

impl Encoder for DeepSets {
    const ID: &str = "deep_sets";
    const SUMMARY: &str = "own token, mean and maximum of the tokens of entities";
    type Network = DeepSetsNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: width, layers));
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
        self.width
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> DeepSetsNetwork {
        let &Self { width, layers, entity_heads } = self;
        DeepSetsNetwork {
            embedding: EntityEmbedding::new(entity_indices(sizes), width, rng, device),
            layers: (1..layers).map(|_| Linear::new(width, width, rng, device)).collect(),
            output: Linear::new(POOLING.parts.len() * width, width, rng, device),
            heads: EntityHeads::new(entity_heads, sizes, width, rng, device),
        }
    }

    fn head_layer<'a>(&self, network: &'a DeepSetsNetwork) -> Option<&'a Linear> {
        EntityHeads::layer(network.heads.as_ref())
    }

    fn forward(&self, network: &DeepSetsNetwork, obs: Tensor<2>) -> Tensor<2> {
        let DeepSetsNetwork { embedding, layers, output, heads } = network;
        let weights = DeepSetsWeights {
            embedding: embedding.values(),
            layers: layers.iter().map(Linear::values).collect(),
            output: output.values(),
        };
        let targets = EntityHeads::targets(heads.as_ref());
        kernels::deep_sets(obs, embedding.entities(), targets, POOLING, weights)
    }

    fn plain(&self, network: &DeepSetsNetwork) -> Option<Box<dyn PlainEncoder>> {
        let relu = |layer: &Linear| PlainLinear::new(layer, Activation::Relu);
        let entities = network.embedding.entities();
        Some(Box::new(PlainDeepSets {
            entities: Arc::clone(entities),
            embedding: network.embedding.plain(Activation::Relu),
            layers: network.layers.iter().map(relu).collect(),
            layer: relu(&network.output),
            output: PlainOutput {
                heads: EntityHeads::plain(network.heads.as_ref()),
                features: self.width,
                number: entities.number(),
            },
        }))
    }
}

#[derive(Debug)]
struct PlainDeepSets {
    entities: Arc<EntityIndices>,
    embedding: PackedEmbedding,
    layers: Vec<PlainLinear>,
    layer: PlainLinear,
    output: PlainOutput,
}

impl PlainEncoder for PlainDeepSets {
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>) {
        let Self { entities, embedding, layers, layer, output } = self;
        let tokens = entities.number() * embedding.width();
        let (pooled, width) = (layer.input_dim(), layer.output_dim());
        let memory = 2 * tokens + pooled + width + output.scratch_dim();
        let obs = (obs, entities.view_dim);
        let out = (features, output.row_dim());
        in_blocks(obs, out, (scratch, memory), |rows, obs, out, mut scratch| {
            let mut tokens = [0; 2].map(|_| split_off(&mut scratch, rows * tokens));
            let pooled = split_off(&mut scratch, rows * pooled);
            let features = split_off(&mut scratch, rows * width);
            embedding.forward(entities, obs, tokens[0]);
            for layer in layers {
                let [from, to] = &mut tokens;
                layer.forward(from, to);
                tokens.swap(0, 1);
            }
            pool_entities(tokens[0], obs, entities, POOLING, pooled);
            layer.forward(pooled, features);
            output.write(features, tokens[0], (obs, entities), scratch, out);
        });
    }

    fn multiply_adds(&self) -> usize {
        let number = self.entities.number();
        let layers: usize = self.layers.iter().map(PlainLinear::multiply_adds).sum();
        self.embedding.multiply_adds(&self.entities)
            + number * layers
            + self.layer.multiply_adds()
            + self.output.multiply_adds()
    }
}
