//! Groups of agents that are updated together.

use burn::tensor::Tensor;
use phalanx_core::nn::{AgentNetworks, AgentOutput};

use super::losses::Sequence;

/// Agents that are updated together (HAPPO: the agents of one network at a time).
#[derive(Clone, Debug)]
pub(super) struct UpdateGroup {
    /// The index of their network, or `None` for all networks.
    pub(super) network: Option<usize>,
    /// The indices of the agents.
    pub(super) agents: Vec<usize>,
}

impl UpdateGroup {
    /// Returns the logits of the agents, `[time, row, action]`.
    pub(super) fn logits(&self, policy: &AgentNetworks, read: &Sequence) -> Tensor<3> {
        let (input, hidden, not_reset) =
            (read.input.clone(), read.hidden.clone(), read.not_reset.clone());
        match self.network {
            None => policy.outputs(input, hidden, Some(not_reset)),
            Some(k) => policy.network(k).outputs(input, hidden, Some(not_reset)),
        }
    }

    /// Returns the outputs, features and hidden states of the agents' networks.
    pub(super) fn forward(&self, policy: &AgentNetworks, read: &Sequence) -> AgentOutput {
        let (input, hidden, not_reset) =
            (read.input.clone(), read.hidden.clone(), read.not_reset.clone());
        match self.network {
            None => policy.forward(input, hidden, Some(not_reset)),
            Some(k) => policy.network(k).forward(input, hidden, Some(not_reset)),
        }
    }
}
