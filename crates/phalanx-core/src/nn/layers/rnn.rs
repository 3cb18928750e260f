//! Common parts of the recurrent layers.

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::linear::{Linear, uniform};
use crate::rng::Rng;

/// Recurrent layer of an [`AgentNetwork`](crate::nn::AgentNetwork).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RnnKind {
    /// A gated recurrent unit, [`Gru`](crate::nn::Gru).
    #[default]
    Gru,
    /// A long short-term memory, [`Lstm`](crate::nn::Lstm).
    Lstm,
}

impl RnnKind {
    /// Returns the length of the carry, the state that a row passes from step to step, for
    /// `hidden_dim` units: the hidden state of a GRU, or the hidden state followed by the cell
    /// state of an LSTM.
    pub fn carry_dim(self, hidden_dim: usize) -> usize {
        match self {
            Self::Gru => hidden_dim,
            Self::Lstm => 2 * hidden_dim,
        }
    }
}

/// Initial parameters of a recurrent layer, given the sizes of its input, of its hidden state and
/// of all gates together.
pub(super) struct RnnParams {
    pub(super) weight_ih: Param<Tensor<2>>,
    pub(super) bias_ih: Param<Tensor<1>>,
    pub(super) weight_hh: Param<Tensor<2>>,
    pub(super) bias_hh: Param<Tensor<1>>,
}

impl RnnParams {
    /// Draws all weights uniformly from `±1 / sqrt(hidden)`.
    pub(super) fn uniform(
        [input, hidden, gates]: [usize; 3],
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        let bound = 1.0 / (hidden as f32).sqrt();
        let weight_ih = uniform([input, gates], bound, rng, device);
        let bias_ih = uniform([gates], bound, rng, device);
        let weight_hh = uniform([hidden, gates], bound, rng, device);
        let bias_hh = uniform([gates], bound, rng, device);
        Self { weight_ih, bias_ih, weight_hh, bias_hh }
    }

    /// Draws orthogonal weights; biases are zero.
    pub(super) fn orthogonal(
        [input, hidden, gates]: [usize; 3],
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        let ih = Linear::orthogonal(input, gates, 1.0, rng, device);
        let hh = Linear::orthogonal(hidden, gates, 1.0, rng, device);
        Self { weight_ih: ih.weight, bias_ih: ih.bias, weight_hh: hh.weight, bias_hh: hh.bias }
    }
}
