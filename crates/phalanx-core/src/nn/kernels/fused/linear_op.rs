//! The fused linear layer as an operation of burn on the CPU device.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::linear::Activation;
use super::dense;
use super::gradients::slope_needs_input;
use super::primitive::{contiguous, tensor, values};

/// A linear layer with its activation.
#[backend_extension(Flex, Autodiff)]
pub(super) trait LinearLayer: Backend {
    /// `activation(x W + b)`: `[row, input]`, `[input, output]` and `[output]` to
    /// `[row, output]`.
    fn linear_layer(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn linear(
    input: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    activation: Activation,
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::linear_layer(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        activation,
    ))
}

impl LinearLayer for Flex {
    fn linear_layer(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        let [input, weight, bias] = [input, weight, bias].map(contiguous);
        let [rows, columns] = [input.shape()[0], weight.shape()[1]];
        let (output, _) =
            dense::forward(values(&input), values(&weight), values(&bias), activation, false);
        tensor(output, [rows, columns])
    }
}

impl<C: CheckpointStrategy> LinearLayer for Autodiff<Flex, C> {
    fn linear_layer(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let nodes = [input.node(), weight.node(), bias.node()];
        let inputs = [input, weight, bias].map(FloatTensor::<Self>::into_primitive);
        let [input, weight, bias] = inputs.map(contiguous);
        match LinearBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let shape = [input.shape()[0], weight.shape()[1]];
                let (output, before) = dense::forward(
                    values(&input),
                    values(&weight),
                    values(&bias),
                    activation,
                    slope_needs_input(activation),
                );
                let output = tensor(output, shape);
                let at = before.map_or_else(|| output.clone(), |before| tensor(before, shape));
                operation.finish(State { input, weight, at, activation }, output)
            }
            OpsKind::UnTracked(operation) => {
                let output = Flex::linear_layer(input, weight, bias, activation);
                operation.finish(output)
            }
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct State {
    input: FlexTensor,
    weight: FlexTensor,
    /// Where the slope of the activation is taken: its input or its output.
    at: FlexTensor,
    activation: Activation,
}

#[derive(Debug)]
struct LinearBackward;

impl Backward<Flex, 3> for LinearBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let State { input, weight, at, activation } = ops.state;
        let [input_node, weight_node, bias_node] = ops.parents;
        let layer = dense::Backward {
            input: values(&input),
            weight: values(&weight),
            at: values(&at),
            activation,
        };
        let [rows, inner] = input.shape().dims();
        let [_, columns] = weight.shape().dims();
        let dense::Gradients { input, weight, bias } =
            layer.run(inner, columns, values(&output), input_node.is_some());
        if let (Some(node), Some(input)) = (input_node, input) {
            gradients.register::<Flex>(node.id, tensor(input, [rows, inner]));
        }
        if let Some(node) = weight_node {
            gradients.register::<Flex>(node.id, tensor(weight, [inner, columns]));
        }
        if let Some(node) = bias_node {
            gradients.register::<Flex>(node.id, tensor(bias, [columns]));
        }
    }
}
