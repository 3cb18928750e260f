//! Policy-gradient algorithms: one learner, and one file with the defaults of each algorithm.

/// Implements `Algorithm` for a struct whose field `learning` holds the settings of policy gradients.
macro_rules! policy_gradient {
    ($algorithm:ty, $id:literal, $summary:literal) => {
        algorithm_of_settings! {
            $algorithm, $id, $summary,
            |learning, context| super::learner::PolicyLearner::new(learning, context),

            fn validate_for(
                &self,
                spec: &phalanx_core::env::EnvSpec,
            ) -> Vec<phalanx_core::settings::InvalidSetting> {
                self.learning.validate_for(spec)
            }

            fn validate_encoder(
                &self,
                encoder: &phalanx_core::nn::AnyEncoder,
                spec: &phalanx_core::env::EnvSpec,
            ) -> Vec<phalanx_core::settings::InvalidSetting> {
                self.learning.validate_encoder(encoder, spec)
            }
        }
    };
}

mod batch;
mod critic_input;
mod happo;
mod ia2c;
mod ippo;
mod learner;
mod losses;
mod maa2c;
mod mappo;
mod sequential_ppo;
mod settings;
mod update;
mod update_group;

pub use batch::RolloutBatch;
pub use happo::Happo;
pub use ia2c::Ia2c;
pub use ippo::Ippo;
pub use learner::PolicyLearner;
pub use maa2c::Maa2c;
pub use mappo::Mappo;
pub use sequential_ppo::SequentialPpo;
pub use settings::{CriticInput, NormaliseAdvantage, PolicyGradient, UpdateOrder};
