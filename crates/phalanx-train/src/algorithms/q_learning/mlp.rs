//! Unrestricted mixing.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{MixerConfig, UnrestrictedConfig};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::ReplayLearner;
use super::mixed::Mixed;
use super::settings::QLearning;
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// The joint action value is any function of the utilities and the state: a plain network. Agents
/// still choose the action with their own largest utility, which need not be their part of the best
/// joint action; the baseline for every restriction of the mixer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mlp {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The width of the mixing network.
    pub mixing_embed_dim: usize,
}

impl Default for Mlp {
    fn default() -> Self {
        let UnrestrictedConfig { embed_dim } = UnrestrictedConfig::default();
        Self { learning: QLearning::default(), mixing_embed_dim: embed_dim }
    }
}

impl Algorithm for Mlp {
    fn id(&self) -> &'static str {
        "unrestricted"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut invalid = self.learning.validate();
        let wide = self.mixing_embed_dim > 0;
        InvalidSetting::check(&mut invalid, wide, "mixing_embed_dim", "must be at least 1");
        invalid
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        let mixer =
            MixerConfig::Unrestricted(UnrestrictedConfig { embed_dim: self.mixing_embed_dim });
        Box::new(ReplayLearner::new(Mixed(mixer), &self.learning, setup))
    }
}
