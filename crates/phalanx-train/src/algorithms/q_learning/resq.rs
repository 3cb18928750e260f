//! ResQ.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{
    AgentNetworks, Device, Mixer, MixerConfig, Residual, ResidualConfig, UnrestrictedConfig,
};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::central::Central;
use super::experience::Experience;
use super::factorisation::{Factorisation, Loss, Plan, number};
use super::learner::ReplayLearner;
use super::monotone::Monotone;
use super::settings::QLearning;
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// QMIX plus a residual that lowers every joint action but QMIX's best, so that the sum can be any
/// table (Shen et al. 2022, NeurIPS 35).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResQ {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The mixing network.
    #[serde(flatten)]
    pub mixer: Monotone,
    /// The width of the residual and of the unrestricted estimator.
    pub central_mixing_embed_dim: usize,
    /// Whether the residual is never positive, as the theorem asks for; else a penalty keeps it
    /// down, as in the authors' code.
    pub residual_negative_abs: bool,
}

impl Default for ResQ {
    fn default() -> Self {
        let ResidualConfig { embed_dim, non_positive } = ResidualConfig::default();
        Self {
            learning: QLearning::default(),
            mixer: Monotone::default(),
            central_mixing_embed_dim: embed_dim,
            residual_negative_abs: non_positive,
        }
    }
}

impl Algorithm for ResQ {
    fn id(&self) -> &'static str {
        "resq"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut invalid = [self.learning.validate(), self.mixer.validate()].concat();
        let wide = self.central_mixing_embed_dim > 0;
        InvalidSetting::check(&mut invalid, wide, "central_mixing_embed_dim", "must be at least 1");
        invalid
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        let embed_dim = self.central_mixing_embed_dim;
        let factorisation = Residuals {
            mixer: self.mixer.mixer(),
            residual: ResidualConfig { embed_dim, non_positive: self.residual_negative_abs },
            central: UnrestrictedConfig { embed_dim },
        };
        Box::new(ReplayLearner::new(factorisation, &self.learning, setup))
    }
}

/// With `Q = Q_tot + w_r Q_r`, where `w_r` is 0 at the greedy joint action of `Q_tot` and 1
/// elsewhere, and an unrestricted estimator `Q*`, each with utilities of its own:
///
/// ```text
/// u* = argmax_u Q_tot(s', u)               agent by agent, online networks
/// y  = targets of Q*^-(s', u*)
/// L  = mean (Q(s, u) - y)^2 + mean (Q*(s, u) - y)^2 + mean max(Q_r, 0)^2
/// ```
///
/// all means scaled by `td_loss_scale`. The last term is zero where the residual is never positive.
struct Residuals {
    mixer: MixerConfig,
    residual: ResidualConfig,
    central: UnrestrictedConfig,
}

#[derive(Module, Debug)]
struct ResidualNetworks {
    agents: AgentNetworks,
    mixer: Mixer,
    residual_agents: AgentNetworks,
    residual: Residual,
    central: Central,
}

impl Factorisation for Residuals {
    type Networks = ResidualNetworks;

    fn networks(&self, plan: &Plan, rng: &mut Rng, device: &Device) -> ResidualNetworks {
        let n_actions = plan.spec.n_actions;
        let (n_agents, state_dim) = (plan.spec.n_agents(), plan.spec.state_dim);
        ResidualNetworks {
            agents: plan.agents(n_actions, rng, device),
            mixer: self.mixer.init(plan.sizes(), rng, device),
            residual_agents: plan.agents(n_actions, rng, device),
            residual: self.residual.init(n_agents, state_dim, rng, device),
            central: Central::new(self.central, plan, rng, device),
        }
    }

    fn acting<'a>(&self, networks: &'a ResidualNetworks) -> &'a AgentNetworks {
        &networks.agents
    }

    fn joint(&self, networks: &ResidualNetworks, batch: &Experience) -> Tensor<2> {
        let utilities = batch.outputs(&networks.agents);
        let elsewhere = batch.elsewhere(batch.greedy(utilities.clone()));
        let chosen = batch.pick(batch.outputs(&networks.residual_agents), batch.taken.clone());
        let residual = networks.residual.forward(chosen, batch.state.clone());
        let joint = networks.mixer.forward(batch.mixer_input(utilities, batch.taken.clone()));
        joint + elsewhere * residual
    }

    fn loss(
        &self,
        online: &ResidualNetworks,
        target: &ResidualNetworks,
        batch: &Experience,
        learning: &QLearning,
    ) -> Loss {
        let tracked = batch.tracked();
        let utilities = tracked.outputs(&online.agents);
        let greedy = batch.greedy(utilities.clone().inner());
        let (_, targets) = target.central.targets(learning, batch, greedy.clone());
        let elsewhere = Tensor::from_inner(batch.elsewhere(greedy));

        let own = tracked.outputs(&online.residual_agents);
        let own = tracked.pick(own, tracked.taken.clone());
        let residual = online.residual.forward(own, tracked.state.clone());
        let monotone = online.mixer.forward(tracked.mixer_input(utilities, tracked.taken.clone()));
        let joint = monotone + elsewhere * residual.clone();
        let error = targets.error(learning, batch, joint);
        let central = targets.error(learning, batch, online.central.of_taken(&tracked));
        let positive = targets.squares(learning, batch, residual.clamp_min(0.0));
        Loss {
            means: vec![
                ("loss_td", number(&error.loss)),
                ("loss_central", number(&central.loss)),
                ("loss_positive", number(&positive)),
                ("q_taken_mean", error.mean),
                ("target_mean", targets.mean(batch)),
            ],
            total: error.loss + central.loss + positive,
            errors: error.errors,
        }
    }
}
