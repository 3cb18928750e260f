//! Value decomposition networks.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::MixerConfig;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::ReplayLearner;
use super::mixed::Mixed;
use super::settings::QLearning;
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// The joint action value is the sum of the agents' utilities (Sunehag et al. 2018, arXiv
/// 1706.05296).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vdn {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
}

impl Algorithm for Vdn {
    fn id(&self) -> &'static str {
        "vdn"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        self.learning.validate()
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        Box::new(ReplayLearner::new(Mixed(MixerConfig::Vdn), &self.learning, setup))
    }
}
