//! Linear layers as parts of larger operations.

use burn::backend::DispatchTensor;
use burn::backend::flex::FlexTensor;

use super::activation_grad::add_column_sums;
use super::flex_tensor::{Gradients, Tensors, shaped_like, values};
use crate::LayerWeights;
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;

/// An affine layer.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    /// `[input, output]`.
    pub(crate) weight: &'a [f32],
    /// `[output]`.
    pub(crate) bias: &'a [f32],
}

impl<'a> Layer<'a> {
    /// Returns the layer whose weight and bias are the inputs `at` and `at + 1` of an operation.
    pub(crate) fn at(inputs: &'a [FlexTensor], at: usize) -> Self {
        Self { weight: values(&inputs[at]), bias: values(&inputs[at + 1]) }
    }

    pub(crate) fn inner(&self) -> usize {
        self.weight.len() / self.bias.len()
    }

    pub(crate) fn columns(&self) -> usize {
        self.bias.len()
    }

    /// Packs the weights for products with about `rows` rows.
    pub(crate) fn packed(&self, rows: usize) -> Packed {
        Packed::new(self.weight, self.inner(), self.columns(), rows)
    }

    /// Packs the transpose of the weights.
    pub(crate) fn transposed(&self, rows: usize) -> Packed {
        Packed::transposed(self.weight, self.columns(), self.inner(), rows)
    }
}

/// The gradients of a layer.
pub(crate) struct LayerGradients {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl LayerGradients {
    pub(crate) fn zeros(layer: &Layer<'_>) -> Self {
        Self { weight: vec![0.0; layer.weight.len()], bias: vec![0.0; layer.bias.len()] }
    }

    /// Adds the gradients over some rows, from the layer's input and the gradient of its output.
    pub(crate) fn add(&mut self, input: &[f32], gradient: &[f32], scratch: &mut Scratch) {
        let rows = gradient.len() / self.bias.len();
        let inner = self.weight.len() / self.bias.len();
        add_transposed_left(input, gradient, rows, 0..inner, scratch, &mut self.weight);
        add_column_sums(gradient, &mut self.bias);
    }
}

/// Computes `to = from W^T`; `weight` holds the transpose.
pub(crate) fn backwards(from: &[f32], weight: &Packed, to: &mut [f32]) {
    to.fill(0.0);
    multiply(from, weight, None, to);
}

/// Returns the `N` inputs of an operation on layers: `first`, then weight and bias of each layer.
pub(crate) fn layer_inputs<const N: usize>(
    first: impl IntoIterator<Item = DispatchTensor>,
    layers: impl IntoIterator<Item = LayerWeights>,
) -> [DispatchTensor; N] {
    let layers = layers.into_iter();
    let layers =
        layers.flat_map(|layer| [layer.weight.into_dispatch(), layer.bias.into_dispatch()]);
    let mut all = first.into_iter().chain(layers);
    std::array::from_fn(|_| all.next().expect("one tensor per input"))
}

/// Creates tensors from the gradients of such inputs.
pub(crate) fn layer_gradients<const N: usize>(
    inputs: &Tensors<N>,
    first: impl IntoIterator<Item = Option<Vec<f32>>>,
    layers: impl IntoIterator<Item = LayerGradients>,
) -> Gradients<N> {
    let layers = layers.into_iter();
    let layers = layers.flat_map(|layer| [Some(layer.weight), Some(layer.bias)]);
    let mut all = first.into_iter().chain(layers);
    shaped_like(inputs, std::array::from_fn(|_| all.next().flatten()))
}
