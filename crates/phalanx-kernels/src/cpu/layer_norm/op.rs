//! Layer normalisation as a burn operation.

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::{self, backward};
use super::forward::normalise;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, tensor, values};
use crate::operation::{Operation, apply};

/// See [`layer_norm`](crate::layer_norm).
pub(crate) fn layer_norm(input: Tensor<2>, [scale, shift]: [Tensor<1>; 2], eps: f32) -> Tensor<2> {
    let inputs = [input.into_dispatch(), scale.into_dispatch(), shift.into_dispatch()];
    apply(LayerNorm { eps }, inputs, [])
}

#[derive(Debug)]
struct LayerNorm {
    eps: f32,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    normal: Vec<f32>,
    inverses: Vec<f32>,
    scale: FlexTensor,
}

impl Operation<Flex, 3, 0> for LayerNorm {
    type Saved = Saved;

    fn forward(self, inputs: Tensors<3>, _: Tensors<0>, save: bool) -> (FlexTensor, Saved) {
        let [input, scale, shift] = inputs.map(contiguous);
        let shape: [usize; 2] = input.shape().dims();
        let mut rows = values(&input).to_vec();
        let [len, n] = if save { [rows.len(), shape[0]] } else { [0, 0] };
        let [mut normal, mut inverses] = [vec![0.0; len], vec![0.0; n]];
        let saved = save.then_some((&mut normal[..], &mut inverses[..]));
        normalise(&mut rows, (values(&scale), values(&shift)), self.eps, saved);
        (tensor(rows, shape), Saved { normal, inverses, scale })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 3]) -> Gradients<3> {
        let gradient = contiguous(gradient);
        let shape: [usize; 2] = gradient.shape().dims();
        let Saved { normal, inverses, scale } = saved;
        let saved = backward::Saved { normal: &normal, inverses: &inverses, scale: values(&scale) };
        let [rows, scale, shift] = backward(saved, values(&gradient));
        let [scale, shift] = [scale, shift].map(|gradient| tensor(gradient, [shape[1]]));
        [Some(tensor(rows, shape)), Some(scale), Some(shift)]
    }
}
