//! The forward pass of a recurrent agent's network over a whole sequence, on slices. Some steps at
//! a time go through all layers while they are in cache.

use crate::Activation;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::gru::cell::update;
use crate::cpu::gru::forward::SAVED;
use crate::cpu::layer::Layer;
use crate::cpu::sequence::{Inputs, Size, keep_rows, steps_at_once};
use crate::gemm::matmul::multiply;
use crate::simd::elementwise::activate;

/// A network and its inputs.
#[derive(Clone, Copy)]
pub(crate) struct Agent<'a> {
    /// The sizes of the recurrent layer, whose input is the encoder's output.
    pub(crate) size: Size,
    /// `[time, row, input]`.
    pub(crate) input: &'a [f32],
    /// The inputs of the recurrent layer; their `input` is empty.
    pub(crate) core: Inputs<'a>,
    pub(crate) encoder: Layer<'a>,
    /// The activation of the encoder.
    pub(crate) activation: Activation,
    pub(crate) head: Layer<'a>,
}

/// Intermediate results for the backward pass.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The output of the encoder, `[time, row, encoded]`.
    pub(super) encoded: Buffer,
    /// `[time, row, hidden]`.
    pub(super) states: Buffer,
    /// `[time, row, SAVED * hidden]`.
    pub(super) gates: Buffer,
}

impl Agent<'_> {
    /// Computes the output of every step, `[time, row, output]`, and, if `save` is set, the data
    /// for the backward pass.
    pub(crate) fn forward(&self, save: bool) -> (Vec<f32>, Saved) {
        let Size { time, rows, input: width, hidden } = self.size;
        let step = rows * hidden;
        let (encoder, head) = (self.encoder.packed(time * rows), self.head.packed(time * rows));
        let [input_gates, hidden_gates] = self.core.packed(self.size);
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
                let previous = if t == 0 { self.core.carry } else { &past[(t - 1) * step..] };
                let state = &mut state[..step];
                keep_rows(previous, &self.core.not_reset[t * rows..][..rows], state);
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
}
