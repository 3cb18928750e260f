//! Heterogeneous-agent proximal policy optimisation.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::Sharing;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::PolicyLearner;
use super::settings::{CriticInput, PolicyGradient, UpdateOrder};
use crate::config::Problem;
use crate::learn::{Algorithm, Learner, Setup, settings};

/// Agents with networks of their own improve one after another, each by the joint advantage times
/// how much likelier those before it make what was done (Kuba et al. 2022, arXiv 2109.11251;
/// defaults of HARL, whose networks are two layers of 128).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happo {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

impl Default for Happo {
    fn default() -> Self {
        Self {
            learning: PolicyGradient {
                critic: CriticInput::Joint,
                update_order: UpdateOrder::Random,
                parameter_sharing: Sharing::None,
                batch_size_run: 20,
                rollout_steps: 200,
                lr: 0.0005,
                grad_norm_clip: 10.0,
                huber_delta: 10.0,
                entropy_coef: 0.01,
                use_orthogonal: true,
                ..PolicyGradient::default()
            },
        }
    }
}

impl Algorithm for Happo {
    fn id(&self) -> &'static str {
        "happo"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn problems(&self) -> Vec<Problem> {
        self.learning.problems()
    }

    fn problems_in(&self, spec: &EnvSpec) -> Vec<Problem> {
        self.learning.problems_in(spec)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        Box::new(PolicyLearner::new(&self.learning, setup))
    }
}
