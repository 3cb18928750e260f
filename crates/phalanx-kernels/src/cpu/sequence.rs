//! Common parts of the GRU and the LSTM over whole sequences.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::buffer_pool::Buffer;
use super::flex_tensor::{
    Gradients as InputGradients, Tensors, contiguous, shaped_like, tensor, values,
};
use crate::RnnWeights;
use crate::gemm::pack::Packed;
use crate::operation::{Operation, apply};
use crate::threads::{parallel_for, split_steps};

/// The sizes of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// The number of time steps.
    pub(crate) time: usize,
    /// The number of rows per step.
    pub(crate) rows: usize,
    /// The width of the input.
    pub(crate) input: usize,
    /// The width of the hidden state.
    pub(crate) hidden: usize,
}

/// The inputs of a sequence; `gates` is `3 * hidden` for a GRU and `4 * hidden` for an LSTM.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    /// `[time, row, input]`.
    pub(crate) input: &'a [f32],
    /// The carry before the first step: the hidden state, `[row, hidden]`, or for an LSTM the
    /// hidden state followed by the cell, `[row, 2 * hidden]`.
    pub(crate) carry: &'a [f32],
    /// The factor of the carry before each step, `[time, row]`.
    pub(crate) not_reset: &'a [f32],
    /// `[input, gates]`.
    pub(crate) weight_ih: &'a [f32],
    /// `[gates]`.
    pub(crate) bias_ih: &'a [f32],
    /// `[hidden, gates]`.
    pub(crate) weight_hh: &'a [f32],
    /// `[gates]`.
    pub(crate) bias_hh: &'a [f32],
}

impl Inputs<'_> {
    /// Packs the weights of the input and of the state for the forward pass.
    pub(crate) fn packed(&self, size: Size) -> [Packed; 2] {
        let Size { rows, input, hidden, .. } = size;
        let gates = self.bias_ih.len();
        let weight_ih = Packed::new(self.weight_ih, input, gates, rows);
        [weight_ih, Packed::new(self.weight_hh, hidden, gates, rows)]
    }

    /// Packs the weights of the input and of the state for the backward pass.
    pub(crate) fn transposed(&self, size: Size) -> [Packed; 2] {
        let Size { rows, input, hidden, .. } = size;
        let gates = self.bias_ih.len();
        let weight_ih = Packed::transposed(self.weight_ih, gates, input, rows);
        [weight_ih, Packed::transposed(self.weight_hh, gates, hidden, rows)]
    }
}

/// Results of the forward pass, and the gradient of its states.
#[derive(Clone, Copy)]
pub(crate) struct Computed<'a> {
    /// The states returned by [`Recurrence::forward`].
    pub(crate) states: &'a [f32],
    /// `[time, row, saved * hidden]`.
    pub(crate) saved: &'a [f32],
    /// The gradient of the states, in their shape.
    pub(crate) gradient: &'a [f32],
}

/// Gradients of the inputs, in their shapes; `not_reset` has none.
pub(crate) struct Gradients {
    pub(crate) input: Vec<f32>,
    pub(crate) carry: Vec<f32>,
    pub(crate) weight_ih: Vec<f32>,
    pub(crate) bias_ih: Vec<f32>,
    pub(crate) weight_hh: Vec<f32>,
    pub(crate) bias_hh: Vec<f32>,
}

impl Gradients {
    pub(crate) fn zeros(inputs: &Inputs<'_>) -> Self {
        let zeros = |like: &[f32]| vec![0.0; like.len()];
        Self {
            input: zeros(inputs.input),
            carry: zeros(inputs.carry),
            weight_ih: zeros(inputs.weight_ih),
            bias_ih: zeros(inputs.bias_ih),
            weight_hh: zeros(inputs.weight_hh),
            bias_hh: zeros(inputs.bias_hh),
        }
    }
}

/// See [`steps_at_once`].
const ROWS_AT_ONCE: usize = 128;

/// Returns the number of steps over which the weights' gradients are accumulated at once, for
/// `rows` rows per step: enough rows to amortise the overhead of a product, and few enough to stay
/// in cache.
pub(crate) fn steps_at_once(rows: usize) -> usize {
    (ROWS_AT_ONCE / rows.max(1)).max(1)
}

/// Computes `to = not_reset * from`, row by row.
pub(crate) fn keep_rows(from: &[f32], not_reset: &[f32], to: &mut [f32]) {
    let hidden = from.len() / not_reset.len().max(1);
    for (r, &factor) in not_reset.iter().enumerate() {
        let range = r * hidden..(r + 1) * hidden;
        if factor == 1.0 {
            to[range.clone()].copy_from_slice(&from[range]);
        } else {
            for (to, from) in to[range.clone()].iter_mut().zip(&from[range]) {
                *to = factor * from;
            }
        }
    }
}

/// Computes `rows = not_reset * rows`, row by row.
pub(crate) fn reset_rows(rows: &mut [f32], not_reset: &[f32]) {
    let hidden = rows.len() / not_reset.len().max(1);
    for (row, &factor) in rows.chunks_exact_mut(hidden.max(1)).zip(not_reset) {
        if factor != 1.0 {
            row.iter_mut().for_each(|x| *x *= factor);
        }
    }
}

/// Runs `work` for each range of rows on its own thread, with these rows of `states` and, if given,
/// of `saved`, step by step. Rows are `hidden` and `saved_width` wide.
pub(crate) fn for_row_ranges(
    Size { rows, hidden, .. }: Size,
    ranges: &[Range<usize>],
    states: &mut [f32],
    (saved, saved_width): (Option<&mut [f32]>, usize),
    work: impl Fn(Range<usize>, Vec<&mut [f32]>, Option<Vec<&mut [f32]>>) + Sync,
) {
    let states = split_steps(states, (rows, hidden), ranges);
    let saved: Vec<Option<Vec<&mut [f32]>>> = match saved {
        None => ranges.iter().map(|_| None).collect(),
        Some(saved) => {
            split_steps(saved, (rows, saved_width), ranges).into_iter().map(Some).collect()
        }
    };
    type Task<'a> = (Range<usize>, (Vec<&'a mut [f32]>, Option<Vec<&'a mut [f32]>>));
    let tasks = ranges.iter().cloned().zip(states.into_iter().zip(saved)).collect();
    parallel_for(tasks, |(range, (states, saved)): Task<'_>| work(range, states, saved));
}

/// A recurrent layer over a whole sequence as a burn operation. Its inputs are those of [`Inputs`],
/// with `not_reset` as the constant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recurrence {
    /// The width of the carry, as a multiple of `hidden`.
    pub(crate) carry: usize,
    /// The numbers per row and step that the forward pass saves for the backward pass, as a
    /// multiple of `hidden`.
    pub(crate) saved: usize,
    /// Returns the states after every step, followed by the remaining part of the last carry,
    /// `[time + carry - 1, row, hidden]`.
    pub(crate) forward: fn(Size, Inputs<'_>, Option<&mut [f32]>) -> Vec<f32>,
    /// Returns the gradients of the inputs.
    pub(crate) backward: fn(Size, Inputs<'_>, Computed<'_>) -> Gradients,
}

/// Data for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    layer: Recurrence,
    inputs: Tensors<6>,
    not_reset: FlexTensor,
    gates: Arc<Buffer>,
    states: FlexTensor,
}

impl Recurrence {
    /// Applies the layer to a sequence.
    pub(crate) fn apply(
        self,
        input: Tensor<3>,
        [carry, not_reset]: [Tensor<2>; 2],
        weights: RnnWeights,
    ) -> Tensor<3> {
        let inputs = [
            input.into_dispatch(),
            carry.into_dispatch(),
            weights.weight_ih.into_dispatch(),
            weights.bias_ih.into_dispatch(),
            weights.weight_hh.into_dispatch(),
            weights.bias_hh.into_dispatch(),
        ];
        apply(self, inputs, [not_reset.into_dispatch()])
    }

    fn size(self, inputs: &Tensors<6>) -> Size {
        let [time, rows, input] = inputs[0].shape().dims();
        let [_, carry] = inputs[1].shape().dims();
        Size { time, rows, input, hidden: carry / self.carry }
    }
}

fn slices<'a>(inputs: &'a Tensors<6>, not_reset: &'a FlexTensor) -> Inputs<'a> {
    let [input, carry, weight_ih, bias_ih, weight_hh, bias_hh] = inputs.each_ref().map(values);
    let not_reset = values(not_reset);
    Inputs { input, carry, not_reset, weight_ih, bias_ih, weight_hh, bias_hh }
}

impl Operation<Flex, 6, 1> for Recurrence {
    type Saved = Saved;

    fn forward(
        self,
        inputs: Tensors<6>,
        [not_reset]: Tensors<1>,
        save: bool,
    ) -> (FlexTensor, Saved) {
        let (inputs, not_reset) = (inputs.map(contiguous), contiguous(not_reset));
        let size = self.size(&inputs);
        let Size { time, rows, hidden, .. } = size;
        let mut gates = Buffer::take(if save { time * rows * self.saved * hidden } else { 0 });
        let saved = save.then_some(&mut gates[..]);
        let states = (self.forward)(size, slices(&inputs, &not_reset), saved);
        let states = tensor(states, [time + self.carry - 1, rows, hidden]);
        let gates = Arc::new(gates);
        (states.clone(), Saved { layer: self, inputs, not_reset, gates, states })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 6]) -> InputGradients<6> {
        let Saved { layer, inputs, not_reset, gates, states } = saved;
        let (size, slices) = (layer.size(&inputs), slices(&inputs, &not_reset));
        let gradient = contiguous(gradient);
        let (states, gradient) = (values(&states), values(&gradient));
        let computed = Computed { states, saved: &gates, gradient };
        let found = (layer.backward)(size, slices, computed);
        let found = [
            found.input,
            found.carry,
            found.weight_ih,
            found.bias_ih,
            found.weight_hh,
            found.bias_hh,
        ];
        shaped_like(&inputs, found.map(Some))
    }
}
