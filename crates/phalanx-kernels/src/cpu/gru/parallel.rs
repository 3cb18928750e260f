//! A gated recurrent unit over a whole sequence on several threads: each takes some rows through
//! all steps, and then some elements of the weights' gradients. The results have the same bits as
//! on one thread.

use std::ops::Range;

use super::backward::StepBack;
use super::cell::update;
use super::forward::SAVED;
use crate::cpu::activation_grad::add_column_sums;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::sequence::{
    Computed, Gradients, Inputs, Size, for_row_ranges, keep_rows, steps_at_once,
};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::threads::{even_ranges, parallel_for, split_rows, split_steps};

/// The number of gate gradients that are divided over threads at a time, so that what one thread
/// computes is in cache when another reads it.
const BLOCK: usize = 1 << 19;

/// Computes the same as [`super::forward::forward`], with one range of rows per thread.
pub(crate) fn forward(
    size: Size,
    inputs: Inputs<'_>,
    saved: Option<&mut [f32]>,
    ranges: &[Range<usize>],
) -> Vec<f32> {
    let Size { time, rows, input: width, hidden } = size;
    let weights = inputs.packed(size);
    let mut states = vec![0.0; time * rows * hidden];
    let saved = (saved, SAVED * hidden);
    for_row_ranges(size, ranges, &mut states, saved, |range, mut states, mut saved| {
        let size = 3 * range.len() * hidden;
        let [mut gates, mut recurrent] = [Buffer::take(size), Buffer::take(size)];
        for t in 0..time {
            let (past, now) = states.split_at_mut(t);
            let state = &mut *now[0];
            let first = &inputs.carry[range.start * hidden..range.end * hidden];
            let previous = past.last().map_or(first, |state| &**state);
            let here = t * rows + range.start..t * rows + range.end;
            keep_rows(previous, &inputs.not_reset[here.clone()], state);
            let input = &inputs.input[here.start * width..here.end * width];
            multiply(input, &weights[0], Some(inputs.bias_ih), &mut gates);
            multiply(state, &weights[1], Some(inputs.bias_hh), &mut recurrent);
            let saved = saved.as_mut().map(|saved| &mut *saved[t]);
            update(hidden, &gates, &recurrent, state, saved);
        }
    });
    states
}

/// Computes the same as [`super::backward::backward`] into `gradients`, which must be zero, from
/// the inputs, the states, the data saved by [`forward`], and the gradients of the states.
pub(crate) fn backward(
    size: Size,
    inputs: Inputs<'_>,
    Computed { states, saved, gradient }: Computed<'_>,
    ranges: &[Range<usize>],
    gradients: &mut Gradients,
) {
    let Size { time, rows, input: width, hidden } = size;
    let weights = inputs.transposed(size);
    // Whole groups of steps, so that sums are computed in the same order as on one thread.
    let group = steps_at_once(rows);
    let steps = (BLOCK / (rows * 6 * hidden) / group).max(1) * group;
    let mut gates = Buffer::take(steps * rows * 3 * hidden);
    let mut recurrent = Buffer::take(steps * rows * 3 * hidden);
    let mut previous = Buffer::take(steps * rows * hidden);
    for last in (1..=time).rev().step_by(steps) {
        // The steps of this block; the buffers start with the first of them.
        let block = last.saturating_sub(steps)..last;
        let read = block.start * rows * width..block.end * rows * width;
        let parts: Vec<Part<'_>> = Part::all(
            [&mut gates, &mut recurrent, &mut previous, &mut gradients.input[read.clone()]],
            [3 * hidden, 3 * hidden, hidden, width],
            rows,
            ranges,
        );
        let carried = split_rows(&mut gradients.carry, hidden, ranges);
        let tasks = ranges.iter().cloned().zip(parts.into_iter().zip(carried)).collect();
        parallel_for(
            tasks,
            |(range, (mut part, state)): (Range<usize>, (Part<'_>, &mut [f32]))| {
                let own = |t: usize, width: usize| {
                    (t * rows + range.start) * width..(t * rows + range.end) * width
                };
                for t in block.clone().rev() {
                    let before = match t.checked_sub(1) {
                        None => &inputs.carry[own(0, hidden)],
                        Some(before) => &states[own(before, hidden)],
                    };
                    let not_reset = &inputs.not_reset[own(t, 1)];
                    let [gates, recurrent, previous, input] =
                        part.0.each_mut().map(|steps| &mut *steps[t - block.start]);
                    keep_rows(before, not_reset, previous);
                    let back = StepBack {
                        hidden,
                        previous,
                        saved: &saved[own(t, SAVED * hidden)],
                        output: &gradient[own(t, hidden)],
                        not_reset,
                        state: &mut *state,
                        gates,
                        recurrent,
                    };
                    back.run(&weights[1]);
                    multiply(gates, &weights[0], None, input);
                }
            },
        );
        let (n, time) = (ranges.len(), block.len());
        let read = &inputs.input[read];
        let ih = Sums { left: read, right: &gates, size: (time, rows, width, 3 * hidden) };
        let hh =
            Sums { left: &previous, right: &recurrent, size: (time, rows, hidden, 3 * hidden) };
        let mut tasks = ih.tasks(&mut gradients.weight_ih, &mut gradients.bias_ih, n);
        tasks.extend(hh.tasks(&mut gradients.weight_hh, &mut gradients.bias_hh, n));
        parallel_for(tasks, |(sums, rows, weight, bias)| sums.add(rows, weight, bias));
    }
}

/// Some rows of four sequences, step by step.
struct Part<'a>([Vec<&'a mut [f32]>; 4]);

impl<'a> Part<'a> {
    fn all(
        sequences: [&'a mut [f32]; 4],
        widths: [usize; 4],
        rows: usize,
        ranges: &[Range<usize>],
    ) -> Vec<Self> {
        let mut parts: Vec<Self> = ranges.iter().map(|_| Self(Default::default())).collect();
        for (at, (sequence, width)) in sequences.into_iter().zip(widths).enumerate() {
            for (part, steps) in parts.iter_mut().zip(split_steps(sequence, (rows, width), ranges))
            {
                part.0[at] = steps;
            }
        }
        parts
    }
}

/// The gradient of a weight and its bias: sums over all rows of all steps, from the last step to
/// the first.
#[derive(Clone, Copy)]
struct Sums<'a> {
    /// The other factor of the product, `[time, row, input]`.
    left: &'a [f32],
    /// The gradient of the product, `[time, row, output]`.
    right: &'a [f32],
    /// Time, rows, inputs and outputs.
    size: (usize, usize, usize, usize),
}

/// The part of one task: the sums, a range of the weight's rows and their gradient, and for one of
/// the tasks the gradient of the bias.
type SumsTask<'a> = (Sums<'a>, Range<usize>, &'a mut [f32], Option<&'a mut Vec<f32>>);

impl<'a> Sums<'a> {
    fn tasks(
        self,
        weight: &'a mut [f32],
        bias: &'a mut Vec<f32>,
        parts: usize,
    ) -> Vec<SumsTask<'a>> {
        let (_, _, inner, columns) = self.size;
        let parts = even_ranges(inner, parts);
        let mut bias = Some(bias);
        let weights = split_rows(weight, columns, &parts);
        parts
            .into_iter()
            .zip(weights)
            .map(|(part, weight)| (self, part, weight, bias.take()))
            .collect()
    }

    fn add(self, part: Range<usize>, weight: &mut [f32], bias: Option<&mut Vec<f32>>) {
        let (time, rows, inner, columns) = self.size;
        let mut scratch = Scratch::default();
        let group = steps_at_once(rows);
        let groups =
            || (1..=time).rev().step_by(group).map(|last| (last.saturating_sub(group), last));
        let of = |all: &'a [f32], width: usize, (first, last): (usize, usize)| {
            &all[first * rows * width..last * rows * width]
        };
        for group in groups() {
            let rows = (group.1 - group.0) * rows;
            let (left, right) = (of(self.left, inner, group), of(self.right, columns, group));
            add_transposed_left(left, right, rows, part.clone(), &mut scratch, weight);
        }
        if let Some(bias) = bias {
            groups().for_each(|group| add_column_sums(of(self.right, columns, group), bias));
        }
    }
}
