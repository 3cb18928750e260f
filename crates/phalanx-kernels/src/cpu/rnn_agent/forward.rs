//! The forward pass of a recurrent agent's network over a whole sequence, on slices. Some steps at
//! a time go through all layers while they are in cache.

use super::token_heads::{TargetRows, TokenHeads, scores};
use crate::Activation;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::gru::cell::update;
use crate::cpu::gru::forward::SAVED;
use crate::cpu::layer::Layer;
use crate::cpu::sequence::{Inputs, Size, keep_rows, steps_at_once};
use crate::gemm::matmul::{multiply, multiply_strided};
use crate::gemm::pack::Packed;
use crate::simd::elementwise::activate;

/// A network and its inputs.
#[derive(Clone, Copy)]
pub(crate) struct Agent<'a> {
    /// The sizes of the recurrent layer, whose input is the encoder's output.
    pub(crate) size: Size,
    /// The first part of the input, then the tokens of the targets of actions, `[time, row, stride]`.
    pub(crate) input: &'a [f32],
    /// The length of a row of `input`.
    pub(crate) stride: usize,
    /// The rest of the input, `[time, row, further]`.
    pub(crate) further: &'a [f32],
    /// The inputs of the recurrent layer; their `input` is empty.
    pub(crate) core: Inputs<'a>,
    pub(crate) encoder: Layer<'a>,
    /// The activation of the encoder.
    pub(crate) activation: Activation,
    pub(crate) head: Layer<'a>,
    pub(crate) token_heads: Option<TokenHeads<'a>>,
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

impl<'a> Agent<'a> {
    /// Returns the length of the first part of an input row.
    pub(super) fn features(&self) -> usize {
        let tokens = self.token_heads.map_or(0, |heads| heads.number * heads.width());
        self.stride - tokens
    }

    /// Returns the length of the rest of an input row.
    pub(super) fn further_dim(&self) -> usize {
        self.encoder.inner() - self.features()
    }

    /// Returns the parts of the first layer for both parts of the input.
    pub(super) fn encoder_parts(&self) -> [Layer<'a>; 2] {
        let Layer { weight, bias } = self.encoder;
        let (first, further) = weight.split_at(self.features() * bias.len());
        [Layer { weight: first, bias }, Layer { weight: further, bias }]
    }

    /// Returns the number of outputs.
    pub(crate) fn writes(&self) -> usize {
        self.head.columns() + self.token_heads.map_or(0, |heads| heads.number)
    }

    /// Returns the tokens of the targets of some rows.
    pub(super) fn targets<'b>(&self, rows: &'b [f32], width: usize) -> TargetRows<'b> {
        TargetRows { rows, stride: self.stride, from: self.features(), width }
    }

    /// Computes the output of every step, `[time, row, output]`, and, if `save` is set, the data
    /// for the backward pass.
    pub(crate) fn forward(&self, save: bool) -> (Vec<f32>, Saved) {
        let Size { time, rows, input: width, hidden } = self.size;
        let step = rows * hidden;
        let parts = self.encoder_parts();
        let [encoder, further_encoder] = parts.map(|layer| layer.packed(time * rows));
        let head = self.head.packed(time * rows);
        let token_heads = self.token_heads.map(|heads| PackedHeads::new(heads, time * rows));
        let [input_gates, hidden_gates] = self.core.packed(self.size);
        let (stride, further, writes) = (self.stride, self.further_dim(), self.writes());
        let mut saved = Saved {
            encoded: Buffer::take(time * rows * width),
            states: Buffer::take(time * step),
            gates: Buffer::take(if save { SAVED * time * step } else { 0 }),
        };
        let steps = steps_at_once(rows);
        let [mut gates, mut recurrent] = [Buffer::take(3 * steps * step), Buffer::take(3 * step)];
        let mut scratch = HeadScratch::new(self, steps * rows);
        let mut output = vec![0.0; time * rows * writes];
        for first in (0..time).step_by(steps) {
            let last = (first + steps).min(time);
            let of = |width: usize| first * rows * width..last * rows * width;
            let encoded = &mut saved.encoded[of(width)];
            let input = &self.input[of(stride)];
            multiply_strided(input, stride, &encoder, Some(self.encoder.bias), encoded);
            if further > 0 {
                multiply(&self.further[of(further)], &further_encoder, None, encoded);
            }
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
            let output = &mut output[of(writes)];
            match &token_heads {
                None => multiply(states, &head, Some(self.head.bias), output),
                Some(heads) => {
                    let n = (last - first) * rows;
                    let others = &mut scratch.others[..n * head.columns()];
                    multiply(states, &head, Some(self.head.bias), others);
                    let projected = &mut scratch.projected[..n * heads.packed.columns()];
                    multiply(states, &heads.packed, Some(&heads.bias), projected);
                    let of_actions = &mut scratch.scores[..n * heads.heads.number];
                    scores(self.targets(input, heads.heads.width()), projected, of_actions);
                    heads.heads.join(others, of_actions, output);
                }
            }
        }
        (output, saved)
    }
}

/// Packed weights of heads.
pub(super) struct PackedHeads<'a> {
    pub(super) heads: TokenHeads<'a>,
    pub(super) packed: Packed,
    pub(super) bias: Vec<f32>,
}

impl<'a> PackedHeads<'a> {
    pub(super) fn new(heads: TokenHeads<'a>, rows: usize) -> Self {
        let turned = heads.turned();
        let inner = turned.weight.len() / turned.bias.len();
        let packed = Packed::new(&turned.weight, inner, turned.bias.len(), rows);
        Self { heads, packed, bias: turned.bias }
    }
}

/// Intermediate results of the outputs of some rows; empty without heads of actions.
pub(super) struct HeadScratch {
    /// The outputs of the other actions, `[row, other]`.
    pub(super) others: Buffer,
    /// `[row, token + 1]`.
    pub(super) projected: Buffer,
    /// `[row, action]`.
    pub(super) scores: Buffer,
}

impl HeadScratch {
    pub(super) fn new(agent: &Agent<'_>, rows: usize) -> Self {
        let Some(heads) = agent.token_heads else {
            let [others, projected, scores] = [0; 3].map(Buffer::take);
            return Self { others, projected, scores };
        };
        Self {
            others: Buffer::take(rows * agent.head.columns()),
            projected: Buffer::take(rows * (heads.width() + 1)),
            scores: Buffer::take(rows * heads.number),
        }
    }
}

impl TokenHeads<'_> {
    /// Writes outputs from those of the other actions and those of the actions with heads.
    fn join(&self, others: &[f32], scores: &[f32], output: &mut [f32]) {
        let (number, first) = (self.number, self.first_action);
        let writes = others.len() / (scores.len() / number) + number;
        let parts = others.chunks_exact(writes - number).zip(scores.chunks_exact(number));
        for (output, (others, scores)) in output.chunks_exact_mut(writes).zip(parts) {
            let (before, after) = others.split_at(first);
            output[..first].copy_from_slice(before);
            output[first..first + number].copy_from_slice(scores);
            output[first + number..].copy_from_slice(after);
        }
    }

    /// Splits the gradient of outputs into those of the other actions and of the actions with heads.
    pub(super) fn part(&self, output: &[f32], others: &mut [f32], scores: &mut [f32]) {
        let (number, first) = (self.number, self.first_action);
        let writes = others.len() / (scores.len() / number) + number;
        let parts = others.chunks_exact_mut(writes - number).zip(scores.chunks_exact_mut(number));
        for (output, (others, scores)) in output.chunks_exact(writes).zip(parts) {
            let (before, after) = others.split_at_mut(first);
            before.copy_from_slice(&output[..first]);
            scores.copy_from_slice(&output[first..first + number]);
            after.copy_from_slice(&output[first + number..]);
        }
    }
}
