//! The unrestricted estimator of the joint action value that some algorithms train next to a mixer.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{AgentNetworks, Device, UnrestrictedMixer, UnrestrictedNetwork};
use phalanx_core::rng::Rng;
use phalanx_core::settings::{Check, InvalidSetting};

use super::batch::EpisodeTensors;
use super::factorisation::ModelContext;
use super::settings::QLearningSettings;
use super::targets::Targets;

/// `Q*(s, u)`: an unrestricted network that reads the state and the utilities of its own agent
/// networks (Rashid et al. 2020, Weighted QMIX, arXiv 2006.10800).
#[derive(Module, Debug)]
pub(super) struct CentralCritic {
    agents: AgentNetworks,
    estimator: UnrestrictedNetwork,
}

impl CentralCritic {
    /// Returns the settings that are invalid for an algorithm with a central critic, whose hidden
    /// layers have `embed_dim` units.
    pub(super) fn validate(learning: &QLearningSettings, embed_dim: usize) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(&[("central_mixing_embed_dim", embed_dim)]);
        check.that(
            learning.double_q,
            "double_q",
            "must be true: the online networks choose the joint action that the central critic values",
        );
        check.that(
            !learning.minto,
            "minto",
            "must be false: the central critic values joint actions",
        );
        check.finish()
    }

    /// Creates networks with initial weights drawn from `rng`; hidden layers of the estimator have
    /// `embed_dim` units.
    pub(super) fn new(
        embed_dim: usize,
        context: &ModelContext,
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        Self {
            agents: context.agents(context.spec.n_actions, rng, device),
            estimator: UnrestrictedMixer { mixing_embed_dim: embed_dim }.network(
                context.spec.n_agents(),
                context.spec.state_dim,
                rng,
                device,
            ),
        }
    }

    /// Computes the values of the actions taken, `[row, 1]`.
    pub(super) fn q_taken(&self, batch: &EpisodeTensors) -> Tensor<2> {
        let chosen = batch.gather(batch.forward_outputs(&self.agents), batch.actions.clone());
        self.estimator.forward(chosen, batch.state.clone())
    }

    /// Computes, with these as target networks, the values of the joint actions `best`, `[row, 1]`,
    /// and the targets that bootstrap from them.
    pub(super) fn targets(
        &self,
        learning: &QLearningSettings,
        batch: &EpisodeTensors,
        best: Tensor<3, Int>,
    ) -> (Tensor<2>, Targets) {
        let utilities = batch.forward_outputs(&self.agents);
        let value = |actions| {
            let chosen = batch.gather(utilities.clone(), actions);
            self.estimator.forward(chosen, batch.state.clone())
        };
        let best = value(best);
        let q_taken = learning.q_lambda.then(|| value(batch.actions.clone()));
        let targets = Targets::new(learning, batch, best.clone(), q_taken);
        (best, targets)
    }
}
