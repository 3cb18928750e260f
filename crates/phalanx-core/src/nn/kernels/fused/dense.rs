//! Forward and backward pass of a linear layer with its activation, on slices.

use std::ops::Range;

use super::super::super::linear::Activation;
use super::super::elementwise::activate;
use super::super::matmul::multiply;
use super::super::pack::Packed;
use super::super::shares::{divided, each, shares, split};
use super::buffer::Buffer;
use super::gradients::{activation_gradient, add_column_sums};
use super::products::{LINES_AT_ONCE, Scratch, add_transposed_left};

/// Rows that are computed together: while they are in cache, or, where the weights are too many for that, so
/// many that reading the weights counts for little.
fn row_block(inner: usize, columns: usize) -> usize {
    LINES_AT_ONCE * if inner * columns <= 1 << 18 { 1 } else { 4 }
}

/// Gradients that are shared out over threads at a time, so that what one computed is in cache when
/// another reads it.
const SHARED_BLOCK: usize = 1 << 18;

/// A layer's output, `[row, output]`, and what was before its activation, where `keep_before`
/// asks for it: `[row, input]`, `[input, output]` and `[output]` to `[row, output]`.
pub(super) fn forward(
    input: &[f32],
    weight: &[f32],
    bias: &[f32],
    activation: Activation,
    keep_before: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let columns = bias.len();
    let inner = weight.len() / columns;
    let rows = input.len() / inner;
    let row_block = row_block(inner, columns);
    let weight = Packed::new(weight, inner, columns, rows);
    let mut output = Vec::with_capacity(rows * columns);
    let mut before = keep_before.then(|| Vec::with_capacity(rows * columns));
    let Some(shares) = shares(rows, rows * inner * columns) else {
        for input in input.chunks(row_block * inner) {
            // Grown block by block, so that the zeros are still in cache when they are overwritten.
            let first = output.len();
            output.resize(first + input.len() / inner * columns, 0.0);
            let block = &mut output[first..];
            multiply(input, &weight, Some(bias), block);
            if let Some(before) = &mut before {
                before.extend_from_slice(block);
            }
            activate(activation, block);
        }
        return (output, before);
    };
    output.resize(rows * columns, 0.0);
    let tasks = shares.iter().cloned().zip(split(&mut output, columns, &shares)).collect();
    each(tasks, |(range, output): (Range<usize>, &mut [f32])| {
        let input = input[range.start * inner..range.end * inner].chunks(row_block * inner);
        for (input, block) in input.zip(output.chunks_mut(row_block * columns)) {
            multiply(input, &weight, Some(bias), block);
            if !keep_before {
                activate(activation, block);
            }
        }
    });
    if let Some(before) = &mut before {
        before.extend_from_slice(&output);
        activate(activation, &mut output);
    }
    (output, before)
}

/// What the backward pass of a layer needs.
pub(super) struct Backward<'a> {
    /// `[row, input]`.
    pub(super) input: &'a [f32],
    /// `[input, output]`.
    pub(super) weight: &'a [f32],
    /// Where the slope of the activation is taken, see [`activation_gradient`].
    pub(super) at: &'a [f32],
    pub(super) activation: Activation,
}

/// The gradients of a layer's inputs, in their shapes.
pub(super) struct Gradients {
    /// Absent where it was not asked for.
    pub(super) input: Option<Vec<f32>>,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Backward<'_> {
    /// The gradients of a layer with `inner` inputs and `columns` outputs, given that of its
    /// output, `[row, output]`.
    pub(super) fn run(
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
        match shares(rows, products * rows * inner * columns) {
            None => self.alone(columns, gradient, &mut gradients),
            Some(shares) => self.shared(columns, gradient, shares.len(), &mut gradients),
        }
        gradients
    }

    /// The gradient before the activation, `[row, output]`, in `scratch` if need be.
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

    /// Everything for a block of rows, as long as it is in cache.
    fn alone(&self, columns: usize, gradient: &[f32], out: &mut Gradients) {
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

    /// Block by block: first what belongs to a row, row by row; then what is a sum over rows, element
    /// by element.
    fn shared(&self, columns: usize, gradient: &[f32], threads: usize, out: &mut Gradients) {
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
        let parts = divided(inner, threads);
        for first in (0..gradient.len() / columns).step_by(rows) {
            let values = first * columns..((first + rows) * columns).min(gradient.len());
            let (gradient, at) = (&gradient[values.clone()], &self.at[values]);
            let n = gradient.len() / columns;
            let read = &self.input[first * inner..(first + n) * inner];
            let shares = divided(n, threads);
            let block =
                if wanted { &mut input[first * inner..(first + n) * inner] } else { &mut [] };
            let inputs = split(block, if wanted { inner } else { 0 }, &shares);
            let scratches = split(&mut scratch, if identity { 0 } else { columns }, &shares);
            let tasks = shares.into_iter().zip(scratches.into_iter().zip(inputs)).collect();
            each(tasks, |(rows, (scratch, input)): (Range<usize>, (&mut [f32], &mut [f32]))| {
                let values = rows.start * columns..rows.end * columns;
                let before = self.before(&at[values.clone()], &gradient[values], scratch);
                if wanted {
                    multiply(before, &transposed, None, input);
                }
            });
            let before = if identity { gradient } else { &scratch[..n * columns] };
            // The sums of columns go to the first thread.
            let biases =
                std::iter::once(Some(&mut out.bias)).chain(std::iter::repeat_with(|| None));
            let weights = split(&mut out.weight, columns, &parts).into_iter().zip(biases);
            type Task<'a> = (Range<usize>, (&'a mut [f32], Option<&'a mut Vec<f32>>));
            each(
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
