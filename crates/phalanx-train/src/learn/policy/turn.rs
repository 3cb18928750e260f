//! The agents that improve at once.

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
    /// What the networks of the turn's agents make of their input.
    pub(super) fn forward(&self, policy: &AgentNetworks, read: &Sequence) -> AgentOutput {
        let (input, hidden, keep) = (read.input.clone(), read.hidden.clone(), read.keep.clone());
        match self.network {
            None => policy.forward(input, hidden, Some(keep)),
            Some(k) => policy.network(k).forward(input, hidden, Some(keep)),
        }
    }
}
