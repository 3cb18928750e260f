//! Multilayer perceptrons.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::Activation;

use super::linear::Linear;
use crate::rng::Rng;

/// A multilayer perceptron with ReLU, `x -> W_k relu(… relu(W_1 x + b_1) …) + b_k`.
#[derive(Module, Debug)]
pub struct Mlp {
    hidden: Vec<Linear>,
    output: Linear,
}

impl Mlp {
    /// Creates a network with hidden layers of the widths `hidden`, initialised as in PyTorch
    /// ([`Linear::new`]).
    pub fn new(
        input: usize,
        hidden: &[usize],
        output: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        let mut width = input;
        let hidden = hidden
            .iter()
            .map(|&next| Linear::new(std::mem::replace(&mut width, next), next, rng, device))
            .collect();
        Self { hidden, output: Linear::new(width, output, rng, device) }
    }

    /// Maps `[row, input]` to `[row, output]`, with `activation` after the last layer.
    pub fn forward(&self, input: Tensor<2>, activation: Activation) -> Tensor<2> {
        let features =
            self.hidden.iter().fold(input, |x, layer| layer.forward(x, Activation::Relu));
        self.output.forward(features, activation)
    }
}
