//! A multilayer perceptron of three layers as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::backward;
use super::forward::forward;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, tensor, values};
use crate::cpu::layer::{Layer, layer_gradients, layer_inputs};
use crate::operation::{Operation, apply};
use crate::{Activation, LayerWeights};

/// See [`mlp`](crate::mlp).
pub(crate) fn mlp(
    input: Tensor<2>,
    layers: [LayerWeights; 3],
    activation: Activation,
) -> Tensor<2> {
    let inputs: [_; 7] = layer_inputs([input.into_dispatch()], layers);
    apply(Mlp { activation }, inputs, [])
}

#[derive(Debug)]
struct Mlp {
    activation: Activation,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    /// The input, then weight and bias of every layer.
    inputs: Tensors<7>,
    /// The output of each activation.
    hidden: Arc<Vec<Buffer>>,
    activation: Activation,
}

impl Operation<Flex, 7, 0> for Mlp {
    type Saved = Saved;

    fn forward(self, inputs: Tensors<7>, _: Tensors<0>, _: bool) -> (FlexTensor, Saved) {
        let Self { activation } = self;
        let inputs = inputs.map(contiguous);
        let (output, hidden) = forward(values(&inputs[0]), &layers(&inputs), activation);
        let shape = [inputs[0].shape()[0], inputs[6].shape()[0]];
        (tensor(output, shape), Saved { inputs, hidden: Arc::new(hidden), activation })
    }

    fn backward(saved: Saved, gradient: FlexTensor, [input_wanted, ..]: [bool; 7]) -> Gradients<7> {
        let Saved { inputs, hidden, activation } = saved;
        let gradient = contiguous(gradient);
        let (input, found) = backward(
            values(&inputs[0]),
            &layers(&inputs),
            activation,
            &hidden,
            values(&gradient),
            input_wanted,
        );
        layer_gradients(&inputs, [input], found)
    }
}

fn layers(inputs: &Tensors<7>) -> [Layer<'_>; 3] {
    [1, 3, 5].map(|at| Layer::at(inputs, at))
}
