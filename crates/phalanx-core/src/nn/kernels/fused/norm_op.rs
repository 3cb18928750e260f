//! Layer normalisation as an operation of burn on the CPU device.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::normalise::normalise;
use super::norm;
use super::primitive::{contiguous, tensor, values};

/// The arguments are those of [`super::super::layer_norm`].
#[backend_extension(Flex, Autodiff)]
pub(super) trait NormLayer: Backend {
    /// `[row, width]`.
    fn norm_layer(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn layer_norm(
    input: Tensor<2>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    eps: f32,
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::norm_layer(
        input.into_dispatch(),
        scale.into_dispatch(),
        shift.into_dispatch(),
        eps,
    ))
}

impl NormLayer for Flex {
    fn norm_layer(input: FlexTensor, scale: FlexTensor, shift: FlexTensor, eps: f32) -> FlexTensor {
        let [input, scale, shift] = [input, scale, shift].map(contiguous);
        let shape: [usize; 2] = input.shape().dims();
        let mut rows = values(&input).to_vec();
        normalise(&mut rows, (values(&scale), values(&shift)), eps, None);
        tensor(rows, shape)
    }
}

impl<C: CheckpointStrategy> NormLayer for Autodiff<Flex, C> {
    fn norm_layer(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self> {
        let nodes = [input.node(), scale.node(), shift.node()];
        let inputs = [input, scale, shift].map(FloatTensor::<Self>::into_primitive);
        let [input, scale, shift] = inputs.map(contiguous);
        match NormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let shape: [usize; 2] = input.shape().dims();
                let mut rows = values(&input).to_vec();
                let [mut normal, mut inverses] = [vec![0.0; rows.len()], vec![0.0; shape[0]]];
                let saved = Some((&mut normal[..], &mut inverses[..]));
                normalise(&mut rows, (values(&scale), values(&shift)), eps, saved);
                operation.finish(State { normal, inverses, scale }, tensor(rows, shape))
            }
            OpsKind::UnTracked(operation) => {
                operation.finish(Flex::norm_layer(input, scale, shift, eps))
            }
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct State {
    normal: Vec<f32>,
    inverses: Vec<f32>,
    scale: FlexTensor,
}

#[derive(Debug)]
struct NormBackward;

impl Backward<Flex, 3> for NormBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let State { normal, inverses, scale } = ops.state;
        let [input_node, scale_node, shift_node] = ops.parents;
        let shape: [usize; 2] = output.shape().dims();
        let saved = norm::Saved { normal: &normal, inverses: &inverses, scale: values(&scale) };
        let [rows, scale, shift] = norm::backward(saved, values(&output));
        if let Some(node) = input_node {
            gradients.register::<Flex>(node.id, tensor(rows, shape));
        }
        for (node, gradient) in [(scale_node, scale), (shift_node, shift)] {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, tensor(gradient, [shape[1]]));
            }
        }
    }
}
