//! What recurrent agents remember with.

use serde::{Deserialize, Serialize};

/// The recurrent layer in the middle of an [`AgentNetwork`](super::AgentNetwork).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecurrentUnit {
    /// A gated recurrent unit, [`Gru`](super::Gru).
    #[default]
    Gru,
    /// A long short-term memory, [`Lstm`](super::Lstm).
    Lstm,
}

impl RecurrentUnit {
    /// The numbers that a row carries from step to step, for `hidden_dim` units: the hidden state of a
    /// GRU; the hidden state and behind it the cell of an LSTM.
    pub fn memory_dim(self, hidden_dim: usize) -> usize {
        match self {
            Self::Gru => hidden_dim,
            Self::Lstm => 2 * hidden_dim,
        }
    }
}
