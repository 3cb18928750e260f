//! A GRU sequence as a burn operation on GPUs.

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Cube, TensorMetadata};
use burn::tensor::{Slice, Tensor};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use super::kernels::{self, Size};
use crate::operation::{Operation, apply};

/// Computes the states of a GRU, `[time, row, width]`, from the input's part of the gates, `[time,
/// row, 3 width]`, the state `hidden` before the first step, `[row, width]`, `not_reset`, `[time,
/// row]`, which gets no gradient, the recurrent weights, `[width, 3 width]`, and their bias, `[3
/// width]`.
pub(crate) fn gru_recurrence(
    gates: Tensor<3>,
    hidden: Tensor<2>,
    not_reset: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
) -> Tensor<3> {
    let inputs = [
        gates.into_dispatch(),
        hidden.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ];
    apply(GruRecurrence, inputs, [not_reset.into_dispatch()])
}

#[derive(Debug)]
struct GruRecurrence;

impl Operation<Cube, 4, 1> for GruRecurrence {
    /// The inputs and the states.
    type Saved = (Inputs, CubeTensor);

    fn forward(
        self,
        inputs: [CubeTensor; 4],
        [not_reset]: [CubeTensor; 1],
        _: bool,
    ) -> (CubeTensor, Self::Saved) {
        let [gates, hidden, weight, bias] = inputs.map(into_contiguous);
        let inputs = Inputs { gates, hidden, not_reset: into_contiguous(not_reset), weight, bias };
        let states = inputs.forward();
        (states.clone(), (inputs, states))
    }

    fn backward(
        (inputs, states): Self::Saved,
        gradient: CubeTensor,
        _: [bool; 4],
    ) -> [Option<CubeTensor>; 4] {
        inputs.backward(states, gradient).map(Some)
    }
}

/// All inputs, in row-major order.
#[derive(Clone, Debug)]
struct Inputs {
    gates: CubeTensor,
    hidden: CubeTensor,
    not_reset: CubeTensor,
    weight: CubeTensor,
    bias: CubeTensor,
}

impl Inputs {
    fn size(&self) -> Size {
        let [time, rows, _] = self.gates.shape().dims();
        let [_, width] = self.hidden.shape().dims();
        Size { time, rows, width }
    }

    fn forward(&self) -> CubeTensor {
        let Self { gates, hidden, not_reset, weight, bias } = self;
        let product = |state| Cube::float_matmul(state, weight.clone());
        kernels::forward(self.size(), gates, hidden, not_reset, bias, product)
    }

    /// Computes the gradients of gates, state, weights and bias from those of the states.
    fn backward(self, states: CubeTensor, given: CubeTensor) -> [CubeTensor; 4] {
        let Size { time, rows, width } = self.size();
        let Self { gates, hidden, not_reset, weight, bias } = self;
        let reshape = |x: CubeTensor, shape: &[usize]| Cube::float_reshape(x, shape.into());
        // The states before each step.
        let first = reshape(hidden, &[1, rows, width]);
        let before = match time {
            1 => first,
            _ => Cube::float_cat(vec![first, part(states, 0, 0..time - 1)], 0),
        };
        let kept = reshape(not_reset.clone(), &[time, rows, 1]);
        let before = into_contiguous(Cube::float_mul(before, kept));
        let flat = reshape(before.clone(), &[time * rows, width]);
        let recurrent = Cube::float_matmul(flat.clone(), weight.clone());
        let turned = Cube::float_transpose(weight);
        let back = |gradient| Cube::float_matmul(gradient, turned.clone());
        let size = Size { time, rows, width };
        let (gradients, [direct, through]) =
            kernels::backward(size, &gates, &before, recurrent, &not_reset, &bias, given, back);
        let first = reshape(part(not_reset, 0, 0..1), &[rows, 1]);
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

/// Returns a range of a two- or three-dimensional tensor along one dimension.
fn part(tensor: CubeTensor, dim: usize, range: std::ops::Range<usize>) -> CubeTensor {
    let mut slices = vec![Slice::full(); tensor.shape().num_dims()];
    slices[dim] = range.into();
    Cube::float_slice(tensor, &slices)
}
