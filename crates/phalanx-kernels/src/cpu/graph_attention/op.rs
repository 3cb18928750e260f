//! Attention over neighbours as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::{Found, backward};
use super::forward::{Inputs, attend_graph};
use crate::cpu::activation_grad::{activation_gradient, slope_needs_input};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::entities::{EntityIndices, GraphAttention};
use crate::operation::{Operation, apply};
use crate::simd::elementwise::activate;
use crate::{Activation, LayerWeights};

/// See [`graph_attention`](crate::graph_attention).
pub(crate) fn graph_attention(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    settings: GraphAttention,
    LayerWeights { weight, bias }: LayerWeights,
    activation: Activation,
) -> Tensor<2> {
    assert!(!slope_needs_input(activation), "the slope must follow from the activation's output");
    let operation = Attention { entities: Arc::clone(entities), settings, activation };
    let inputs = [tokens.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    apply(operation, inputs, [obs.into_dispatch()])
}

#[derive(Clone, Debug)]
struct Attention {
    entities: Arc<EntityIndices>,
    settings: GraphAttention,
    activation: Activation,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    operation: Attention,
    /// Tokens, attention vectors and bias.
    inputs: Tensors<3>,
    obs: FlexTensor,
    out: FlexTensor,
}

impl Operation<Flex, 3, 1> for Attention {
    type Saved = Saved;

    fn forward(self, inputs: Tensors<3>, [obs]: Tensors<1>, _: bool) -> (FlexTensor, Saved) {
        let (inputs, obs) = (inputs.map(contiguous), contiguous(obs));
        let [tokens, vectors, bias] = inputs.each_ref().map(values);
        let [number, width]: [usize; 2] = inputs[0].shape().dims();
        let queries = number / self.entities.number() * self.settings.queries;
        let mut out = vec![0.0; queries * width];
        let weights = (vectors, bias);
        attend_graph(tokens, values(&obs), &self.entities, self.settings, weights, &mut out);
        activate(self.activation, &mut out);
        let out = tensor(out, [queries, width]);
        (out.clone(), Saved { operation: self, inputs, obs, out })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 3]) -> Gradients<3> {
        let Saved { operation: Self { entities, settings, activation }, inputs, obs, out } = saved;
        let gradient = contiguous(gradient);
        let [tokens, vectors, _] = inputs.each_ref().map(values);
        let (out, gradient) = (values(&out), values(&gradient));
        let mut before = Buffer::take(out.len());
        activation_gradient(activation, out, gradient, &mut before);
        let read = Inputs { entities: &entities, settings, obs: values(&obs), tokens, vectors };
        let Found { tokens, vectors, bias } = backward(read, &before);
        shaped_like(&inputs, [Some(tokens), Some(vectors), Some(bias)])
    }
}
