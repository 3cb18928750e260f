//! The gated recurrent unit.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{self as kernels, GruWeights};

use super::linear::{Linear, uniform};
use crate::rng::Rng;

/// A gated recurrent unit (Cho et al., 2014, arXiv 1406.1078) in PyTorch's variant, its gates in
/// PyTorch's order: reset, update, new.
#[derive(Module, Debug)]
pub struct Gru {
    /// `[input, 3 * hidden]`.
    pub weight_ih: Param<Tensor<2>>,
    /// `[3 * hidden]`.
    pub bias_ih: Param<Tensor<1>>,
    /// `[hidden, 3 * hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[3 * hidden]`.
    pub bias_hh: Param<Tensor<1>>,
}

impl Gru {
    /// All weights uniform in `±1 / sqrt(hidden)`, as PyTorch initialises them.
    pub fn new(input: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Self {
        let bound = 1.0 / (hidden as f32).sqrt();
        let weight_ih = uniform([input, 3 * hidden], bound, rng, device);
        let bias_ih = uniform([3 * hidden], bound, rng, device);
        let weight_hh = uniform([hidden, 3 * hidden], bound, rng, device);
        let bias_hh = uniform([3 * hidden], bound, rng, device);
        Self { weight_ih, bias_ih, weight_hh, bias_hh }
    }

    /// Orthogonal weights ([`Linear::orthogonal`] with gain 1) and zero biases.
    pub fn orthogonal(input: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Self {
        let ih = Linear::orthogonal(input, 3 * hidden, 1.0, rng, device);
        let hh = Linear::orthogonal(hidden, 3 * hidden, 1.0, rng, device);
        Self { weight_ih: ih.weight, bias_ih: ih.bias, weight_hh: hh.weight, bias_hh: hh.bias }
    }

    /// Computes the hidden states after every step, `[time, row, hidden]`; the arguments and the formula are those
    /// of [`gru_sequence`](phalanx_kernels::gru_sequence).
    pub fn forward(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        not_reset: Option<Tensor<2>>,
    ) -> Tensor<3> {
        kernels::gru_sequence(input, hidden, not_reset, self.values())
    }

    /// Returns the values of the parameters.
    pub(in crate::nn) fn values(&self) -> GruWeights {
        GruWeights {
            weight_ih: self.weight_ih.val(),
            bias_ih: self.bias_ih.val(),
            weight_hh: self.weight_hh.val(),
            bias_hh: self.bias_hh.val(),
        }
    }
}
