//! Forward and backward pass of a gated recurrent unit over a whole sequence, on slices.
//!
//! One step is [`update`]'s; names are those of its formula.

use pulp::{Simd, WithSimd};

use super::super::gru_cell::{sum, update};
use super::super::matmul::multiply;
use super::super::pack::Packed;
use super::super::shares::shares;
use super::super::simd::{dispatch, load, store};
use super::buffer::Buffer;
use super::gradients::add_column_sums;
use super::gru_shared;
use super::products::{Scratch, add_transposed_left};

/// The sizes of a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Time steps.
    pub(super) time: usize,
    /// Rows of each step.
    pub(super) rows: usize,
    /// The width of the input.
    pub(super) input: usize,
    /// The width of the hidden state.
    pub(super) hidden: usize,
}

/// The inputs of a sequence.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    /// `[time, row, input]`.
    pub(super) input: &'a [f32],
    /// The state before the first step, `[row, hidden]`.
    pub(super) hidden: &'a [f32],
    /// What the state is multiplied with before each step, `[time, row]`.
    pub(super) keep: &'a [f32],
    /// `[input, 3 * hidden]`.
    pub(super) weight_ih: &'a [f32],
    /// `[3 * hidden]`.
    pub(super) bias_ih: &'a [f32],
    /// `[hidden, 3 * hidden]`.
    pub(super) weight_hh: &'a [f32],
    /// `[3 * hidden]`.
    pub(super) bias_hh: &'a [f32],
}

/// The gradients of the inputs, in their shapes; `keep` has none.
pub(super) struct Gradients {
    pub(super) input: Vec<f32>,
    pub(super) hidden: Vec<f32>,
    pub(super) weight_ih: Vec<f32>,
    pub(super) bias_ih: Vec<f32>,
    pub(super) weight_hh: Vec<f32>,
    pub(super) bias_hh: Vec<f32>,
}

impl Inputs<'_> {
    /// The weights laid out for the forward pass.
    pub(super) fn forwards(&self, size: Size) -> [Packed; 2] {
        let Size { rows, input, hidden, .. } = size;
        let weight_ih = Packed::new(self.weight_ih, input, 3 * hidden, rows);
        [weight_ih, Packed::new(self.weight_hh, hidden, 3 * hidden, rows)]
    }

    /// The weights laid out for the backward pass.
    pub(super) fn backwards(&self, size: Size) -> [Packed; 2] {
        let Size { rows, input, hidden, .. } = size;
        let weight_ih = Packed::transposed(self.weight_ih, 3 * hidden, input, rows);
        [weight_ih, Packed::transposed(self.weight_hh, 3 * hidden, hidden, rows)]
    }
}

/// See [`steps_at_once`].
const ROWS_AT_ONCE: usize = 128;
/// How many numbers of a row of a step [`forward`] saves for the backward pass, as multiples of
/// `hidden`: `r`, `z`, `n` and `g_n`.
pub(super) const SAVED: usize = 4;

/// The states after every step, `[time, row, hidden]`; `saved` takes what the backward pass needs,
/// `[time, row, SAVED * hidden]`.
pub(super) fn forward(size: Size, inputs: Inputs<'_>, mut saved: Option<&mut [f32]>) -> Vec<f32> {
    let Size { time, rows, input: width, hidden } = size;
    if let Some(shares) = shares(rows, time * rows * (width + hidden) * 3 * hidden) {
        return gru_shared::forward(size, inputs, saved, &shares);
    }
    let weights = inputs.forwards(size);
    let step = rows * hidden;
    let mut states = Vec::with_capacity(time * step);
    let [mut gates, mut recurrent] = [Buffer::take(3 * step), Buffer::take(3 * step)];
    for t in 0..time {
        // Grown step by step, so that the zeros are still in cache when they are overwritten.
        states.resize((t + 1) * step, 0.0);
        let (past, state) = states.split_at_mut(t * step);
        let previous = if t == 0 { inputs.hidden } else { &past[(t - 1) * step..] };
        keep_rows(previous, &inputs.keep[t * rows..][..rows], state);
        let input = &inputs.input[t * rows * width..][..rows * width];
        multiply(input, &weights[0], Some(inputs.bias_ih), &mut gates);
        multiply(state, &weights[1], Some(inputs.bias_hh), &mut recurrent);
        let saved = saved.as_deref_mut();
        let saved = saved.map(|saved| &mut saved[t * SAVED * step..][..SAVED * step]);
        update(hidden, &gates, &recurrent, state, saved);
    }
    states
}

/// `to = keep * from`, row by row.
pub(super) fn keep_rows(from: &[f32], keep: &[f32], to: &mut [f32]) {
    let hidden = from.len() / keep.len().max(1);
    for (r, &keep) in keep.iter().enumerate() {
        let range = r * hidden..(r + 1) * hidden;
        if keep == 1.0 {
            to[range.clone()].copy_from_slice(&from[range]);
        } else {
            for (to, from) in to[range.clone()].iter_mut().zip(&from[range]) {
                *to = keep * from;
            }
        }
    }
}

/// The gradients of the inputs, given those of the states, `[time, row, hidden]`, the states and
/// what [`forward`] saved. The weights' gradients are added up after some steps, while their data is in
/// cache.
pub(super) fn backward(
    size: Size,
    inputs: Inputs<'_>,
    states: &[f32],
    saved: &[f32],
    gradient: &[f32],
) -> Gradients {
    let Size { time, rows, input: width, hidden } = size;
    let step = rows * hidden;
    let mut gradients = Gradients {
        input: vec![0.0; time * rows * width],
        hidden: vec![0.0; step],
        weight_ih: vec![0.0; width * 3 * hidden],
        bias_ih: vec![0.0; 3 * hidden],
        weight_hh: vec![0.0; hidden * 3 * hidden],
        bias_hh: vec![0.0; 3 * hidden],
    };
    if let Some(shares) = shares(rows, 2 * time * rows * (width + hidden) * 3 * hidden) {
        gru_shared::backward(size, inputs, (states, saved, gradient), &shares, &mut gradients);
        return gradients;
    }
    let weights = inputs.backwards(size);
    let steps = steps_at_once(rows);
    let [mut gates, mut recurrent] = [0, 1].map(|_| Buffer::take(3 * steps * step));
    let mut previous = Buffer::take(steps * step);
    let mut scratch = Scratch::default();
    for last in (1..=time).rev().step_by(steps) {
        let first = last.saturating_sub(steps);
        for t in (first..last).rev() {
            let before = if t == 0 { inputs.hidden } else { &states[(t - 1) * step..][..step] };
            let keep = &inputs.keep[t * rows..][..rows];
            let previous = &mut previous[(t - first) * step..][..step];
            keep_rows(before, keep, previous);
            let back = StepBack {
                hidden,
                previous,
                saved: &saved[t * SAVED * step..][..SAVED * step],
                output: &gradient[t * step..][..step],
                keep,
                state: &mut gradients.hidden,
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

/// How many steps of so many rows the weights' gradients take at once: enough rows for a product to be
/// worth its beginning and its end, few enough to stay in cache.
pub(super) fn steps_at_once(rows: usize) -> usize {
    (ROWS_AT_ONCE / rows.max(1)).max(1)
}

/// One step backwards, for some rows.
pub(super) struct StepBack<'a> {
    pub(super) hidden: usize,
    /// The state before the step, already multiplied with `keep`, `[row, hidden]`.
    pub(super) previous: &'a [f32],
    /// `[row, SAVED * hidden]`.
    pub(super) saved: &'a [f32],
    /// The gradient of the state after the step as an output, `[row, hidden]`.
    pub(super) output: &'a [f32],
    /// `[row]`.
    pub(super) keep: &'a [f32],
    /// In: the gradient of the state after the step, from the later steps. Out: that of the state
    /// before it, `[row, hidden]`.
    pub(super) state: &'a mut [f32],
    /// Out: the gradient of the input's share of the gates, `[row, 3 * hidden]`.
    pub(super) gates: &'a mut [f32],
    /// Out: the gradient of the state's share of the gates, `[row, 3 * hidden]`.
    pub(super) recurrent: &'a mut [f32],
}

impl StepBack<'_> {
    /// `weights` are those of the states, laid out for the backward pass.
    pub(super) fn run(self, weights: &Packed) {
        let Self { hidden, previous, saved, output, keep, state, gates, recurrent } = self;
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
        for (state, &keep) in state.chunks_exact_mut(hidden).zip(keep) {
            if keep != 1.0 {
                state.iter_mut().for_each(|x| *x *= keep);
            }
        }
    }
}

/// The elementwise part of one step backwards.
struct Downdate<'a> {
    hidden: usize,
    /// The state before the step, `[row, hidden]`.
    previous: &'a [f32],
    /// `[row, 4 * hidden]`.
    saved: &'a [f32],
    /// The gradient of the state after the step as an output, `[row, hidden]`.
    output: &'a [f32],
    /// In: the gradient of the state after the step, from the later steps. Out: that of the state
    /// before it, without what flows through the gates, `[row, hidden]`.
    state: &'a mut [f32],
    /// The gradient of the input's share of the gates, `[row, 3 * hidden]`.
    gates: &'a mut [f32],
    /// The gradient of the state's share of the gates, `[row, 3 * hidden]`.
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
            let saved = &self.saved[row * 4 * hidden..][..4 * hidden];
            let (r, saved) = saved.split_at(hidden);
            let (z, saved) = saved.split_at(hidden);
            let (n, g) = saved.split_at(hidden);
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

/// The derivative of the sigmoid at the value `y`.
#[inline(always)]
fn slope<S: Simd>(simd: S, y: S::f32s) -> S::f32s {
    simd.mul_f32s(y, simd.sub_f32s(simd.splat_f32s(1.0), y))
}
