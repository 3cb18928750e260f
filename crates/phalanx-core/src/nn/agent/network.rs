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
/// PyMARL; a feed-forward network of three linear layers with ReLU between them. An
/// [`Encoder`](crate::nn::Encoder) may compute the weights of the last layer for actions that target
/// entities. Options are layer
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
        let (input, heads) = self.encoded(input);
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
        let output = self.last_layer(features.clone(), heads);
        AgentOutput { output, features, hidden }
    }

    /// Replaces the observations at the beginning of the input by their features, if there is an encoder.
    /// Returns its heads for actions too, or the tokens from which they are computed, `[time * row, weight]`,
    /// if there are any.
    fn encoded(&self, input: Tensor<3>) -> (Tensor<3>, Option<Tensor<2>>) {
        let Some(encoder) = &self.observation_encoder else { return (input, None) };
        let width = encoder.output_dim();
        let mut heads = None;
        let input = with_features(input, encoder.input_dim(), |obs| {
            let encoded = encoder.forward(obs);
            let weights = encoded.dims()[1] - width;
            if weights == 0 {
                return encoded;
            }
            heads = Some(encoded.clone().narrow(1, width, weights));
            encoded.narrow(1, 0, width)
        });
        (input, heads)
    }

    /// Computes the outputs, `[time, row, output_dim]`, from the input of the last layer. The outputs of
    /// actions that have heads are `w · h + b` with the action's own weights and bias, in the place of
    /// these actions.
    fn last_layer(&self, features: Tensor<3>, heads: Option<Tensor<2>>) -> Tensor<3> {
        let others = self.head.forward_sequence(features.clone(), Activation::Identity);
        let (Some(encoder), Some(heads)) = (&self.observation_encoder, heads) else {
            return others;
        };
        let actions = encoder.head_actions();
        let [time, row, width] = features.dims();
        let features = features.reshape([time * row, width]);
        let scores = match encoder.head_layer() {
            Some(layer) => kernels::token_scores(features, heads, layer),
            None => kernels::entity_scores(features, heads),
        };
        let scores: Tensor<3> = scores.reshape([time, row, actions.len()]);
        let [_, _, n_others] = others.dims();
        let mut parts = Vec::with_capacity(3);
        if actions.start > 0 {
            parts.push(others.clone().narrow(2, 0, actions.start));
        }
        parts.push(scores);
        if n_others > actions.start {
            parts.push(others.narrow(2, actions.start, n_others - actions.start));
        }
        Tensor::cat(parts, 2)
    }

    /// Computes the outputs of a whole sequence, `[time, row, output_dim]`, for callers that need
    /// neither features nor carry. The arguments are those of [`AgentNetwork::forward`].
    ///
    /// In a shard of a batch on the CPU ([`in_shards`](crate::nn::in_shards)), the whole network after
    /// the encoder, if any, is one fused operation, unless it has normalisation, a convolution, an LSTM,
    /// or heads for entities that are not a linear function of tokens or not after a GRU.
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
        let heads = self.observation_encoder.as_ref().filter(|encoder| encoder.weights_dim() > 0);
        let head_layer = heads.and_then(EncoderNetwork::head_layer);
        let (encoder, head) = (self.encoder.values(), self.head.values());
        let activation = self.activation.into();
        match (&self.core, heads, head_layer) {
            (HiddenLayer::Gru(gru), Some(observation), Some(layer)) => {
                let heads = (layer, observation.head_actions());
                let (input, core) = (seen(observation, input), gru.values());
                let carry = (hidden, not_reset);
                kernels::rnn_agent_with_heads(input, carry, encoder, activation, core, head, heads)
            }
            (HiddenLayer::Lstm(_), ..) | (_, Some(_), _) => {
                self.forward(input, hidden, not_reset).output
            }
            (HiddenLayer::Gru(gru), None, _) => {
                let (input, core) = (self.encoded(input).0, gru.values());
                kernels::rnn_agent(input, (hidden, not_reset), encoder, activation, core, head)
            }
            (HiddenLayer::FeedForward(linear), None, _) => {
                let (input, _) = self.encoded(input);
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

/// Returns what the encoder computes from the observations at the beginning of the input, and the rest of
/// the input, if there is any.
fn seen(encoder: &EncoderNetwork, input: Tensor<3>) -> (Tensor<3>, Option<Tensor<3>>) {
    let [time, row, width] = input.dims();
    let view = encoder.input_dim();
    let further = (width > view).then(|| input.clone().narrow(2, view, width - view));
    let obs = input.reshape([time * row, width]).narrow(1, 0, view);
    let seen = encoder.forward(obs);
    let [_, columns] = seen.dims();
    (seen.reshape([time, row, columns]), further)
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
