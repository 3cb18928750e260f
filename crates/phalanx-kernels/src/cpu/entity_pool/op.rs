//! Summaries of the tokens of entities as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::backward;
use super::forward::pool_entities;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::entities::{EntityIndices, Pooling};
use crate::operation::{Operation, apply};

/// See [`entity_pool`](crate::entity_pool).
pub(crate) fn entity_pool(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    pooling: Pooling,
) -> Tensor<2> {
    let operation = EntityPool { entities: Arc::clone(entities), pooling };
    apply(operation, [tokens.into_dispatch()], [obs.into_dispatch()])
}

#[derive(Debug)]
struct EntityPool {
    entities: Arc<EntityIndices>,
    pooling: Pooling,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    entities: Arc<EntityIndices>,
    pooling: Pooling,
    tokens: Tensors<1>,
    obs: FlexTensor,
}

impl Operation<Flex, 1, 1> for EntityPool {
    type Saved = Saved;

    fn forward(self, tokens: Tensors<1>, [obs]: Tensors<1>, _: bool) -> (FlexTensor, Saved) {
        let Self { entities, pooling } = self;
        let (tokens, obs) = (tokens.map(contiguous), contiguous(obs));
        let [rows, width] = [obs.shape()[0], tokens[0].shape()[1]];
        let mut out = vec![0.0; rows * pooling.parts.len() * width];
        pool_entities(values(&tokens[0]), values(&obs), &entities, pooling, &mut out);
        let out = tensor(out, [rows, pooling.parts.len() * width]);
        (out, Saved { entities, pooling, tokens, obs })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 1]) -> Gradients<1> {
        let Saved { entities, pooling, tokens, obs } = saved;
        let gradient = contiguous(gradient);
        let read = [&tokens[0], &obs, &gradient].map(values);
        let found = backward(read[0], read[1], &entities, pooling, read[2]);
        shaped_like(&tokens, [Some(found)])
    }
}
