//! The forward pass of a gated recurrent unit over a whole sequence, on slices.
//!
//! A step is that of [`update`]; names are those of its formula.

use super::cell::update;
use super::parallel;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::sequence::{Inputs, Size, keep_rows};
use crate::gemm::matmul::multiply;
use crate::threads::row_ranges;

/// The numbers per row and step that [`forward`] saves for the backward pass, as a multiple of
/// `hidden`: `r`, `z`, `n` and `g_n`.
pub(crate) const SAVED: usize = 4;

/// Computes the states after every step, `[time, row, hidden]`; `saved` receives the data for the
/// backward pass, `[time, row, SAVED * hidden]`.
pub(crate) fn forward(size: Size, inputs: Inputs<'_>, mut saved: Option<&mut [f32]>) -> Vec<f32> {
    let Size { time, rows, input: width, hidden } = size;
    if let Some(ranges) = row_ranges(rows, time * rows * (width + hidden) * 3 * hidden) {
        return parallel::forward(size, inputs, saved, &ranges);
    }
    let weights = inputs.packed(size);
    let step = rows * hidden;
    let mut states = Vec::with_capacity(time * step);
    let [mut gates, mut recurrent] = [Buffer::take(3 * step), Buffer::take(3 * step)];
    for t in 0..time {
        // Grows step by step, so that the zeros are still in cache when they are overwritten.
        states.resize((t + 1) * step, 0.0);
        let (past, state) = states.split_at_mut(t * step);
        let previous = if t == 0 { inputs.carry } else { &past[(t - 1) * step..] };
        keep_rows(previous, &inputs.not_reset[t * rows..][..rows], state);
        let input = &inputs.input[t * rows * width..][..rows * width];
        multiply(input, &weights[0], Some(inputs.bias_ih), &mut gates);
        multiply(state, &weights[1], Some(inputs.bias_hh), &mut recurrent);
        let saved = saved.as_deref_mut();
        let saved = saved.map(|saved| &mut saved[t * SAVED * step..][..SAVED * step]);
        update(hidden, &gates, &recurrent, state, saved);
    }
    states
}
