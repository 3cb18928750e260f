//! The forward pass of a multilayer perceptron, on slices, in blocks of rows: a block goes through all layers
//! while it is in cache.

use crate::Activation;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::Layer;
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::elementwise::activate;

/// The number of rows of a block.
pub(super) const ROWS: usize = 256;

/// Computes the output, `[row, output]`, of layers with an activation between them from `[row,
/// input]`, and the output of each activation for the backward pass.
pub(crate) fn forward(
    input: &[f32],
    layers: &[Layer<'_>],
    activation: Activation,
) -> (Vec<f32>, Vec<Buffer>) {
    let rows = input.len() / layers[0].inner();
    let packed: Vec<Packed> = layers.iter().map(|layer| layer.packed(rows)).collect();
    let last = layers.len() - 1;
    let mut hidden: Vec<Buffer> =
        layers[..last].iter().map(|layer| Buffer::take(rows * layer.columns())).collect();
    let mut output = vec![0.0; rows * layers[last].columns()];
    for first in (0..rows).step_by(ROWS) {
        let block = first..(first + ROWS).min(rows);
        let of = |width: usize| block.start * width..block.end * width;
        for (at, layer) in layers.iter().enumerate() {
            let (past, rest) = hidden.split_at_mut(at);
            let read = match past.last() {
                None => &input[of(layer.inner())],
                Some(hidden) => &hidden[of(layer.inner())],
            };
            let written = of(layer.columns());
            match rest.first_mut() {
                None => multiply(read, &packed[at], Some(layer.bias), &mut output[written]),
                Some(hidden) => {
                    multiply(read, &packed[at], Some(layer.bias), &mut hidden[written.clone()]);
                    activate(activation, &mut hidden[written]);
                }
            }
        }
    }
    (output, hidden)
}
