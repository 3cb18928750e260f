//! Value factorisations on matrix games that distinguish their representational capacity. Joint
//! actions are drawn uniformly; `docs/results/value_factorisation.md` has twenty seeds of each game.

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

/// Returns the greedy return of a seed after 8000 steps.
fn greedy_return(game: &str, algorithm: impl Algorithm + 'static, seed: u64) -> f64 {
    let env = factory(game, &Default::default()).expect("the game is registered");
    let mut trainer = Trainer::new(algorithm, env).seed(seed);
    trainer.config.test_nepisode = 1;
    trainer.config.threads = 1;
    while trainer.iterate().expect("losses are finite").t_env < 8000 {}
    trainer.evaluate().expect("evaluation succeeds").return_mean()
}

#[test]
fn monotonic_mixing_misses_an_optimum_surrounded_by_penalties() {
    for seed in 1..=3 {
        let qmix = Qmix::new(settings());
        assert!(greedy_return("matrix/qtran_1", qmix, seed) < 8.0);
        let vdn = Vdn::new(settings());
        assert!(greedy_return("matrix/qtran_1", vdn, seed) < 8.0);
    }
}

#[test]
fn weighted_qmix_and_qtran_find_the_optimum() {
    let game = "matrix/qtran_1";
    for seed in 1..=3 {
        assert_eq!(greedy_return(game, OwQmix { weighted: weighted() }, seed), 8.0);
        assert_eq!(greedy_return(game, CwQmix { weighted: weighted() }, seed), 8.0);
        let qtran = Qtran { learning: settings(), ..Qtran::default() };
        assert_eq!(greedy_return(game, qtran, seed), 8.0);
    }
}

#[test]
fn an_unrestricted_mixer_learns_the_payoffs_but_not_consistent_utilities() {
    let mut missed = 0;
    for seed in 1..=3 {
        let env = factory("matrix/qtran_1", &Default::default()).expect("the game is registered");
        let mixer = UnrestrictedMixer { mixing_embed_dim: 64 };
        let unrestricted = Unrestricted { learning: settings(), mixer };
        let mut trainer = Trainer::new(unrestricted, env).seed(seed);
        trainer.config.test_nepisode = 1;
        trainer.config.threads = 1;
        while trainer.iterate().expect("losses are finite").t_env < 8000 {}
        let values = trainer
            .joint_q_values()
            .expect("the learner was trained")
            .expect("there is a joint value");
        let payoffs = [8.0, -12.0, -12.0, -12.0, 1.0, 1.0, -12.0, 1.0, 1.0];
        for (value, payoff) in values.iter().zip(payoffs) {
            assert!((value - payoff).abs() < 1.0, "{values:?}");
        }
        missed += u32::from(trainer.evaluate().expect("evaluation succeeds").return_mean() < 8.0);
    }
    assert!(missed > 0, "nothing ties the largest utilities to the largest joint value");
}

#[test]
fn concave_mixing_finds_the_optimum_with_a_signed_first_layer_but_not_with_an_absolute_one() {
    for seed in 1..=3 {
        assert_eq!(greedy_return("matrix/qtran_1", concave(), seed), 8.0);
        // Every agent's argmax is the wrong action under a mixer that never increases.
        let mixer = ConcaveMixer { first_layer: FirstLayer::Absolute, ..concave().mixer };
        let literal = ConcaveQ { mixer, w: 1.0, ..concave() };
        assert!(greedy_return("matrix/qtran_1", literal, seed) < 8.0);
    }
}
