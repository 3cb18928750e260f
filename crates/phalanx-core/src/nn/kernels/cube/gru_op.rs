//! A GRU sequence as an operation of burn on GPUs.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Slice, Tensor};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use super::gru::{self, Size};

/// The recurrence of a GRU.
#[backend_extension(Cube, Autodiff)]
pub(super) trait GruRecurrence: Backend {
    /// `[time, row, width]`.
    fn gru_recurrence(
        gates: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// The states of a GRU, `[time, row, width]`, from what the input brings to the gates, `[time, row, 3 width]`, the
/// state `hidden` before the first step, `[row, width]`, `keep`, `[time, row]`, which no gradient reaches, the
/// recurrent weights, `[width, 3 width]`, and their bias, `[3 width]`.
pub(in super::super) fn gru_recurrence(
    gates: Tensor<3>,
    hidden: Tensor<2>,
    keep: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::gru_recurrence(
        gates.into_dispatch(),
        hidden.into_dispatch(),
        keep.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ))
}

/// All inputs, in row-major order.
#[derive(Clone, Debug)]
struct Inputs {
    gates: CubeTensor,
    hidden: CubeTensor,
    keep: CubeTensor,
    weight: CubeTensor,
    bias: CubeTensor,
}

impl Inputs {
    /// In the order of [`GruRecurrence::gru_recurrence`].
    fn new(inputs: [CubeTensor; 5]) -> Self {
        let [gates, hidden, keep, weight, bias] = inputs.map(into_contiguous);
        Self { gates, hidden, keep, weight, bias }
    }

    fn size(&self) -> Size {
        let [time, rows, _] = self.gates.shape().dims();
        let [_, width] = self.hidden.shape().dims();
        Size { time, rows, width }
    }

    fn forward(&self) -> CubeTensor {
        let Self { gates, hidden, keep, weight, bias } = self;
        let product = |state| Cube::float_matmul(state, weight.clone());
        gru::forward(self.size(), gates, hidden, keep, bias, product)
    }

    /// The gradients of gates, state, weights and bias, given those of the states.
    fn backward(self, states: CubeTensor, given: CubeTensor) -> [CubeTensor; 4] {
        let Size { time, rows, width } = self.size();
        let Self { gates, hidden, keep, weight, bias } = self;
        let reshape = |x: CubeTensor, shape: &[usize]| Cube::float_reshape(x, shape.into());
        // The states before each step.
        let first = reshape(hidden, &[1, rows, width]);
        let before = match time {
            1 => first,
            _ => Cube::float_cat(vec![first, part(states, 0, 0..time - 1)], 0),
        };
        let kept = reshape(keep.clone(), &[time, rows, 1]);
        let before = into_contiguous(Cube::float_mul(before, kept));
        let flat = reshape(before.clone(), &[time * rows, width]);
        let recurrent = Cube::float_matmul(flat.clone(), weight.clone());
        let turned = Cube::float_transpose(weight);
        let back = |gradient| Cube::float_matmul(gradient, turned.clone());
        let size = Size { time, rows, width };
        let (gradients, [direct, through]) =
            gru::backward(size, &gates, &before, recurrent, &keep, &bias, given, back);
        let first = reshape(part(keep, 0, 0..1), &[rows, 1]);
        let hidden = Cube::float_mul(Cube::float_add(direct, through), first);
        let of_input = part(gradients.clone(), 2, 0..3 * width);
        let inner = part(gradients.clone(), 2, 3 * width..4 * width);
        let of_recurrent = Cube::float_cat(vec![part(gradients, 2, 0..2 * width), inner], 2);
        let of_recurrent = reshape(of_recurrent, &[time * rows, 3 * width]);
        let weight = Cube::float_matmul(Cube::float_transpose(flat), of_recurrent.clone());
        let bias = reshape(Cube::float_sum_dim(of_recurrent, 0), &[3 * width]);
        [of_input, hidden, weight, bias]
    }
}

/// Some of a tensor of three or two dimensions along one of them.
fn part(tensor: CubeTensor, dim: usize, range: std::ops::Range<usize>) -> CubeTensor {
    let mut slices = vec![Slice::full(); tensor.shape().num_dims()];
    slices[dim] = range.into();
    Cube::float_slice(tensor, &slices)
}

impl GruRecurrence for Cube {
    fn gru_recurrence(
        gates: CubeTensor,
        hidden: CubeTensor,
        keep: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
    ) -> CubeTensor {
        Inputs::new([gates, hidden, keep, weight, bias]).forward()
    }
}

impl<C: CheckpointStrategy> GruRecurrence for Autodiff<Cube, C> {
    fn gru_recurrence(
        gates: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        keep: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [&gates, &hidden, &weight, &bias].map(FloatTensor::<Self>::node);
        let inputs = [gates, hidden, keep, weight, bias];
        let inputs = Inputs::new(inputs.map(FloatTensor::<Self>::into_primitive));
        let states = inputs.forward();
        match GruBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                operation.finish(State { inputs, states: states.clone() }, states)
            }
            OpsKind::UnTracked(operation) => operation.finish(states),
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct State {
    inputs: Inputs,
    states: CubeTensor,
}

#[derive(Debug)]
struct GruBackward;

impl Backward<Cube, 4> for GruBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let given = gradients.consume::<Cube>(&ops.node);
        let State { inputs, states } = ops.state;
        for (parent, gradient) in ops.parents.into_iter().zip(inputs.backward(states, given)) {
            if let Some(parent) = parent {
                gradients.register::<Cube>(parent.id, gradient);
            }
        }
    }
}
