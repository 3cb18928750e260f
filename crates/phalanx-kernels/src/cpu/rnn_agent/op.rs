//! A recurrent agent's network over a whole sequence as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::forward::{Agent, Saved};
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
        let shape = [agent.size.time, agent.size.rows, agent.head.columns()];
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
        let layers = [found.encoder, found.input_gates, found.hidden_gates, found.head];
        layer_gradients(&network.inputs, [found.input, Some(found.hidden)], layers)
    }
}
