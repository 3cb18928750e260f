//! The agents that improve at once.

use burn::tensor::Tensor;
use phalanx_core::nn::{AgentNetworks, AgentOutput};

use super::losses::Sequence;

/// The agents that improve at once.
#[derive(Clone, Debug)]
pub(super) struct UpdateGroup {
    /// Their network, or `None` for all networks.
    pub(super) network: Option<usize>,
    /// Their numbers.
    pub(super) agents: Vec<usize>,
}

impl UpdateGroup {
    /// The logits of the group's agents, `[time, row, action]`.
    pub(super) fn logits(&self, policy: &AgentNetworks, read: &Sequence) -> Tensor<3> {
        let (input, hidden, not_reset) =
            (read.input.clone(), read.hidden.clone(), read.not_reset.clone());
        match self.network {
            None => policy.outputs(input, hidden, Some(not_reset)),
            Some(k) => policy.network(k).outputs(input, hidden, Some(not_reset)),
        }
    }

    /// What the networks of the group's agents make of their input.
    pub(super) fn forward(&self, policy: &AgentNetworks, read: &Sequence) -> AgentOutput {
        let (input, hidden, not_reset) =
            (read.input.clone(), read.hidden.clone(), read.not_reset.clone());
        match self.network {
            None => policy.forward(input, hidden, Some(not_reset)),
            Some(k) => policy.network(k).forward(input, hidden, Some(not_reset)),
        }
    }
}
