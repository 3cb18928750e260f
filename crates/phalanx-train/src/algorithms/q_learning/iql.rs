//! Independent Q-learning.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::MixerConfig;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::ReplayLearner;
use super::mixed::Mixed;
use super::settings::QLearning;
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// Every agent learns its own action value from the team's reward (Tan 1993; in PyMARL `iql`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Iql {
    /// The settings of value learning. PyMARL2 uses a smaller batch and learning rate and one-step
    /// targets here.
    #[serde(flatten)]
    pub learning: QLearning,
}

impl Default for Iql {
    fn default() -> Self {
        let learning =
            QLearning { batch_size: 32, lr: 0.0005, td_lambda: 0.0, ..QLearning::default() };
        Self { learning }
    }
}

impl Algorithm for Iql {
    fn id(&self) -> &'static str {
        "iql"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        self.learning.validate()
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec, false)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        Box::new(ReplayLearner::new(Mixed(MixerConfig::Independent), &self.learning, setup))
    }
}
