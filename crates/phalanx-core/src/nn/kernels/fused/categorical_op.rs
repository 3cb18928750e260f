//! Log-probabilities and entropies as an operation of burn on the CPU device.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Int, Tensor};

use super::distribution;
use super::primitive::{contiguous, tensor, values};

/// The arguments are those of [`super::composed::categorical`], the actions as floats.
#[backend_extension(Flex, Autodiff)]
pub(super) trait CategoricalLayer: Backend {
    /// `[row, 2]`.
    fn categorical(
        logits: FloatTensor<Self>,
        closed: FloatTensor<Self>,
        actions: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn categorical(
    logits: Tensor<2>,
    closed: Tensor<2>,
    actions: Tensor<2, Int>,
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::categorical(
        logits.into_dispatch(),
        closed.into_dispatch(),
        actions.float().into_dispatch(),
    ))
}

#[derive(Clone, Debug)]
struct Inputs {
    logits: FlexTensor,
    closed: FlexTensor,
    actions: FlexTensor,
}

impl Inputs {
    fn new(logits: FlexTensor, closed: FlexTensor, actions: FlexTensor) -> Self {
        let [logits, closed, actions] = [logits, closed, actions].map(contiguous);
        Self { logits, closed, actions }
    }

    fn slices(&self) -> distribution::Inputs<'_> {
        distribution::Inputs {
            n_actions: self.logits.shape()[1],
            logits: values(&self.logits),
            closed: values(&self.closed),
            actions: values(&self.actions),
        }
    }
}

impl CategoricalLayer for Flex {
    fn categorical(logits: FlexTensor, closed: FlexTensor, actions: FlexTensor) -> FlexTensor {
        let inputs = Inputs::new(logits, closed, actions);
        let (out, sums) = distribution::forward(inputs.slices());
        tensor(out, [sums.len(), 2])
    }
}

impl<C: CheckpointStrategy> CategoricalLayer for Autodiff<Flex, C> {
    fn categorical(
        logits: FloatTensor<Self>,
        closed: FloatTensor<Self>,
        actions: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let node = logits.node();
        let inputs =
            Inputs::new(logits.into_primitive(), closed.into_primitive(), actions.into_primitive());
        let (out, sums) = distribution::forward(inputs.slices());
        let out = tensor(out, [sums.len(), 2]);
        match CategoricalBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                operation.finish(State { inputs, out: out.clone(), sums }, out)
            }
            OpsKind::UnTracked(operation) => operation.finish(out),
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct State {
    inputs: Inputs,
    out: FlexTensor,
    sums: Vec<f32>,
}

#[derive(Debug)]
struct CategoricalBackward;

impl Backward<Flex, 1> for CategoricalBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let State { inputs, out, sums } = ops.state;
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            let shape: [usize; 2] = inputs.logits.shape().dims();
            let logits =
                distribution::backward(inputs.slices(), values(&out), &sums, values(&output));
            gradients.register::<Flex>(parent.id, tensor(logits, shape));
        }
    }
}
