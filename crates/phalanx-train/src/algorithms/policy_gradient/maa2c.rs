//! Advantage actor-critic with a centralised critic.

use serde::{Deserialize, Serialize};

use super::ia2c::Ia2c;
use super::settings::{CriticInput, PolicyGradient};

/// MAA2C: IA2C with a critic that reads the state (Papoudakis et al. 2021, arXiv 2006.07869).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Maa2c {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

impl Default for Maa2c {
    fn default() -> Self {
        Self { learning: PolicyGradient { critic: CriticInput::State, ..Ia2c::default().learning } }
    }
}

policy_gradient!(Maa2c, "maa2c", "MAA2C: advantage actor-critic with a centralised critic");
