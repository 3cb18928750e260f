//! The forward pass of the convolutions along an observation for training, on slices, in blocks of rows.

use std::ops::Range;

use super::layers::{Lengths, PackedFilters, ROW_BLOCK, lay_out, layer_forward};
use super::winograd::Scratch;
use crate::Convolution;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::Layer;
use crate::threads::{parallel_for, row_ranges, split_rows};

/// Computes the output, `[row, place * filter]`, of `input`, `[row, frame * entry]`, and the data
/// for the backward pass: the rows in the layout of the first layer, and the output of every layer
/// but the last.
pub(crate) fn forward(
    size: Convolution,
    layers: [Layer<'_>; 3],
    input: &[f32],
) -> (Vec<f32>, Vec<Buffer>) {
    let lengths = Lengths::of(size);
    let rows = input.len() / size.input_dim();
    let filters = PackedFilters::new(size, layers.map(|layer| layer.weight), rows);
    let mut saved: Vec<Buffer> = (0..3).map(|at| Buffer::take(rows * lengths.row(at))).collect();
    let mut output = vec![0.0; rows * lengths.row(3)];
    let ranges = row_ranges(rows, rows * lengths.work());
    let ranges = ranges.unwrap_or_else(|| std::iter::once(0..rows).collect());
    let mut tasks: Vec<Task<'_>> =
        ranges.iter().map(|range| Task { range: range.clone(), later: Vec::new() }).collect();
    let later = saved.iter_mut().map(|saved| &mut saved[..]).chain([&mut output[..]]);
    for (at, later) in later.enumerate() {
        for (task, part) in tasks.iter_mut().zip(split_rows(later, lengths.row(at), &ranges)) {
            task.later.push(part);
        }
    }
    parallel_for(tasks, |task| task.run(size, input, layers, &filters));
    (output, saved)
}

/// The part of one thread.
struct Task<'a> {
    /// Its rows.
    range: Range<usize>,
    /// These rows in the layout of the first layer, and after each layer.
    later: Vec<&'a mut [f32]>,
}

impl Task<'_> {
    fn run(
        self,
        size: Convolution,
        input: &[f32],
        layers: [Layer<'_>; 3],
        filters: &PackedFilters,
    ) {
        let Self { range, mut later } = self;
        let (lengths, dim) = (Lengths::of(size), size.input_dim());
        let mut points = Scratch::default();
        for first in (0..range.len()).step_by(ROW_BLOCK) {
            let block = first..(first + ROW_BLOCK).min(range.len());
            let of = |width: usize| block.start * width..block.end * width;
            let read = &input[range.start * dim..][of(dim)];
            lay_out(size, read, dim, &mut later[0][of(lengths.row(0))]);
            for (at, layer) in layers.iter().enumerate() {
                let (from, to) = later.split_at_mut(at + 1);
                let from = &from[at][of(lengths.row(at))];
                let to = &mut to[0][of(lengths.row(at + 1))];
                layer_forward(lengths, at, (filters, layer.bias), from, to, &mut points);
            }
        }
    }
}
