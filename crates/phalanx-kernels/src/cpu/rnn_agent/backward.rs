//! The backward pass of a recurrent agent's network over a whole sequence, on slices.

use super::forward::{Agent, Saved};
use crate::cpu::activation_grad::{activation_gradient, add_column_sums};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::gru::backward::StepBack;
use crate::cpu::gru::forward::SAVED;
use crate::cpu::layer::{Layer, LayerGradients, backwards};
use crate::cpu::sequence::{Size, keep_rows, steps_at_once};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;

/// Gradients of a network's inputs.
pub(crate) struct Gradients {
    /// `None` if it is not requested.
    pub(crate) input: Option<Vec<f32>>,
    pub(crate) hidden: Vec<f32>,
    pub(crate) encoder: LayerGradients,
    pub(crate) input_gates: LayerGradients,
    pub(crate) hidden_gates: LayerGradients,
    pub(crate) head: LayerGradients,
}

impl Agent<'_> {
    /// Computes the gradients from that of the output, `[time, row, output]`.
    pub(crate) fn backward(&self, saved: &Saved, gradient: &[f32], wanted: bool) -> Gradients {
        let Size { time, rows, input: width, hidden } = self.size;
        let step = rows * hidden;
        let [encoder, head] = [self.encoder, self.head].map(|layer| layer.transposed(time * rows));
        let [input_gates, hidden_gates] = self.core.transposed(self.size);
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
        let [mut later, mut before] = [0, 1].map(|_| Buffer::take(steps * rows * width));
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
                    0 => self.core.carry,
                    t => &saved.states[(t - 1) * step..][..step],
                };
                let not_reset = &self.core.not_reset[t * rows..][..rows];
                let previous = &mut previous[at..][..step];
                keep_rows(state, not_reset, previous);
                let back = StepBack {
                    hidden,
                    previous,
                    saved: &saved.gates[t * SAVED * step..][..SAVED * step],
                    output: &d_states[at..][..step],
                    not_reset,
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
            let (later, before) = (&mut later[..n * width], &mut before[..n * width]);
            backwards(gates, &input_gates, later);
            activation_gradient(self.activation, encoded, later, before);
            found.encoder.add(&self.input[of(reads)], before, &mut scratch);
            if let Some(input) = &mut found.input {
                multiply(before, &encoder, None, &mut input[of(reads)]);
            }
        }
        found
    }
}
