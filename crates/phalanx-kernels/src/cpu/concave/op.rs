//! The fused mixing step of a concave mixer as a burn operation.

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::mixing::{self, Inputs};
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::operation::{Operation, apply};
use crate::{ConcaveWeights, Convex};

/// See [`concave_mix`](crate::concave_mix).
pub(crate) fn concave_mix(q: Tensor<2>, weights: ConcaveWeights) -> Tensor<2> {
    let inputs = [
        q,
        weights.weight_0,
        weights.bias_0,
        weights.weight_1,
        weights.bias_1,
        weights.weight_2,
        weights.bias_2,
        weights.weight_3,
        weights.value,
    ];
    let operation = ConcaveMix { activation: weights.activation };
    apply(operation, inputs.map(Tensor::into_dispatch), [])
}

#[derive(Debug)]
struct ConcaveMix {
    activation: Convex,
}

impl Operation<Flex, 9, 0> for ConcaveMix {
    /// The inputs.
    type Saved = (Tensors<9>, Convex);

    fn forward(self, inputs: Tensors<9>, _: Tensors<0>, _: bool) -> (FlexTensor, Self::Saved) {
        let inputs = inputs.map(contiguous);
        let joint = mixing::forward(slices(&inputs, self.activation), values(&inputs[8]));
        let rows = joint.len();
        (tensor(joint, [rows, 1]), (inputs, self.activation))
    }

    fn backward(
        (inputs, activation): Self::Saved,
        gradient: FlexTensor,
        _: [bool; 9],
    ) -> Gradients<9> {
        let gradient = contiguous(gradient);
        let found = mixing::backward(slices(&inputs, activation), values(&gradient));
        let found = [
            Some(found.q),
            Some(found.weight_0),
            Some(found.bias_0),
            Some(found.weight_1),
            Some(found.bias_1),
            Some(found.weight_2),
            Some(found.bias_2),
            Some(found.weight_3),
            None,
        ];
        let mut found = shaped_like(&inputs, found);
        // `V` is only added.
        found[8] = Some(gradient);
        found
    }
}

fn slices(inputs: &Tensors<9>, activation: Convex) -> Inputs<'_> {
    let [q, weight_0, bias_0, weight_1, bias_1, weight_2, bias_2, weight_3, _] =
        inputs.each_ref().map(values);
    Inputs {
        inputs: inputs[0].shape()[1],
        embed: inputs[2].shape()[1],
        activation,
        q,
        weight_0,
        bias_0,
        weight_1,
        bias_1,
        weight_2,
        bias_2,
        weight_3,
    }
}
