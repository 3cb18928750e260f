//! Forward and backward pass of a multilayer perceptron, on slices, in blocks of rows: a block goes through
//! all layers while it is in cache.

use super::super::super::linear::Activation;
use super::super::elementwise::activate;
use super::super::matmul::multiply;
use super::super::pack::Packed;
use super::buffer::Buffer;
use super::gradients::{activation_gradient, add_column_sums};
use super::products::{Scratch, add_transposed_left};

/// Rows of a block.
const ROWS: usize = 256;

/// An affine map.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    /// `[input, output]`.
    pub(super) weight: &'a [f32],
    /// `[output]`.
    pub(super) bias: &'a [f32],
}

impl Layer<'_> {
    pub(super) fn inner(&self) -> usize {
        self.weight.len() / self.bias.len()
    }

    pub(super) fn columns(&self) -> usize {
        self.bias.len()
    }

    /// The weights laid out for about `rows` rows.
    pub(super) fn packed(&self, rows: usize) -> Packed {
        Packed::new(self.weight, self.inner(), self.columns(), rows)
    }

    /// Their transpose.
    pub(super) fn transposed(&self, rows: usize) -> Packed {
        Packed::transposed(self.weight, self.columns(), self.inner(), rows)
    }
}

/// The gradients of a layer.
pub(super) struct LayerGradients {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl LayerGradients {
    pub(super) fn zeros(layer: &Layer<'_>) -> Self {
        Self { weight: vec![0.0; layer.weight.len()], bias: vec![0.0; layer.bias.len()] }
    }

    /// Adds those of some rows, given the layer's input and the gradient of its output.
    pub(super) fn add(&mut self, input: &[f32], gradient: &[f32], scratch: &mut Scratch) {
        let rows = gradient.len() / self.bias.len();
        let inner = self.weight.len() / self.bias.len();
        add_transposed_left(input, gradient, rows, 0..inner, scratch, &mut self.weight);
        add_column_sums(gradient, &mut self.bias);
    }
}

/// `to = from W^T`, where `weight` holds the transpose.
pub(super) fn backwards(from: &[f32], weight: &Packed, to: &mut [f32]) {
    to.fill(0.0);
    multiply(from, weight, None, to);
}

/// The output of layers with an activation between them, `[row, output]`, and what followed each
/// activation, for the backward pass: `[row, input]` to `[row, output]`.
pub(super) fn forward(
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

/// The gradients of the input, where they are wanted, and of the layers, given that of the output.
pub(super) fn backward(
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
    let [mut before, mut behind] = [0, 1].map(|_| Buffer::take(ROWS * width));
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
            let behind = &mut behind[..block.len() * inner];
            backwards(given, &transposed[at], behind);
            activation_gradient(activation, read, behind, &mut before[..block.len() * inner]);
        }
    }
    (inputs, gradients)
}
