//! The fully connected layer.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::kernels;
use crate::rng::Rng;

/// What follows the affine map of a [`Linear`] layer, element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `y = x`.
    Identity,
    /// `y = max(x, 0)`.
    Relu,
    /// `y = |x|`, which makes the weights a hypernetwork generates non-negative.
    Absolute,
}

/// An affine map `y = x W + b`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[input, output]`.
    pub weight: Param<Tensor<2>>,
    /// `[output]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    /// Weights and bias uniform in `±1 / sqrt(input)`, as PyTorch initialises them.
    pub fn new(input: usize, output: usize, rng: &mut Rng, device: &Device) -> Self {
        Self::scaled(input, output, 1.0, rng, device)
    }

    /// As [`Linear::new`], with every initial weight and bias multiplied by `scale`.
    pub fn scaled(input: usize, output: usize, scale: f32, rng: &mut Rng, device: &Device) -> Self {
        let bound = scale / (input as f32).sqrt();
        let weight = uniform([input, output], bound, rng, device);
        let bias = uniform([output], bound, rng, device);
        Self { weight, bias }
    }

    /// `activation(x W + b)`: `[row, input]` to `[row, output]`.
    pub fn forward(&self, input: Tensor<2>, activation: Activation) -> Tensor<2> {
        kernels::linear(input, self.weight.val(), self.bias.val(), activation)
    }

    /// The same for every time step: `[time, row, input]` to `[time, row, output]`.
    pub fn forward_sequence(&self, input: Tensor<3>, activation: Activation) -> Tensor<3> {
        let [time, row, width] = input.dims();
        let output = self.forward(input.reshape([time * row, width]), activation);
        let [_, width] = output.dims();
        output.reshape([time, row, width])
    }
}

/// A parameter drawn uniformly from `±bound`.
pub(super) fn uniform<const D: usize>(
    shape: [usize; D],
    bound: f32,
    rng: &mut Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.range(-bound, bound)).collect();
    Param::from_data(TensorData::new(values, shape), device)
}
