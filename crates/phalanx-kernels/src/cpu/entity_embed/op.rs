//! The embedding of entities as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::backward;
use super::forward::PackedEmbedding;
use crate::Activation;
use crate::cpu::activation_grad::slope_needs_input;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::entities::EntityIndices;
use crate::operation::{Operation, apply};

/// See [`entity_embed`](crate::entity_embed).
pub(crate) fn entity_embed(
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    [weight, bias]: [Tensor<2>; 2],
    activation: Activation,
) -> Tensor<2> {
    assert!(!slope_needs_input(activation), "the slope must follow from the activation's output");
    let operation = EntityEmbed { entities: Arc::clone(entities), activation };
    apply(operation, [weight.into_dispatch(), bias.into_dispatch()], [obs.into_dispatch()])
}

#[derive(Debug)]
struct EntityEmbed {
    entities: Arc<EntityIndices>,
    activation: Activation,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    entities: Arc<EntityIndices>,
    activation: Activation,
    /// Weight and bias.
    inputs: Tensors<2>,
    obs: FlexTensor,
    tokens: FlexTensor,
}

impl Operation<Flex, 2, 1> for EntityEmbed {
    type Saved = Saved;

    fn forward(self, inputs: Tensors<2>, [obs]: Tensors<1>, _: bool) -> (FlexTensor, Saved) {
        let Self { entities, activation } = self;
        let inputs = inputs.map(contiguous);
        let obs = contiguous(obs);
        let [rows, width] = [obs.shape()[0], inputs[0].shape()[1]];
        let [weight, bias] = inputs.each_ref().map(values);
        let layers = PackedEmbedding::new(&entities, weight, bias, activation, rows);
        let mut tokens = vec![0.0; rows * entities.number() * width];
        layers.forward(&entities, values(&obs), &mut tokens);
        let tokens = tensor(tokens, [rows * entities.number(), width]);
        (tokens.clone(), Saved { entities, activation, inputs, obs, tokens })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 2]) -> Gradients<2> {
        let Saved { entities, activation, inputs, obs, tokens } = saved;
        let gradient = contiguous(gradient);
        let [obs, tokens, gradient] = [&obs, &tokens, &gradient].map(values);
        let found = backward(&entities, activation, obs, tokens, gradient);
        shaped_like(&inputs, found.map(Some))
    }
}
