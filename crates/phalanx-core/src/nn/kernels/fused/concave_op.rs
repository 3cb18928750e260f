//! The fused mixing step of a concave mixer as an operation of burn on the CPU device.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::mixers::{ConcaveWeights, Convex};
use super::concave;
use super::primitive::{contiguous, tensor, values};

/// The mixing step; the arguments are the utilities and the fields of [`ConcaveWeights`].
#[backend_extension(Flex, Autodiff)]
pub(super) trait ConcaveMix: Backend {
    /// `[row, 1]`.
    #[allow(clippy::too_many_arguments)] // An operation of burn takes its tensors one by one.
    fn concave_mix(
        q: FloatTensor<Self>,
        weight_0: FloatTensor<Self>,
        bias_0: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        bias_1: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        bias_2: FloatTensor<Self>,
        weight_3: FloatTensor<Self>,
        value: FloatTensor<Self>,
        activation: Convex,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn concave_mix(q: Tensor<2>, weights: ConcaveWeights) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::concave_mix(
        q.into_dispatch(),
        weights.weight_0.into_dispatch(),
        weights.bias_0.into_dispatch(),
        weights.weight_1.into_dispatch(),
        weights.bias_1.into_dispatch(),
        weights.weight_2.into_dispatch(),
        weights.bias_2.into_dispatch(),
        weights.weight_3.into_dispatch(),
        weights.value.into_dispatch(),
        weights.activation,
    ))
}

/// The inputs but for the value, which is only added.
#[derive(Clone, Debug)]
struct Inputs {
    /// In the order of the operation's arguments.
    tensors: [FlexTensor; 8],
    activation: Convex,
}

impl Inputs {
    fn new(tensors: [FlexTensor; 8], activation: Convex) -> Self {
        Self { tensors: tensors.map(contiguous), activation }
    }

    fn slices(&self) -> concave::Inputs<'_> {
        let [q, weight_0, bias_0, weight_1, bias_1, weight_2, bias_2, weight_3] = &self.tensors;
        concave::Inputs {
            inputs: q.shape()[1],
            embed: bias_0.shape()[1],
            activation: self.activation,
            q: values(q),
            weight_0: values(weight_0),
            bias_0: values(bias_0),
            weight_1: values(weight_1),
            bias_1: values(bias_1),
            weight_2: values(weight_2),
            bias_2: values(bias_2),
            weight_3: values(weight_3),
        }
    }

    fn forward(&self, value: FlexTensor) -> FlexTensor {
        let joint = concave::forward(self.slices(), values(&contiguous(value)));
        let rows = joint.len();
        tensor(joint, [rows, 1])
    }
}

impl ConcaveMix for Flex {
    fn concave_mix(
        q: FlexTensor,
        weight_0: FlexTensor,
        bias_0: FlexTensor,
        weight_1: FlexTensor,
        bias_1: FlexTensor,
        weight_2: FlexTensor,
        bias_2: FlexTensor,
        weight_3: FlexTensor,
        value: FlexTensor,
        activation: Convex,
    ) -> FlexTensor {
        let tensors = [q, weight_0, bias_0, weight_1, bias_1, weight_2, bias_2, weight_3];
        Inputs::new(tensors, activation).forward(value)
    }
}

impl<C: CheckpointStrategy> ConcaveMix for Autodiff<Flex, C> {
    fn concave_mix(
        q: FloatTensor<Self>,
        weight_0: FloatTensor<Self>,
        bias_0: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        bias_1: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        bias_2: FloatTensor<Self>,
        weight_3: FloatTensor<Self>,
        value: FloatTensor<Self>,
        activation: Convex,
    ) -> FloatTensor<Self> {
        let nodes = [
            q.node(),
            weight_0.node(),
            bias_0.node(),
            weight_1.node(),
            bias_1.node(),
            weight_2.node(),
            bias_2.node(),
            weight_3.node(),
            value.node(),
        ];
        let tensors = [q, weight_0, bias_0, weight_1, bias_1, weight_2, bias_2, weight_3];
        let tensors = tensors.map(FloatTensor::<Self>::into_primitive);
        let inputs = Inputs::new(tensors, activation);
        let joint = inputs.forward(value.into_primitive());
        match ConcaveBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish(inputs, joint),
            OpsKind::UnTracked(operation) => operation.finish(joint),
        }
    }
}

#[derive(Debug)]
struct ConcaveBackward;

impl Backward<Flex, 9> for ConcaveBackward {
    type State = Inputs;

    fn backward(self, ops: Ops<Inputs, 9>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let inputs = ops.state.slices();
        let (width, embed) = (inputs.inputs, inputs.embed);
        let concave::Gradients {
            q,
            weight_0,
            bias_0,
            weight_1,
            bias_1,
            weight_2,
            bias_2,
            weight_3,
        } = concave::backward(inputs, values(&output));
        let rows = output.shape()[0];
        let computed = [
            tensor(q, [rows, width]),
            tensor(weight_0, [rows, width * embed]),
            tensor(bias_0, [rows, embed]),
            tensor(weight_1, [rows, embed * embed]),
            tensor(bias_1, [rows, embed]),
            tensor(weight_2, [rows, 2 * embed * embed]),
            tensor(bias_2, [rows, embed]),
            tensor(weight_3, [rows, 3 * embed]),
            output,
        ];
        for (parent, gradient) in ops.parents.into_iter().zip(computed) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}
