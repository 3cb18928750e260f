//! Gated recurrent units.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{self as kernels, RnnWeights};

use super::rnn::RnnParams;
use crate::rng::Rng;

/// A gated recurrent unit (Cho et al., 2014, arXiv 1406.1078) in PyTorch's variant, with gates in
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
    /// Creates a layer with all parameters uniform in `±1 / sqrt(hidden)`, as in PyTorch.
    pub fn new(input: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Self {
        Self::with(RnnParams::uniform([input, hidden, 3 * hidden], rng, device))
    }

    /// Creates a layer with orthogonal weights
    /// ([`Linear::orthogonal`](crate::nn::Linear::orthogonal) with gain 1) and zero biases.
    pub fn orthogonal(input: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Self {
        Self::with(RnnParams::orthogonal([input, hidden, 3 * hidden], rng, device))
    }

    fn with(params: RnnParams) -> Self {
        let RnnParams { weight_ih, bias_ih, weight_hh, bias_hh } = params;
        Self { weight_ih, bias_ih, weight_hh, bias_hh }
    }

    /// Computes the hidden states after every step, `[time, row, hidden]`. For the arguments and
    /// the formula see [`gru_sequence`](phalanx_kernels::gru_sequence).
    pub fn forward(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        not_reset: Option<Tensor<2>>,
    ) -> Tensor<3> {
        kernels::gru_sequence(input, hidden, not_reset, self.values())
    }

    /// Returns the values of the parameters.
    pub(in crate::nn) fn values(&self) -> RnnWeights {
        RnnWeights {
            weight_ih: self.weight_ih.val(),
            bias_ih: self.bias_ih.val(),
            weight_hh: self.weight_hh.val(),
            bias_hh: self.bias_hh.val(),
        }
    }
}
