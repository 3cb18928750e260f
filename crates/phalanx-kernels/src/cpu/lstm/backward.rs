//! The backward pass of a long short-term memory over a whole sequence, on slices.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::cell::advanced;
use super::forward::{SAVED, halves, ranges_of};
use crate::cpu::activation_grad::add_column_sums;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::gates::split;
use crate::cpu::sequence::{
    Computed, Gradients, Inputs, Size, keep_rows, reset_rows, steps_at_once,
};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::activation::tanh;
use crate::simd::dispatch::{dispatch, load, store};
use crate::threads::{even_ranges, parallel_for, split_rows, split_steps};

/// The number of gate gradients that are divided over threads at a time, so that what one thread
/// computes is in cache when another reads it.
const BLOCK: usize = 1 << 19;

/// Computes the gradients of the inputs from those of the states and the last cell, `[time + 1,
/// row, hidden]`, the states, and the data saved by [`forward`](super::forward::forward).
///
/// For some steps at a time, each thread first runs its rows backwards through them. It then takes
/// a part of the products while their data is in cache: some rows of the inputs' gradients, and
/// some elements of the weights' gradients, which are sums over all rows.
pub(crate) fn backward(size: Size, inputs: Inputs<'_>, computed: Computed<'_>) -> Gradients {
    let Computed { states, saved, gradient } = computed;
    let Size { time, rows, input: width, hidden } = size;
    let step = rows * hidden;
    let mut gradients = Gradients::zeros(&inputs);
    let [weight_ih, weight_hh] = inputs.transposed(size);
    let [first, _] = halves(inputs.carry, hidden);
    let mut state = vec![0.0; step];
    let mut cell = gradient[time * step..].to_vec();
    let ranges = ranges_of(size, 2);
    // Whole groups of steps, so that sums are computed in the same order as on one thread.
    let group = steps_at_once(rows);
    let steps = match ranges.len() {
        1 => group,
        _ => (BLOCK / (5 * step) / group).max(1) * group,
    };
    let mut gates = Buffer::take(steps * 4 * step);
    let mut previous = Buffer::take(steps * step);
    let mut scratches: Vec<Scratch> = ranges.iter().map(|_| Scratch::default()).collect();
    for last in (1..=time).rev().step_by(steps) {
        // The steps of this block; the buffers start with the first of them.
        let block = last.saturating_sub(steps)..last;
        let memories = split_rows(&mut state, hidden, &ranges)
            .into_iter()
            .zip(split_rows(&mut cell, hidden, &ranges));
        let sequences = split_steps(&mut gates, (rows, 4 * hidden), &ranges)
            .into_iter()
            .zip(split_steps(&mut previous, (rows, hidden), &ranges));
        type Sequences<'a> = (Vec<&'a mut [f32]>, Vec<&'a mut [f32]>);
        type Task<'a> = (Range<usize>, ((&'a mut [f32], &'a mut [f32]), Sequences<'a>));
        let tasks = ranges.iter().cloned().zip(memories.zip(sequences)).collect();
        parallel_for(tasks, |(range, ((state, cell), (mut gates, mut previous))): Task<'_>| {
            let own = |t: usize, width: usize| {
                (t * rows + range.start) * width..(t * rows + range.end) * width
            };
            for t in block.clone().rev() {
                let before = match t.checked_sub(1) {
                    None => &first[own(0, hidden)],
                    Some(before) => &states[own(before, hidden)],
                };
                let not_reset = &inputs.not_reset[own(t, 1)];
                keep_rows(before, not_reset, previous[t - block.start]);
                let gates = &mut *gates[t - block.start];
                let (saved, output) = (&saved[own(t, SAVED * hidden)], &gradient[own(t, hidden)]);
                dispatch(Downdate { hidden, saved, output, state, cell, gates });
                multiply(gates, &weight_hh, None, state);
                reset_rows(state, not_reset);
                reset_rows(cell, not_reset);
            }
        });
        let n = block.len();
        let read = block.start * rows * width..block.end * rows * width;
        let sums = Sums {
            rows,
            gates: &gates[..n * 4 * step],
            input: &inputs.input[read.clone()],
            state: &previous[..n * step],
        };
        parallel_for(
            sums.tasks(&mut gradients, read, &mut scratches, (n, width, hidden)),
            |task: ProductTask<'_>| task.run(&sums, &weight_ih),
        );
    }
    let halves = state.chunks_exact(hidden).zip(cell.chunks_exact(hidden));
    gradients.carry = halves.flat_map(|(state, cell)| state.iter().chain(cell)).copied().collect();
    // Both biases are added to the same sum, so their gradients are equal.
    gradients.bias_hh.clone_from(&gradients.bias_ih);
    gradients
}

/// Factors of the products over some steps.
struct Sums<'a> {
    /// The number of rows per step.
    rows: usize,
    /// The gradient of the gates, `[time, row, 4 * hidden]`.
    gates: &'a [f32],
    /// `[time, row, input]`.
    input: &'a [f32],
    /// The states before the steps, already multiplied by `not_reset`, `[time, row, hidden]`.
    state: &'a [f32],
}

/// The part of the products that one thread computes.
struct ProductTask<'a> {
    /// A range of rows over all the steps, and the gradient of their inputs.
    input: (Range<usize>, &'a mut [f32]),
    /// A range of rows of the inputs' weight, and their gradient.
    ih: (Range<usize>, &'a mut [f32]),
    /// A range of rows of the states' weight, and their gradient.
    hh: (Range<usize>, &'a mut [f32]),
    /// The gradient of the biases, for one of the threads.
    bias: Option<&'a mut [f32]>,
    scratch: &'a mut Scratch,
}

impl Sums<'_> {
    /// Returns one task for each of `scratches`; `read` is the range of these steps among the
    /// inputs.
    fn tasks<'a>(
        &self,
        gradients: &'a mut Gradients,
        read: Range<usize>,
        scratches: &'a mut [Scratch],
        (time, width, hidden): (usize, usize, usize),
    ) -> Vec<ProductTask<'a>> {
        let parts = |matrix: &'a mut [f32], rows: usize, width: usize, n: usize| {
            let ranges = even_ranges(rows, n);
            let parts = split_rows(matrix, width, &ranges);
            ranges.into_iter().zip(parts)
        };
        let n = scratches.len();
        let input = parts(&mut gradients.input[read], time * self.rows, width, n);
        let ih = parts(&mut gradients.weight_ih, width, 4 * hidden, n);
        let hh = parts(&mut gradients.weight_hh, hidden, 4 * hidden, n);
        let mut bias = Some(&mut gradients.bias_ih[..]);
        input
            .zip(ih.zip(hh))
            .zip(scratches)
            .map(|((input, (ih, hh)), scratch)| ProductTask {
                input,
                ih,
                hh,
                bias: bias.take(),
                scratch,
            })
            .collect()
    }
}

impl ProductTask<'_> {
    /// Computes the products; `weight` is that of the inputs, packed for the backward pass.
    fn run(self, sums: &Sums<'_>, weight: &Packed) {
        let Self { input: (flat, input), ih, hh, mut bias, scratch } = self;
        let &Sums { rows, gates, input: read, state } = sums;
        let columns = weight.inner();
        multiply(&gates[flat.start * columns..flat.end * columns], weight, None, input);
        let group = rows * steps_at_once(rows);
        let all = gates.len() / columns;
        let (width, hidden) = (read.len() / all, state.len() / all);
        // From the last group of steps to the first, like the whole backward pass.
        let groups = (1..=all).rev().step_by(group).map(|last| last.saturating_sub(group)..last);
        for Range { start, end } in groups {
            let gates = &gates[start * columns..end * columns];
            let read = &read[start * width..end * width];
            let state = &state[start * hidden..end * hidden];
            let n = end - start;
            add_transposed_left(read, gates, n, ih.0.clone(), scratch, ih.1);
            add_transposed_left(state, gates, n, hh.0.clone(), scratch, hh.1);
            if let Some(bias) = &mut bias {
                add_column_sums(gates, bias);
            }
        }
    }
}

/// The element-wise part of a backward step.
struct Downdate<'a> {
    hidden: usize,
    /// `[row, SAVED * hidden]`.
    saved: &'a [f32],
    /// The gradient of the state after the step as an output, `[row, hidden]`.
    output: &'a [f32],
    /// In: the gradient of the state after the step from later steps. Out: zero, to which the part
    /// that flows through the gates is added, `[row, hidden]`.
    state: &'a mut [f32],
    /// In: the gradient of the cell after the step from later steps. Out: the gradient of the cell
    /// before it, `[row, hidden]`.
    cell: &'a mut [f32],
    /// Out: the gradient of the gates, `[row, 4 * hidden]`.
    gates: &'a mut [f32],
}

impl WithSimd for Downdate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let hidden = self.hidden;
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let product = |a, b| simd.mul_f32s(a, b);
        // One minus the square: the derivative of tanh in terms of its value.
        let flat = |y| simd.negate_mul_add_e_f32s(y, y, one);
        let slope = |y| simd.mul_f32s(y, simd.sub_f32s(one, y));
        for row in 0..self.output.len() / hidden.max(1) {
            let output = &self.output[row * hidden..][..hidden];
            let state = &mut self.state[row * hidden..][..hidden];
            let cell = &mut self.cell[row * hidden..][..hidden];
            let [i, f, g, o, before] = split(&self.saved[row * SAVED * hidden..], hidden);
            let gates = &mut self.gates[row * 4 * hidden..][..4 * hidden];
            let (d_i, gates) = gates.split_at_mut(hidden);
            let (d_f, gates) = gates.split_at_mut(hidden);
            let (d_g, d_o) = gates.split_at_mut(hidden);
            for at in (0..hidden).step_by(S::F32_LANES) {
                let (i, f) = (load(simd, &i[at..]), load(simd, &f[at..]));
                let (g, o) = (load(simd, &g[at..]), load(simd, &o[at..]));
                let before = load(simd, &before[at..]);
                let bent = tanh(simd, advanced(simd, i, f, g, before));
                let d = simd.add_f32s(load(simd, &state[at..]), load(simd, &output[at..]));
                let d_c = load(simd, &cell[at..]);
                let d_c = simd.mul_add_e_f32s(product(d, o), flat(bent), d_c);
                store(simd, &mut d_i[at..], product(product(d_c, g), slope(i)));
                store(simd, &mut d_f[at..], product(product(d_c, before), slope(f)));
                store(simd, &mut d_g[at..], product(product(d_c, i), flat(g)));
                store(simd, &mut d_o[at..], product(product(d, bent), slope(o)));
                store(simd, &mut cell[at..], product(d_c, f));
                store(simd, &mut state[at..], zero);
            }
        }
    }
}
