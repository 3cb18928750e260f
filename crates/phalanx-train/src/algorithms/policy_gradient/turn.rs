//! The agents that improve at once.

use burn::tensor::Tensor;
use phalanx_core::nn::{AgentNetworks, AgentOutput};

use super::losses::Sequence;

/// The agents that improve at once.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Their network, or `None` for all networks.
    pub(super) network: Option<usize>,
    /// Their numbers.
    pub(super) agents: Vec<usize>,
}

impl Turn {
    /// The logits of the turn's agents, `[time, row, action]`.
    pub(super) fn logits(&self, policy: &AgentNetworks, read: &Sequence) -> Tensor<3> {
        let (input, hidden, keep) = (read.input.clone(), read.hidden.clone(), read.keep.clone());
        match self.network {
            None => policy.outputs(input, hidden, Some(keep)),
            Some(k) => policy.network(k).outputs(input, hidden, Some(keep)),
        }
    }

    /// What the networks of the turn's agents make of their input.
    pub(super) fn forward(&self, policy: &AgentNetworks, read: &Sequence) -> AgentOutput {
        let (input, hidden, keep) = (read.input.clone(), read.hidden.clone(), read.keep.clone());
        match self.network {
            None => policy.forward(input, hidden, Some(keep)),
            Some(k) => policy.network(k).forward(input, hidden, Some(keep)),
        }
    }
}
