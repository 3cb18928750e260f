//! Forward and backward pass of an agent with memory over a whole sequence, on slices: an affine map with its
//! activation, a gated recurrent unit, an affine map. Some steps at a time go through all of it, while they
//! are in cache.

use super::super::super::linear::Activation;
use super::super::elementwise::activate;
use super::super::gru_cell::update;
use super::super::matmul::multiply;
use super::buffer::Buffer;
use super::gradients::{activation_gradient, add_column_sums};
use super::gru::{Inputs, SAVED, Size, StepBack, keep_rows, steps_at_once};
use super::perceptron::{Layer, LayerGradients, backwards};
use super::products::{Scratch, add_transposed_left};

/// A network and what it reads.
#[derive(Clone, Copy)]
pub(super) struct Agent<'a> {
    /// Of the recurrent unit, whose input is what the encoder writes.
    pub(super) size: Size,
    /// `[time, row, input]`.
    pub(super) input: &'a [f32],
    /// The recurrent unit, of which `input` is empty.
    pub(super) core: Inputs<'a>,
    pub(super) encoder: Layer<'a>,
    /// What follows the encoder.
    pub(super) activation: Activation,
    pub(super) head: Layer<'a>,
}

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct Saved {
    /// What followed the encoder, `[time, row, encoded]`.
    encoded: Buffer,
    /// `[time, row, hidden]`.
    states: Buffer,
    /// `[time, row, SAVED * hidden]`.
    gates: Buffer,
}

/// The gradients of a network's inputs.
pub(super) struct Gradients {
    /// Where it is wanted.
    pub(super) input: Option<Vec<f32>>,
    pub(super) hidden: Vec<f32>,
    pub(super) encoder: LayerGradients,
    pub(super) input_gates: LayerGradients,
    pub(super) hidden_gates: LayerGradients,
    pub(super) head: LayerGradients,
}

impl Agent<'_> {
    /// The output of every step, `[time, row, output]`, and what the backward pass needs, as far as `save`
    /// asks for it.
    pub(super) fn forward(&self, save: bool) -> (Vec<f32>, Saved) {
        let Size { time, rows, input: width, hidden } = self.size;
        let step = rows * hidden;
        let (encoder, head) = (self.encoder.packed(time * rows), self.head.packed(time * rows));
        let [input_gates, hidden_gates] = self.core.forwards(self.size);
        let (reads, writes) = (self.encoder.inner(), self.head.columns());
        let mut saved = Saved {
            encoded: Buffer::take(time * rows * width),
            states: Buffer::take(time * step),
            gates: Buffer::take(if save { SAVED * time * step } else { 0 }),
        };
        let steps = steps_at_once(rows);
        let [mut gates, mut recurrent] = [Buffer::take(3 * steps * step), Buffer::take(3 * step)];
        let mut output = vec![0.0; time * rows * writes];
        for first in (0..time).step_by(steps) {
            let last = (first + steps).min(time);
            let of = |width: usize| first * rows * width..last * rows * width;
            let encoded = &mut saved.encoded[of(width)];
            multiply(&self.input[of(reads)], &encoder, Some(self.encoder.bias), encoded);
            activate(self.activation, encoded);
            let gates = &mut gates[..3 * (last - first) * step];
            multiply(encoded, &input_gates, Some(self.core.bias_ih), gates);
            for t in first..last {
                let (past, state) = saved.states.split_at_mut(t * step);
                let previous = if t == 0 { self.core.hidden } else { &past[(t - 1) * step..] };
                let state = &mut state[..step];
                keep_rows(previous, &self.core.keep[t * rows..][..rows], state);
                multiply(state, &hidden_gates, Some(self.core.bias_hh), &mut recurrent);
                let kept = save.then(|| &mut saved.gates[t * SAVED * step..][..SAVED * step]);
                let gates = &gates[(t - first) * 3 * step..][..3 * step];
                update(hidden, gates, &recurrent, state, kept);
            }
            let states = &saved.states[of(hidden)];
            multiply(states, &head, Some(self.head.bias), &mut output[of(writes)]);
        }
        (output, saved)
    }

    /// The gradients, given that of the output, `[time, row, output]`.
    pub(super) fn backward(&self, saved: &Saved, gradient: &[f32], wanted: bool) -> Gradients {
        let Size { time, rows, input: width, hidden } = self.size;
        let step = rows * hidden;
        let [encoder, head] = [self.encoder, self.head].map(|layer| layer.transposed(time * rows));
        let [input_gates, hidden_gates] = self.core.backwards(self.size);
        let (reads, writes) = (self.encoder.inner(), self.head.columns());
        let layer = |weight, bias| LayerGradients::zeros(&Layer { weight, bias });
        let mut found = Gradients {
            input: wanted.then(|| vec![0.0; self.input.len()]),
            hidden: vec![0.0; step],
            encoder: LayerGradients::zeros(&self.encoder),
            input_gates: layer(self.core.weight_ih, self.core.bias_ih),
            hidden_gates: layer(self.core.weight_hh, self.core.bias_hh),
            head: LayerGradients::zeros(&self.head),
        };
        let steps = steps_at_once(rows);
        let [mut gates, mut recurrent] = [0, 1].map(|_| Buffer::take(3 * steps * step));
        let [mut previous, mut d_states] = [0, 1].map(|_| Buffer::take(steps * step));
        let [mut behind, mut before] = [0, 1].map(|_| Buffer::take(steps * rows * width));
        let mut scratch = Scratch::default();
        for last in (1..=time).rev().step_by(steps) {
            let first = last.saturating_sub(steps);
            let n = (last - first) * rows;
            let of = |width: usize| first * rows * width..last * rows * width;
            let given = &gradient[of(writes)];
            found.head.add(&saved.states[of(hidden)], given, &mut scratch);
            let d_states = &mut d_states[..n * hidden];
            backwards(given, &head, d_states);
            for t in (first..last).rev() {
                let at = (t - first) * step;
                let state = match t {
                    0 => self.core.hidden,
                    t => &saved.states[(t - 1) * step..][..step],
                };
                let keep = &self.core.keep[t * rows..][..rows];
                let previous = &mut previous[at..][..step];
                keep_rows(state, keep, previous);
                let back = StepBack {
                    hidden,
                    previous,
                    saved: &saved.gates[t * SAVED * step..][..SAVED * step],
                    output: &d_states[at..][..step],
                    keep,
                    state: &mut found.hidden,
                    gates: &mut gates[3 * at..][..3 * step],
                    recurrent: &mut recurrent[3 * at..][..3 * step],
                };
                back.run(&hidden_gates);
            }
            let (gates, recurrent) = (&gates[..3 * n * hidden], &recurrent[..3 * n * hidden]);
            let previous = &previous[..n * hidden];
            let weight = &mut found.hidden_gates.weight;
            add_transposed_left(previous, recurrent, n, 0..hidden, &mut scratch, weight);
            add_column_sums(recurrent, &mut found.hidden_gates.bias);
            let encoded = &saved.encoded[of(width)];
            found.input_gates.add(encoded, gates, &mut scratch);
            let (behind, before) = (&mut behind[..n * width], &mut before[..n * width]);
            backwards(gates, &input_gates, behind);
            activation_gradient(self.activation, encoded, behind, before);
            found.encoder.add(&self.input[of(reads)], before, &mut scratch);
            if let Some(input) = &mut found.input {
                multiply(before, &encoder, None, &mut input[of(reads)]);
            }
        }
        found
    }
}
