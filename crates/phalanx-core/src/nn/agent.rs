//! The agent network: observations in, utilities or logits out.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::actor::Actor;
use super::gru::Gru;
use super::layer_norm::LayerNorm;
use super::linear::{Activation, Linear};
use crate::rng::Rng;

/// The sizes of an [`AgentNetwork`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgentConfig {
    /// The length of one agent's input: its observation and whatever the collector appends to it.
    pub input_dim: usize,
    /// The width of the hidden layers and of the hidden state.
    pub hidden_dim: usize,
    /// The number of outputs, one for each action.
    pub output_dim: usize,
    /// Whether the middle layer is a GRU, which remembers, or a linear layer, which does not.
    pub recurrent: bool,
    /// Whether the first layer is followed by layer normalisation.
    pub layer_norm: bool,
    /// How the weights begin.
    pub init: Init,
}

/// How the weights of an [`AgentNetwork`] begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Every linear layer uniform in `±1 / sqrt(inputs)`, the GRU uniform in `±1 / sqrt(hidden_dim)`,
    /// as PyTorch does.
    Uniform {
        /// Multiplies weights and biases of the last layer.
        head_scale: f32,
    },
    /// Orthogonal weights and zero biases; the layers before a ReLU are scaled by `sqrt(2)` (MAPPO,
    /// Yu et al. 2022, arXiv 2103.01955).
    Orthogonal {
        /// Multiplies the weights of the last layer.
        head_gain: f32,
    },
}

impl Default for Init {
    fn default() -> Self {
        Self::Uniform { head_scale: 1.0 }
    }
}

impl AgentConfig {
    /// A network with initial weights drawn from `rng`.
    pub fn init(&self, rng: &mut Rng, device: &Device) -> AgentNetwork {
        let hidden = self.hidden_dim;
        let layer = |input: usize, rng: &mut Rng| match self.init {
            Init::Uniform { .. } => Linear::new(input, hidden, rng, device),
            Init::Orthogonal { .. } => {
                Linear::orthogonal(input, hidden, std::f32::consts::SQRT_2, rng, device)
            }
        };
        let encoder = layer(self.input_dim, rng);
        let core = match (self.recurrent, self.init) {
            (false, _) => Core::FeedForward(layer(hidden, rng)),
            (true, Init::Uniform { .. }) => Core::Recurrent(Gru::new(hidden, hidden, rng, device)),
            (true, Init::Orthogonal { .. }) => {
                Core::Recurrent(Gru::orthogonal(hidden, hidden, rng, device))
            }
        };
        let head = match self.init {
            Init::Uniform { head_scale } => {
                Linear::scaled(hidden, self.output_dim, head_scale, rng, device)
            }
            Init::Orthogonal { head_gain } => {
                Linear::orthogonal(hidden, self.output_dim, head_gain, rng, device)
            }
        };
        let norm = self.layer_norm.then(|| LayerNorm::new(hidden, device));
        AgentNetwork { encoder, norm, core, head }
    }
}

/// The network that all agents of a group share.
///
/// Recurrent, as in PyMARL: linear, ReLU, GRU, linear. Feed-forward: linear, ReLU, linear, ReLU,
/// linear. Layer normalisation may stand before the first ReLU. It has no memory of its own: the caller hands in the hidden state and gets it back.
#[derive(Module, Debug)]
pub struct AgentNetwork {
    encoder: Linear,
    norm: Option<LayerNorm>,
    core: Core,
    head: Linear,
}

#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // There is one per network, so its size does not matter.
pub(super) enum Core {
    Recurrent(Gru),
    FeedForward(Linear),
}

/// What an [`AgentNetwork`] computes from a sequence.
#[derive(Clone, Debug)]
pub struct AgentOutput {
    /// The utilities or logits of every step, `[time, row, output_dim]`.
    pub output: Tensor<3>,
    /// What the last layer reads, `[time, row, hidden_dim]`: the hidden states of a recurrent
    /// network, the second hidden layer of a feed-forward one.
    pub features: Tensor<3>,
    /// The hidden state after the last step, `[row, hidden_dim]`; the one that came in, where the
    /// network is feed-forward. It is part of the gradient graph: call `inner()` on it before
    /// carrying it into another update.
    pub hidden: Tensor<2>,
}

impl AgentNetwork {
    /// Computes a whole sequence at once.
    ///
    /// `input` is `[time, row, input_dim]`, where a row is one agent of one episode; `hidden` is
    /// the state at the first step, `[row, hidden_dim]`. Where `keep`, `[time, row]`, is 1 the
    /// hidden state is carried into step `t`; where it is 0 the state is set to zero before step
    /// `t`, because a new episode begins there. `None` stands for ones.
    pub fn forward(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        keep: Option<Tensor<2>>,
    ) -> AgentOutput {
        let encoded = match &self.norm {
            None => self.encoder.forward_sequence(input, Activation::Relu),
            Some(norm) => {
                let encoded = self.encoder.forward_sequence(input, Activation::Identity);
                burn::tensor::activation::relu(norm.forward(encoded))
            }
        };
        let (features, hidden) = match &self.core {
            Core::Recurrent(gru) => {
                let states = gru.forward(encoded, hidden, keep);
                let [time, row, width] = states.dims();
                let last = states.clone().slice([time - 1..time, 0..row, 0..width]);
                (states, last.reshape([row, width]))
            }
            Core::FeedForward(middle) => {
                (middle.forward_sequence(encoded, Activation::Relu), hidden)
            }
        };
        let output = self.head.forward_sequence(features.clone(), Activation::Identity);
        AgentOutput { output, features, hidden }
    }

    /// The same network on plain weights, for rollouts.
    pub fn to_actor(&self) -> Actor {
        Actor::new(&self.encoder, self.norm.as_ref(), &self.core, &self.head)
    }
}
