//! Sizes and initialisation of an agent network.

use burn::tensor::Device;
use phalanx_kernels::Convolution;

use super::network::{AgentNetwork, HiddenLayer};
use crate::nn::encoders::ObservationEncoder;
use crate::nn::layers::{
    FrameConvolution, Gru, HiddenActivation, LayerNorm, Linear, Lstm, Normalisation, RnnKind,
};
use crate::rng::Rng;

/// Sizes and initialisation of an [`AgentNetwork`].
#[derive(Clone, Debug, PartialEq)]
pub struct AgentConfig {
    /// The length of one agent's input: its observation and whatever the trainer appends to it.
    pub input_dim: usize,
    /// The width of the hidden layers and of the hidden state.
    pub hidden_dim: usize,
    /// The number of outputs, one for each action.
    pub output_dim: usize,
    /// The recurrent layer; `None` uses a linear layer instead.
    pub recurrent: Option<RnnKind>,
    /// The width of a feed-forward network's second hidden layer; `None` uses `hidden_dim`.
    pub second_hidden_dim: Option<usize>,
    /// A convolution before the first layer, over the observations at the beginning of the input.
    pub convolution: Option<Convolution>,
    /// An encoder before the first layer, over the observations at the beginning of the input, in place
    /// of a convolution.
    pub observation_encoder: Option<ObservationEncoder>,
    /// The layers that are normalised.
    pub normalisation: Normalisation,
    /// The activation of the hidden layers.
    pub activation: HiddenActivation,
    /// The initialisation of the weights.
    pub init: Init,
}

/// Initialisation of the weights of an [`AgentNetwork`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Linear layers uniform in `±1 / sqrt(inputs)`, and the recurrent layer uniform in `±1 /
    /// sqrt(hidden_dim)`, as in PyTorch.
    Uniform {
        /// Multiplies weights and biases of the last layer.
        head_scale: f32,
    },
    /// Orthogonal weights and zero biases; layers before a ReLU are scaled by `sqrt(2)` (MAPPO, Yu
    /// et al. 2022, arXiv 2103.01955).
    Orthogonal {
        /// Multiplies the weights of the last layer.
        head_gain: f32,
    },
    /// Weights from a normal distribution with variance `2 / inputs`, truncated at two standard
    /// deviations, and zero biases (He initialisation, TensorFlow's `variance_scaling_initializer`
    /// with scale 2), which preserves the scale of activations through ReLUs. A recurrent layer is
    /// initialised as in [`Init::Uniform`].
    VarianceScaling {
        /// Multiplies the weights of the last layer.
        head_gain: f32,
    },
}

impl Init {
    /// Creates a hidden layer.
    pub(in crate::nn) fn layer(
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

    /// Returns what multiplies the weights of the last layer.
    fn head_gain(self) -> f32 {
        match self {
            Self::Uniform { head_scale: gain }
            | Self::Orthogonal { head_gain: gain }
            | Self::VarianceScaling { head_gain: gain } => gain,
        }
    }

    /// Creates the last layer.
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
    /// Returns the length of the carry, the state that a row passes from step to step. A
    /// feed-forward network has a carry of `hidden_dim` numbers, which it leaves unchanged.
    pub fn carry_dim(&self) -> usize {
        self.recurrent.map_or(self.hidden_dim, |unit| unit.carry_dim(self.hidden_dim))
    }

    /// Creates a network with initial weights drawn from `rng`.
    ///
    /// # Panics
    ///
    /// Panics if there are both a convolution and an encoder.
    pub fn init(&self, rng: &mut Rng, device: &Device) -> AgentNetwork {
        let both = self.convolution.is_some() && self.observation_encoder.is_some();
        assert!(!both, "a network has a convolution or an encoder");
        let hidden = self.hidden_dim;
        let second_hidden = self.second_hidden_dim.unwrap_or(hidden);
        let last = if self.recurrent.is_some() { hidden } else { second_hidden };
        let mut in_dim = self.input_dim;
        let convolution = self.convolution.map(|convolution| {
            in_dim = in_dim - convolution.input_dim() + convolution.output_dim();
            FrameConvolution::new(convolution, self.init, rng, device)
        });
        let observation_encoder = self.observation_encoder.clone();
        let observation_encoder = observation_encoder
            .map(|encoder| encoder.in_network([last, self.output_dim], self.init.head_gain()));
        let heads = observation_encoder.as_ref().map_or(0..0, ObservationEncoder::head_actions);
        let reads_entities =
            observation_encoder.as_ref().is_some_and(|e| e.encoder().reads_entities());
        let observation_encoder = observation_encoder.map(|encoder| {
            in_dim = in_dim - encoder.input_dim() + encoder.output_dim();
            encoder.init(rng, device)
        });
        let encoder = self.init.layer(in_dim, hidden, rng, device);
        let orthogonal = matches!(self.init, Init::Orthogonal { .. });
        let core = match self.recurrent {
            None => HiddenLayer::FeedForward(self.init.layer(hidden, second_hidden, rng, device)),
            Some(RnnKind::Gru) => {
                let new = if orthogonal { Gru::orthogonal } else { Gru::new };
                HiddenLayer::Gru(new(hidden, hidden, rng, device))
            }
            Some(RnnKind::Lstm) => {
                let new = if orthogonal { Lstm::orthogonal } else { Lstm::new };
                HiddenLayer::Lstm(new(hidden, hidden, rng, device))
            }
        };
        let head = self.init.head(last, self.output_dim - heads.len(), rng, device);
        let norm =
            |place, width| (self.normalisation == place).then(|| LayerNorm::new(width, device));
        AgentNetwork {
            // It would hide which entities are absent.
            input_norm: norm(Normalisation::Throughout, self.input_dim).filter(|_| !reads_entities),
            convolution,
            observation_encoder,
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
