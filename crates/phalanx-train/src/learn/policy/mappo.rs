//! Multi-agent proximal policy optimisation.

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::PolicyLearner;
use super::settings::{CriticInput, PolicyGradient};
use crate::config::Problem;
use crate::learn::{Algorithm, Learner, Setup, settings};

/// PPO with a critic that reads an agent-specific state, value normalisation, Huber's loss and
/// death masking (Yu et al. 2022, arXiv 2103.01955; defaults of the authors' code for SMAC).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mappo {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

impl Default for Mappo {
    fn default() -> Self {
        Self {
            learning: PolicyGradient {
                critic: CriticInput::AgentState,
                death_masking: true,
                batch_size_run: 8,
                rollout_steps: 400,
                data_chunk_length: 10,
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

impl Algorithm for Mappo {
    fn id(&self) -> &'static str {
        "mappo"
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
