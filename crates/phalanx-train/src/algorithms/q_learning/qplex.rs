//! QPLEX.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{MixerConfig, QplexConfig};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::ReplayLearner;
use super::mixed::Mixed;
use super::settings::QLearning;
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// The joint action value is the sum of the utilities and of their advantages, which weigh by the
/// joint action: any value whose best joint action is made of the agents' best actions (Wang et al.
/// 2021, arXiv 2008.01062).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qplex {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The width of the networks that transform the utilities.
    pub hypernet_embed: usize,
    /// The number of kernels that are summed into the weight of an advantage.
    pub num_kernel: usize,
    /// The number of layers of the kernels' networks.
    pub adv_hypernet_layers: usize,
    /// The width of the kernels' networks.
    pub adv_hypernet_embed: usize,
    /// Whether advantages count by their weight less one.
    pub is_minus_one: bool,
    /// Whether the state scales and shifts the utilities.
    pub weighted_head: bool,
}

impl Default for Qplex {
    fn default() -> Self {
        let mixer = QplexConfig::default();
        Self {
            learning: QLearning::default(),
            hypernet_embed: mixer.hypernet_embed,
            // PyMARL2's, as all other defaults here.
            num_kernel: 4,
            adv_hypernet_layers: 2,
            adv_hypernet_embed: mixer.adv_hypernet_embed,
            is_minus_one: mixer.is_minus_one,
            weighted_head: mixer.weighted_head,
        }
    }
}

impl Algorithm for Qplex {
    fn id(&self) -> &'static str {
        "qplex"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut invalid = self.learning.validate();
        let mut check =
            |holds, key, reason| InvalidSetting::check(&mut invalid, holds, key, reason);
        check(self.hypernet_embed > 0, "hypernet_embed", "must be at least 1");
        check(self.num_kernel > 0, "num_kernel", "must be at least 1");
        check(self.adv_hypernet_layers > 0, "adv_hypernet_layers", "must be at least 1");
        check(self.adv_hypernet_embed > 0, "adv_hypernet_embed", "must be at least 1");
        invalid
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        let mixer = MixerConfig::Qplex(QplexConfig {
            hypernet_embed: self.hypernet_embed,
            n_kernels: self.num_kernel,
            adv_hypernet_layers: self.adv_hypernet_layers,
            adv_hypernet_embed: self.adv_hypernet_embed,
            is_minus_one: self.is_minus_one,
            weighted_head: self.weighted_head,
        });
        Box::new(ReplayLearner::new(Mixed(mixer), &self.learning, setup))
    }
}
