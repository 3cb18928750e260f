//! Kernels of a GRU sequence, with one thread per element of the state.

use burn_cubecl::cubecl::{self, calculate_cube_count_elemwise, prelude::*};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// The sizes of a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) time: usize,
    pub(super) rows: usize,
    /// The width of the state.
    pub(super) width: usize,
}

/// The factors, each `width` wide, by which a step's backward pass multiplies the gradient of a
/// state: for the gradients before the reset gate, before the update gate, of the new state before
/// its tanh, and of the recurrent part of that, and the update gate itself, which passes the
/// gradient on.
const FACTORS: usize = 5;
/// The gradients of a step: before the reset gate and the update gate, of the new state before its
/// tanh, and of the recurrent part of that.
const GRADIENTS: usize = 4;

#[cube]
fn sigmoid(x: f32) -> f32 {
    1.0f32 / (1.0f32 + (-x).exp())
}

/// Computes one step from `gates`, `[time, row, 3 width]`, `recurrent`, `[row, 3 width]`, without a
/// bias, and `hidden`, `[row, width]`, which is still to be multiplied by `keep`, `[time, row]`.
/// Writes the new state to `states` at `time` and to `next`.
#[cube(launch)]
#[allow(clippy::too_many_arguments)] // They are the buffers of a kernel.
fn step(
    gates: &[f32],
    recurrent: &[f32],
    bias: &[f32],
    hidden: &[f32],
    keep: &[f32],
    states: &mut [f32],
    next: &mut [f32],
    time: usize,
    rows: usize,
    width: usize,
) {
    let at = ABSOLUTE_POS;
    if at >= rows * width {
        terminate!();
    }
    let row = at / width;
    let unit = at % width;
    let kept = keep[time * rows + row];
    let own = row * 3 * width + unit;
    let given = time * rows * 3 * width + own;
    let reset = sigmoid(gates[given] + kept * recurrent[own] + bias[unit]);
    let update = sigmoid(gates[given + width] + kept * recurrent[own + width] + bias[width + unit]);
    let inner = kept * recurrent[own + 2 * width] + bias[2 * width + unit];
    let new = (gates[given + 2 * width] + reset * inner).tanh();
    let state = new + update * (kept * hidden[at] - new);
    states[time * rows * width + at] = state;
    next[at] = state;
}

/// Computes the factors of all steps, `[time, row, FACTORS * width]`, from the states before each
/// step times `keep`, `before`, `[time, row, width]`, and their products, `recurrent`, `[time, row,
/// 3 width]`.
#[cube(launch)]
fn factors(
    gates: &[f32],
    recurrent: &[f32],
    bias: &[f32],
    before: &[f32],
    out: &mut [f32],
    elements: usize,
    width: usize,
) {
    let at = ABSOLUTE_POS;
    if at >= elements {
        terminate!();
    }
    let row = at / width;
    let unit = at % width;
    let own = row * 3 * width + unit;
    let reset = sigmoid(gates[own] + recurrent[own] + bias[unit]);
    let update = sigmoid(gates[own + width] + recurrent[own + width] + bias[width + unit]);
    let inner = recurrent[own + 2 * width] + bias[2 * width + unit];
    let new = (gates[own + 2 * width] + reset * inner).tanh();
    let before_tanh = (1.0f32 - update) * (1.0f32 - new * new);
    let to = row * 5 * width + unit;
    out[to] = before_tanh * inner * reset * (1.0f32 - reset);
    out[to + width] = (before[at] - new) * update * (1.0f32 - update);
    out[to + 2 * width] = before_tanh;
    out[to + 3 * width] = before_tanh * reset;
    out[to + 4 * width] = update;
}

/// Computes one backward step. The gradient of the state is the sum of `given`, `[time, row,
/// width]`, at `time`, and what the next step passes on: `direct` and `through`, `[row, width]`,
/// times `keep` of that step. Writes the gradients of the gates to `gradients`, `[time, row,
/// GRADIENTS * width]`, those of the recurrent products also to `recurrent`, `[row, 3 width]`, and
/// the part passed on without these to `direct_before`, `[row, width]`.
#[cube(launch)]
#[allow(clippy::too_many_arguments)] // They are the buffers of a kernel.
fn step_back(
    factors: &[f32],
    given: &[f32],
    direct: &[f32],
    through: &[f32],
    keep: &[f32],
    gradients: &mut [f32],
    recurrent: &mut [f32],
    direct_before: &mut [f32],
    time: usize,
    times: usize,
    rows: usize,
    width: usize,
) {
    let at = ABSOLUTE_POS;
    if at >= rows * width {
        terminate!();
    }
    let row = at / width;
    let unit = at % width;
    let mut gradient = given[time * rows * width + at];
    if time + 1 < times {
        gradient += keep[(time + 1) * rows + row] * (direct[at] + through[at]);
    }
    let step_row = time * rows + row;
    let factor = step_row * 5 * width + unit;
    let reset = gradient * factors[factor];
    let update = gradient * factors[factor + width];
    let new = gradient * factors[factor + 2 * width];
    let inner = gradient * factors[factor + 3 * width];
    let to = step_row * 4 * width + unit;
    gradients[to] = reset;
    gradients[to + width] = update;
    gradients[to + 2 * width] = new;
    gradients[to + 3 * width] = inner;
    let own = row * 3 * width + unit;
    recurrent[own] = reset;
    recurrent[own + width] = update;
    recurrent[own + 2 * width] = inner;
    direct_before[at] = gradient * factors[factor + 4 * width];
}

/// Creates an uninitialised tensor on the device of `like`.
fn empty(like: &CubeTensor, shape: &[usize]) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, shape.into(), like.dtype)
}

fn counts(like: &CubeTensor, elements: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new(&like.client, elements);
    (calculate_cube_count_elemwise(&like.client, elements, dim), dim)
}

/// Computes all states of a sequence, `[time, row, width]`; `product` multiplies a state, `[row,
/// width]`, by the recurrent weights. The arguments are contiguous.
pub(super) fn forward(
    size: Size,
    gates: &CubeTensor,
    hidden: &CubeTensor,
    keep: &CubeTensor,
    bias: &CubeTensor,
    product: impl Fn(CubeTensor) -> CubeTensor,
) -> CubeTensor {
    let Size { time, rows, width } = size;
    let states = empty(gates, &[time, rows, width]);
    let mut hidden = hidden.clone();
    for t in 0..time {
        let recurrent = into_contiguous(product(hidden.clone()));
        let next = empty(gates, &[rows, width]);
        let (count, dim) = counts(gates, rows * width);
        step::launch(
            &gates.client,
            count,
            dim,
            gates.clone().into_buffer_arg(),
            recurrent.into_buffer_arg(),
            bias.clone().into_buffer_arg(),
            hidden.into_buffer_arg(),
            keep.clone().into_buffer_arg(),
            states.clone().into_buffer_arg(),
            next.clone().into_buffer_arg(),
            t,
            rows,
            width,
        );
        hidden = next;
    }
    states
}

/// Computes the gradients of every step's gates, `[time, row, GRADIENTS * width]`, and of the state
/// before the first step as two parts, `[row, width]`, whose sum is still to be multiplied by
/// `keep`. `before`, `[time, row, width]`, are the states before each step times `keep`;
/// `recurrent`, `[time, row, 3 width]`, are their products; `given` is the gradient of all states;
/// and `back` multiplies the gradient of a product, `[row, 3 width]`, by the recurrent weights.
#[allow(clippy::too_many_arguments)] // They are tensors of a formula.
pub(super) fn backward(
    size: Size,
    gates: &CubeTensor,
    before: &CubeTensor,
    recurrent: CubeTensor,
    keep: &CubeTensor,
    bias: &CubeTensor,
    given: CubeTensor,
    back: impl Fn(CubeTensor) -> CubeTensor,
) -> (CubeTensor, [CubeTensor; 2]) {
    let Size { time, rows, width } = size;
    let elements = time * rows * width;
    let multiply_with = empty(gates, &[time, rows, FACTORS * width]);
    let (count, dim) = counts(gates, elements);
    factors::launch(
        &gates.client,
        count,
        dim,
        gates.clone().into_buffer_arg(),
        into_contiguous(recurrent).into_buffer_arg(),
        bias.clone().into_buffer_arg(),
        before.clone().into_buffer_arg(),
        multiply_with.clone().into_buffer_arg(),
        elements,
        width,
    );
    let given = into_contiguous(given);
    let gradients = empty(gates, &[time, rows, GRADIENTS * width]);
    // The last step gets nothing from a later one; these are not read.
    let mut handed = [empty(gates, &[rows, width]), empty(gates, &[rows, width])];
    for t in (0..time).rev() {
        let (recurrent, direct) = (empty(gates, &[rows, 3 * width]), empty(gates, &[rows, width]));
        let (count, dim) = counts(gates, rows * width);
        let [direct_after, through_after] = handed;
        step_back::launch(
            &gates.client,
            count,
            dim,
            multiply_with.clone().into_buffer_arg(),
            given.clone().into_buffer_arg(),
            direct_after.into_buffer_arg(),
            into_contiguous(through_after).into_buffer_arg(),
            keep.clone().into_buffer_arg(),
            gradients.clone().into_buffer_arg(),
            recurrent.clone().into_buffer_arg(),
            direct.clone().into_buffer_arg(),
            t,
            time,
            rows,
            width,
        );
        handed = [direct, back(recurrent)];
    }
    (gradients, handed)
}
