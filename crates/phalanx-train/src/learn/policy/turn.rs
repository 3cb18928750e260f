//! The agents that improve at once.

use burn::tensor::Tensor;
use phalanx_core::nn::AgentNetworks;

/// The agents that improve at once.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Their network, or `None` for all networks.
    pub(super) network: Option<usize>,
    /// Their numbers.
    pub(super) agents: Vec<usize>,
}

impl Turn {
    /// The logits of the turn's agents, `[time, row, action]`, and the memory behind the last step.
    pub(super) fn forward(
        &self,
        policy: &AgentNetworks,
        input: Tensor<3>,
        hidden: Tensor<2>,
        keep: Tensor<2>,
    ) -> (Tensor<3>, Tensor<2>) {
        let out = match self.network {
            None => policy.forward(input, hidden, Some(keep)),
            Some(k) => policy.network(k).forward(input, hidden, Some(keep)),
        };
        (out.output, out.hidden)
    }
}
