//! Weighted sums over neighbours as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::forward::{backward, mix_graph};
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, tensor, values};
use crate::entities::{EntityIndices, GraphMix};
use crate::operation::{Operation, apply};

/// See [`graph_mix`](crate::graph_mix).
pub(crate) fn graph_mix(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    settings: GraphMix,
) -> Tensor<2> {
    let operation = Mix { entities: Arc::clone(entities), settings };
    apply(operation, [tokens.into_dispatch()], [obs.into_dispatch()])
}

#[derive(Clone, Debug)]
struct Mix {
    entities: Arc<EntityIndices>,
    settings: GraphMix,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    operation: Mix,
    obs: FlexTensor,
    /// The shape of the tokens.
    shape: [usize; 2],
}

impl Operation<Flex, 1, 1> for Mix {
    type Saved = Saved;

    fn forward(self, [tokens]: Tensors<1>, [obs]: Tensors<1>, _: bool) -> (FlexTensor, Saved) {
        let (tokens, obs) = (contiguous(tokens), contiguous(obs));
        let shape @ [number, width]: [usize; 2] = tokens.shape().dims();
        let Self { entities, settings } = &self;
        let columns = if settings.keep_own { 2 * width } else { width };
        let queries = number / entities.number() * settings.queries;
        let mut out = vec![0.0; queries * columns];
        mix_graph(values(&tokens), values(&obs), entities, *settings, &mut out);
        (tensor(out, [queries, columns]), Saved { operation: self, obs, shape })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 1]) -> Gradients<1> {
        let Saved { operation: Self { entities, settings }, obs, shape } = saved;
        let gradient = contiguous(gradient);
        let mut found = vec![0.0; shape.iter().product()];
        backward(values(&gradient), values(&obs), &entities, settings, &mut found);
        [Some(tensor(found, shape))]
    }
}
