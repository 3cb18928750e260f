//! QMIX.

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::ReplayLearner;
use super::mixed::Mixed;
use super::monotone::Monotone;
use super::settings::QLearning;
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// The joint action value is a monotonic function of the agents' utilities, with weights made from
/// the state by a hypernetwork (Rashid et al. 2018, arXiv 1803.11485).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Qmix {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The mixing network.
    #[serde(flatten)]
    pub mixer: Monotone,
}

impl Algorithm for Qmix {
    fn id(&self) -> &'static str {
        "qmix"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        [self.learning.validate(), self.mixer.validate()].concat()
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        Box::new(ReplayLearner::new(Mixed(self.mixer.mixer()), &self.learning, setup))
    }
}
