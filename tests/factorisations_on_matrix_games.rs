//! What each value factorisation makes of the games on which they are told apart. Joint actions are
//! drawn uniformly; `docs/results/value_factorisation.md` has twenty seeds of each.

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::learn::{
    Algorithm, ConcaveQ, CwQmix, FirstLayerName, Mlp, Monotone, OwQmix, Qtran, ResQ,
    WeightedSettings,
};

fn settings() -> QLearning {
    QLearning {
        batch_size: 32,
        epsilon_finish: 1.0,
        lr: 0.005,
        use_rnn: false,
        rnn_hidden_dim: 32,
        ..QLearning::default()
    }
}

fn weighted() -> WeightedSettings {
    WeightedSettings {
        learning: settings(),
        w: 0.1,
        mixer: Monotone { mixing_embed_dim: 16, ..Monotone::default() },
        central_mixing_embed_dim: 64,
    }
}

fn concave() -> ConcaveQ {
    ConcaveQ {
        learning: settings(),
        mixing_embed_dim: 16,
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
        let qmix = Qmix { learning: settings(), ..Qmix::default() };
        assert!(greedy_return("matrix/qtran_1", qmix, seed) < 8.0);
        let vdn = Vdn { learning: settings() };
        assert!(greedy_return("matrix/qtran_1", vdn, seed) < 8.0);
    }
}

#[test]
fn weighting_a_residual_a_transformation_and_no_restriction_find_it() {
    let game = "matrix/qtran_1";
    for seed in 1..=3 {
        assert_eq!(greedy_return(game, OwQmix { weighted: weighted() }, seed), 8.0);
        assert_eq!(greedy_return(game, CwQmix { weighted: weighted() }, seed), 8.0);
        let resq = ResQ { learning: settings(), ..ResQ::default() };
        assert_eq!(greedy_return(game, resq, seed), 8.0);
        let qtran = Qtran { learning: settings(), ..Qtran::default() };
        assert_eq!(greedy_return(game, qtran, seed), 8.0);
        let mlp = Mlp { learning: settings(), mixing_embed_dim: 64 };
        assert_eq!(greedy_return(game, mlp, seed), 8.0);
    }
}

#[test]
fn concave_mixing_finds_it_with_signed_weights_and_not_as_the_paper_writes_them() {
    for seed in 1..=3 {
        assert_eq!(greedy_return("matrix/qtran_1", concave(), seed), 8.0);
        let literal = ConcaveQ { first_layer: FirstLayerName::Absolute, ..concave() };
        assert!(greedy_return("matrix/qtran_1", literal, seed) < 8.0);
    }
}
