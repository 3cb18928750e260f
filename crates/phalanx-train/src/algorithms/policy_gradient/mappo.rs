//! Multi-agent proximal policy optimisation.

use serde::{Deserialize, Serialize};

use super::settings::{CriticInput, PolicyGradient};

/// MAPPO: PPO with a critic that reads an agent-specific state, value normalisation, the Huber loss
/// and death masking (Yu et al. 2022, arXiv 2103.01955). Defaults are those of the authors' code
/// for SMAC.
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
                layer_norm: true,
                ..PolicyGradient::default()
            },
        }
    }
}

policy_gradient!(Mappo, "mappo", "MAPPO: PPO with a critic that reads an agent-specific state");
