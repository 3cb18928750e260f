//! QMIX's mixer with its hypernetworks, forward and backward, on slices. Blocks of rows go from the
//! state to the joint action value while they are in cache. The four layers that read the state are
//! one product.

use std::ops::Range;

use super::mixing;
use crate::Activation;
use crate::cpu::activation_grad::{activation_gradient, add_column_sums, slope_needs_input};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::{Layer, LayerGradients, backwards};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::{multiply, multiply_strided};
use crate::gemm::pack::Packed;
use crate::simd::elementwise::activate;

/// The number of rows of a block.
const ROWS: usize = 128;

/// A mixer and its inputs.
#[derive(Clone, Copy)]
pub(crate) struct Mixer<'a> {
    /// `[row, agent]`.
    pub(crate) q: &'a [f32],
    /// `[row, state_dim]`.
    pub(crate) state: &'a [f32],
    /// The layers that read the state: the first layers of `weight_1`, `weight_2` and `value`, each
    /// followed by ReLU, and the bias of the mixing layer.
    pub(crate) first: [Layer<'a>; 4],
    /// The second layer, with `agents * embed` outputs.
    pub(crate) weight_1: Layer<'a>,
    /// The second layer, with `embed` outputs.
    pub(crate) weight_2: Layer<'a>,
    /// The second layer, with one output.
    pub(crate) value: Layer<'a>,
    /// The function that makes the weights non-negative.
    pub(crate) positive: Activation,
}

/// Intermediate results for the backward pass.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The outputs of the layers that read the state, next to each other in each row.
    read: Buffer,
    /// The weights, before the activation if its slope is computed from its input.
    weight_1: Buffer,
    weight_2: Buffer,
}

/// Gradients of the utilities and of the layers.
pub(crate) struct Gradients {
    pub(crate) q: Vec<f32>,
    pub(crate) first: [LayerGradients; 4],
    pub(crate) weight_1: LayerGradients,
    pub(crate) weight_2: LayerGradients,
    pub(crate) value: LayerGradients,
}

impl Mixer<'_> {
    fn agents(&self) -> usize {
        self.weight_1.columns() / self.weight_2.columns()
    }

    /// Returns the range of columns of each layer that reads the state.
    fn sections(&self) -> [Range<usize>; 4] {
        let mut end = 0;
        self.first.map(|layer| {
            let start = end;
            end += layer.columns();
            start..end
        })
    }

    /// Concatenates the layers that read the state into one, `[state_dim, columns]` and
    /// `[columns]`.
    fn joined(&self) -> (Vec<f32>, Vec<f32>) {
        let mut weight = Vec::new();
        for input in 0..self.first[0].inner() {
            for layer in &self.first {
                let columns = layer.columns();
                weight.extend_from_slice(&layer.weight[input * columns..][..columns]);
            }
        }
        (weight, self.first.iter().flat_map(|layer| layer.bias).copied().collect())
    }

    /// Returns the output of the activation from the values in [`Saved`].
    fn positive<'a>(&self, saved: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
        if !slope_needs_input(self.positive) {
            return saved;
        }
        let after = &mut scratch[..saved.len()];
        after.copy_from_slice(saved);
        activate(self.positive, after);
        after
    }

    /// Computes the joint action values, `[row]`.
    pub(crate) fn forward(&self) -> (Vec<f32>, Saved) {
        let (state_dim, agents) = (self.first[0].inner(), self.agents());
        let rows = self.q.len() / agents;
        let sections = self.sections();
        let [_, _, _, Range { end: width, .. }] = sections;
        let (weight, bias) = self.joined();
        let joined = Packed::new(&weight, state_dim, width, rows);
        let [weight_1, weight_2, value] =
            [self.weight_1, self.weight_2, self.value].map(|layer| layer.packed(rows));
        let (all, embed) = (self.weight_1.columns(), self.weight_2.columns());
        let mut saved = Saved {
            read: Buffer::take(rows * width),
            weight_1: Buffer::take(rows * all),
            weight_2: Buffer::take(rows * embed),
        };
        let [mut after_1, mut after_2, mut bias_1] =
            [ROWS * all, ROWS * embed, ROWS * embed].map(Buffer::take);
        let mut joint = Vec::with_capacity(rows);
        for first in (0..rows).step_by(ROWS) {
            let block = first..(first + ROWS).min(rows);
            let n = block.len();
            let of = |width: usize| block.start * width..block.end * width;
            let read = &mut saved.read[of(width)];
            multiply(&self.state[of(state_dim)], &joined, Some(&bias), read);
            for (row, bias) in read.chunks_exact_mut(width).zip(bias_1.chunks_exact_mut(embed)) {
                activate(Activation::Relu, &mut row[..sections[3].start]);
                bias.copy_from_slice(&row[sections[3].clone()]);
            }
            let section = |k: usize, packed: &Packed, bias: &[f32], c: &mut [f32]| {
                let a = &read[sections[k].start..];
                multiply_strided(a, width, packed, Some(bias), c);
            };
            let mut values = vec![0.0; n];
            section(0, &weight_1, self.weight_1.bias, &mut saved.weight_1[of(all)]);
            section(1, &weight_2, self.weight_2.bias, &mut saved.weight_2[of(embed)]);
            section(2, &value, self.value.bias, &mut values);
            if !slope_needs_input(self.positive) {
                activate(self.positive, &mut saved.weight_1[of(all)]);
                activate(self.positive, &mut saved.weight_2[of(embed)]);
            }
            let inputs = mixing::Inputs {
                agents,
                embed,
                q: &self.q[of(agents)],
                weight_1: self.positive(&saved.weight_1[of(all)], &mut after_1),
                bias_1: &bias_1[..n * embed],
                weight_2: self.positive(&saved.weight_2[of(embed)], &mut after_2),
            };
            joint.extend(mixing::forward(inputs, &values));
        }
        (joint, saved)
    }

    /// Computes the gradients from those of the joint action values, `[row]`.
    pub(crate) fn backward(&self, saved: &Saved, gradient: &[f32]) -> Gradients {
        let (state_dim, agents) = (self.first[0].inner(), self.agents());
        let rows = gradient.len();
        let sections = self.sections();
        let [_, _, _, Range { end: width, .. }] = sections;
        let (all, embed) = (self.weight_1.columns(), self.weight_2.columns());
        let later = [self.weight_1, self.weight_2, self.value];
        let transposed = later.map(|layer| layer.transposed(rows));
        let mut found = later.each_ref().map(LayerGradients::zeros);
        let mut joined =
            LayerGradients { weight: vec![0.0; state_dim * width], bias: vec![0.0; width] };
        let mut q = Vec::with_capacity(self.q.len());
        let [mut after_1, mut d_weight_1] = [0, 1].map(|_| Buffer::take(ROWS * all));
        let [mut after_2, mut d_weight_2, mut bias_1] =
            [0, 1, 2].map(|_| Buffer::take(ROWS * embed));
        let [mut d_read, mut d_section] = [0, 1].map(|_| Buffer::take(ROWS * width));
        let mut scratch = Scratch::default();
        for first in (0..rows).step_by(ROWS) {
            let block = first..(first + ROWS).min(rows);
            let n = block.len();
            let of = |width: usize| block.start * width..block.end * width;
            let read = &saved.read[of(width)];
            for (row, bias) in read.chunks_exact(width).zip(bias_1.chunks_exact_mut(embed)) {
                bias.copy_from_slice(&row[sections[3].clone()]);
            }
            let (before_1, before_2) = (&saved.weight_1[of(all)], &saved.weight_2[of(embed)]);
            let inputs = mixing::Inputs {
                agents,
                embed,
                q: &self.q[of(agents)],
                weight_1: self.positive(before_1, &mut after_1),
                bias_1: &bias_1[..n * embed],
                weight_2: self.positive(before_2, &mut after_2),
            };
            let given = &gradient[block.clone()];
            let mixed = mixing::backward(inputs, given);
            q.extend_from_slice(&mixed.q);
            let d_weight_1 = &mut d_weight_1[..n * all];
            activation_gradient(self.positive, before_1, &mixed.weight_1, d_weight_1);
            let d_weight_2 = &mut d_weight_2[..n * embed];
            activation_gradient(self.positive, before_2, &mixed.weight_2, d_weight_2);
            let d_read = &mut d_read[..n * width];
            for (k, given) in [&*d_weight_1, &*d_weight_2, given].into_iter().enumerate() {
                let part = sections[k].clone();
                let LayerGradients { weight, bias } = &mut found[k];
                add_transposed_left(read, given, n, part.clone(), &mut scratch, weight);
                add_column_sums(given, bias);
                let d_section = &mut d_section[..n * part.len()];
                backwards(given, &transposed[k], d_section);
                let rows = d_read.chunks_exact_mut(width).zip(read.chunks_exact(width));
                for ((d_row, row), d) in rows.zip(d_section.chunks_exact(part.len())) {
                    let (d_row, row) = (&mut d_row[part.clone()], &row[part.clone()]);
                    activation_gradient(Activation::Relu, row, d, d_row);
                }
            }
            let rows = d_read.chunks_exact_mut(width).zip(mixed.bias_1.chunks_exact(embed));
            for (d_row, d_bias) in rows {
                d_row[sections[3].clone()].copy_from_slice(d_bias);
            }
            joined.add(&self.state[of(state_dim)], d_read, &mut scratch);
        }
        let first = sections.map(|part| LayerGradients {
            weight: joined
                .weight
                .chunks_exact(width)
                .flat_map(|row| &row[part.clone()])
                .copied()
                .collect(),
            bias: joined.bias[part].to_vec(),
        });
        let [weight_1, weight_2, value] = found;
        Gradients { q, first, weight_1, weight_2, value }
    }
}
