//! Qatten.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{MixerConfig, QattenConfig};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::ReplayLearner;
use super::mixed::Mixed;
use super::settings::QLearning;
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// The joint action value is a sum of the utilities whose weights come from attention between the
/// state and the agents (Yang et al. 2020, arXiv 2002.03939).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qatten {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The number of attention heads.
    pub n_attention_head: usize,
    /// The length of queries and keys.
    pub attention_embed_dim: usize,
    /// Whether the state weighs the heads.
    pub weighted_head: bool,
    /// Whether a function of the state is added.
    pub state_bias: bool,
}

impl Default for Qatten {
    fn default() -> Self {
        let mixer = QattenConfig::default();
        Self {
            learning: QLearning::default(),
            n_attention_head: mixer.n_head,
            attention_embed_dim: mixer.embed_dim,
            weighted_head: mixer.weighted_head,
            state_bias: mixer.state_bias,
        }
    }
}

impl Algorithm for Qatten {
    fn id(&self) -> &'static str {
        "qatten"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut invalid = self.learning.validate();
        let mut check =
            |holds, key, reason| InvalidSetting::check(&mut invalid, holds, key, reason);
        check(self.n_attention_head > 0, "n_attention_head", "must be at least 1");
        check(self.attention_embed_dim > 0, "attention_embed_dim", "must be at least 1");
        invalid
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        let mixer = MixerConfig::Qatten(QattenConfig {
            n_head: self.n_attention_head,
            embed_dim: self.attention_embed_dim,
            weighted_head: self.weighted_head,
            state_bias: self.state_bias,
            ..QattenConfig::default()
        });
        Box::new(ReplayLearner::new(Mixed(mixer), &self.learning, setup))
    }
}
