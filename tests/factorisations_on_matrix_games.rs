//! What each value factorisation makes of the games on which they are told apart. Joint actions are
//! drawn uniformly; `docs/results/value_factorisation.md` has twenty seeds of each.

use phalanx::envs::registry::factory;
use phalanx::nn::{ConcaveMixer, FirstLayer, QmixMixer, UnrestrictedMixer};
use phalanx::prelude::*;
use phalanx::train::algorithms::{
    Algorithm, ConcaveQ, CwQmix, OwQmix, Qtran, Unrestricted, WeightedSettings,
};

fn settings() -> QLearningSettings {
    QLearningSettings {
        batch_size: 32,
        epsilon_finish: 1.0,
        lr: 0.005,
        use_rnn: false,
        rnn_hidden_dim: 32,
        ..QLearningSettings::default()
    }
}

fn weighted() -> WeightedSettings {
    WeightedSettings {
        learning: settings(),
        w: 0.1,
        mixer: QmixMixer { mixing_embed_dim: 16, ..QmixMixer::default() },
        central_mixing_embed_dim: 64,
    }
}

fn concave() -> ConcaveQ {
    ConcaveQ {
        learning: settings(),
        mixer: ConcaveMixer { mixing_embed_dim: 16, ..ConcaveMixer::default() },
        central_mixing_embed_dim: 64,
        search_pairwise: true,
        ..ConcaveQ::default()
    }
}

/// The greedy return of a seed after 8000 steps.
fn greedy_return(game: &str, algorithm: impl Algorithm + 'static, seed: u64) -> f64 {
    let env = factory(game, &Default::default()).expect("it is registered");
    let mut trainer = Trainer::new(algorithm, env).seed(seed);
    trainer.config.test_nepisode = 1;
    trainer.config.threads = 1;
    while trainer.iterate().expect("losses are finite").t_env < 8000 {}
    trainer.evaluate().expect("it was trained").return_mean()
}

#[test]
fn monotone_mixing_misses_the_optimum_that_losses_surround() {
    for seed in 1..=3 {
        let qmix = Qmix::new(settings());
        assert!(greedy_return("matrix/qtran_1", qmix, seed) < 8.0);
        let vdn = Vdn::new(settings());
        assert!(greedy_return("matrix/qtran_1", vdn, seed) < 8.0);
    }
}

#[test]
fn weighting_and_transforming_find_it() {
    let game = "matrix/qtran_1";
    for seed in 1..=3 {
        assert_eq!(greedy_return(game, OwQmix { weighted: weighted() }, seed), 8.0);
        assert_eq!(greedy_return(game, CwQmix { weighted: weighted() }, seed), 8.0);
        let qtran = Qtran { learning: settings(), ..Qtran::default() };
        assert_eq!(greedy_return(game, qtran, seed), 8.0);
    }
}

#[test]
fn an_unrestricted_mixer_learns_the_table_but_its_agents_cannot_read_it() {
    let mut missed = 0;
    for seed in 1..=3 {
        let env = factory("matrix/qtran_1", &Default::default()).expect("it is registered");
        let mixer = UnrestrictedMixer { mixing_embed_dim: 64 };
        let unrestricted = Unrestricted { learning: settings(), mixer };
        let mut trainer = Trainer::new(unrestricted, env).seed(seed);
        trainer.config.test_nepisode = 1;
        trainer.config.threads = 1;
        while trainer.iterate().expect("losses are finite").t_env < 8000 {}
        let values = trainer.joint_q_values().expect("it was trained").expect("there is one");
        let payoffs = [8.0, -12.0, -12.0, -12.0, 1.0, 1.0, -12.0, 1.0, 1.0];
        for (value, payoff) in values.iter().zip(payoffs) {
            assert!((value - payoff).abs() < 1.0, "{values:?}");
        }
        missed += u32::from(trainer.evaluate().expect("it was trained").return_mean() < 8.0);
    }
    assert!(missed > 0, "nothing ties the largest utilities to the largest joint value");
}

#[test]
fn concave_mixing_finds_it_with_signed_weights_and_not_as_the_paper_writes_them() {
    for seed in 1..=3 {
        assert_eq!(greedy_return("matrix/qtran_1", concave(), seed), 8.0);
        // Every agent's argmax would be the wrong one under a mixer that never rises.
        let mixer = ConcaveMixer { first_layer: FirstLayer::Absolute, ..concave().mixer };
        let literal = ConcaveQ { mixer, w: 1.0, ..concave() };
        assert!(greedy_return("matrix/qtran_1", literal, seed) < 8.0);
    }
}
