//! Advantage actor-critic with a central value.

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::PolicyLearner;
use super::settings::{CriticInput, PolicyGradient};
use crate::config::Problem;
use crate::learn::{Algorithm, Learner, Setup, settings};

/// As `ia2c`, with a critic that reads the state (Papoudakis et al. 2021, arXiv 2006.07869).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Maa2c {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

impl Default for Maa2c {
    fn default() -> Self {
        Self {
            learning: PolicyGradient {
                critic: CriticInput::State,
                batch_size_run: 10,
                rollout_steps: 20,
                epochs: 1,
                lr: 0.0005,
                grad_norm_clip: 10.0,
                n_step: 5,
                policy_clip: false,
                value_clip: false,
                entropy_coef: 0.01,
                ..PolicyGradient::default()
            },
        }
    }
}

impl Algorithm for Maa2c {
    fn id(&self) -> &'static str {
        "maa2c"
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
