//! The backward pass of a multilayer perceptron, on slices, in blocks of rows.

use super::forward::ROWS;
use crate::Activation;
use crate::cpu::activation_grad::activation_gradient;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::{Layer, LayerGradients, backwards};
use crate::gemm::backward_matmul::Scratch;
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;

/// Computes the gradients of the input, if requested, and of the layers from that of the output.
pub(crate) fn backward(
    input: &[f32],
    layers: &[Layer<'_>],
    activation: Activation,
    hidden: &[Buffer],
    gradient: &[f32],
    wanted: bool,
) -> (Option<Vec<f32>>, Vec<LayerGradients>) {
    let rows = input.len() / layers[0].inner();
    let transposed: Vec<Packed> = layers.iter().map(|layer| layer.transposed(rows)).collect();
    let mut gradients: Vec<LayerGradients> = layers.iter().map(LayerGradients::zeros).collect();
    let mut inputs = wanted.then(|| vec![0.0; input.len()]);
    let width = layers.iter().map(Layer::columns).max().unwrap_or(0);
    let [mut before, mut later] = [0, 1].map(|_| Buffer::take(ROWS * width));
    let mut scratch = Scratch::default();
    for first in (0..rows).step_by(ROWS) {
        let block = first..(first + ROWS).min(rows);
        let of = |width: usize| block.start * width..block.end * width;
        for (at, layer) in layers.iter().enumerate().rev() {
            let (inner, columns) = (layer.inner(), layer.columns());
            let given = match at + 1 == layers.len() {
                true => &gradient[of(columns)],
                false => &before[..block.len() * columns],
            };
            if at == 0 {
                gradients[0].add(&input[of(inner)], given, &mut scratch);
                if let Some(inputs) = &mut inputs {
                    multiply(given, &transposed[0], None, &mut inputs[of(inner)]);
                }
                continue;
            }
            let read = &hidden[at - 1][of(inner)];
            gradients[at].add(read, given, &mut scratch);
            let later = &mut later[..block.len() * inner];
            backwards(given, &transposed[at], later);
            activation_gradient(activation, read, later, &mut before[..block.len() * inner]);
        }
    }
    (inputs, gradients)
}
