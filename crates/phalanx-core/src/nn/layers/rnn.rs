//! Kinds of recurrent layers.

use serde::{Deserialize, Serialize};

/// The recurrent layer in the middle of an [`AgentNetwork`](crate::nn::AgentNetwork).
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
    /// Returns the numbers that a row carries from step to step, for `hidden_dim` units: the hidden state of a
    /// GRU; the hidden state of an LSTM followed by its cell.
    pub fn carry_dim(self, hidden_dim: usize) -> usize {
        match self {
            Self::Gru => hidden_dim,
            Self::Lstm => 2 * hidden_dim,
        }
    }
}
