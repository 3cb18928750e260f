//! Attention among entities as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::{Found, backward};
use super::forward::{Inputs, attend_entities};
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::entities::{EntityAttention, EntityIndices};
use crate::operation::{Operation, apply};

/// See [`entity_attention`](crate::entity_attention).
pub(crate) fn entity_attention(
    projected: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    settings: EntityAttention,
    table: Option<Tensor<2>>,
) -> Tensor<2> {
    let operation = Attention { entities: Arc::clone(entities), settings };
    let (projected, constants) = (projected.into_dispatch(), [obs.into_dispatch()]);
    match table {
        None => apply(operation, [projected], constants),
        Some(table) => apply(operation, [projected, table.into_dispatch()], constants),
    }
}

#[derive(Clone, Debug)]
struct Attention {
    entities: Arc<EntityIndices>,
    settings: EntityAttention,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved<const N: usize> {
    operation: Attention,
    /// Queries, keys and values, then the table if there is one.
    inputs: Tensors<N>,
    obs: FlexTensor,
}

impl<const N: usize> Operation<Flex, N, 1> for Attention {
    type Saved = Saved<N>;

    fn forward(self, inputs: Tensors<N>, [obs]: Tensors<1>, _: bool) -> (FlexTensor, Saved<N>) {
        let (inputs, obs) = (inputs.map(contiguous), contiguous(obs));
        let [tokens, columns]: [usize; 2] = inputs[0].shape().dims();
        let table = inputs.get(1).map(values);
        let Self { entities, settings } = &self;
        let queries = tokens / entities.number() * settings.queries;
        let mut out = vec![0.0; queries * columns / 3];
        attend_entities(values(&inputs[0]), values(&obs), entities, *settings, table, &mut out);
        (tensor(out, [queries, columns / 3]), Saved { operation: self, inputs, obs })
    }

    fn backward(saved: Saved<N>, gradient: FlexTensor, _: [bool; N]) -> Gradients<N> {
        let Saved { operation: Self { entities, settings }, inputs, obs } = saved;
        let gradient = contiguous(gradient);
        let read = Inputs {
            entities: &entities,
            settings,
            obs: values(&obs),
            projected: values(&inputs[0]),
            width: gradient.shape()[1],
            table: inputs.get(1).map(values),
        };
        let Found { projected, table } = backward(read, values(&gradient));
        let mut found = [Some(projected), Some(table)].into_iter();
        shaped_like(&inputs, std::array::from_fn(|_| found.next().flatten()))
    }
}
