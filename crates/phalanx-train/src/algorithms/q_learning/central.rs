//! The unrestricted estimator of the joint action value that other factorisations learn beside their
//! own.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{AgentNetworks, Device, Unrestricted, UnrestrictedConfig};
use phalanx_core::rng::Rng;

use super::experience::Experience;
use super::factorisation::Plan;
use super::settings::QLearning;
use super::targets::Targets;

/// `Q*(s, u)`: an unrestricted network of the state and of utilities that come from agents' networks
/// of their own (Rashid et al. 2020, Weighted QMIX, arXiv 2006.10800).
#[derive(Module, Debug)]
pub(super) struct Central {
    agents: AgentNetworks,
    estimator: Unrestricted,
}

impl Central {
    /// Fresh networks.
    pub(super) fn new(
        config: UnrestrictedConfig,
        plan: &Plan,
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        Self {
            agents: plan.agents(plan.spec.n_actions, rng, device),
            estimator: config.init(plan.spec.n_agents(), plan.spec.state_dim, rng, device),
        }
    }

    /// The values of the actions taken, `[row, 1]`.
    pub(super) fn of_taken(&self, batch: &Experience) -> Tensor<2> {
        let chosen = batch.pick(batch.outputs(&self.agents), batch.taken.clone());
        self.estimator.forward(chosen, batch.state.clone())
    }

    /// As target networks: the values of the actions `best`, `[row]`, and the targets made of them.
    pub(super) fn targets(
        &self,
        learning: &QLearning,
        batch: &Experience,
        best: Tensor<3, Int>,
    ) -> (Tensor<2>, Targets) {
        let utilities = batch.outputs(&self.agents);
        let value = |actions| {
            let chosen = batch.pick(utilities.clone(), actions);
            self.estimator.forward(chosen, batch.state.clone())
        };
        let best = value(best);
        let taken = learning.q_lambda.then(|| value(batch.taken.clone()));
        let targets = Targets::new(learning, batch, best.clone(), taken);
        (best, targets)
    }
}
