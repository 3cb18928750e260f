//! Long short-term memories.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{self as kernels, RnnWeights};

use super::rnn::RnnParams;
use crate::rng::Rng;

/// A long short-term memory (Hochreiter and Schmidhuber, 1997, Neural Computation 9(8), with the
/// forget gate of Gers et al., 2000) in PyTorch's variant, with gates in PyTorch's order: input,
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
    /// Creates a layer with all parameters uniform in `±1 / sqrt(hidden)`, as in PyTorch.
    pub fn new(input: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Self {
        Self::with(RnnParams::uniform([input, hidden, 4 * hidden], rng, device))
    }

    /// Creates a layer with orthogonal weights
    /// ([`Linear::orthogonal`](crate::nn::Linear::orthogonal) with gain 1) and zero biases.
    pub fn orthogonal(input: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Self {
        Self::with(RnnParams::orthogonal([input, hidden, 4 * hidden], rng, device))
    }

    fn with(params: RnnParams) -> Self {
        let RnnParams { weight_ih, bias_ih, weight_hh, bias_hh } = params;
        Self { weight_ih, bias_ih, weight_hh, bias_hh }
    }

    /// Computes the hidden states after every step, `[time, row, hidden]`, and the carry after the
    /// last step, `[row, 2 * hidden]`. For the arguments and the formula see
    /// [`lstm_sequence`](phalanx_kernels::lstm_sequence).
    pub fn forward(
        &self,
        input: Tensor<3>,
        carry: Tensor<2>,
        not_reset: Option<Tensor<2>>,
    ) -> (Tensor<3>, Tensor<2>) {
        let weights = RnnWeights {
            weight_ih: self.weight_ih.val(),
            bias_ih: self.bias_ih.val(),
            weight_hh: self.weight_hh.val(),
            bias_hh: self.bias_hh.val(),
        };
        kernels::lstm_sequence(input, carry, not_reset, weights)
    }
}
