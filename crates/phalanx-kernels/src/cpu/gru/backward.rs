//! The backward pass of a gated recurrent unit over a whole sequence, on slices.

use pulp::{Simd, WithSimd};

use super::cell::sum;
use super::forward::SAVED;
use super::parallel;
use crate::cpu::activation_grad::add_column_sums;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::gates::split;
use crate::cpu::sequence::{
    Computed, Gradients, Inputs, Size, keep_rows, reset_rows, steps_at_once,
};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::dispatch::{dispatch, load, store};
use crate::threads::row_ranges;

/// Computes the gradients of the inputs from those of the states, `[time, row, hidden]`, the
/// states, and the data saved by [`forward`]. The weights' gradients are accumulated every few
/// steps, while their data is in cache.
pub(crate) fn backward(size: Size, inputs: Inputs<'_>, computed: Computed<'_>) -> Gradients {
    let Computed { states, saved, gradient } = computed;
    let Size { time, rows, input: width, hidden } = size;
    let step = rows * hidden;
    let mut gradients = Gradients::zeros(&inputs);
    if let Some(ranges) = row_ranges(rows, 2 * time * rows * (width + hidden) * 3 * hidden) {
        parallel::backward(size, inputs, computed, &ranges, &mut gradients);
        return gradients;
    }
    let weights = inputs.transposed(size);
    let steps = steps_at_once(rows);
    let [mut gates, mut recurrent] = [0, 1].map(|_| Buffer::take(3 * steps * step));
    let mut previous = Buffer::take(steps * step);
    let mut scratch = Scratch::default();
    for last in (1..=time).rev().step_by(steps) {
        let first = last.saturating_sub(steps);
        for t in (first..last).rev() {
            let before = if t == 0 { inputs.carry } else { &states[(t - 1) * step..][..step] };
            let not_reset = &inputs.not_reset[t * rows..][..rows];
            let previous = &mut previous[(t - first) * step..][..step];
            keep_rows(before, not_reset, previous);
            let back = StepBack {
                hidden,
                previous,
                saved: &saved[t * SAVED * step..][..SAVED * step],
                output: &gradient[t * step..][..step],
                not_reset,
                state: &mut gradients.carry,
                gates: &mut gates[(t - first) * 3 * step..][..3 * step],
                recurrent: &mut recurrent[(t - first) * 3 * step..][..3 * step],
            };
            back.run(&weights[1]);
        }
        let (n, rows) = (last - first, (last - first) * rows);
        let (gates, recurrent) = (&gates[..n * 3 * step], &recurrent[..n * 3 * step]);
        let range = first * (step / hidden) * width..last * (step / hidden) * width;
        multiply(gates, &weights[0], None, &mut gradients.input[range.clone()]);
        let input = &inputs.input[range];
        add_transposed_left(input, gates, rows, 0..width, &mut scratch, &mut gradients.weight_ih);
        let weight_hh = &mut gradients.weight_hh;
        let previous = &previous[..n * step];
        add_transposed_left(previous, recurrent, rows, 0..hidden, &mut scratch, weight_hh);
        add_column_sums(gates, &mut gradients.bias_ih);
        add_column_sums(recurrent, &mut gradients.bias_hh);
    }
    gradients
}

/// One backward step for some rows.
pub(crate) struct StepBack<'a> {
    pub(crate) hidden: usize,
    /// The state before the step, already multiplied by `not_reset`, `[row, hidden]`.
    pub(crate) previous: &'a [f32],
    /// `[row, SAVED * hidden]`.
    pub(crate) saved: &'a [f32],
    /// The gradient of the state after the step as an output, `[row, hidden]`.
    pub(crate) output: &'a [f32],
    /// `[row]`.
    pub(crate) not_reset: &'a [f32],
    /// In: the gradient of the state after the step from later steps. Out: the gradient of the
    /// state before it, `[row, hidden]`.
    pub(crate) state: &'a mut [f32],
    /// Out: the gradient of the input's part of the gates, `[row, 3 * hidden]`.
    pub(crate) gates: &'a mut [f32],
    /// Out: the gradient of the state's part of the gates, `[row, 3 * hidden]`.
    pub(crate) recurrent: &'a mut [f32],
}

impl StepBack<'_> {
    /// Runs the step; `weights` are those of the states, packed for the backward pass.
    pub(crate) fn run(self, weights: &Packed) {
        let Self { hidden, previous, saved, output, not_reset, state, gates, recurrent } = self;
        dispatch(Downdate {
            hidden,
            previous,
            saved,
            output,
            state: &mut *state,
            gates: &mut *gates,
            recurrent: &mut *recurrent,
        });
        multiply(recurrent, weights, None, state);
        reset_rows(state, not_reset);
    }
}

/// The element-wise part of a backward step.
struct Downdate<'a> {
    hidden: usize,
    /// The state before the step, `[row, hidden]`.
    previous: &'a [f32],
    /// `[row, 4 * hidden]`.
    saved: &'a [f32],
    /// The gradient of the state after the step as an output, `[row, hidden]`.
    output: &'a [f32],
    /// In: the gradient of the state after the step from later steps. Out: the gradient of the
    /// state before it, without the part that flows through the gates, `[row, hidden]`.
    state: &'a mut [f32],
    /// The gradient of the input's part of the gates, `[row, 3 * hidden]`.
    gates: &'a mut [f32],
    /// The gradient of the state's part of the gates, `[row, 3 * hidden]`.
    recurrent: &'a mut [f32],
}

impl WithSimd for Downdate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let hidden = self.hidden;
        let one = simd.splat_f32s(1.0);
        let rows = self.previous.len() / hidden.max(1);
        for row in 0..rows {
            let previous = &self.previous[row * hidden..][..hidden];
            let output = &self.output[row * hidden..][..hidden];
            let state = &mut self.state[row * hidden..][..hidden];
            let [r, z, n, g] = split(&self.saved[row * SAVED * hidden..], hidden);
            let gates = &mut self.gates[row * 3 * hidden..][..3 * hidden];
            let (d_ir, d_gates) = gates.split_at_mut(hidden);
            let (d_iz, d_in) = d_gates.split_at_mut(hidden);
            let recurrent = &mut self.recurrent[row * 3 * hidden..][..3 * hidden];
            let (d_gr, d_recurrent) = recurrent.split_at_mut(hidden);
            let (d_gz, d_gn) = d_recurrent.split_at_mut(hidden);
            for at in (0..hidden).step_by(S::F32_LANES) {
                let d = sum(simd, &state[at..], &output[at..]);
                let (r, z) = (load(simd, &r[at..]), load(simd, &z[at..]));
                let (n, g) = (load(simd, &n[at..]), load(simd, &g[at..]));
                let d_n = simd.mul_f32s(d, simd.sub_f32s(one, z));
                let d_n = simd.mul_f32s(d_n, simd.sub_f32s(one, simd.mul_f32s(n, n)));
                let d_r = simd.mul_f32s(simd.mul_f32s(d_n, g), slope(simd, r));
                let d_z = simd.mul_f32s(d, simd.sub_f32s(load(simd, &previous[at..]), n));
                let d_z = simd.mul_f32s(d_z, slope(simd, z));
                store(simd, &mut d_ir[at..], d_r);
                store(simd, &mut d_iz[at..], d_z);
                store(simd, &mut d_in[at..], d_n);
                store(simd, &mut d_gr[at..], d_r);
                store(simd, &mut d_gz[at..], d_z);
                store(simd, &mut d_gn[at..], simd.mul_f32s(d_n, r));
                store(simd, &mut state[at..], simd.mul_f32s(d, z));
            }
        }
    }
}

/// Returns the derivative of the sigmoid where its value is `y`.
#[inline(always)]
fn slope<S: Simd>(simd: S, y: S::f32s) -> S::f32s {
    simd.mul_f32s(y, simd.sub_f32s(simd.splat_f32s(1.0), y))
}
