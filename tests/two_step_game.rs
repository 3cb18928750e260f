//! QMIX can represent the two-step game and finds the return 8; VDN cannot and settles for 7
//! (Rashid et al. 2018, section 5). Actions are fully random during training, as in the paper.

use phalanx::envs::registry::factory;
use phalanx::prelude::*;

/// Seeds per algorithm.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;

fn settings() -> QLearningSettings {
    QLearningSettings {
        batch_size: 64,
        buffer_size: 500,
        // Half of all joint actions are worse than the greedy one, so returns of whole episodes
        // are poor targets: bootstrap after one step.
        td_lambda: 0.0,
        epsilon_start: 1.0,
        epsilon_finish: 1.0,
        rnn_hidden_dim: 32,
        ..QLearningSettings::default()
    }
}

/// Returns the greedy returns of all seeds.
fn greedy_returns(train: impl Fn() -> Trainer) -> Vec<f64> {
    SEEDS
        .map(|seed| {
            let mut trainer = train().seed(seed);
            trainer.config.test_nepisode = 1;
            trainer.config.threads = 1;
            while trainer.iterate().expect("losses are finite").t_env < 20_000 {}
            trainer.evaluate().expect("evaluation succeeds").return_mean()
        })
        .collect()
}

#[test]
fn qmix_finds_the_return_8_on_ten_of_ten_seeds() {
    let game = factory("two_step", &Default::default()).expect("the game is registered");
    let returns = greedy_returns(|| {
        let qmix = Qmix::new(settings());
        Trainer::new(qmix, game.clone())
    });
    assert_eq!(returns, [8.0; 10]);
}

#[test]
fn vdn_settles_for_7_on_ten_of_ten_seeds() {
    let game = factory("two_step", &Default::default()).expect("the game is registered");
    let returns = greedy_returns(|| Trainer::new(Vdn::new(settings()), game.clone()));
    assert_eq!(returns, [7.0; 10]);
}
