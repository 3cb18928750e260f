//! Fully connected layers.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use phalanx_kernels::{self as kernels, Activation, LayerWeights};
use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// Activation of the hidden layers of an agent's network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HiddenActivation {
    /// [`Activation::Relu`].
    #[default]
    Relu,
    /// [`Activation::Tanh`].
    Tanh,
}

impl From<HiddenActivation> for Activation {
    fn from(hidden: HiddenActivation) -> Self {
        match hidden {
            HiddenActivation::Relu => Self::Relu,
            HiddenActivation::Tanh => Self::Tanh,
        }
    }
}

/// An affine layer, `y = x W + b`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[input, output]`.
    pub weight: Param<Tensor<2>>,
    /// `[output]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    /// Creates a layer with weights and biases uniform in `±1 / sqrt(input)`, as in PyTorch.
    pub fn new(input: usize, output: usize, rng: &mut Rng, device: &Device) -> Self {
        Self::scaled(input, output, 1.0, rng, device)
    }

    /// Creates a layer like [`Linear::new`], with all initial parameters multiplied by `scale`.
    pub fn scaled(input: usize, output: usize, scale: f32, rng: &mut Rng, device: &Device) -> Self {
        let bound = scale / (input as f32).sqrt();
        let weight = uniform([input, output], bound, rng, device);
        let bias = uniform([output], bound, rng, device);
        Self { weight, bias }
    }

    /// Creates a layer with zero biases and an orthogonal weight: its rows or columns, whichever
    /// are fewer, are orthonormal, uniformly distributed, and multiplied by `gain` (PyTorch's
    /// `orthogonal_`).
    pub fn orthogonal(
        input: usize,
        output: usize,
        gain: f32,
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        let (few, long) = (input.min(output), input.max(output));
        let vectors = orthonormal(few, long, rng);
        let entry =
            |i: usize, j: usize| if input <= output { vectors[i][j] } else { vectors[j][i] };
        let weight: Vec<f32> =
            (0..input * output).map(|k| gain * entry(k / output, k % output) as f32).collect();
        Self {
            weight: Param::from_data(TensorData::new(weight, [input, output]), device),
            bias: Param::from_data(TensorData::zeros::<f32, _>([output]), device),
        }
    }

    /// Creates a layer with zero biases and weights from a normal distribution with variance `2 /
    /// input`, truncated at two standard deviations and multiplied by `gain` (TensorFlow's
    /// `variance_scaling_initializer` with scale 2).
    pub fn variance_scaling(
        input: usize,
        output: usize,
        gain: f32,
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        // The standard deviation of a standard normal distribution truncated at ±2.
        const DEVIATION_WHEN_CUT: f64 = 0.879_625_661_034_239_8;
        let scale = f64::from(gain) * (2.0 / input as f64).sqrt() / DEVIATION_WHEN_CUT;
        let mut draw = || loop {
            let number = normal(rng);
            if number.abs() <= 2.0 {
                return (scale * number) as f32;
            }
        };
        let weight: Vec<f32> = (0..input * output).map(|_| draw()).collect();
        Self {
            weight: Param::from_data(TensorData::new(weight, [input, output]), device),
            bias: Param::from_data(TensorData::zeros::<f32, _>([output]), device),
        }
    }

    /// Computes `activation(x W + b)`, `[row, input]` to `[row, output]`.
    pub fn forward(&self, input: Tensor<2>, activation: Activation) -> Tensor<2> {
        kernels::linear(input, self.values(), activation)
    }

    /// Returns the values of the parameters.
    pub(in crate::nn) fn values(&self) -> LayerWeights {
        LayerWeights { weight: self.weight.val(), bias: self.bias.val() }
    }

    /// Computes the same for every time step, `[time, row, input]` to `[time, row, output]`.
    pub fn forward_sequence(&self, input: Tensor<3>, activation: Activation) -> Tensor<3> {
        let [time, row, width] = input.dims();
        let output = self.forward(input.reshape([time * row, width]), activation);
        let [_, width] = output.dims();
        output.reshape([time, row, width])
    }
}

/// Draws a parameter uniformly from `±bound`.
pub(in crate::nn) fn uniform<const D: usize>(
    shape: [usize; D],
    bound: f32,
    rng: &mut Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.range(-bound, bound)).collect();
    Param::from_data(TensorData::new(values, shape), device)
}

/// Returns `count` orthonormal vectors of length `length`, by Gram-Schmidt orthogonalisation of
/// normally distributed ones.
fn orthonormal(count: usize, length: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| normal(rng)).collect();
        // The second round removes the rounding errors of the first.
        for _ in 0..2 {
            for other in &vectors {
                let along: f64 = vector.iter().zip(other).map(|(x, y)| x * y).sum();
                vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
        vectors.push(vector);
    }
    vectors
}

/// Draws a standard normal number with the Box-Muller transform.
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - f64::from(rng.uniform())).ln()).sqrt();
    radius * (std::f64::consts::TAU * f64::from(rng.uniform())).cos()
}
