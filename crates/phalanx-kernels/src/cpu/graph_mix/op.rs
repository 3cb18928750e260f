//! Weighted sums over neighbours as a burn operation.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::forward::{backward, mix_graph};
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, tensor, values};
use crate::entities::{EntityIndices, Graph};
use crate::operation::{Operation, apply};

/// See [`graph_mix`](crate::graph_mix).
pub(crate) fn graph_mix(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    graph: Graph,
    keep_own: bool,
) -> Tensor<2> {
    let operation = GraphMix { entities: Arc::clone(entities), graph, keep_own };
    apply(operation, [tokens.into_dispatch()], [obs.into_dispatch()])
}

#[derive(Clone, Debug)]
struct GraphMix {
    entities: Arc<EntityIndices>,
    graph: Graph,
    keep_own: bool,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    operation: GraphMix,
    obs: FlexTensor,
    width: usize,
}

impl Operation<Flex, 1, 1> for GraphMix {
    type Saved = Saved;

    fn forward(self, [tokens]: Tensors<1>, [obs]: Tensors<1>, _: bool) -> (FlexTensor, Saved) {
        let (tokens, obs) = (contiguous(tokens), contiguous(obs));
        let [number, width]: [usize; 2] = tokens.shape().dims();
        let columns = if self.keep_own { 2 * width } else { width };
        let mut out = vec![0.0; number * columns];
        let Self { entities, graph, keep_own } = &self;
        mix_graph(values(&tokens), values(&obs), entities, *graph, *keep_own, &mut out);
        (tensor(out, [number, columns]), Saved { operation: self, obs, width })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 1]) -> Gradients<1> {
        let Saved { operation: Self { entities, graph, keep_own }, obs, width } = saved;
        let gradient = contiguous(gradient);
        let number = gradient.shape()[0];
        let mut found = vec![0.0; number * width];
        backward(values(&gradient), values(&obs), &entities, graph, keep_own, &mut found);
        [Some(tensor(found, [number, width]))]
    }
}
