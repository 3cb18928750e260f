//! Hypernetworks: networks that compute another layer's weights from the state.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_kernels::{Activation, LayerWeights};

use crate::nn::layers::Linear;

/// One linear layer, or two with ReLU between them.
#[derive(Module, Debug)]
pub(super) struct Hypernetwork {
    hidden: Option<Linear>,
    pub(super) output: Linear,
}

impl Hypernetwork {
    /// Creates a network of `layers` layers. If there are two, the first has width `hidden_dim`.
    /// `linear` creates a layer from its numbers of inputs and outputs.
    ///
    /// # Panics
    ///
    /// Panics if `layers` is neither 1 nor 2.
    pub(super) fn new(
        layers: usize,
        hidden_dim: usize,
        state_dim: usize,
        output_dim: usize,
        mut linear: impl FnMut(usize, usize) -> Linear,
    ) -> Self {
        let (hidden, width) = match layers {
            1 => (None, state_dim),
            2 => (Some(linear(state_dim, hidden_dim)), hidden_dim),
            layers => panic!("a hypernetwork has 1 or 2 layers, not {layers}"),
        };
        Self { hidden, output: linear(width, output_dim) }
    }

    /// Returns the two layers, or `None` if there is only one.
    pub(super) fn pair(&self) -> Option<[LayerWeights; 2]> {
        self.hidden.as_ref().map(|hidden| [hidden.values(), self.output.values()])
    }

    /// Maps states, `[row, state_dim]`, to weights, `[row, output_dim]`; `activation` restricts
    /// their sign.
    pub(super) fn forward(&self, state: Tensor<2>, activation: Activation) -> Tensor<2> {
        let features = match &self.hidden {
            Some(hidden) => hidden.forward(state, Activation::Relu),
            None => state,
        };
        self.output.forward(features, activation)
    }
}
