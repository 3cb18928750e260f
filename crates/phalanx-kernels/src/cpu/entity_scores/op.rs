//! Registration with burn, and the division of rows over threads.

use std::ops::Range;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::backward::Backward;
use super::forward::score_entities;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::operation::{Operation, apply};
use crate::threads::{parallel_for, row_ranges, split_rows};

/// See [`entity_scores`](crate::entity_scores).
pub(crate) fn entity_scores(hidden: Tensor<2>, weights: Tensor<2>) -> Tensor<2> {
    apply(EntityScores, [hidden.into_dispatch(), weights.into_dispatch()], [])
}

#[derive(Debug)]
struct EntityScores;

impl Operation<Flex, 2, 0> for EntityScores {
    /// Hidden layer and weights.
    type Saved = Tensors<2>;

    fn forward(self, inputs: Tensors<2>, _: Tensors<0>, _: bool) -> (FlexTensor, Tensors<2>) {
        let inputs = inputs.map(contiguous);
        let [rows, width]: [usize; 2] = inputs[0].shape().dims();
        let [_, columns]: [usize; 2] = inputs[1].shape().dims();
        let actions = columns / (width + 1);
        let [hidden, weights] = inputs.each_ref().map(values);
        let mut out = vec![0.0; rows * actions];
        match row_ranges(rows, rows * actions * width) {
            None => score_entities(width, hidden, weights, &mut out),
            Some(ranges) => {
                let parts = split_rows(&mut out, actions, &ranges);
                let tasks = ranges.iter().cloned().zip(parts).collect();
                parallel_for(tasks, |(rows, out): (Range<usize>, &mut [f32])| {
                    let hidden = &hidden[rows.start * width..rows.end * width];
                    let weights = &weights[rows.start * columns..rows.end * columns];
                    score_entities(width, hidden, weights, out);
                });
            }
        }
        (tensor(out, [rows, actions]), inputs)
    }

    fn backward(inputs: Tensors<2>, gradient: FlexTensor, _: [bool; 2]) -> Gradients<2> {
        let gradient = contiguous(gradient);
        let [rows, width]: [usize; 2] = inputs[0].shape().dims();
        let [_, columns]: [usize; 2] = inputs[1].shape().dims();
        let actions = columns / (width + 1);
        let ([hidden, weights], gradient) = (inputs.each_ref().map(values), values(&gradient));
        let mut d_hidden = vec![0.0; hidden.len()];
        let mut d_weights = vec![0.0; weights.len()];
        let pass = |rows: Range<usize>, d_hidden, d_weights| Backward {
            hidden: &hidden[rows.start * width..rows.end * width],
            weights: &weights[rows.start * columns..rows.end * columns],
            gradient: &gradient[rows.start * actions..rows.end * actions],
            d_hidden,
            d_weights,
        };
        match row_ranges(rows, 2 * rows * actions * width) {
            None => pass(0..rows, &mut d_hidden, &mut d_weights).run(width, actions),
            Some(ranges) => {
                let parts = split_rows(&mut d_hidden, width, &ranges);
                let parts = parts.into_iter().zip(split_rows(&mut d_weights, columns, &ranges));
                type Task<'a> = (Range<usize>, (&'a mut [f32], &'a mut [f32]));
                let tasks = ranges.iter().cloned().zip(parts).collect();
                parallel_for(tasks, |(rows, (d_hidden, d_weights)): Task<'_>| {
                    pass(rows, d_hidden, d_weights).run(width, actions);
                });
            }
        }
        shaped_like(&inputs, [Some(d_hidden), Some(d_weights)])
    }
}
