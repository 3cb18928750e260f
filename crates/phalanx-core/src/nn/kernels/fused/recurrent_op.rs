//! An agent with memory over a whole sequence as an operation of burn on the CPU device.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::gru::GruWeights;
use super::super::super::linear::Activation;
use super::super::LayerWeights;
use super::gru;
use super::perceptron::Layer;
use super::primitive::{contiguous, tensor, values};
use super::recurrent::{Agent, Saved};

/// The arguments are those of [`super::super::recurrent_agent`].
#[backend_extension(Flex, Autodiff)]
pub(super) trait RecurrentAgent: Backend {
    /// `[time, row, output]`.
    #[allow(clippy::too_many_arguments)]
    fn recurrent_agent(
        input: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        encoder_weight: FloatTensor<Self>,
        encoder_bias: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        bias_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
        head_weight: FloatTensor<Self>,
        head_bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn recurrent_agent(
    input: Tensor<3>,
    (hidden, keep): (Tensor<2>, Tensor<2>),
    encoder: LayerWeights,
    activation: Activation,
    core: GruWeights,
    head: LayerWeights,
) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::recurrent_agent(
        input.into_dispatch(),
        hidden.into_dispatch(),
        keep.into_dispatch(),
        encoder.weight.into_dispatch(),
        encoder.bias.into_dispatch(),
        core.weight_ih.into_dispatch(),
        core.bias_ih.into_dispatch(),
        core.weight_hh.into_dispatch(),
        core.bias_hh.into_dispatch(),
        head.weight.into_dispatch(),
        head.bias.into_dispatch(),
        activation,
    ))
}

impl RecurrentAgent for Flex {
    fn recurrent_agent(
        input: FlexTensor,
        hidden: FlexTensor,
        keep: FlexTensor,
        encoder_weight: FlexTensor,
        encoder_bias: FlexTensor,
        weight_ih: FlexTensor,
        bias_ih: FlexTensor,
        weight_hh: FlexTensor,
        bias_hh: FlexTensor,
        head_weight: FlexTensor,
        head_bias: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        let inputs = [
            input,
            hidden,
            encoder_weight,
            encoder_bias,
            weight_ih,
            bias_ih,
            weight_hh,
            bias_hh,
            head_weight,
            head_bias,
        ];
        Network::new(inputs, keep, activation).run(false).0
    }
}

impl<C: CheckpointStrategy> RecurrentAgent for Autodiff<Flex, C> {
    fn recurrent_agent(
        input: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        encoder_weight: FloatTensor<Self>,
        encoder_bias: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        bias_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
        head_weight: FloatTensor<Self>,
        head_bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let inputs = [
            input,
            hidden,
            encoder_weight,
            encoder_bias,
            weight_ih,
            bias_ih,
            weight_hh,
            bias_hh,
            head_weight,
            head_bias,
        ];
        let nodes = inputs.each_ref().map(FloatTensor::<Self>::node);
        let inputs = inputs.map(FloatTensor::<Self>::into_primitive);
        let network = Network::new(inputs, keep.into_primitive(), activation);
        match RecurrentBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let (output, saved) = network.run(true);
                operation.finish((network, Arc::new(saved)), output)
            }
            OpsKind::UnTracked(operation) => operation.finish(network.run(false).0),
        }
    }
}

/// Everything in row-major order, in the order of the arguments, `keep` apart.
#[derive(Clone, Debug)]
struct Network {
    inputs: [FlexTensor; 10],
    keep: FlexTensor,
    activation: Activation,
}

impl Network {
    fn new(inputs: [FlexTensor; 10], keep: FlexTensor, activation: Activation) -> Self {
        Self { inputs: inputs.map(contiguous), keep: contiguous(keep), activation }
    }

    /// The output, and what the backward pass needs, as far as `save` asks for it.
    fn run(&self, save: bool) -> (FlexTensor, Saved) {
        let agent = self.agent();
        let shape = [agent.size.time, agent.size.rows, agent.head.columns()];
        let (output, saved) = agent.forward(save);
        (tensor(output, shape), saved)
    }

    fn agent(&self) -> Agent<'_> {
        let at = |k: usize| values(&self.inputs[k]);
        let [time, rows, _] = self.inputs[0].shape().dims();
        let size = gru::Size {
            time,
            rows,
            input: self.inputs[4].shape()[0],
            hidden: self.inputs[6].shape()[0],
        };
        Agent {
            size,
            input: at(0),
            core: gru::Inputs {
                input: &[],
                hidden: at(1),
                keep: values(&self.keep),
                weight_ih: at(4),
                bias_ih: at(5),
                weight_hh: at(6),
                bias_hh: at(7),
            },
            encoder: Layer { weight: at(2), bias: at(3) },
            activation: self.activation,
            head: Layer { weight: at(8), bias: at(9) },
        }
    }
}

#[derive(Debug)]
struct RecurrentBackward;

impl Backward<Flex, 10> for RecurrentBackward {
    type State = (Network, Arc<Saved>);

    fn backward(self, ops: Ops<Self::State, 10>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let (network, saved) = ops.state;
        let parents = ops.parents;
        let found = network.agent().backward(&saved, values(&output), parents[0].is_some());
        let (encoder, head) = (found.encoder, found.head);
        let (input_gates, hidden_gates) = (found.input_gates, found.hidden_gates);
        let all = [
            found.input,
            Some(found.hidden),
            Some(encoder.weight),
            Some(encoder.bias),
            Some(input_gates.weight),
            Some(input_gates.bias),
            Some(hidden_gates.weight),
            Some(hidden_gates.bias),
            Some(head.weight),
            Some(head.bias),
        ];
        for ((parent, found), input) in parents.iter().zip(all).zip(&network.inputs) {
            if let (Some(parent), Some(found)) = (parent, found) {
                let flat = tensor(found, [input.shape().num_elements()]);
                gradients.register::<Flex>(parent.id, flat.reshape(input.shape().clone()));
            }
        }
    }
}
