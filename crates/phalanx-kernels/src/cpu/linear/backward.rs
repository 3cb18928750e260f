//! The backward pass of a linear layer with its activation, on slices.

use std::ops::Range;

use super::forward::row_block;
use crate::Activation;
use crate::cpu::activation_grad::{activation_gradient, add_column_sums};
use crate::cpu::buffer_pool::Buffer;
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::threads::{even_ranges, parallel_for, row_ranges, split_rows};

/// The number of gradients that are divided over threads at a time, so that what one thread
/// computes is in cache when another reads it.
const SHARED_BLOCK: usize = 1 << 18;

/// The inputs of the backward pass of a layer.
pub(crate) struct Backward<'a> {
    /// `[row, input]`.
    pub(crate) input: &'a [f32],
    /// `[input, output]`.
    pub(crate) weight: &'a [f32],
    /// The values at which the activation's slope is computed, see [`activation_gradient`].
    pub(crate) at: &'a [f32],
    pub(crate) activation: Activation,
}

/// The gradients of a layer's inputs, in their shapes.
pub(crate) struct Gradients {
    /// `None` if it is not requested.
    pub(crate) input: Option<Vec<f32>>,
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Backward<'_> {
    /// Computes the gradients of a layer with `inner` inputs and `columns` outputs from that of its
    /// output, `[row, output]`.
    pub(crate) fn run(
        self,
        inner: usize,
        columns: usize,
        gradient: &[f32],
        input_wanted: bool,
    ) -> Gradients {
        let rows = gradient.len() / columns.max(1);
        let products = if input_wanted { 2 } else { 1 };
        let mut gradients = Gradients {
            input: input_wanted.then(|| Vec::with_capacity(self.input.len())),
            weight: vec![0.0; inner * columns],
            bias: vec![0.0; columns],
        };
        match row_ranges(rows, products * rows * inner * columns) {
            None => self.on_one_thread(columns, gradient, &mut gradients),
            Some(ranges) => self.on_threads(columns, gradient, ranges.len(), &mut gradients),
        }
        gradients
    }

    /// Computes the gradient before the activation, `[row, output]`, in `scratch` if necessary.
    fn before<'a>(&self, at: &[f32], gradient: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
        match self.activation {
            Activation::Identity => gradient,
            activation => {
                let before = &mut scratch[..gradient.len()];
                activation_gradient(activation, at, gradient, before);
                before
            }
        }
    }

    /// Computes all gradients for a block of rows while it is in cache.
    fn on_one_thread(&self, columns: usize, gradient: &[f32], out: &mut Gradients) {
        let inner = self.weight.len() / columns;
        let rows = gradient.len() / columns;
        let transposed = Packed::transposed(self.weight, columns, inner, rows);
        let mut sums = Scratch::default();
        let row_block = row_block(inner, columns);
        let mut scratch = vec![0.0; row_block.min(rows) * columns];
        let blocks = gradient.chunks(row_block * columns).zip(self.at.chunks(row_block * columns));
        for (block, (gradient, at)) in blocks.enumerate() {
            let rows = gradient.len() / columns;
            let before = self.before(at, gradient, &mut scratch);
            let range = block * row_block * inner..(block * row_block + rows) * inner;
            if let Some(input) = &mut out.input {
                input.resize(range.end, 0.0);
                multiply(before, &transposed, None, &mut input[range.clone()]);
            }
            let input = &self.input[range];
            add_transposed_left(input, before, rows, 0..inner, &mut sums, &mut out.weight);
            add_column_sums(before, &mut out.bias);
        }
    }

    /// Computes block by block, first everything that belongs to a row, in parallel over rows, then
    /// sums over rows, in parallel over their elements.
    fn on_threads(&self, columns: usize, gradient: &[f32], threads: usize, out: &mut Gradients) {
        let inner = self.weight.len() / columns;
        let rows = gradient.len() / columns;
        let transposed = Packed::transposed(self.weight, columns, inner, rows);
        let mut nothing = Vec::new();
        let input = out.input.as_mut().unwrap_or(&mut nothing);
        let wanted = input.capacity() > 0;
        input.resize(if wanted { self.input.len() } else { 0 }, 0.0);
        let identity = self.activation == Activation::Identity;
        let rows = (SHARED_BLOCK / columns).next_multiple_of(row_block(inner, columns));
        let mut scratch = Buffer::take(if identity { 0 } else { rows * columns });
        let parts = even_ranges(inner, threads);
        for first in (0..gradient.len() / columns).step_by(rows) {
            let values = first * columns..((first + rows) * columns).min(gradient.len());
            let (gradient, at) = (&gradient[values.clone()], &self.at[values]);
            let n = gradient.len() / columns;
            let read = &self.input[first * inner..(first + n) * inner];
            let ranges = even_ranges(n, threads);
            let block =
                if wanted { &mut input[first * inner..(first + n) * inner] } else { &mut [] };
            let inputs = split_rows(block, if wanted { inner } else { 0 }, &ranges);
            let scratches = split_rows(&mut scratch, if identity { 0 } else { columns }, &ranges);
            let tasks = ranges.into_iter().zip(scratches.into_iter().zip(inputs)).collect();
            parallel_for(
                tasks,
                |(rows, (scratch, input)): (Range<usize>, (&mut [f32], &mut [f32]))| {
                    let values = rows.start * columns..rows.end * columns;
                    let before = self.before(&at[values.clone()], &gradient[values], scratch);
                    if wanted {
                        multiply(before, &transposed, None, input);
                    }
                },
            );
            let before = if identity { gradient } else { &scratch[..n * columns] };
            // The first thread computes the column sums.
            let biases =
                std::iter::once(Some(&mut out.bias)).chain(std::iter::repeat_with(|| None));
            let weights = split_rows(&mut out.weight, columns, &parts).into_iter().zip(biases);
            type Task<'a> = (Range<usize>, (&'a mut [f32], Option<&'a mut Vec<f32>>));
            parallel_for(
                parts.iter().cloned().zip(weights).collect(),
                |(part, (weight, bias)): Task<'_>| {
                    add_transposed_left(read, before, n, part, &mut Scratch::default(), weight);
                    if let Some(bias) = bias {
                        add_column_sums(before, bias);
                    }
                },
            );
        }
    }
}
