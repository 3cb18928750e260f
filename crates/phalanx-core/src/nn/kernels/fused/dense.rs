//! Forward and backward pass of a linear layer with its activation, on slices.

use super::super::super::linear::Activation;
use super::super::elementwise::activate;
use super::super::matmul::multiply;
use super::super::pack::Packed;
use super::gradients::{activation_gradient, add_column_sums};
use super::products::add_transposed_left;

/// Rows that are computed together, while they are in cache.
const ROW_BLOCK: usize = 256;

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
    let weight = Packed::new(weight, inner, columns);
    let size = input.len() / inner * columns;
    let mut output = Vec::with_capacity(size);
    let mut before = keep_before.then(|| Vec::with_capacity(size));
    for input in input.chunks(ROW_BLOCK * inner) {
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
        let mut weight = vec![0.0; inner * columns];
        let mut bias = vec![0.0; columns];
        let mut input = input_wanted.then(|| Vec::with_capacity(self.input.len()));
        let transposed = Packed::transposed(self.weight, columns, inner);
        let mut scratch = Packed::default();
        let mut before = vec![0.0; ROW_BLOCK * columns];
        let blocks = gradient.chunks(ROW_BLOCK * columns).zip(self.at.chunks(ROW_BLOCK * columns));
        for (block, (gradient, at)) in blocks.enumerate() {
            let rows = gradient.len() / columns;
            let before = match self.activation {
                Activation::Identity => gradient,
                activation => {
                    let before = &mut before[..gradient.len()];
                    activation_gradient(activation, at, gradient, before);
                    before
                }
            };
            let range = block * ROW_BLOCK * inner..(block * ROW_BLOCK + rows) * inner;
            if let Some(input) = &mut input {
                input.resize(range.end, 0.0);
                multiply(before, &transposed, None, &mut input[range.clone()]);
            }
            add_transposed_left(&self.input[range], before, rows, &mut scratch, &mut weight);
            add_column_sums(before, &mut bias);
        }
        Gradients { input, weight, bias }
    }
}
