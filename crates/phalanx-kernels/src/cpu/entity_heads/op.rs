//! A linear layer over the tokens of some entities as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::{Found, backward};
use super::forward::{Inputs, forward};
use crate::LayerWeights;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, tensor, values};
use crate::cpu::layer::{Layer, layer_gradients, layer_inputs};
use crate::operation::{Operation, apply};

/// See [`entity_heads`](crate::entity_heads).
pub(crate) fn entity_heads(
    features: Tensor<2>,
    tokens: Tensor<2>,
    targets: &Arc<[usize]>,
    layer: LayerWeights,
) -> Tensor<2> {
    let first = [features.into_dispatch(), tokens.into_dispatch()];
    let inputs: [_; 4] = layer_inputs(first, [layer]);
    apply(Heads { targets: Arc::clone(targets) }, inputs, [])
}

#[derive(Clone, Debug)]
struct Heads {
    targets: Arc<[usize]>,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    operation: Heads,
    /// Features, tokens, weight and bias.
    inputs: Tensors<4>,
}

impl Heads {
    fn inputs<'a>(&'a self, inputs: &'a Tensors<4>) -> Inputs<'a> {
        let tokens = values(&inputs[1]);
        let row = tokens.len() / inputs[0].shape()[0].max(1);
        Inputs { tokens, row, targets: &self.targets, layer: Layer::at(inputs, 2) }
    }
}

impl Operation<Flex, 4, 0> for Heads {
    type Saved = Saved;

    fn forward(self, inputs: Tensors<4>, _: Tensors<0>, _: bool) -> (FlexTensor, Saved) {
        let inputs = inputs.map(contiguous);
        let [rows, n_features]: [usize; 2] = inputs[0].shape().dims();
        let out = forward(self.inputs(&inputs), values(&inputs[0]), n_features);
        let columns = n_features + self.targets.len() * inputs[3].shape()[0];
        (tensor(out, [rows, columns]), Saved { operation: self, inputs })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 4]) -> Gradients<4> {
        let Saved { operation, inputs } = saved;
        let gradient = contiguous(gradient);
        let n_features = inputs[0].shape()[1];
        let Found { features, tokens, layer } =
            backward(operation.inputs(&inputs), n_features, values(&gradient));
        layer_gradients(&inputs, [Some(features), Some(tokens)], [layer])
    }
}
