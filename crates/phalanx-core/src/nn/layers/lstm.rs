//! The long short-term memory.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{self as kernels, LstmWeights};

use super::linear::{Linear, uniform};
use crate::rng::Rng;

/// A long short-term memory (Hochreiter and Schmidhuber, 1997, Neural Computation 9(8), with the
/// forget gate of Gers et al., 2000) in PyTorch's variant, its gates in PyTorch's order: input,
/// forget, cell, output.
#[derive(Module, Debug)]
pub struct Lstm {
    /// `[input, 4 * hidden]`.
    pub weight_ih: Param<Tensor<2>>,
    /// `[4 * hidden]`.
    pub bias_ih: Param<Tensor<1>>,
    /// `[hidden, 4 * hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[4 * hidden]`.
    pub bias_hh: Param<Tensor<1>>,
}

impl Lstm {
    /// All weights uniform in `±1 / sqrt(hidden)`, as PyTorch initialises them.
    pub fn new(input: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Self {
        let bound = 1.0 / (hidden as f32).sqrt();
        let weight_ih = uniform([input, 4 * hidden], bound, rng, device);
        let bias_ih = uniform([4 * hidden], bound, rng, device);
        let weight_hh = uniform([hidden, 4 * hidden], bound, rng, device);
        let bias_hh = uniform([4 * hidden], bound, rng, device);
        Self { weight_ih, bias_ih, weight_hh, bias_hh }
    }

    /// Orthogonal weights ([`Linear::orthogonal`] with gain 1) and zero biases.
    pub fn orthogonal(input: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Self {
        let ih = Linear::orthogonal(input, 4 * hidden, 1.0, rng, device);
        let hh = Linear::orthogonal(hidden, 4 * hidden, 1.0, rng, device);
        Self { weight_ih: ih.weight, bias_ih: ih.bias, weight_hh: hh.weight, bias_hh: hh.bias }
    }

    /// Computes the hidden states after every step, `[time, row, hidden]`, and the carry after the last,
    /// `[row, 2 * hidden]`; the arguments and the formula are those of
    /// [`lstm_sequence`](phalanx_kernels::lstm_sequence).
    pub fn forward(
        &self,
        input: Tensor<3>,
        carry: Tensor<2>,
        not_reset: Option<Tensor<2>>,
    ) -> (Tensor<3>, Tensor<2>) {
        let weights = LstmWeights {
            weight_ih: self.weight_ih.val(),
            bias_ih: self.bias_ih.val(),
            weight_hh: self.weight_hh.val(),
            bias_hh: self.bias_hh.val(),
        };
        kernels::lstm_sequence(input, carry, not_reset, weights)
    }
}
