//! Hyper policy networks: every entity has its own weights.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{
    self as kernels, Activation, EntityIndices, HpnWeights, PackedEmbedding, activate,
    outer_sum_dim, sum_outer,
};
use serde::{Deserialize, Serialize};

use super::entities::{EntityEmbedding, check_entities, entity_indices};
use super::entity_heads::{EntityHeads, PlainOutput, in_blocks, split_off};
use super::{Encoder, EncoderSizes, PlainEncoder, PlainLinear};
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting, fields};

/// A hyper policy network (HPN; Hao et al. 2023, arXiv 2203.05285): a hypernetwork computes the weights of
/// an entity from its features, and the features of the agent are a sum over entities.
///
/// ```text
/// a_j = relu(x_j A_t + b_t)              entity j of type t, with features x_j
/// W(a_j) = sum_k a_jk M_tk + M_t0        [feature, width]
/// features = relu(x_0 W_0 + c + sum_j x_j W(a_j))         over the other entities j that are present
/// (w_j, b_j) = a_j U + d                 head of the action that targets entity j
/// ```
///
/// The matrices `W(a_j)` are never computed: `sum_j x_j W(a_j)` is a linear function of the sums over `j` of
/// the outer products of `x_j` and `[a_j, 1]`, which cost far less per entity; see
/// [`hpn`](phalanx_kernels::hpn).
///
/// With one head per hypernetwork, as in the authors' code (PyMARL3's `hpns_rnn_agent`), but the last action
/// and the agent's ID enter in the next layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hpn {
    /// The number of features.
    pub width: usize,
    /// The width of the hypernetworks' hidden layer (`hpn_hyper_dim`).
    pub hyper_dim: usize,
    /// Whether the outputs of actions that target entities have heads by the hypernetwork.
    pub entity_heads: bool,
}

impl Default for Hpn {
    fn default() -> Self {
        Self { width: 64, hyper_dim: 64, entity_heads: true }
    }
}

/// The network of [`Hpn`].
#[derive(Module, Debug)]
pub struct HpnNetwork {
    /// `W_0`.
    own: EntityEmbedding,
    /// `A` of all types.
    hyper: EntityEmbedding,
    /// `M` of all types, and `c`.
    generated: Linear,
    heads: Option<EntityHeads>,
}

impl Encoder for Hpn {
    const ID: &str = "hpn";
    const SUMMARY: &str = "a hypernetwork computes the weights of each entity";
    type Network = HpnNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: width, hyper_dim));
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

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> HpnNetwork {
        let &Self { width, hyper_dim, entity_heads } = self;
        let all = entity_indices(sizes);
        let others = Arc::new(all.others());
        let sums = outer_sum_dim(&others, hyper_dim);
        // As the last layer of a hypernetwork in PyTorch, which has `hyper_dim` inputs.
        let scale = (sums as f32 / hyper_dim as f32).sqrt();
        HpnNetwork {
            own: EntityEmbedding::new(Arc::new(all.own()), width, rng, device),
            hyper: EntityEmbedding::new(others, hyper_dim, rng, device),
            generated: Linear::scaled(sums, width, scale, rng, device),
            heads: EntityHeads::new(entity_heads, sizes, hyper_dim, rng, device)
                .map(EntityHeads::without_first),
        }
    }

    fn head_layer<'a>(&self, network: &'a HpnNetwork) -> Option<&'a Linear> {
        EntityHeads::layer(network.heads.as_ref())
    }

    fn forward(&self, network: &HpnNetwork, obs: Tensor<2>) -> Tensor<2> {
        let entities = [network.own.entities(), network.hyper.entities()];
        let targets = EntityHeads::targets(network.heads.as_ref());
        let weights = HpnWeights {
            own: network.own.values(),
            hyper: network.hyper.values(),
            generated: network.generated.values(),
        };
        kernels::hpn(obs, entities, targets, weights)
    }

    fn plain(&self, network: &HpnNetwork) -> Option<Box<dyn PlainEncoder>> {
        let others = network.hyper.entities();
        Some(Box::new(PlainHpn {
            agent: Arc::clone(network.own.entities()),
            own: network.own.plain(Activation::Identity),
            others: Arc::clone(others),
            hyper: network.hyper.plain(Activation::Relu),
            generated: PlainLinear::new(&network.generated, Activation::Identity),
            output: PlainOutput {
                heads: EntityHeads::plain(network.heads.as_ref()),
                features: self.width,
                number: others.number(),
            },
        }))
    }
}

#[derive(Debug)]
struct PlainHpn {
    agent: Arc<EntityIndices>,
    own: PackedEmbedding,
    others: Arc<EntityIndices>,
    hyper: PackedEmbedding,
    generated: PlainLinear,
    output: PlainOutput,
}

impl PlainEncoder for PlainHpn {
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>) {
        let Self { agent, own, others, hyper, generated, output } = self;
        let (sums, width) = (generated.input_dim(), generated.output_dim());
        let hidden = others.number() * hyper.width();
        let memory = hidden + sums + 2 * width + output.scratch_dim();
        let obs = (obs, agent.view_dim);
        let out = (features, output.row_dim());
        in_blocks(obs, out, (scratch, memory), |rows, obs, out, mut scratch| {
            let hidden = split_off(&mut scratch, rows * hidden);
            let sums = split_off(&mut scratch, rows * sums);
            let features = split_off(&mut scratch, rows * width);
            let own_part = split_off(&mut scratch, rows * width);
            hyper.forward(others, obs, hidden);
            sum_outer(hidden, obs, others, hyper.width(), sums);
            generated.forward(sums, features);
            own.forward(agent, obs, own_part);
            features.iter_mut().zip(own_part).for_each(|(x, own)| *x += *own);
            activate(Activation::Relu, features);
            output.write(features, hidden, (obs, others), scratch, out);
        });
    }

    fn multiply_adds(&self) -> usize {
        self.own.multiply_adds(&self.agent)
            + 2 * self.hyper.multiply_adds(&self.others)
            + self.generated.multiply_adds()
            + self.output.multiply_adds()
    }
}
