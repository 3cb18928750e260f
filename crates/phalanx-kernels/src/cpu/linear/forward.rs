//! The forward pass of a linear layer with its activation, on slices.

use std::ops::Range;

use crate::Activation;
use crate::gemm::backward_matmul::LINES_AT_ONCE;
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::elementwise::activate;
use crate::threads::{parallel_for, row_ranges, split_rows};

/// Returns the number of rows that are computed together: few enough to stay in cache, but with
/// large weights enough to amortise reading them.
pub(super) fn row_block(inner: usize, columns: usize) -> usize {
    LINES_AT_ONCE * if inner * columns <= 1 << 18 { 1 } else { 4 }
}

/// Computes a layer's output, `[row, output]`, and, if `keep_before` is set, the input of its
/// activation, from an input `[row, input]`, a weight `[input, output]` and a bias `[output]`.
pub(crate) fn forward(
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
    let Some(ranges) = row_ranges(rows, rows * inner * columns) else {
        for input in input.chunks(row_block * inner) {
            // Grows block by block, so that the zeros are still in cache when they are overwritten.
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
    let tasks = ranges.iter().cloned().zip(split_rows(&mut output, columns, &ranges)).collect();
    parallel_for(tasks, |(range, output): (Range<usize>, &mut [f32])| {
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
