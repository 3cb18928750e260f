//! QMIX's fused mixing step as a burn operation.

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::mixing::{self, Inputs};
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::operation::{Operation, apply};

/// See [`qmix_mix`](crate::qmix_mix); the inputs are its arguments in order.
pub(crate) fn qmix_mix(inputs: [Tensor<2>; 5]) -> Tensor<2> {
    apply(QmixMix, inputs.map(Tensor::into_dispatch), [])
}

#[derive(Debug)]
struct QmixMix;

impl Operation<Flex, 5, 0> for QmixMix {
    /// The inputs.
    type Saved = Tensors<5>;

    fn forward(self, inputs: Tensors<5>, _: Tensors<0>, _: bool) -> (FlexTensor, Self::Saved) {
        let inputs = inputs.map(contiguous);
        let joint = mixing::forward(slices(&inputs), values(&inputs[4]));
        let rows = joint.len();
        (tensor(joint, [rows, 1]), inputs)
    }

    fn backward(inputs: Self::Saved, gradient: FlexTensor, _: [bool; 5]) -> Gradients<5> {
        let gradient = contiguous(gradient);
        let mixing::MixGradients { q, weight_1, bias_1, weight_2 } =
            mixing::backward(slices(&inputs), values(&gradient));
        let found = [Some(q), Some(weight_1), Some(bias_1), Some(weight_2), None];
        let [q, weight_1, bias_1, weight_2, _] = shaped_like(&inputs, found);
        // `V` is only added.
        [q, weight_1, bias_1, weight_2, Some(gradient)]
    }
}

fn slices(inputs: &Tensors<5>) -> Inputs<'_> {
    let [q, weight_1, bias_1, weight_2, _] = inputs.each_ref().map(values);
    let (agents, embed) = (inputs[0].shape()[1], inputs[2].shape()[1]);
    Inputs { agents, embed, q, weight_1, bias_1, weight_2 }
}
