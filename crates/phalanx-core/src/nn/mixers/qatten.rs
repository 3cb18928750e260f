//! Qatten (Yang et al., 2020, arXiv 2002.03939): a mixer with attention over the agents.

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};

use super::{Mixer, MixerInput, MixerSizes, zero_sizes};
use crate::nn::layers::Linear;
use crate::nn::layers::Mlp;
use crate::rng::Rng;
use crate::settings::{InvalidSetting, fields};
use phalanx_kernels::Activation;

/// Qatten's mixer: each head is a sum of the utilities, weighted by attention between the state and
/// the agents:
///
/// ```text
/// lambda_h = softmax_i(query_h(s) . key_h(x_i) / sqrt(attention_embed_dim))
/// Q_tot    = sum_h |w_h(s)| sum_i lambda_{h,i} Q_i + c(s)
/// ```
/// `query_h`, `w` and `c` have one hidden layer with ReLU; `key_h` is linear. All weights are
/// non-negative and do not depend on the utilities, so `Q_tot` is monotonic in each of them.
/// `x_i` is the input of agent `i`'s network, which gets no gradient. PyMARL2 uses a slice of
/// SMAC's state instead, the features of the agent's own unit. That requires a state laid out unit
/// by unit, whereas every environment has inputs of the agents.
///
/// Defaults are those of PyMARL2's `qatten.yaml`; its names are given with each setting.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QattenMixer {
    /// The number of attention heads.
    pub n_attention_head: usize,
    /// The width of the hidden layer of the queries (`n_query_embedding_layer1`).
    pub query_hidden_dim: usize,
    /// The length of a query and of a key (`n_query_embedding_layer2`, `n_key_embedding_layer1`).
    pub attention_embed_dim: usize,
    /// Whether the heads are weighted by the state (`type: weighted`) rather than summed.
    pub weighted_head: bool,
    /// The width of the hidden layer of the heads' weights (`n_head_embedding_layer1`).
    pub head_hidden_dim: usize,
    /// Whether a function of the state is added. PyMARL2 always adds it; the option comes from the
    /// Qatten in wjh720/QPLEX.
    pub state_bias: bool,
    /// The width of the hidden layer of that function (`n_constrant_value`).
    pub state_bias_hidden_dim: usize,
}

impl Default for QattenMixer {
    fn default() -> Self {
        Self {
            n_attention_head: 4,
            query_hidden_dim: 64,
            attention_embed_dim: 32,
            weighted_head: true,
            head_hidden_dim: 64,
            state_bias: true,
            state_bias_hidden_dim: 32,
        }
    }
}

/// The network of [`QattenMixer`].
#[derive(Module, Debug)]
pub struct QattenNetwork {
    queries: Vec<Mlp>,
    /// The weights of all heads in sequence.
    keys: Linear,
    head_weights: Option<Mlp>,
    state_bias: Option<Mlp>,
}

impl Mixer for QattenMixer {
    const ID: &str = "qatten";
    const SUMMARY: &str = "Qatten: sum of the utilities, weighted by attention over the agents";
    type Network = QattenNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        zero_sizes(fields!(self:
            n_attention_head, query_hidden_dim, attention_embed_dim, head_hidden_dim,
            state_bias_hidden_dim
        ))
    }

    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> QattenNetwork {
        let MixerSizes { state_dim, input_dim, .. } = sizes;
        let (n_head, embed) = (self.n_attention_head, self.attention_embed_dim);
        let mlp = |hidden: usize, output: usize, rng: &mut Rng| {
            Mlp::new(state_dim, &[hidden], output, rng, device)
        };
        QattenNetwork {
            queries: (0..n_head).map(|_| mlp(self.query_hidden_dim, embed, rng)).collect(),
            keys: Linear::new(input_dim, n_head * embed, rng, device),
            head_weights: self.weighted_head.then(|| mlp(self.head_hidden_dim, n_head, rng)),
            state_bias: self.state_bias.then(|| mlp(self.state_bias_hidden_dim, 1, rng)),
        }
    }

    fn forward(&self, network: &QattenNetwork, input: MixerInput) -> Tensor<2> {
        let MixerInput { q_chosen, state, agent_input, .. } = input;
        let [row, agent, input] = agent_input.dims();
        let head = network.queries.len();
        let (weight, bias) = (network.keys.weight.val(), network.keys.bias.val());
        let embed = bias.dims()[0] / head;
        let (directions, constants): (Vec<Tensor<2>>, Vec<Tensor<2>>) = (network.queries.iter())
            .enumerate()
            .map(|(h, query)| {
                let query = query.forward(state.clone(), Activation::Identity);
                let columns = h * embed..(h + 1) * embed;
                let weight = weight.clone().slice([0..input, columns.clone()]);
                let bias = bias.clone().slice([columns]).reshape([embed, 1]);
                (query.clone().matmul(weight.transpose()), query.matmul(bias))
            })
            .unzip();
        // query . (W x + b) as (query W) . x + query . b, which is far less work.
        let directions = Tensor::cat(directions, 1).reshape([row, head, input]);
        let constants = Tensor::cat(constants, 1).reshape([row, 1, head]);
        let scores = agent_input.matmul(directions.swap_dims(1, 2)) + constants;
        let scores = scores.div_scalar((embed as f32).sqrt());
        let attention = activation::softmax(scores, 1);
        let heads = (attention * q_chosen.reshape([row, agent, 1])).sum_dim(1).reshape([row, head]);
        let heads = match &network.head_weights {
            Some(weights) => heads * weights.forward(state.clone(), Activation::Absolute),
            None => heads,
        };
        let total = heads.sum_dim(1);
        match &network.state_bias {
            Some(bias) => total + bias.forward(state, Activation::Identity),
            None => total,
        }
    }
}
