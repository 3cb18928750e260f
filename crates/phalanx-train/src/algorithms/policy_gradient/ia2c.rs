//! Independent advantage actor-critic.

use serde::{Deserialize, Serialize};

use super::settings::PolicyGradient;

/// IA2C: one policy-gradient step per rollout, with a critic per agent (Mnih et al. 2016, arXiv
/// 1602.01783; for teams Papoudakis et al. 2021, arXiv 2006.07869). EPyMARL collects whole episodes
/// and standardises rewards; here rollouts have a fixed length and the critic learns normalised
/// returns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ia2c {
    /// The settings of policy gradients.
    #[serde(flatten)]
    pub learning: PolicyGradient,
}

impl Default for Ia2c {
    fn default() -> Self {
        Self {
            learning: PolicyGradient {
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

policy_gradient!(Ia2c, "ia2c", "IA2C: independent advantage actor-critic");
