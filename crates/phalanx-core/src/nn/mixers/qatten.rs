//! Qatten (Yang et al., 2020, arXiv 2002.03939): attention to the agents as a mixer.

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};
use phalanx_kernels::Activation;

use super::MixerSizes;
use crate::nn::layers::{Linear, Mlp};
use crate::rng::Rng;

/// The sizes of a [`Qatten`] mixer. The default is that of `qatten.yaml` of PyMARL2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QattenConfig {
    /// The number of attention heads: 4 (`n_attention_head`).
    pub n_head: usize,
    /// The width of the hidden layer of the queries: 64 (`n_query_embedding_layer1`).
    pub query_hidden: usize,
    /// The length of a query and of a key: 32 (`n_query_embedding_layer2` and
    /// `n_key_embedding_layer1`).
    pub embed_dim: usize,
    /// Whether the state weighs the heads: true (`type: weighted`); else their plain sum counts.
    pub weighted_head: bool,
    /// The width of the hidden layer of the heads' weights: 64 (`n_head_embedding_layer1`).
    pub head_hidden: usize,
    /// Whether a function of the state is added: true. PyMARL2 always does; the option is that
    /// of the Qatten in wjh720/QPLEX (`state_bias`).
    pub state_bias: bool,
    /// The width of the hidden layer of that function: 32 (`n_constrant_value`).
    pub bias_hidden: usize,
}

impl Default for QattenConfig {
    fn default() -> Self {
        Self {
            n_head: 4,
            query_hidden: 64,
            embed_dim: 32,
            weighted_head: true,
            head_hidden: 64,
            state_bias: true,
            bias_hidden: 32,
        }
    }
}

impl QattenConfig {
    pub(super) fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> Qatten {
        let MixerSizes { state_dim, input_dim, .. } = sizes;
        let (n_head, embed) = (self.n_head, self.embed_dim);
        let mlp = |hidden: usize, output: usize, rng: &mut Rng| {
            Mlp::new(state_dim, &[hidden], output, rng, device)
        };
        Qatten {
            queries: (0..n_head).map(|_| mlp(self.query_hidden, embed, rng)).collect(),
            keys: Linear::new(input_dim, n_head * embed, rng, device),
            head_weights: self.weighted_head.then(|| mlp(self.head_hidden, n_head, rng)),
            state_bias: self.state_bias.then(|| mlp(self.bias_hidden, 1, rng)),
        }
    }
}

/// Heads that each sum the utilities with weights from attention between the state and the agents:
///
/// ```text
/// lambda_h = softmax_i(query_h(s) . key_h(x_i) / sqrt(embed_dim))
/// Q_tot    = sum_h |w_h(s)| sum_i lambda_{h,i} Q_i + c(s)
/// ```
///
/// `query_h`, `w` and `c` have one hidden layer with ReLU, `key_h` is linear. All weights of the
/// utilities are non-negative and do not depend on them, so `Q_tot` rises with each of them.
///
/// `x_i` is what the network of agent `i` reads. PyMARL2 takes a slice of SMAC's state instead,
/// the features of the agent's own unit, which presumes a state laid out unit by unit; an agent's
/// input is there in every environment. No gradient flows into it, as it is data.
#[derive(Module, Debug)]
pub struct Qatten {
    queries: Vec<Mlp>,
    /// Those of all heads, one head after the other.
    keys: Linear,
    head_weights: Option<Mlp>,
    state_bias: Option<Mlp>,
}

impl Qatten {
    /// `q` `[row, agent]`, `state` `[row, state_dim]`, `agent_input` `[row, agent, input_dim]` to
    /// `[row, 1]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>, agent_input: Tensor<3>) -> Tensor<2> {
        let [row, agent, input] = agent_input.dims();
        let head = self.queries.len();
        let (weight, bias) = (self.keys.weight.val(), self.keys.bias.val());
        let embed = bias.dims()[0] / head;
        let (directions, constants): (Vec<Tensor<2>>, Vec<Tensor<2>>) = (self.queries.iter())
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
        let heads = (attention * q.reshape([row, agent, 1])).sum_dim(1).reshape([row, head]);
        let heads = match &self.head_weights {
            Some(weights) => heads * weights.forward(state.clone(), Activation::Absolute),
            None => heads,
        };
        let total = heads.sum_dim(1);
        match &self.state_bias {
            Some(bias) => total + bias.forward(state, Activation::Identity),
            None => total,
        }
    }
}
