//! A gated recurrent unit over a whole sequence on several threads: each takes some rows through all
//! steps, and then some elements of the weights' gradients. The bits are those of one thread.

use std::ops::Range;

use super::super::gru_cell::update;
use super::super::matmul::multiply;
use super::super::shares::{divided, each, split, split_steps};
use super::buffer::Buffer;
use super::gradients::add_column_sums;
use super::gru::{Gradients, Inputs, SAVED, Size, StepBack, keep_rows, steps_at_once};
use super::products::{Scratch, add_transposed_left};

/// Gradients of gates that are shared out over threads at a time, so that what one computed is in cache
/// when another reads it.
const BLOCK: usize = 1 << 19;

/// As [`super::gru::forward`], for the rows of each share on a thread of its own.
pub(super) fn forward(
    size: Size,
    inputs: Inputs<'_>,
    saved: Option<&mut [f32]>,
    shares: &[Range<usize>],
) -> Vec<f32> {
    let Size { time, rows, input: width, hidden } = size;
    let weights = inputs.forwards(size);
    let mut states = vec![0.0; time * rows * hidden];
    let parts = split_steps(&mut states, (rows, hidden), shares);
    let mut saved: Vec<Option<Vec<&mut [f32]>>> = match saved {
        None => shares.iter().map(|_| None).collect(),
        Some(saved) => {
            split_steps(saved, (rows, SAVED * hidden), shares).into_iter().map(Some).collect()
        }
    };
    type Task<'a> = (Range<usize>, (Vec<&'a mut [f32]>, Option<Vec<&'a mut [f32]>>));
    let tasks = shares.iter().cloned().zip(parts.into_iter().zip(saved.drain(..))).collect();
    each(tasks, |(share, (mut states, mut saved)): Task<'_>| {
        let size = 3 * share.len() * hidden;
        let [mut gates, mut recurrent] = [Buffer::take(size), Buffer::take(size)];
        for t in 0..time {
            let (past, now) = states.split_at_mut(t);
            let state = &mut *now[0];
            let first = &inputs.hidden[share.start * hidden..share.end * hidden];
            let previous = past.last().map_or(first, |state| &**state);
            let here = t * rows + share.start..t * rows + share.end;
            keep_rows(previous, &inputs.keep[here.clone()], state);
            let input = &inputs.input[here.start * width..here.end * width];
            multiply(input, &weights[0], Some(inputs.bias_ih), &mut gates);
            multiply(state, &weights[1], Some(inputs.bias_hh), &mut recurrent);
            let saved = saved.as_mut().map(|saved| &mut *saved[t]);
            update(hidden, &gates, &recurrent, state, saved);
        }
    });
    states
}

/// As [`super::gru::backward`], into `gradients` of zeros; beside the inputs stand the states, what
/// [`forward`] saved, and the gradients of the states.
pub(super) fn backward(
    size: Size,
    inputs: Inputs<'_>,
    (states, saved, gradient): (&[f32], &[f32], &[f32]),
    shares: &[Range<usize>],
    gradients: &mut Gradients,
) {
    let Size { time, rows, input: width, hidden } = size;
    let weights = inputs.backwards(size);
    // Whole groups of steps, for the sums to be made in the order of one thread.
    let group = steps_at_once(rows);
    let steps = (BLOCK / (rows * 6 * hidden) / group).max(1) * group;
    let mut gates = Buffer::take(steps * rows * 3 * hidden);
    let mut recurrent = Buffer::take(steps * rows * 3 * hidden);
    let mut previous = Buffer::take(steps * rows * hidden);
    for last in (1..=time).rev().step_by(steps) {
        // The steps of this block, of which the buffers hold the first at their beginning.
        let block = last.saturating_sub(steps)..last;
        let read = block.start * rows * width..block.end * rows * width;
        let parts: Vec<Part<'_>> = Part::all(
            [&mut gates, &mut recurrent, &mut previous, &mut gradients.input[read.clone()]],
            [3 * hidden, 3 * hidden, hidden, width],
            rows,
            shares,
        );
        let carried = split(&mut gradients.hidden, hidden, shares);
        let tasks = shares.iter().cloned().zip(parts.into_iter().zip(carried)).collect();
        each(tasks, |(share, (mut part, state)): (Range<usize>, (Part<'_>, &mut [f32]))| {
            let own = |t: usize, width: usize| {
                (t * rows + share.start) * width..(t * rows + share.end) * width
            };
            for t in block.clone().rev() {
                let before = match t.checked_sub(1) {
                    None => &inputs.hidden[own(0, hidden)],
                    Some(before) => &states[own(before, hidden)],
                };
                let keep = &inputs.keep[own(t, 1)];
                let [gates, recurrent, previous, input] =
                    part.0.each_mut().map(|steps| &mut *steps[t - block.start]);
                keep_rows(before, keep, previous);
                let back = StepBack {
                    hidden,
                    previous,
                    saved: &saved[own(t, SAVED * hidden)],
                    output: &gradient[own(t, hidden)],
                    keep,
                    state: &mut *state,
                    gates,
                    recurrent,
                };
                back.run(&weights[1]);
                multiply(gates, &weights[0], None, input);
            }
        });
        let (n, time) = (shares.len(), block.len());
        let read = &inputs.input[read];
        let ih = Sums { left: read, right: &gates, size: (time, rows, width, 3 * hidden) };
        let hh =
            Sums { left: &previous, right: &recurrent, size: (time, rows, hidden, 3 * hidden) };
        let mut tasks = ih.tasks(&mut gradients.weight_ih, &mut gradients.bias_ih, n);
        tasks.extend(hh.tasks(&mut gradients.weight_hh, &mut gradients.bias_hh, n));
        each(tasks, |(sums, rows, weight, bias)| sums.add(rows, weight, bias));
    }
}

/// Some rows of four sequences, step by step.
struct Part<'a>([Vec<&'a mut [f32]>; 4]);

impl<'a> Part<'a> {
    fn all(
        sequences: [&'a mut [f32]; 4],
        widths: [usize; 4],
        rows: usize,
        shares: &[Range<usize>],
    ) -> Vec<Self> {
        let mut parts: Vec<Self> = shares.iter().map(|_| Self(Default::default())).collect();
        for (at, (sequence, width)) in sequences.into_iter().zip(widths).enumerate() {
            for (part, steps) in parts.iter_mut().zip(split_steps(sequence, (rows, width), shares))
            {
                part.0[at] = steps;
            }
        }
        parts
    }
}

/// The gradient of a weight and its bias: sums over all rows of all steps, from the last step to the
/// first.
#[derive(Clone, Copy)]
struct Sums<'a> {
    /// What the weight was multiplied with, `[time, row, input]`.
    left: &'a [f32],
    /// The gradient of the product, `[time, row, output]`.
    right: &'a [f32],
    /// Time, rows, inputs and outputs.
    size: (usize, usize, usize, usize),
}

/// Sums, some rows of the weight, their gradient, and that of the bias, which one task has.
type SumsTask<'a> = (Sums<'a>, Range<usize>, &'a mut [f32], Option<&'a mut Vec<f32>>);

impl<'a> Sums<'a> {
    fn tasks(
        self,
        weight: &'a mut [f32],
        bias: &'a mut Vec<f32>,
        parts: usize,
    ) -> Vec<SumsTask<'a>> {
        let (_, _, inner, columns) = self.size;
        let parts = divided(inner, parts);
        let mut bias = Some(bias);
        let weights = split(weight, columns, &parts);
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
