//! The fused LSTM sequence as an operation of burn on the CPU device.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::lstm::LstmWeights;
use super::buffer::Buffer;
use super::gru;
use super::lstm;
use super::lstm_backward::backward;
use super::primitive::{contiguous, tensor, values};

/// A sequence of LSTM steps; the arguments are those of [`super::super::lstm_sequence`].
#[backend_extension(Flex, Autodiff)]
pub(super) trait LstmSequence: Backend {
    /// The states after every step and behind them the cell after the last,
    /// `[time + 1, row, hidden]`, since an operation has one output.
    fn lstm_sequence(
        input: FloatTensor<Self>,
        memory: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        bias_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn lstm_sequence(
    input: Tensor<3>,
    memory: Tensor<2>,
    keep: Tensor<2>,
    weights: LstmWeights,
) -> (Tensor<3>, Tensor<2>) {
    let time = input.dims()[0];
    let states: Tensor<3> = Tensor::from_dispatch(Dispatch::lstm_sequence(
        input.into_dispatch(),
        memory.into_dispatch(),
        keep.into_dispatch(),
        weights.weight_ih.into_dispatch(),
        weights.bias_ih.into_dispatch(),
        weights.weight_hh.into_dispatch(),
        weights.bias_hh.into_dispatch(),
    ));
    let at = |t: usize| states.clone().narrow(0, t, 1).squeeze_dim(0);
    let memory = Tensor::cat(vec![at(time - 1), at(time)], 1);
    (states.narrow(0, 0, time), memory)
}

/// All inputs, in row-major order.
#[derive(Clone, Debug)]
struct Inputs {
    input: FlexTensor,
    memory: FlexTensor,
    keep: FlexTensor,
    weight_ih: FlexTensor,
    bias_ih: FlexTensor,
    weight_hh: FlexTensor,
    bias_hh: FlexTensor,
}

impl Inputs {
    /// In the order of [`LstmSequence::lstm_sequence`].
    fn new(inputs: [FlexTensor; 7]) -> Self {
        let [input, memory, keep, weight_ih, bias_ih, weight_hh, bias_hh] = inputs.map(contiguous);
        Self { input, memory, keep, weight_ih, bias_ih, weight_hh, bias_hh }
    }

    fn size(&self) -> gru::Size {
        let [time, rows, input] = self.input.shape().dims();
        let [_, memory] = self.memory.shape().dims();
        gru::Size { time, rows, input, hidden: memory / 2 }
    }

    fn slices(&self) -> lstm::Inputs<'_> {
        lstm::Inputs {
            input: values(&self.input),
            memory: values(&self.memory),
            keep: values(&self.keep),
            weight_ih: values(&self.weight_ih),
            bias_ih: values(&self.bias_ih),
            weight_hh: values(&self.weight_hh),
            bias_hh: values(&self.bias_hh),
        }
    }

    fn forward(&self, saved: Option<&mut [f32]>) -> FlexTensor {
        let gru::Size { time, rows, hidden, .. } = self.size();
        tensor(lstm::forward(self.size(), self.slices(), saved), [time + 1, rows, hidden])
    }
}

impl LstmSequence for Flex {
    fn lstm_sequence(
        input: FlexTensor,
        memory: FlexTensor,
        keep: FlexTensor,
        weight_ih: FlexTensor,
        bias_ih: FlexTensor,
        weight_hh: FlexTensor,
        bias_hh: FlexTensor,
    ) -> FlexTensor {
        Inputs::new([input, memory, keep, weight_ih, bias_ih, weight_hh, bias_hh]).forward(None)
    }
}

impl<C: CheckpointStrategy> LstmSequence for Autodiff<Flex, C> {
    fn lstm_sequence(
        input: FloatTensor<Self>,
        memory: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        bias_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let tracked = [&input, &memory, &weight_ih, &bias_ih, &weight_hh, &bias_hh];
        let nodes = tracked.map(FloatTensor::<Self>::node);
        let inputs = [input, memory, keep, weight_ih, bias_ih, weight_hh, bias_hh];
        let inputs = Inputs::new(inputs.map(FloatTensor::<Self>::into_primitive));
        match LstmBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let gru::Size { time, rows, hidden, .. } = inputs.size();
                let mut saved = Buffer::take(time * rows * lstm::SAVED * hidden);
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
struct LstmBackward;

impl Backward<Flex, 6> for LstmBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 6>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let State { inputs, saved, states } = ops.state;
        let size = inputs.size();
        let computed = backward(size, inputs.slices(), values(&states), &saved, values(&output));
        let gru::Size { time, rows, input, hidden } = size;
        let computed = [
            tensor(computed.input, [time, rows, input]),
            tensor(computed.memory, [rows, 2 * hidden]),
            tensor(computed.weight_ih, [input, 4 * hidden]),
            tensor(computed.bias.clone(), [4 * hidden]),
            tensor(computed.weight_hh, [hidden, 4 * hidden]),
            tensor(computed.bias, [4 * hidden]),
        ];
        for (parent, gradient) in ops.parents.into_iter().zip(computed) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}
