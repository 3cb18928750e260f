//! Weighted QMIX.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::nn::{AgentNetworks, Device, Mixer, QmixMixer, QmixNetwork};
use phalanx_core::rng::Rng;
use phalanx_core::settings::{Check, InvalidSetting, fields};
use serde::{Deserialize, Serialize};

use super::batch::EpisodeTensors;
use super::central_critic::CentralCritic;
use super::factorisation::{LossOutput, ModelContext, ValueFactorisation};
use super::settings::QLearningSettings;

/// Optimistically weighted QMIX (OW-QMIX): joint actions that QMIX overestimates get a smaller
/// weight (Rashid et al. 2020, arXiv 2006.10800; `hysteretic_qmix` in the authors' code).
///
/// Trains QMIX with a weighted loss, and an unrestricted estimator `Q*` of the joint action value
/// with its own utilities, which provides the targets:
///
/// ```text
/// u*  = argmax_u Q_tot(s', u)              agent by agent, online networks
/// y   = targets of Q*^-(s', u*)
/// L   = mean v (Q_tot(s, u) - y)^2 + mean (Q*(s, u) - y)^2
/// ```
///
/// where `v` is 1 if `Q_tot < y` and `w` otherwise. Both means are scaled by `td_loss_scale`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwQmix {
    /// The settings, the same as CW-QMIX's.
    #[serde(flatten)]
    pub weighted: WeightedSettings,
}

/// Centrally weighted QMIX (CW-QMIX): like [`OwQmix`], but `v` is 1 at the greedy joint action `u*`
/// and where the target exceeds the value of `u*`, `y > Q*^-(u*)` (Rashid et al. 2020, arXiv
/// 2006.10800).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CwQmix {
    /// The settings, the same as OW-QMIX's.
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
    /// The settings of Q-learning.
    #[serde(flatten)]
    pub learning: QLearningSettings,
    /// The weight, at most one, of all other joint actions.
    pub w: f64,
    /// The mixing network.
    #[serde(flatten)]
    pub mixer: QmixMixer,
    /// The width of the unrestricted estimator.
    pub central_mixing_embed_dim: usize,
}

impl Default for WeightedSettings {
    fn default() -> Self {
        Self {
            learning: QLearningSettings::default(),
            w: 0.5,
            mixer: QmixMixer::default(),
            central_mixing_embed_dim: 256,
        }
    }
}

/// The networks of weighted QMIX.
#[derive(Module, Debug)]
pub struct WeightedNetworks {
    agents: AgentNetworks,
    mixer: QmixNetwork,
    central: CentralCritic,
}

impl WeightedSettings {
    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.all(self.mixer.validate());
        check.positive_share(fields!(self: w));
        check.all(CentralCritic::validate(&self.learning, self.central_mixing_embed_dim));
        check.finish()
    }

    fn networks(&self, context: &ModelContext, rng: &mut Rng, device: &Device) -> WeightedNetworks {
        WeightedNetworks {
            agents: context.agents(context.spec.n_actions, rng, device),
            mixer: self.mixer.init(context.mixer_sizes(), rng, device),
            central: CentralCritic::new(self.central_mixing_embed_dim, context, rng, device),
        }
    }

    fn q_tot(&self, networks: &WeightedNetworks, batch: &EpisodeTensors) -> Tensor<2> {
        let utilities = batch.forward_outputs(&networks.agents);
        let input = batch.mixer_input(utilities, batch.actions.clone());
        self.mixer.forward(&networks.mixer, input)
    }

    fn loss(
        &self,
        weighting: Weighting,
        online: &WeightedNetworks,
        target: &WeightedNetworks,
        batch: &EpisodeTensors,
    ) -> LossOutput {
        let learning = &self.learning;
        let tracked = batch.with_gradients();
        let utilities = tracked.forward_outputs(&online.agents);
        let greedy = batch.argmax_available(utilities.clone().inner());
        let (best, targets) = target.central.targets(learning, batch, greedy.clone());

        let input = tracked.mixer_input(utilities, tracked.actions.clone());
        let q_tot = self.mixer.forward(&online.mixer, input);
        let w = self.w as f32;
        let weight = match weighting {
            Weighting::Optimistic => targets.optimistic_weights(q_tot.clone().inner(), w),
            Weighting::Central => {
                let better = targets.values.clone().greater(best).float();
                let greedy = batch.is_non_greedy(greedy).mul_scalar(-1.0).add_scalar(1.0);
                better.max_pair(greedy).mul_scalar(1.0 - w).add_scalar(w)
            }
        };
        let td = targets.weighted_td_loss(learning, batch, q_tot, weight);
        let central = targets.td_loss(learning, batch, online.central.q_taken(&tracked)).loss;
        LossOutput::new(td, targets.mean(batch)).plus("loss_central", central)
    }
}

/// The joint actions that get weight one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighting {
    /// Joint actions whose value is below the target.
    Optimistic,
    /// The greedy joint action, and joint actions whose target exceeds its value.
    Central,
}

/// Implements the value factorisation of one of the two weightings.
macro_rules! weighted_qmix {
    ($algorithm:ty, $id:literal, $summary:literal, $weighting:expr) => {
        impl ValueFactorisation for $algorithm {
            const ID: &str = $id;
            const SUMMARY: &str = $summary;
            type Networks = WeightedNetworks;

            fn learning(&self) -> &QLearningSettings {
                &self.weighted.learning
            }

            fn validate(&self) -> Vec<InvalidSetting> {
                self.weighted.validate()
            }

            fn networks(
                &self,
                context: &ModelContext,
                rng: &mut Rng,
                device: &Device,
            ) -> WeightedNetworks {
                self.weighted.networks(context, rng, device)
            }

            fn agent_networks<'a>(&self, networks: &'a WeightedNetworks) -> &'a AgentNetworks {
                &networks.agents
            }

            fn q_tot(&self, networks: &WeightedNetworks, batch: &EpisodeTensors) -> Tensor<2> {
                self.weighted.q_tot(networks, batch)
            }

            fn loss(
                &self,
                online: &WeightedNetworks,
                target: &WeightedNetworks,
                batch: &EpisodeTensors,
            ) -> LossOutput {
                self.weighted.loss($weighting, online, target, batch)
            }
        }
    };
}

weighted_qmix!(OwQmix, "ow_qmix", "OW-QMIX: optimistically weighted QMIX", Weighting::Optimistic);
weighted_qmix!(CwQmix, "cw_qmix", "CW-QMIX: centrally weighted QMIX", Weighting::Central);
