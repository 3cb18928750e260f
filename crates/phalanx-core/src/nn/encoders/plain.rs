//! Encoders on plain slices, for acting.

use std::fmt::Debug;

use burn::tensor::{Device, Tensor, TensorData};
use phalanx_kernels::{self as kernels, Activation, activate};

use super::encoder_network::EncoderNetwork;
use crate::nn::agent::Layer;
use crate::nn::layers::Linear;

/// An [`Encoder`](super::Encoder) on plain slices, for acting on the CPU.
///
/// It computes what [`Encoder::forward`](super::Encoder::forward) computes, up to rounding. The bits of a
/// row must depend neither on the number of rows nor on the place of the row among them, so that a run
/// does not depend on how environments are divided over threads.
pub trait PlainEncoder: Debug + Send + Sync {
    /// Computes the features `[row, output_dim]` of the observations `obs`, `[row, view_dim]`, each row
    /// followed by the weights of heads, if there are any
    /// ([`Encoder::action_weights`](super::Encoder::action_weights)). `scratch` keeps its contents and its
    /// capacity from call to call, so that nothing needs to be allocated.
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>);

    /// Returns the number of multiplications and additions of one row, by which rows are divided over
    /// threads.
    fn multiply_adds(&self) -> usize;
}

/// A [`Linear`] layer with its activation on plain slices.
///
/// The bits of a row do not depend on the other rows.
#[derive(Clone, Debug)]
pub struct PlainLinear {
    layer: Layer,
    activation: Activation,
}

impl PlainLinear {
    /// Copies the weights of a layer.
    pub fn new(linear: &Linear, activation: Activation) -> Self {
        let numbers = |data: TensorData| data.try_into_vec::<f32>().expect("32-bit floats");
        let weight = numbers(linear.weight.val().into_data());
        let bias = numbers(linear.bias.val().into_data());
        Self { layer: Layer::new(&weight, bias, linear.weight.dims()), activation }
    }

    /// Returns the length of an input row.
    pub fn input_dim(&self) -> usize {
        self.layer.weight.inner()
    }

    /// Returns the length of an output row.
    pub fn output_dim(&self) -> usize {
        self.layer.weight.columns()
    }

    /// Computes `y = activation(x W + b)`: `[row, input_dim]` to `[row, output_dim]`.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) {
        self.layer.forward(x, y);
        activate(self.activation, y);
    }

    /// Returns the number of multiplications and additions of one row.
    pub fn multiply_adds(&self) -> usize {
        self.input_dim() * self.output_dim()
    }
}

/// An encoder without a plain version: its tensors, one row at a time. Every call has the same shape, so a
/// row has the same bits whatever the other rows are.
#[derive(Debug)]
pub(super) struct RowByRow {
    network: EncoderNetwork,
    device: Device,
}

/// What one row is worth in multiply-adds: mostly the fixed costs of some operations on tensors.
const ROW_COST: usize = 1 << 20;

impl RowByRow {
    /// Acts with a network that is on `device`.
    pub(super) fn new(network: EncoderNetwork, device: Device) -> Self {
        Self { network, device }
    }
}

impl RowByRow {
    /// Replaces tokens in the only row by the heads of their targets, `[1, output_dim + weights_dim]`.
    fn with_heads(&self, encoded: Tensor<2>) -> Tensor<2> {
        let Some(layer) = self.network.head_layer() else { return encoded };
        let ([_, columns], [token, _]) = (encoded.dims(), layer.weight.dims());
        let width = self.network.output_dim();
        let targets = (columns - width) / token;
        let tokens = encoded.clone().narrow(1, width, columns - width).reshape([targets, token]);
        let heads = kernels::linear(tokens, layer, Activation::Identity);
        let heads = heads.reshape([1, self.network.weights_dim()]);
        Tensor::cat(vec![encoded.narrow(1, 0, width), heads], 1)
    }
}

impl PlainEncoder for RowByRow {
    fn encode(&self, obs: &[f32], features: &mut [f32], _: &mut Vec<f32>) {
        let (reads, width) = (self.network.input_dim(), self.network.output_dim());
        let writes = width + self.network.weights_dim();
        for (obs, features) in obs.chunks_exact(reads).zip(features.chunks_exact_mut(writes)) {
            let obs = Tensor::from_data(TensorData::new(obs.to_vec(), [1, reads]), &self.device);
            let row = self.with_heads(self.network.forward(obs)).into_data().try_into_vec::<f32>();
            features.copy_from_slice(&row.expect("features are 32-bit floats"));
        }
    }

    fn multiply_adds(&self) -> usize {
        ROW_COST
    }
}
