//! Independent proximal policy optimisation.

use serde::{Deserialize, Serialize};

use super::settings::PolicyGradient;

/// Every agent learns a policy and a value of its observation from the team's reward, with shared
/// parameters (de Witt et al. 2020, arXiv 2011.09533).
///
/// The paper's ablations are settings: `policy_clip=false` (with `epochs=1`: independent
/// actor-critic), `value_clip=false`, `critic=state`, `critic=joint`, `lr`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ippo {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

policy_gradient!(Ippo, "ippo", "independent proximal policy optimisation");
