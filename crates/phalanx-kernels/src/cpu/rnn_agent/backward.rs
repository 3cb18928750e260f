//! The backward pass of a recurrent agent's network over a whole sequence, on slices.

use super::forward::{Agent, HeadScratch, PackedHeads, Saved};
use super::token_heads;
use crate::cpu::activation_grad::{activation_gradient, add_column_sums};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::gru::backward::StepBack;
use crate::cpu::gru::forward::SAVED;
use crate::cpu::layer::{Layer, LayerGradients, backwards};
use crate::cpu::sequence::{Size, keep_rows, steps_at_once};
use crate::gemm::backward_matmul::{Lines, Scratch, add_transposed_left, add_transposed_lines};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;

/// Gradients of a network's inputs.
pub(crate) struct Gradients {
    /// `None` if it is not requested.
    pub(crate) input: Option<Vec<f32>>,
    pub(crate) hidden: Vec<f32>,
    pub(crate) encoder: LayerGradients,
    pub(crate) input_gates: LayerGradients,
    pub(crate) hidden_gates: LayerGradients,
    pub(crate) head: LayerGradients,
    /// `None` without heads of actions.
    pub(crate) token_heads: Option<LayerGradients>,
}

impl Agent<'_> {
    /// Computes the gradients from that of the output, `[time, row, output]`.
    pub(crate) fn backward(&self, saved: &Saved, gradient: &[f32], wanted: bool) -> Gradients {
        let Size { time, rows, input: width, hidden } = self.size;
        let step = rows * hidden;
        let [encoder, _] = self.encoder_parts();
        let [encoder, head] = [encoder, self.head].map(|layer| layer.transposed(time * rows));
        let [input_gates, hidden_gates] = self.core.transposed(self.size);
        let (stride, writes) = (self.stride, self.writes());
        let layer = |weight, bias| LayerGradients::zeros(&Layer { weight, bias });
        let mut found = Gradients {
            input: wanted.then(|| vec![0.0; self.input.len()]),
            hidden: vec![0.0; step],
            encoder: LayerGradients::zeros(&self.encoder),
            input_gates: layer(self.core.weight_ih, self.core.bias_ih),
            hidden_gates: layer(self.core.weight_hh, self.core.bias_hh),
            head: LayerGradients::zeros(&self.head),
            token_heads: None,
        };
        let steps = steps_at_once(rows);
        let [mut gates, mut recurrent] = [0, 1].map(|_| Buffer::take(3 * steps * step));
        let [mut previous, mut d_states] = [0, 1].map(|_| Buffer::take(steps * step));
        let [mut later, mut before] = [0, 1].map(|_| Buffer::take(steps * rows * width));
        let mut token_heads = self.token_heads.map(|heads| HeadsBack::new(self, heads));
        let mut d_features = Buffer::take(steps * rows * self.features());
        let mut scratch = Scratch::default();
        for last in (1..=time).rev().step_by(steps) {
            let first = last.saturating_sub(steps);
            let n = (last - first) * rows;
            let of = |width: usize| first * rows * width..last * rows * width;
            let given = &gradient[of(writes)];
            let d_states = &mut d_states[..n * hidden];
            let states = &saved.states[of(hidden)];
            match &mut token_heads {
                None => {
                    found.head.add(states, given, &mut scratch);
                    backwards(given, &head, d_states);
                }
                Some(heads) => {
                    let d_input = found.input.as_mut().map(|input| &mut input[of(stride)]);
                    let input = &self.input[of(stride)];
                    heads.run(self, (input, states), given, d_input, &mut scratch);
                    let others = &heads.scratch.others[..n * head.inner()];
                    found.head.add(states, others, &mut scratch);
                    backwards(others, &head, d_states);
                    let d_projected = &heads.d_projected[..n * heads.transposed.inner()];
                    multiply(d_projected, &heads.transposed, None, d_states);
                }
            }
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
            self.add_encoder_gradients(of(1), before, &mut scratch, &mut found.encoder);
            if let Some(input) = &mut found.input {
                let d_features = &mut d_features[..n * self.features()];
                backwards(before, &encoder, d_features);
                let rows = input[of(stride)].chunks_exact_mut(stride);
                for (row, features) in rows.zip(d_features.chunks_exact(self.features())) {
                    row[..self.features()].copy_from_slice(features);
                }
            }
        }
        found.token_heads = token_heads.map(|heads| heads.heads.turned_back(&heads.found));
        found
    }

    /// Adds the gradients of the first layer over some rows from that of its output.
    fn add_encoder_gradients(
        &self,
        rows: std::ops::Range<usize>,
        before: &[f32],
        scratch: &mut Scratch,
        found: &mut LayerGradients,
    ) {
        let (features, further, n) = (self.features(), self.further_dim(), rows.len());
        let (first, rest) = found.weight.split_at_mut(features * found.bias.len());
        let matrix = &self.input[rows.start * self.stride..rows.end * self.stride];
        let lines = Lines { matrix, stride: self.stride, width: features, of: features };
        add_transposed_lines(lines, before, n, scratch, first);
        if further > 0 {
            let further_rows = &self.further[rows.start * further..rows.end * further];
            add_transposed_left(further_rows, before, n, 0..further, scratch, rest);
        }
        add_column_sums(before, &mut found.bias);
    }
}

/// The backward pass of the heads of actions.
struct HeadsBack<'a> {
    heads: token_heads::TokenHeads<'a>,
    packed: PackedHeads<'a>,
    transposed: Packed,
    /// The gradients of the turned layer.
    found: LayerGradients,
    scratch: HeadScratch,
    /// `[row, token + 1]`.
    d_projected: Buffer,
    /// The gradient of the rows of the input if it is not requested.
    unwanted: Buffer,
}

impl<'a> HeadsBack<'a> {
    fn new(agent: &Agent<'_>, heads: token_heads::TokenHeads<'a>) -> Self {
        let Size { time, rows, hidden, .. } = agent.size;
        let most = steps_at_once(rows) * rows;
        let turned = heads.turned();
        let columns = turned.bias.len();
        Self {
            heads,
            packed: PackedHeads::new(heads, time * rows),
            transposed: Packed::transposed(&turned.weight, columns, hidden, time * rows),
            found: LayerGradients {
                weight: vec![0.0; turned.weight.len()],
                bias: vec![0.0; columns],
            },
            scratch: HeadScratch::new(agent, most),
            d_projected: Buffer::take(most * columns),
            unwanted: Buffer::take(most * agent.stride),
        }
    }

    /// Splits the gradient of outputs, adds the gradients of the heads, and computes those of what they
    /// read: the tokens in `d_input`, and the projection of the states.
    fn run(
        &mut self,
        agent: &Agent<'_>,
        (input, states): (&[f32], &[f32]),
        gradient: &[f32],
        d_input: Option<&mut [f32]>,
        scratch: &mut Scratch,
    ) {
        let n = input.len() / agent.stride;
        let (number, columns) = (self.heads.number, self.found.bias.len());
        let others = &mut self.scratch.others[..n * agent.head.columns()];
        let scores = &mut self.scratch.scores[..n * number];
        self.heads.part(gradient, others, scores);
        let projected = &mut self.scratch.projected[..n * columns];
        multiply(states, &self.packed.packed, Some(&self.packed.bias), projected);
        let d_projected = &mut self.d_projected[..n * columns];
        let d_input = d_input.unwrap_or(&mut self.unwanted[..input.len()]);
        let tokens = agent.targets(input, self.heads.width());
        token_heads::backward(tokens, projected, scores, d_projected, d_input);
        self.found.add(states, d_projected, scratch);
    }
}
