//! Independent proximal policy optimisation.

use serde::{Deserialize, Serialize};

use super::settings::PolicyGradient;

/// IPPO: every agent learns a policy and a value function of its own observations from the team's
/// reward; agents share parameters (de Witt et al. 2020, arXiv 2011.09533).
///
/// The paper's ablations are settings: `policy_clip=false` (with `epochs=1` this is independent
/// actor-critic), `value_clip=false`, `critic=state`, `critic=joint` and `lr`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ippo {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

policy_gradient!(
    Ippo,
    "ippo",
    "IPPO: independent PPO, every agent learns from its own observations"
);
