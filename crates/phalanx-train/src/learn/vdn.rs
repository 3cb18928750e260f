//! Value decomposition networks.

use phalanx_core::nn::MixerConfig;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::q_learner::QLearner;
use super::q_learning::QLearning;
use super::{Algorithm, Learner, Setup, settings};
use crate::config::Problem;

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

    fn problems(&self) -> Vec<Problem> {
        self.learning.problems()
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        Box::new(QLearner::new(&self.learning, &MixerConfig::Vdn, setup))
    }
}
