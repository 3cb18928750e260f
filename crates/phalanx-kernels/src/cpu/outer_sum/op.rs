//! Sums of outer products as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::backward;
use super::forward::{outer_sum_dim, sum_outer};
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, tensor, values};
use crate::entities::EntityIndices;
use crate::operation::{Operation, apply};

/// See [`outer_sum`](crate::outer_sum).
pub(crate) fn outer_sum(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
) -> Tensor<2> {
    let operation = OuterSum { entities: Arc::clone(entities) };
    apply(operation, [tokens.into_dispatch()], [obs.into_dispatch()])
}

#[derive(Debug)]
struct OuterSum {
    entities: Arc<EntityIndices>,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    entities: Arc<EntityIndices>,
    obs: FlexTensor,
    width: usize,
}

impl Operation<Flex, 1, 1> for OuterSum {
    type Saved = Saved;

    fn forward(self, [tokens]: Tensors<1>, [obs]: Tensors<1>, _: bool) -> (FlexTensor, Saved) {
        let Self { entities } = self;
        let (tokens, obs) = (contiguous(tokens), contiguous(obs));
        let [rows, width] = [obs.shape()[0], tokens.shape()[1]];
        let dim = outer_sum_dim(&entities, width);
        let mut out = vec![0.0; rows * dim];
        sum_outer(values(&tokens), values(&obs), &entities, width, &mut out);
        (tensor(out, [rows, dim]), Saved { entities, obs, width })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 1]) -> Gradients<1> {
        let Saved { entities, obs, width } = saved;
        let gradient = contiguous(gradient);
        let found = backward(values(&obs), &entities, width, values(&gradient));
        let tokens = found.len() / width;
        [Some(tensor(found, [tokens, width]))]
    }
}
