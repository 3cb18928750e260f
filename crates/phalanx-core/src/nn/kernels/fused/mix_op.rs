//! The fused mixing step of QMIX as an operation of burn on the CPU device.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::mix;
use super::primitive::{contiguous, tensor, values};

/// The mixing step; the arguments are those of [`super::composed::qmix_mix`].
#[backend_extension(Flex, Autodiff)]
pub(super) trait QmixMix: Backend {
    /// `[row, 1]`.
    fn qmix_mix(
        q: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        bias_1: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        value: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn qmix_mix(
    q: Tensor<2>,
    weight_1: Tensor<2>,
    bias_1: Tensor<2>,
    weight_2: Tensor<2>,
    value: Tensor<2>,
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::qmix_mix(
        q.into_dispatch(),
        weight_1.into_dispatch(),
        bias_1.into_dispatch(),
        weight_2.into_dispatch(),
        value.into_dispatch(),
    ))
}

/// The inputs but for the value, which is only added.
#[derive(Clone, Debug)]
struct Inputs {
    q: FlexTensor,
    weight_1: FlexTensor,
    bias_1: FlexTensor,
    weight_2: FlexTensor,
}

impl Inputs {
    fn new(q: FlexTensor, weight_1: FlexTensor, bias_1: FlexTensor, weight_2: FlexTensor) -> Self {
        Self {
            q: contiguous(q),
            weight_1: contiguous(weight_1),
            bias_1: contiguous(bias_1),
            weight_2: contiguous(weight_2),
        }
    }

    fn slices(&self) -> mix::Inputs<'_> {
        mix::Inputs {
            agents: self.q.shape()[1],
            embed: self.bias_1.shape()[1],
            q: values(&self.q),
            weight_1: values(&self.weight_1),
            bias_1: values(&self.bias_1),
            weight_2: values(&self.weight_2),
        }
    }

    fn forward(&self, value: FlexTensor) -> FlexTensor {
        let joint = mix::forward(self.slices(), values(&contiguous(value)));
        let rows = joint.len();
        tensor(joint, [rows, 1])
    }
}

impl QmixMix for Flex {
    fn qmix_mix(
        q: FlexTensor,
        weight_1: FlexTensor,
        bias_1: FlexTensor,
        weight_2: FlexTensor,
        value: FlexTensor,
    ) -> FlexTensor {
        Inputs::new(q, weight_1, bias_1, weight_2).forward(value)
    }
}

impl<C: CheckpointStrategy> QmixMix for Autodiff<Flex, C> {
    fn qmix_mix(
        q: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        bias_1: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        value: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [q.node(), weight_1.node(), bias_1.node(), weight_2.node(), value.node()];
        let inputs = Inputs::new(
            q.into_primitive(),
            weight_1.into_primitive(),
            bias_1.into_primitive(),
            weight_2.into_primitive(),
        );
        let joint = inputs.forward(value.into_primitive());
        match MixBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish(inputs, joint),
            OpsKind::UnTracked(operation) => operation.finish(joint),
        }
    }
}

#[derive(Debug)]
struct MixBackward;

impl Backward<Flex, 5> for MixBackward {
    type State = Inputs;

    fn backward(self, ops: Ops<Inputs, 5>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let inputs = ops.state.slices();
        let (agents, embed) = (inputs.agents, inputs.embed);
        let mix::Gradients { q, weight_1, bias_1, weight_2 } =
            mix::backward(inputs, values(&output));
        let rows = output.shape()[0];
        let computed = [
            tensor(q, [rows, agents]),
            tensor(weight_1, [rows, agents * embed]),
            tensor(bias_1, [rows, embed]),
            tensor(weight_2, [rows, embed]),
            output,
        ];
        for (parent, gradient) in ops.parents.into_iter().zip(computed) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}
