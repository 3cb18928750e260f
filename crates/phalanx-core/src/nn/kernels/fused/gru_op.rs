//! The fused GRU sequence as an operation of burn on the CPU device.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::gru::GruWeights;
use super::buffer::Buffer;
use super::gru;
use super::primitive::{contiguous, tensor, values};

/// A sequence of GRU steps; the arguments are those of [`super::super::gru_sequence`].
#[backend_extension(Flex, Autodiff)]
pub(super) trait GruSequence: Backend {
    /// `[time, row, hidden]`.
    fn gru_sequence(
        input: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        bias_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn gru_sequence(
    input: Tensor<3>,
    hidden: Tensor<2>,
    keep: Tensor<2>,
    weights: GruWeights,
) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::gru_sequence(
        input.into_dispatch(),
        hidden.into_dispatch(),
        keep.into_dispatch(),
        weights.weight_ih.into_dispatch(),
        weights.bias_ih.into_dispatch(),
        weights.weight_hh.into_dispatch(),
        weights.bias_hh.into_dispatch(),
    ))
}

/// All inputs, in row-major order.
#[derive(Clone, Debug)]
struct Inputs {
    input: FlexTensor,
    hidden: FlexTensor,
    keep: FlexTensor,
    weight_ih: FlexTensor,
    bias_ih: FlexTensor,
    weight_hh: FlexTensor,
    bias_hh: FlexTensor,
}

impl Inputs {
    /// In the order of [`GruSequence::gru_sequence`].
    fn new(inputs: [FlexTensor; 7]) -> Self {
        let [input, hidden, keep, weight_ih, bias_ih, weight_hh, bias_hh] = inputs.map(contiguous);
        Self { input, hidden, keep, weight_ih, bias_ih, weight_hh, bias_hh }
    }

    fn size(&self) -> gru::Size {
        let [time, rows, input] = self.input.shape().dims();
        let [_, hidden] = self.hidden.shape().dims();
        gru::Size { time, rows, input, hidden }
    }

    fn slices(&self) -> gru::Inputs<'_> {
        gru::Inputs {
            input: values(&self.input),
            hidden: values(&self.hidden),
            keep: values(&self.keep),
            weight_ih: values(&self.weight_ih),
            bias_ih: values(&self.bias_ih),
            weight_hh: values(&self.weight_hh),
            bias_hh: values(&self.bias_hh),
        }
    }

    fn forward(&self, saved: Option<&mut [f32]>) -> FlexTensor {
        let gru::Size { time, rows, hidden, .. } = self.size();
        tensor(gru::forward(self.size(), self.slices(), saved), [time, rows, hidden])
    }
}

impl GruSequence for Flex {
    fn gru_sequence(
        input: FlexTensor,
        hidden: FlexTensor,
        keep: FlexTensor,
        weight_ih: FlexTensor,
        bias_ih: FlexTensor,
        weight_hh: FlexTensor,
        bias_hh: FlexTensor,
    ) -> FlexTensor {
        Inputs::new([input, hidden, keep, weight_ih, bias_ih, weight_hh, bias_hh]).forward(None)
    }
}

impl<C: CheckpointStrategy> GruSequence for Autodiff<Flex, C> {
    fn gru_sequence(
        input: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        bias_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let tracked = [&input, &hidden, &weight_ih, &bias_ih, &weight_hh, &bias_hh];
        let nodes = tracked.map(FloatTensor::<Self>::node);
        let inputs = [input, hidden, keep, weight_ih, bias_ih, weight_hh, bias_hh];
        let inputs = Inputs::new(inputs.map(FloatTensor::<Self>::into_primitive));
        match GruBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let gru::Size { time, rows, hidden, .. } = inputs.size();
                let mut saved = Buffer::take(time * rows * gru::SAVED * hidden);
                let states = inputs.forward(Some(&mut saved));
                let state = State { inputs, saved: Arc::new(saved), states: states.clone() };
                operation.finish(state, states)
            }
            OpsKind::UnTracked(operation) => operation.finish(inputs.forward(None)),
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct State {
    inputs: Inputs,
    saved: Arc<Buffer>,
    states: FlexTensor,
}

#[derive(Debug)]
struct GruBackward;

impl Backward<Flex, 6> for GruBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 6>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let State { inputs, saved, states } = ops.state;
        let size = inputs.size();
        let computed =
            gru::backward(size, inputs.slices(), values(&states), &saved, values(&output));
        let gru::Size { time, rows, input, hidden } = size;
        let computed = [
            tensor(computed.input, [time, rows, input]),
            tensor(computed.hidden, [rows, hidden]),
            tensor(computed.weight_ih, [input, 3 * hidden]),
            tensor(computed.bias_ih, [3 * hidden]),
            tensor(computed.weight_hh, [hidden, 3 * hidden]),
            tensor(computed.bias_hh, [3 * hidden]),
        ];
        for (parent, gradient) in ops.parents.into_iter().zip(computed) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}
