//! The fused linear layer as a burn operation.

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::Backward;
use super::forward::forward;
use crate::cpu::activation_grad::slope_needs_input;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::cpu::layer::layer_inputs;
use crate::operation::{Operation, apply};
use crate::{Activation, LayerWeights};

/// See [`linear`](crate::linear).
pub(crate) fn linear(input: Tensor<2>, layer: LayerWeights, activation: Activation) -> Tensor<2> {
    let inputs: [_; 3] = layer_inputs([input.into_dispatch()], [layer]);
    apply(Linear { activation }, inputs, [])
}

#[derive(Debug)]
struct Linear {
    activation: Activation,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    /// Input, weight and bias.
    inputs: Tensors<3>,
    /// The input or the output of the activation, at which its slope is computed.
    at: FlexTensor,
    activation: Activation,
}

impl Operation<Flex, 3, 0> for Linear {
    type Saved = Saved;

    fn forward(self, inputs: Tensors<3>, _: Tensors<0>, save: bool) -> (FlexTensor, Saved) {
        let Self { activation } = self;
        let inputs = inputs.map(contiguous);
        let shape = [inputs[0].shape()[0], inputs[1].shape()[1]];
        let save_before = save && slope_needs_input(activation);
        let [input, weight, bias] = inputs.each_ref().map(values);
        let (output, before) = forward(input, weight, bias, activation, save_before);
        let output = tensor(output, shape);
        let at = before.map_or_else(|| output.clone(), |before| tensor(before, shape));
        (output, Saved { inputs, at, activation })
    }

    fn backward(saved: Saved, gradient: FlexTensor, [input_wanted, ..]: [bool; 3]) -> Gradients<3> {
        let Saved { inputs, at, activation } = saved;
        let [input, weight, _] = inputs.each_ref().map(values);
        let [inner, columns] = inputs[1].shape().dims();
        let layer = Backward { input, weight, at: values(&at), activation };
        let found = layer.run(inner, columns, values(&contiguous(gradient)), input_wanted);
        shaped_like(&inputs, [found.input, Some(found.weight), Some(found.bias)])
    }
}
