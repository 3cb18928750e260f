//! Weighted QMIX.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{AgentNetworks, Device, Mixer, MixerConfig, UnrestrictedConfig};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::central::Central;
use super::experience::Experience;
use super::factorisation::{Factorisation, Loss, Plan, number};
use super::learner::ReplayLearner;
use super::monotone::Monotone;
use super::settings::{QLearning, unit};
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// Optimistically weighted QMIX: joint actions that QMIX values above their target weigh less
/// (Rashid et al. 2020, arXiv 2006.10800; `hysteretic_qmix` in the authors' code).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwQmix {
    /// The settings, shared with CW-QMIX.
    #[serde(flatten)]
    pub weighted: WeightedSettings,
}

/// Centrally weighted QMIX: joint actions that are neither QMIX's best nor better than it weigh
/// less (Rashid et al. 2020, arXiv 2006.10800).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CwQmix {
    /// The settings, shared with OW-QMIX.
    #[serde(flatten)]
    pub weighted: WeightedSettings,
}

impl Default for CwQmix {
    fn default() -> Self {
        Self { weighted: WeightedSettings { w: 0.75, ..WeightedSettings::default() } }
    }
}

/// The settings of weighted QMIX.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightedSettings {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The weight, below one, of joint actions that are to count less.
    pub w: f64,
    /// The mixing network.
    #[serde(flatten)]
    pub mixer: Monotone,
    /// The width of the unrestricted estimator.
    pub central_mixing_embed_dim: usize,
}

impl Default for WeightedSettings {
    fn default() -> Self {
        Self {
            learning: QLearning::default(),
            w: 0.5,
            mixer: Monotone::default(),
            central_mixing_embed_dim: 256,
        }
    }
}

impl WeightedSettings {
    fn validate(&self) -> Vec<InvalidSetting> {
        let mut invalid = [self.learning.validate(), self.mixer.validate()].concat();
        let mut check =
            |holds, key, reason| InvalidSetting::check(&mut invalid, holds, key, reason);
        check(unit(self.w) && self.w > 0.0, "w", "must lie in (0, 1]");
        let central = self.central_mixing_embed_dim > 0;
        check(central, "central_mixing_embed_dim", "must be at least 1");
        invalid
    }

    fn learner(&self, weighting: Weighting, setup: &Setup) -> Box<dyn Learner> {
        let mixer = self.mixer.mixer();
        let central = UnrestrictedConfig { embed_dim: self.central_mixing_embed_dim };
        let factorisation = Weighted { mixer, central, weighting, w: self.w as f32 };
        Box::new(ReplayLearner::new(factorisation, &self.learning, setup))
    }
}

impl Algorithm for OwQmix {
    fn id(&self) -> &'static str {
        "ow_qmix"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        self.weighted.validate()
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.weighted.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        self.weighted.learner(Weighting::Optimistic, setup)
    }
}

impl Algorithm for CwQmix {
    fn id(&self) -> &'static str {
        "cw_qmix"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        self.weighted.validate()
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.weighted.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        self.weighted.learner(Weighting::Central, setup)
    }
}

/// Which joint actions weigh one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighting {
    /// Those valued below their target: `Q_tot < y`.
    Optimistic,
    /// The greedy one `u*`, and those whose target exceeds its value: `u = u*` or `y > Q*^-(u*)`.
    Central,
}

/// QMIX, learned with weights, beside an unrestricted estimator `Q*` of the joint action value with
/// utilities of its own, which provides the targets:
///
/// ```text
/// u*  = argmax_u Q_tot(s', u)              agent by agent, online networks
/// y   = targets of Q*^-(s', u*)
/// L   = mean w (Q_tot(s, u) - y)^2 + mean (Q*(s, u) - y)^2
/// ```
///
/// where `w` is 1 for the joint actions of [`Weighting`] and a smaller number for the others, and
/// both means are scaled by `td_loss_scale`.
struct Weighted {
    mixer: MixerConfig,
    central: UnrestrictedConfig,
    weighting: Weighting,
    w: f32,
}

#[derive(Module, Debug)]
struct WeightedNetworks {
    agents: AgentNetworks,
    mixer: Mixer,
    central: Central,
}

impl Factorisation for Weighted {
    type Networks = WeightedNetworks;

    fn networks(&self, plan: &Plan, rng: &mut Rng, device: &Device) -> WeightedNetworks {
        WeightedNetworks {
            agents: plan.agents(plan.spec.n_actions, rng, device),
            mixer: self.mixer.init(plan.sizes(), rng, device),
            central: Central::new(self.central, plan, rng, device),
        }
    }

    fn acting<'a>(&self, networks: &'a WeightedNetworks) -> &'a AgentNetworks {
        &networks.agents
    }

    fn joint(&self, networks: &WeightedNetworks, batch: &Experience) -> Tensor<2> {
        let utilities = batch.outputs(&networks.agents);
        networks.mixer.forward(batch.mixer_input(utilities, batch.taken.clone()))
    }

    fn loss(
        &self,
        online: &WeightedNetworks,
        target: &WeightedNetworks,
        batch: &Experience,
        learning: &QLearning,
    ) -> Loss {
        let tracked = batch.tracked();
        let utilities = tracked.outputs(&online.agents);
        let greedy = batch.greedy(utilities.clone().inner());
        let (best, targets) = target.central.targets(learning, batch, greedy.clone());

        let joint = online.mixer.forward(tracked.mixer_input(utilities, tracked.taken.clone()));
        let weight = match self.weighting {
            Weighting::Optimistic => targets.optimistic(joint.clone().inner(), self.w),
            Weighting::Central => {
                let better = targets.values.clone().greater(best).float();
                let whole =
                    better.max_pair(batch.elsewhere(greedy).mul_scalar(-1.0).add_scalar(1.0));
                whole.mul_scalar(1.0 - self.w).add_scalar(self.w)
            }
        };
        let error = targets.weighted_error(learning, batch, joint, weight);

        let central = targets.error(learning, batch, online.central.of_taken(&tracked));
        Loss {
            means: vec![
                ("loss_td", number(&error.loss)),
                ("loss_central", number(&central.loss)),
                ("q_taken_mean", error.mean),
                ("target_mean", targets.mean(batch)),
            ],
            total: error.loss + central.loss,
            errors: error.errors,
        }
    }
}
