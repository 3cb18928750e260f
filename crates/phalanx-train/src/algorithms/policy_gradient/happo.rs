//! Heterogeneous-agent proximal policy optimisation.

use serde::{Deserialize, Serialize};

use super::settings::PolicyGradient;

/// HAPPO: PPO that updates agents with separate networks one after another, each with the joint
/// advantage times the probability ratio of the agents updated before it (Kuba et al. 2022, arXiv
/// 2109.11251). Defaults are those of HARL, whose networks have two layers of 128 units.
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
                batch_size_run: 20,
                rollout_steps: 200,
                lr: 0.0005,
                grad_norm_clip: 10.0,
                huber_delta: 10.0,
                use_orthogonal: true,
                ..PolicyGradient::sequential()
            },
        }
    }
}

policy_gradient!(Happo, "happo", "HAPPO: PPO that updates agents one after another");
