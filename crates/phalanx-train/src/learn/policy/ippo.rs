//! Independent proximal policy optimisation.

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::PolicyLearner;
use super::settings::PolicyGradient;
use crate::config::Problem;
use crate::learn::{Algorithm, Learner, Setup, settings};

/// Every agent learns a policy and a local value from the team's reward, with shared parameters
/// (de Witt et al. 2020, arXiv 2011.09533).
///
/// The paper's ablations are switches: `policy_clip=false` (with `epochs=1`: independent
/// actor-critic), `value_clip=false`, `critic=state`, `critic=joint`, `lr`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ippo {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

impl Algorithm for Ippo {
    fn id(&self) -> &'static str {
        "ippo"
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
