//! The agent network, from observations to utilities or logits.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_kernels::{self as kernels, Activation};

use super::actor::Actor;
use crate::nn::encoders::EncoderNetwork;
use crate::nn::layers::{FrameConvolution, Gru, HiddenActivation, LayerNorm, Linear, Lstm};
use crate::nn::weights::ParameterValues;

/// The network that all agents of a group share.
///
/// A recurrent network consists of a linear layer, ReLU, a GRU or LSTM, and a linear layer, as in
/// PyMARL; a feed-forward network of three linear layers with ReLU between them. Options are layer
/// normalisation before the first ReLU or throughout ([`Normalisation`](crate::nn::Normalisation)),
/// and tanh in place of ReLU. The network holds no hidden state: the caller passes the carry in and
/// gets it back.
#[derive(Module, Debug)]
pub struct AgentNetwork {
    pub(super) input_norm: Option<LayerNorm>,
    pub(super) convolution: Option<FrameConvolution>,
    pub(super) observation_encoder: Option<EncoderNetwork>,
    pub(super) encoder: Linear,
    /// Normalisation before the first activation.
    pub(super) norm: Option<LayerNorm>,
    /// Normalisation after the first activation.
    pub(super) encoder_norm: Option<LayerNorm>,
    pub(super) core: HiddenLayer,
    pub(super) core_norm: Option<LayerNorm>,
    pub(super) head: Linear,
    #[module(skip)]
    pub(super) activation: HiddenActivation,
}

#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // There is one per network, so its size does not matter.
pub(super) enum HiddenLayer {
    Gru(Gru),
    Lstm(Lstm),
    FeedForward(Linear),
}

/// The output of an [`AgentNetwork`] for a sequence.
#[derive(Clone, Debug)]
pub struct AgentOutput {
    /// The utilities or logits of every step, `[time, row, output_dim]`.
    pub output: Tensor<3>,
    /// The input of the last layer, `[time, row, hidden_dim]`: the hidden states of a recurrent
    /// network, or the second hidden layer of a feed-forward one, after normalisation if there is
    /// any.
    pub features: Tensor<3>,
    /// The carry after the last step, `[row, carry_dim]`
    /// ([`AgentConfig::carry_dim`](crate::nn::AgentConfig::carry_dim)): the hidden state of a GRU,
    /// or the hidden state and the cell state of an LSTM; the unchanged input of a feed-forward
    /// network. It is part of the autodiff graph: call `inner()` before passing it to another
    /// update.
    pub hidden: Tensor<2>,
}

impl AgentNetwork {
    /// Computes a whole sequence at once.
    ///
    /// `input` is `[time, row, input_dim]`, where a row is one agent of one episode; `hidden` is
    /// the carry before the first step, `[row, carry_dim]`. The carry is multiplied by `not_reset`,
    /// `[time, row]`, before each step: 0 where an episode begins, otherwise 1. `None` stands for
    /// ones.
    pub fn forward(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        not_reset: Option<Tensor<2>>,
    ) -> AgentOutput {
        let activation = self.activation.into();
        let input = normalised(&self.input_norm, input);
        let input = match &self.convolution {
            None => input,
            Some(convolution) => {
                let view = convolution.config().input_dim();
                with_features(input, view, |obs| convolution.forward(obs))
            }
        };
        let input = self.encoded(input);
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
            HiddenLayer::Gru(gru) => {
                let states = gru.forward(encoded, hidden, not_reset);
                let [time, row, width] = states.dims();
                let last = states.clone().slice([time - 1..time, 0..row, 0..width]);
                (states, last.reshape([row, width]))
            }
            HiddenLayer::Lstm(lstm) => lstm.forward(encoded, hidden, not_reset),
            HiddenLayer::FeedForward(linear) => {
                (linear.forward_sequence(encoded, activation), hidden)
            }
        };
        let features = normalised(&self.core_norm, features);
        let output = self.head.forward_sequence(features.clone(), Activation::Identity);
        AgentOutput { output, features, hidden }
    }

    /// Replaces the observations at the beginning of the input by their features, if there is an encoder.
    fn encoded(&self, input: Tensor<3>) -> Tensor<3> {
        match &self.observation_encoder {
            None => input,
            Some(encoder) => with_features(input, encoder.input_dim(), |obs| encoder.forward(obs)),
        }
    }

    /// Computes the outputs of a whole sequence, `[time, row, output_dim]`, for callers that need
    /// neither features nor carry. The arguments are those of [`AgentNetwork::forward`].
    ///
    /// In a shard of a batch on the CPU ([`in_shards`](crate::nn::in_shards)), the whole network after
    /// the encoder, if any, is one fused operation, unless it has normalisation, a convolution or an
    /// LSTM.
    pub fn outputs(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        not_reset: Option<Tensor<2>>,
    ) -> Tensor<3> {
        let norms = [&self.input_norm, &self.norm, &self.encoder_norm, &self.core_norm];
        let plain = self.convolution.is_none() && norms.iter().all(|norm| norm.is_none());
        if !plain || !kernels::is_in_shard() {
            return self.forward(input, hidden, not_reset).output;
        }
        let (encoder, head) = (self.encoder.values(), self.head.values());
        let activation = self.activation.into();
        match &self.core {
            HiddenLayer::Lstm(_) => self.forward(input, hidden, not_reset).output,
            HiddenLayer::Gru(gru) => {
                let (input, core) = (self.encoded(input), gru.values());
                kernels::rnn_agent(input, (hidden, not_reset), encoder, activation, core, head)
            }
            HiddenLayer::FeedForward(linear) => {
                let input = self.encoded(input);
                let [time, row, width] = input.dims();
                let layers = [encoder, linear.values(), head];
                let flat = input.reshape([time * row, width]);
                let output = kernels::mlp(flat, layers, activation);
                let [_, width] = output.dims();
                output.reshape([time, row, width])
            }
        }
    }

    /// Returns the same network on plain weights, for rollouts.
    pub fn to_actor(&self) -> Actor {
        let (values, _) = ParameterValues::of(self, Vec::new());
        Actor::new(std::slice::from_ref(self), &[], values)
    }
}

fn normalised(norm: &Option<LayerNorm>, x: Tensor<3>) -> Tensor<3> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

/// Replaces the first `view` numbers of every row of the input, the observations, by the features that
/// `forward` computes from them: `[row, view]` to `[row, feature]`.
fn with_features(
    input: Tensor<3>,
    view: usize,
    forward: impl FnOnce(Tensor<2>) -> Tensor<2>,
) -> Tensor<3> {
    let [time, row, width] = input.dims();
    let flat = input.reshape([time * row, width]);
    let mut parts = vec![forward(flat.clone().narrow(1, 0, view))];
    if width > view {
        parts.push(flat.narrow(1, view, width - view));
    }
    let seen = Tensor::cat(parts, 1);
    let width = seen.dims()[1];
    seen.reshape([time, row, width])
}
