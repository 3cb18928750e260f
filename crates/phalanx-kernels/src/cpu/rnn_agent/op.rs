//! A recurrent agent's network over a whole sequence as a burn operation.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::Gradients as AgentGradients;
use super::forward::{Agent, Saved};
use super::token_heads::TokenHeads;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, tensor, values};
use crate::cpu::layer::{Layer, layer_gradients, layer_inputs};
use crate::cpu::sequence::{Inputs, Size};
use crate::operation::{Operation, apply};
use crate::{Activation, LayerWeights, RnnWeights};

/// See [`rnn_agent`](crate::rnn_agent).
pub(crate) fn rnn_agent(
    input: Tensor<3>,
    (hidden, not_reset): (Tensor<2>, Tensor<2>),
    encoder: LayerWeights,
    activation: Activation,
    core: RnnWeights,
    head: LayerWeights,
) -> Tensor<3> {
    let RnnWeights { weight_ih, bias_ih, weight_hh, bias_hh } = core;
    let layers = [
        encoder,
        LayerWeights { weight: weight_ih, bias: bias_ih },
        LayerWeights { weight: weight_hh, bias: bias_hh },
        head,
    ];
    let inputs: [_; 10] = layer_inputs([input.into_dispatch(), hidden.into_dispatch()], layers);
    apply(RnnAgent { activation }, inputs, [not_reset.into_dispatch()])
}

#[derive(Debug)]
struct RnnAgent {
    activation: Activation,
}

/// Tensors in row-major order. The inputs are the input, the hidden state, and the layers: encoder,
/// input gates, hidden gates and head.
#[derive(Clone, Debug)]
struct Network {
    inputs: Tensors<10>,
    not_reset: FlexTensor,
    activation: Activation,
}

impl Network {
    fn agent(&self) -> Agent<'_> {
        let layer = |at: usize| Layer::at(&self.inputs, at);
        let [encoder, input_gates, hidden_gates, head] = [2, 4, 6, 8].map(layer);
        let [time, rows, _] = self.inputs[0].shape().dims();
        Agent {
            size: Size { time, rows, input: input_gates.inner(), hidden: hidden_gates.inner() },
            input: values(&self.inputs[0]),
            stride: self.inputs[0].shape()[2],
            further: &[],
            core: Inputs {
                input: &[],
                carry: values(&self.inputs[1]),
                not_reset: values(&self.not_reset),
                weight_ih: input_gates.weight,
                bias_ih: input_gates.bias,
                weight_hh: hidden_gates.weight,
                bias_hh: hidden_gates.bias,
            },
            encoder,
            activation: self.activation,
            head,
            token_heads: None,
        }
    }
}

impl Operation<Flex, 10, 1> for RnnAgent {
    type Saved = (Network, Arc<Saved>);

    fn forward(
        self,
        inputs: Tensors<10>,
        [not_reset]: Tensors<1>,
        save: bool,
    ) -> (FlexTensor, Self::Saved) {
        let (inputs, not_reset) = (inputs.map(contiguous), contiguous(not_reset));
        let network = Network { inputs, not_reset, activation: self.activation };
        let agent = network.agent();
        let shape = [agent.size.time, agent.size.rows, agent.writes()];
        let (output, saved) = agent.forward(save);
        (tensor(output, shape), (network, Arc::new(saved)))
    }

    fn backward(
        (network, saved): Self::Saved,
        gradient: FlexTensor,
        [input_wanted, ..]: [bool; 10],
    ) -> Gradients<10> {
        let gradient = contiguous(gradient);
        let found = network.agent().backward(&saved, values(&gradient), input_wanted);
        let AgentGradients { input, hidden, encoder, input_gates, hidden_gates, head, .. } = found;
        let layers = [encoder, input_gates, hidden_gates, head];
        layer_gradients(&network.inputs, [input, Some(hidden)], layers)
    }
}

/// See [`rnn_agent_with_heads`](crate::rnn_agent_with_heads).
pub(crate) fn rnn_agent_with_heads(
    (seen, further): (Tensor<3>, Option<Tensor<3>>),
    (hidden, not_reset): (Tensor<2>, Tensor<2>),
    encoder: LayerWeights,
    activation: Activation,
    core: RnnWeights,
    head: LayerWeights,
    (token_heads, actions): (LayerWeights, Range<usize>),
) -> Tensor<3> {
    let RnnWeights { weight_ih, bias_ih, weight_hh, bias_hh } = core;
    let layers = [
        encoder,
        LayerWeights { weight: weight_ih, bias: bias_ih },
        LayerWeights { weight: weight_hh, bias: bias_hh },
        head,
        token_heads,
    ];
    let inputs: [_; 12] = layer_inputs([seen.into_dispatch(), hidden.into_dispatch()], layers);
    let not_reset = not_reset.into_dispatch();
    let further = further.map_or_else(|| not_reset.clone(), Tensor::into_dispatch);
    apply(HeadedAgent { activation, actions }, inputs, [not_reset, further])
}

#[derive(Clone, Debug)]
struct HeadedAgent {
    activation: Activation,
    /// The actions with heads.
    actions: Range<usize>,
}

/// Tensors in row-major order: those of [`Network`], and after them the layer of heads.
#[derive(Clone, Debug)]
struct HeadedNetwork {
    operation: HeadedAgent,
    inputs: Tensors<12>,
    /// The reset mask, and the rest of the input if there is any.
    constants: Tensors<2>,
}

impl HeadedNetwork {
    fn agent(&self) -> Agent<'_> {
        let layer = |at: usize| Layer::at(&self.inputs, at);
        let [encoder, input_gates, hidden_gates, head, token_heads] = [2, 4, 6, 8, 10].map(layer);
        let [time, rows, stride] = self.inputs[0].shape().dims();
        let HeadedAgent { activation, actions } = &self.operation;
        Agent {
            size: Size { time, rows, input: input_gates.inner(), hidden: hidden_gates.inner() },
            input: values(&self.inputs[0]),
            stride,
            further: values(&self.constants[1]),
            core: Inputs {
                input: &[],
                carry: values(&self.inputs[1]),
                not_reset: values(&self.constants[0]),
                weight_ih: input_gates.weight,
                bias_ih: input_gates.bias,
                weight_hh: hidden_gates.weight,
                bias_hh: hidden_gates.bias,
            },
            encoder,
            activation: *activation,
            head,
            token_heads: Some(TokenHeads {
                layer: token_heads,
                number: actions.len(),
                first_action: actions.start,
            }),
        }
    }
}

impl Operation<Flex, 12, 2> for HeadedAgent {
    type Saved = (HeadedNetwork, Arc<Saved>);

    fn forward(
        self,
        inputs: Tensors<12>,
        constants: Tensors<2>,
        save: bool,
    ) -> (FlexTensor, Self::Saved) {
        let (inputs, constants) = (inputs.map(contiguous), constants.map(contiguous));
        let network = HeadedNetwork { operation: self, inputs, constants };
        let agent = network.agent();
        let shape = [agent.size.time, agent.size.rows, agent.writes()];
        let (output, saved) = agent.forward(save);
        (tensor(output, shape), (network, Arc::new(saved)))
    }

    fn backward(
        (network, saved): Self::Saved,
        gradient: FlexTensor,
        [input_wanted, ..]: [bool; 12],
    ) -> Gradients<12> {
        let gradient = contiguous(gradient);
        let found = network.agent().backward(&saved, values(&gradient), input_wanted);
        let AgentGradients { input, hidden, encoder, input_gates, hidden_gates, head, token_heads } =
            found;
        let layers = [encoder, input_gates, hidden_gates, head].into_iter().chain(token_heads);
        layer_gradients(&network.inputs, [input, Some(hidden)], layers)
    }
}
