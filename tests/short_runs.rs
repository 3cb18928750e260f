//! Short runs on predator-prey, for tests of saved and resumed runs.

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::algorithms::Algorithm;

/// Returns a trainer that logs every 500 and evaluates every 2000 environment steps.
///
/// # Panics
///
/// Panics if predator-prey is not registered.
pub fn trainer(algorithm: impl Algorithm + 'static, t_max: u64) -> Trainer {
    let env = factory("predator_prey", &Default::default()).expect("the environment is registered");
    let mut trainer = Trainer::new(algorithm, env).seed(4).t_max(t_max);
    trainer.config.log_interval = 500;
    trainer.config.test_interval = 2000;
    trainer.config.test_nepisode = 3;
    trainer
}

/// Returns VDN with feed-forward agents and small batches.
pub fn vdn() -> Vdn {
    Vdn::new(QLearningSettings {
        batch_size_run: 2,
        batch_size: 4,
        batch_steps: 10,
        use_rnn: false,
        ..QLearningSettings::default()
    })
}

/// Returns IPPO with short rollouts.
pub fn ippo() -> Ippo {
    Ippo {
        learning: PolicyGradient {
            batch_size_run: 4,
            rollout_steps: 50,
            epochs: 1,
            ..PolicyGradient::default()
        },
    }
}
