//! ResQ.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::nn::{AgentNetworks, Device, Mixer, QmixMixer, QmixNetwork, Residual};
use phalanx_core::rng::Rng;
use phalanx_core::settings::InvalidSetting;
use serde::{Deserialize, Serialize};

use super::batch::EpisodeTensors;
use super::central_critic::CentralCritic;
use super::factorisation::{LossOutput, ModelContext, ValueFactorisation};
use super::settings::QLearningSettings;
use super::td_loss::weighted_mse;

/// ResQ: QMIX plus a residual that lowers every joint action except QMIX's best, so that the sum
/// can represent any joint action value (Shen et al. 2022, NeurIPS 35).
///
/// With `Q = Q_tot + w_r Q_r`, where `w_r` is 0 at the greedy joint action of `Q_tot` and 1
/// elsewhere, and an unrestricted estimator `Q*`, each with its own utilities:
///
/// ```text
/// u* = argmax_u Q_tot(s', u)               agent by agent, online networks
/// y  = targets of Q*^-(s', u*)
/// L  = mean (Q(s, u) - y)^2 + mean (Q*(s, u) - y)^2 + mean max(Q_r, 0)^2
/// ```
///
/// All means are scaled by `td_loss_scale`. The last term is zero if `residual_negative_abs` keeps
/// the residual from being positive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResQ {
    /// The settings of Q-learning.
    #[serde(flatten)]
    pub learning: QLearningSettings,
    /// The mixing network.
    #[serde(flatten)]
    pub mixer: QmixMixer,
    /// The width of the residual's network and of the unrestricted estimator.
    pub central_mixing_embed_dim: usize,
    /// Whether the residual is forced to be at most zero, as the paper's theorem requires.
    /// Otherwise a penalty discourages positive values, as in the authors' code.
    pub residual_negative_abs: bool,
}

impl Default for ResQ {
    fn default() -> Self {
        Self {
            learning: QLearningSettings::default(),
            mixer: QmixMixer::default(),
            central_mixing_embed_dim: 128,
            residual_negative_abs: true,
        }
    }
}

/// The networks of [`ResQ`].
#[derive(Module, Debug)]
pub struct ResQNetworks {
    agents: AgentNetworks,
    mixer: QmixNetwork,
    residual_agents: AgentNetworks,
    residual: Residual,
    central: CentralCritic,
}

impl ValueFactorisation for ResQ {
    const ID: &str = "resq";
    const SUMMARY: &str = "ResQ: QMIX plus a residual that preserves its greedy joint action";
    type Networks = ResQNetworks;

    fn learning(&self) -> &QLearningSettings {
        &self.learning
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let central = CentralCritic::validate(&self.learning, self.central_mixing_embed_dim);
        [self.mixer.validate(), central].concat()
    }

    fn networks(&self, context: &ModelContext, rng: &mut Rng, device: &Device) -> ResQNetworks {
        let width = self.central_mixing_embed_dim;
        let (n_actions, sizes) = (context.spec.n_actions, context.mixer_sizes());
        ResQNetworks {
            agents: context.agents(n_actions, rng, device),
            mixer: self.mixer.init(sizes, rng, device),
            residual_agents: context.agents(n_actions, rng, device),
            residual: Residual::new(width, self.residual_negative_abs, sizes, rng, device),
            central: CentralCritic::new(width, context, rng, device),
        }
    }

    fn agent_networks<'a>(&self, networks: &'a ResQNetworks) -> &'a AgentNetworks {
        &networks.agents
    }

    fn q_tot(&self, networks: &ResQNetworks, batch: &EpisodeTensors) -> Tensor<2> {
        let utilities = batch.forward_outputs(&networks.agents);
        let non_greedy = batch.is_non_greedy(batch.argmax_available(utilities.clone()));
        let chosen =
            batch.gather(batch.forward_outputs(&networks.residual_agents), batch.actions.clone());
        let residual = networks.residual.forward(chosen, batch.state.clone());
        let input = batch.mixer_input(utilities, batch.actions.clone());
        self.mixer.forward(&networks.mixer, input) + non_greedy * residual
    }

    fn loss(
        &self,
        online: &ResQNetworks,
        target: &ResQNetworks,
        batch: &EpisodeTensors,
    ) -> LossOutput {
        let learning = &self.learning;
        let tracked = batch.with_gradients();
        let utilities = tracked.forward_outputs(&online.agents);
        let greedy = batch.argmax_available(utilities.clone().inner());
        let (_, targets) = target.central.targets(learning, batch, greedy.clone());
        let non_greedy = Tensor::from_inner(batch.is_non_greedy(greedy));

        let residual_utilities = tracked.forward_outputs(&online.residual_agents);
        let chosen = tracked.gather(residual_utilities, tracked.actions.clone());
        let residual = online.residual.forward(chosen, tracked.state.clone());
        let input = tracked.mixer_input(utilities, tracked.actions.clone());
        let monotonic = self.mixer.forward(&online.mixer, input);
        let q_tot = monotonic + non_greedy * residual.clone();
        let td = targets.td_loss(learning, batch, q_tot);
        let central = targets.td_loss(learning, batch, online.central.q_taken(&tracked)).loss;
        let positive = weighted_mse(learning, batch, residual.clamp_min(0.0), None);
        LossOutput::new(td, targets.mean(batch))
            .plus("loss_central", central)
            .plus("loss_positive", positive)
    }
}
