//! QMIX.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{MixerConfig, QmixConfig};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::ReplayLearner;
use super::mixed::Mixed;
use super::settings::QLearning;
use crate::config::Problem;
use crate::learn::{Algorithm, Learner, Setup, settings};

/// The joint action value is a monotonic function of the agents' utilities, with weights made from
/// the state by a hypernetwork (Rashid et al. 2018, arXiv 1803.11485).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qmix {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The width of the mixing network.
    pub mixing_embed_dim: usize,
    /// The width of the hypernetwork.
    pub hypernet_embed: usize,
    /// The number of layers of the hypernetwork, 1 or 2.
    pub hypernet_layers: usize,
}

impl Default for Qmix {
    fn default() -> Self {
        Self {
            learning: QLearning::default(),
            mixing_embed_dim: 32,
            hypernet_embed: 64,
            hypernet_layers: 2,
        }
    }
}

impl Algorithm for Qmix {
    fn id(&self) -> &'static str {
        "qmix"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.learning.problems();
        let mut check = |holds, key, reason| Problem::unless(&mut problems, holds, key, reason);
        check(self.mixing_embed_dim > 0, "mixing_embed_dim", "must be at least 1");
        check(self.hypernet_embed > 0, "hypernet_embed", "must be at least 1");
        check(matches!(self.hypernet_layers, 1 | 2), "hypernet_layers", "must be 1 or 2");
        problems
    }

    fn problems_in(&self, spec: &EnvSpec) -> Vec<Problem> {
        self.learning.problems_in(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        let mixer = MixerConfig::Qmix(QmixConfig {
            embed_dim: self.mixing_embed_dim,
            hypernet_embed: self.hypernet_embed,
            hypernet_layers: self.hypernet_layers,
        });
        Box::new(ReplayLearner::new(Mixed(mixer), &self.learning, setup))
    }
}
