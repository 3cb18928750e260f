//! The agent network: observations in, utilities or logits out.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::actor::Actor;
use super::convolution::{Convolution, FrameConvolution};
use super::gru::Gru;
use super::kernels;
use super::layer_norm::{LayerNorm, Normalisation};
use super::linear::{Activation, HiddenActivation, Linear};
use super::lstm::Lstm;
use super::recurrent::RecurrentUnit;
use super::weights::Numbers;
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
    /// What the middle layer remembers with; `None` stands for a linear layer, which does not.
    pub recurrent: Option<RecurrentUnit>,
    /// The width of a feed-forward network's second hidden layer, where it is not `hidden_dim`.
    pub second_hidden_dim: Option<usize>,
    /// A convolution before the first layer, over the beginning of the input.
    pub convolution: Option<Convolution>,
    /// Where layers are normalised.
    pub normalisation: Normalisation,
    /// What follows the hidden layers.
    pub activation: HiddenActivation,
    /// How the weights begin.
    pub init: Init,
}

/// How the weights of an [`AgentNetwork`] begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Every linear layer uniform in `±1 / sqrt(inputs)`, the recurrent one uniform in
    /// `±1 / sqrt(hidden_dim)`, as PyTorch does.
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
    /// Weights from a normal distribution with variance `2 / inputs` that is cut off at two deviations, and
    /// zero biases, which keep the size of what goes through ReLUs: He's, TensorFlow's
    /// `variance_scaling_initializer` with scale 2. A recurrent layer begins as in [`Init::Uniform`].
    VarianceScaling {
        /// Multiplies the weights of the last layer.
        head_gain: f32,
    },
}

impl Init {
    /// A hidden layer.
    pub(super) fn layer(
        self,
        input: usize,
        output: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Linear {
        match self {
            Self::Uniform { .. } => Linear::new(input, output, rng, device),
            Self::Orthogonal { .. } => {
                Linear::orthogonal(input, output, std::f32::consts::SQRT_2, rng, device)
            }
            Self::VarianceScaling { .. } => {
                Linear::variance_scaling(input, output, 1.0, rng, device)
            }
        }
    }

    /// The last layer.
    fn head(self, input: usize, output: usize, rng: &mut Rng, device: &Device) -> Linear {
        match self {
            Self::Uniform { head_scale } => Linear::scaled(input, output, head_scale, rng, device),
            Self::Orthogonal { head_gain } => {
                Linear::orthogonal(input, output, head_gain, rng, device)
            }
            Self::VarianceScaling { head_gain } => {
                Linear::variance_scaling(input, output, head_gain, rng, device)
            }
        }
    }
}

impl Default for Init {
    fn default() -> Self {
        Self::Uniform { head_scale: 1.0 }
    }
}

impl AgentConfig {
    /// The numbers of memory that a row carries from step to step; a network without memory is given
    /// `hidden_dim` and leaves them alone.
    pub fn memory_dim(&self) -> usize {
        self.recurrent.map_or(self.hidden_dim, |unit| unit.memory_dim(self.hidden_dim))
    }

    /// A network with initial weights drawn from `rng`.
    pub fn init(&self, rng: &mut Rng, device: &Device) -> AgentNetwork {
        let hidden = self.hidden_dim;
        let mut reads = self.input_dim;
        let convolution = self.convolution.map(|convolution| {
            reads = reads - convolution.input_dim() + convolution.output_dim();
            convolution.init(self.init, rng, device)
        });
        let encoder = self.init.layer(reads, hidden, rng, device);
        let middle = self.second_hidden_dim.unwrap_or(hidden);
        let orthogonal = matches!(self.init, Init::Orthogonal { .. });
        let core = match self.recurrent {
            None => Core::FeedForward(self.init.layer(hidden, middle, rng, device)),
            Some(RecurrentUnit::Gru) => {
                let new = if orthogonal { Gru::orthogonal } else { Gru::new };
                Core::Gru(new(hidden, hidden, rng, device))
            }
            Some(RecurrentUnit::Lstm) => {
                let new = if orthogonal { Lstm::orthogonal } else { Lstm::new };
                Core::Lstm(new(hidden, hidden, rng, device))
            }
        };
        let last = if self.recurrent.is_some() { hidden } else { middle };
        let head = self.init.head(last, self.output_dim, rng, device);
        let norm =
            |place, width| (self.normalisation == place).then(|| LayerNorm::new(width, device));
        AgentNetwork {
            input_norm: norm(Normalisation::Throughout, self.input_dim),
            convolution,
            encoder,
            norm: norm(Normalisation::FirstLayer, hidden),
            encoder_norm: norm(Normalisation::Throughout, hidden),
            core,
            core_norm: norm(Normalisation::Throughout, last),
            head,
            activation: self.activation,
        }
    }
}

/// The network that all agents of a group share.
///
/// Recurrent, as in PyMARL: linear, ReLU, GRU or LSTM, linear. Feed-forward: linear, ReLU, linear, ReLU,
/// linear. Layer normalisation may stand before the first ReLU or throughout ([`Normalisation`]), and tanh
/// in place of ReLU. It has no memory of its own: the caller hands in the memory and gets it back.
#[derive(Module, Debug)]
pub struct AgentNetwork {
    pub(super) input_norm: Option<LayerNorm>,
    pub(super) convolution: Option<FrameConvolution>,
    pub(super) encoder: Linear,
    /// Before the activation.
    pub(super) norm: Option<LayerNorm>,
    /// Behind the activation.
    pub(super) encoder_norm: Option<LayerNorm>,
    pub(super) core: Core,
    pub(super) core_norm: Option<LayerNorm>,
    pub(super) head: Linear,
    #[module(skip)]
    pub(super) activation: HiddenActivation,
}

#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // There is one per network, so its size does not matter.
pub(super) enum Core {
    Gru(Gru),
    Lstm(Lstm),
    FeedForward(Linear),
}

/// What an [`AgentNetwork`] computes from a sequence.
#[derive(Clone, Debug)]
pub struct AgentOutput {
    /// The utilities or logits of every step, `[time, row, output_dim]`.
    pub output: Tensor<3>,
    /// What the last layer reads, `[time, row, hidden_dim]`: the hidden states of a recurrent
    /// network, the second hidden layer of a feed-forward one, normalised if anything is.
    pub features: Tensor<3>,
    /// The memory after the last step, `[row, memory_dim]` ([`AgentConfig::memory_dim`]): the hidden
    /// state, and behind it the cell of an LSTM; the one that came in, where the network is
    /// feed-forward. It is part of the gradient graph: call `inner()` on it before carrying it into
    /// another update.
    pub hidden: Tensor<2>,
}

impl AgentNetwork {
    /// Computes a whole sequence at once.
    ///
    /// `input` is `[time, row, input_dim]`, where a row is one agent of one episode; `hidden` is
    /// the memory at the first step, `[row, memory_dim]`. Where `keep`, `[time, row]`, is 1 the
    /// memory is carried into step `t`; where it is 0 the memory is set to zero before step `t`,
    /// because a new episode begins there. `None` stands for ones.
    pub fn forward(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        keep: Option<Tensor<2>>,
    ) -> AgentOutput {
        let activation = self.activation.into();
        let input = normalised(&self.input_norm, input);
        let input = match &self.convolution {
            None => input,
            Some(convolution) => filtered(convolution, input),
        };
        let encoded = match &self.norm {
            None => self.encoder.forward_sequence(input, activation),
            Some(norm) => {
                let encoded = self.encoder.forward_sequence(input, Activation::Identity);
                let encoded = norm.forward(encoded);
                match self.activation {
                    HiddenActivation::Relu => burn::tensor::activation::relu(encoded),
                    HiddenActivation::Tanh => encoded.tanh(),
                }
            }
        };
        let encoded = normalised(&self.encoder_norm, encoded);
        let (features, hidden) = match &self.core {
            Core::Gru(gru) => {
                let states = gru.forward(encoded, hidden, keep);
                let [time, row, width] = states.dims();
                let last = states.clone().slice([time - 1..time, 0..row, 0..width]);
                (states, last.reshape([row, width]))
            }
            Core::Lstm(lstm) => lstm.forward(encoded, hidden, keep),
            Core::FeedForward(middle) => (middle.forward_sequence(encoded, activation), hidden),
        };
        let features = normalised(&self.core_norm, features);
        let output = self.head.forward_sequence(features.clone(), Activation::Identity);
        AgentOutput { output, features, hidden }
    }

    /// The outputs of a whole sequence, `[time, row, output_dim]`; the arguments are those of
    /// [`AgentNetwork::forward`], for callers who need neither features nor memory.
    ///
    /// In a shard of a batch on the CPU device ([`in_shards`](super::in_shards)), the whole network is one
    /// operation, unless something is normalised or convolved, or remembered by an LSTM.
    pub fn outputs(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        keep: Option<Tensor<2>>,
    ) -> Tensor<3> {
        let norms = [&self.input_norm, &self.norm, &self.encoder_norm, &self.core_norm];
        let plain = self.convolution.is_none() && norms.iter().all(|norm| norm.is_none());
        if !plain || !kernels::is_alone() {
            return self.forward(input, hidden, keep).output;
        }
        let (encoder, head) = (self.encoder.values(), self.head.values());
        let activation = self.activation.into();
        match &self.core {
            Core::Lstm(_) => self.forward(input, hidden, keep).output,
            Core::Gru(gru) => {
                let core = gru.values();
                kernels::recurrent_agent(input, (hidden, keep), encoder, activation, core, head)
            }
            Core::FeedForward(middle) => {
                let [time, row, width] = input.dims();
                let layers = [encoder, middle.values(), head];
                let flat = input.reshape([time * row, width]);
                let output = kernels::perceptron(flat, layers, activation);
                let [_, width] = output.dims();
                output.reshape([time, row, width])
            }
        }
    }

    /// The same network on plain weights, for rollouts.
    pub fn to_actor(&self) -> Actor {
        let (numbers, _) = Numbers::of(self, Vec::new());
        Actor::new(std::slice::from_ref(self), &[], numbers)
    }
}

fn normalised(norm: &Option<LayerNorm>, x: Tensor<3>) -> Tensor<3> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

/// The input with its beginning, the observations, seen through a convolution.
fn filtered(convolution: &FrameConvolution, input: Tensor<3>) -> Tensor<3> {
    let [time, row, width] = input.dims();
    let view = convolution.config().input_dim();
    let flat = input.reshape([time * row, width]);
    let mut parts = vec![convolution.forward(flat.clone().narrow(1, 0, view))];
    if width > view {
        parts.push(flat.narrow(1, view, width - view));
    }
    let seen = Tensor::cat(parts, 1);
    let width = seen.dims()[1];
    seen.reshape([time, row, width])
}
