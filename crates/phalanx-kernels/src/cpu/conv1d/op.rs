//! The convolutions along an observation as a burn operation.

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
use crate::{Convolution, LayerWeights};

/// See [`conv1d`](crate::conv1d).
pub(crate) fn conv1d(input: Tensor<2>, layers: [LayerWeights; 3], size: Convolution) -> Tensor<2> {
    let inputs: [_; 7] = layer_inputs([input.into_dispatch()], layers);
    apply(Conv1d { size }, inputs, [])
}

#[derive(Debug)]
struct Conv1d {
    size: Convolution,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    /// The input, then weight and bias of every layer.
    inputs: Tensors<7>,
    output: FlexTensor,
    /// The rows in the layout of the first layer, and the output of every layer but the last.
    between: Arc<Vec<Buffer>>,
    size: Convolution,
}

impl Operation<Flex, 7, 0> for Conv1d {
    type Saved = Saved;

    fn forward(self, inputs: Tensors<7>, _: Tensors<0>, _: bool) -> (FlexTensor, Saved) {
        let Self { size } = self;
        let inputs = inputs.map(contiguous);
        let (output, between) = forward(size, layers(&inputs), values(&inputs[0]));
        let output = tensor(output, [inputs[0].shape()[0], size.output_dim()]);
        (output.clone(), Saved { inputs, output, between: Arc::new(between), size })
    }

    fn backward(saved: Saved, gradient: FlexTensor, [input_wanted, ..]: [bool; 7]) -> Gradients<7> {
        let Saved { inputs, output, between, size } = saved;
        let gradient = contiguous(gradient);
        let after = (values(&output), values(&gradient));
        let (input, found) = backward(size, layers(&inputs), &between, after, input_wanted);
        layer_gradients(&inputs, [input], found)
    }
}

fn layers(inputs: &Tensors<7>) -> [Layer<'_>; 3] {
    [1, 3, 5].map(|at| Layer::at(inputs, at))
}
