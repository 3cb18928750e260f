//! Policy optimisation by localised advantages.

use phalanx_core::nn::Sharing;
use serde::{Deserialize, Serialize};

use super::settings::{CriticInput, PolicyGradient, UpdateOrder};

/// Agents improve one after another by the advantage of their own actions given those of the agents
/// before, held near the old policy by a KL divergence (Zhao, Yang, Wang and Lee 2023, "Local
/// Optimization Achieves Global Optimality in Multi-Agent Reinforcement Learning").
///
/// ```text
/// L_m = -mean[ M_m rho_m A ] + kl_coef mean[ KL(pi_m_old || pi_m) ]
/// ```
///
/// where `M_m` is the factor of the agents before `m`, as in HAPPO. The tabular form, for which the
/// paper proves convergence to the global optimum, is
/// [`LocalisedUpdate`](phalanx_core::rl::LocalisedUpdate). There a policy sees the actions of the
/// agents before it; here agents act on their own, so the factor stands in for that.
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
                critic: CriticInput::Joint,
                update_order: UpdateOrder::Random,
                parameter_sharing: Sharing::None,
                policy_clip: false,
                kl_coef: 1.0,
                entropy_coef: 0.01,
                ..PolicyGradient::default()
            },
        }
    }
}

policy_gradient!(
    SequentialPpo,
    "sequential_ppo",
    "sequential PPO on localised advantages, near the old policy"
);
