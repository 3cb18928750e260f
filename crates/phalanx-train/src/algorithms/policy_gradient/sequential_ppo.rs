//! Sequential PPO with localised advantages.

use serde::{Deserialize, Serialize};

use super::settings::PolicyGradient;

/// Sequential PPO: updates agents one after another, with the advantage of their own actions given
/// those of the agents before them, and a KL penalty towards the old policy (Zhao, Yang, Wang and
/// Lee 2023, "Local Optimization Achieves Global Optimality in Multi-Agent Reinforcement
/// Learning").
///
/// ```text
/// L_m = -mean[ M_m rho_m A ] + kl_coef mean[ KL(pi_m_old || pi_m) ]
/// ```
///
/// where `M_m` is the probability ratio of the agents before `m`, as in HAPPO. The example
/// `ratio_game` has the tabular form, for which the paper proves convergence to the global optimum.
/// There, a policy observes the actions of the agents before it; here, agents act independently,
/// and the ratio accounts for the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequentialPpo {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

impl Default for SequentialPpo {
    fn default() -> Self {
        Self {
            learning: PolicyGradient {
                policy_clip: false,
                kl_coef: 1.0,
                ..PolicyGradient::sequential()
            },
        }
    }
}

policy_gradient!(
    SequentialPpo,
    "sequential_ppo",
    "Sequential PPO: localised advantages and a KL penalty towards the old policy"
);
