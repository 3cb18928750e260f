//! Forward and backward pass of a long short-term memory over a whole sequence, on slices.
//!
//! One step is [`update`]'s; names are those of its formula. Large sequences are shared out over
//! threads, each of which takes some rows through all steps; the bits are those of one thread.

use std::ops::Range;

use super::super::lstm_cell::update;
use super::super::matmul::multiply;
use super::super::pack::Packed;
use super::super::shares::{each, shares, split_steps};
use super::buffer::Buffer;
use super::gru::{Size, keep_rows};

/// The inputs of a sequence.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    /// `[time, row, input]`.
    pub(super) input: &'a [f32],
    /// State and cell before the first step, side by side, `[row, 2 * hidden]`.
    pub(super) memory: &'a [f32],
    /// What both are multiplied with before each step, `[time, row]`.
    pub(super) keep: &'a [f32],
    /// `[input, 4 * hidden]`.
    pub(super) weight_ih: &'a [f32],
    /// `[4 * hidden]`.
    pub(super) bias_ih: &'a [f32],
    /// `[hidden, 4 * hidden]`.
    pub(super) weight_hh: &'a [f32],
    /// `[4 * hidden]`.
    pub(super) bias_hh: &'a [f32],
}

/// How many numbers of a row of a step [`forward`] saves for the backward pass, as multiples of
/// `hidden`: `i`, `f`, `g`, `o` and `c`.
pub(super) const SAVED: usize = 5;

/// The rows that each thread takes; `passes` tells how often every weight is multiplied.
pub(super) fn shares_of(size: Size, passes: usize) -> Vec<Range<usize>> {
    let Size { time, rows, input, hidden } = size;
    let work = passes * time * rows * (input + hidden) * 4 * hidden;
    shares(rows, work).unwrap_or_else(|| std::iter::once(0..rows).collect())
}

/// The states after every step and behind them the cell after the last, `[time + 1, row, hidden]`;
/// `saved` takes what the backward pass needs, `[time, row, SAVED * hidden]`.
pub(super) fn forward(size: Size, inputs: Inputs<'_>, saved: Option<&mut [f32]>) -> Vec<f32> {
    let Size { time, rows, input: width, hidden } = size;
    let weight_ih = Packed::new(inputs.weight_ih, width, 4 * hidden, rows);
    let weight_hh = Packed::new(inputs.weight_hh, hidden, 4 * hidden, rows);
    let bias: Vec<f32> = inputs.bias_ih.iter().zip(inputs.bias_hh).map(|(i, h)| i + h).collect();
    let [first, cell] = halves(inputs.memory, hidden);
    let mut states = vec![0.0; (time + 1) * rows * hidden];
    states[time * rows * hidden..].copy_from_slice(&cell);
    let shares = shares_of(size, 1);
    let parts = split_steps(&mut states, (rows, hidden), &shares);
    let saved: Vec<Option<Vec<&mut [f32]>>> = match saved {
        None => shares.iter().map(|_| None).collect(),
        Some(saved) => {
            split_steps(saved, (rows, SAVED * hidden), &shares).into_iter().map(Some).collect()
        }
    };
    type Task<'a> = (Range<usize>, (Vec<&'a mut [f32]>, Option<Vec<&'a mut [f32]>>));
    let tasks = shares.iter().cloned().zip(parts.into_iter().zip(saved)).collect();
    each(tasks, |(share, (mut states, mut saved)): Task<'_>| {
        let Some((cell, states)) = states.split_last_mut() else { return };
        let mut gates = Buffer::take(4 * share.len() * hidden);
        for t in 0..time {
            let (past, now) = states.split_at_mut(t);
            let state = &mut *now[0];
            let before = &first[share.start * hidden..share.end * hidden];
            let before = past.last().map_or(before, |state| &**state);
            let here = t * rows + share.start..t * rows + share.end;
            let keep = &inputs.keep[here.clone()];
            keep_rows(before, keep, state);
            forget_rows(cell, keep);
            let input = &inputs.input[here.start * width..here.end * width];
            multiply(input, &weight_ih, Some(&bias), &mut gates);
            multiply(state, &weight_hh, None, &mut gates);
            update(hidden, &gates, state, cell, saved.as_mut().map(|saved| &mut *saved[t]));
        }
    });
    states
}

/// What stands side by side in `[row, 2 * hidden]`, `[row, hidden]` each.
pub(super) fn halves(memory: &[f32], hidden: usize) -> [Vec<f32>; 2] {
    let half = |from: usize| {
        memory.chunks_exact(2 * hidden).flat_map(|row| &row[from..from + hidden]).copied().collect()
    };
    [half(0), half(hidden)]
}

/// `rows = keep * rows`, row by row.
pub(super) fn forget_rows(rows: &mut [f32], keep: &[f32]) {
    let hidden = rows.len() / keep.len().max(1);
    for (row, &keep) in rows.chunks_exact_mut(hidden.max(1)).zip(keep) {
        if keep != 1.0 {
            row.iter_mut().for_each(|x| *x *= keep);
        }
    }
}
