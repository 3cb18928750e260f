//! The forward pass of a long short-term memory over a whole sequence, on slices.
//!
//! A step is that of [`update`]; names are those of its formula. Large sequences are divided over
//! threads, each of which takes some rows through all steps; the results have the same bits as on
//! one thread.

use std::ops::Range;

use super::cell::update;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::sequence::{Inputs, Size, for_row_ranges, keep_rows, reset_rows};
use crate::gemm::matmul::multiply;
use crate::threads::row_ranges;

/// The numbers per row and step that [`forward`] saves for the backward pass, as a multiple of
/// `hidden`: `i`, `f`, `g`, `o` and `c`.
pub(crate) const SAVED: usize = 5;

/// Returns the range of rows of each thread; every weight is multiplied `passes` times.
pub(crate) fn ranges_of(size: Size, passes: usize) -> Vec<Range<usize>> {
    let Size { time, rows, input, hidden } = size;
    let work = passes * time * rows * (input + hidden) * 4 * hidden;
    row_ranges(rows, work).unwrap_or_else(|| std::iter::once(0..rows).collect())
}

/// Computes the states after every step, followed by the cell after the last step, `[time + 1, row,
/// hidden]`; `saved` receives the data for the backward pass, `[time, row, SAVED * hidden]`.
pub(crate) fn forward(size: Size, inputs: Inputs<'_>, saved: Option<&mut [f32]>) -> Vec<f32> {
    let Size { time, rows, input: width, hidden } = size;
    let [weight_ih, weight_hh] = inputs.packed(size);
    let bias: Vec<f32> = inputs.bias_ih.iter().zip(inputs.bias_hh).map(|(i, h)| i + h).collect();
    let [first, cell] = halves(inputs.carry, hidden);
    let mut states = vec![0.0; (time + 1) * rows * hidden];
    states[time * rows * hidden..].copy_from_slice(&cell);
    let ranges = ranges_of(size, 1);
    let saved = (saved, SAVED * hidden);
    for_row_ranges(size, &ranges, &mut states, saved, |range, mut states, mut saved| {
        let Some((cell, states)) = states.split_last_mut() else { return };
        let mut gates = Buffer::take(4 * range.len() * hidden);
        for t in 0..time {
            let (past, now) = states.split_at_mut(t);
            let state = &mut *now[0];
            let before = &first[range.start * hidden..range.end * hidden];
            let before = past.last().map_or(before, |state| &**state);
            let here = t * rows + range.start..t * rows + range.end;
            let not_reset = &inputs.not_reset[here.clone()];
            keep_rows(before, not_reset, state);
            reset_rows(cell, not_reset);
            let input = &inputs.input[here.start * width..here.end * width];
            multiply(input, &weight_ih, Some(&bias), &mut gates);
            multiply(state, &weight_hh, None, &mut gates);
            update(hidden, &gates, state, cell, saved.as_mut().map(|saved| &mut *saved[t]));
        }
    });
    states
}

/// Returns the two halves of `[row, 2 * hidden]`, `[row, hidden]` each.
pub(crate) fn halves(carry: &[f32], hidden: usize) -> [Vec<f32>; 2] {
    let half = |from: usize| {
        carry.chunks_exact(2 * hidden).flat_map(|row| &row[from..from + hidden]).copied().collect()
    };
    [half(0), half(hidden)]
}
