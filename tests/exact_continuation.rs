//! A trainer that is saved, dropped, rebuilt and loaded continues exactly like one that was never
//! interrupted, including weights, optimizers, replay buffer, environments and random streams.

use phalanx::envs::registry::factory;
use phalanx::nn::{ConcaveMixer, OptimizerKind, RnnKind, Sharing};
use phalanx::prelude::*;
use phalanx::train::algorithms::{
    Algorithm, ConcaveQ, CriticInput, CwQmix, Dqn, DqnSettings, Happo, Maa2c, NamedFile, Overlap,
    OwQmix, Pqn, PqnIql, PqnVdn, Qatten, Qplex, Qtran, ResQ, SequentialPpo, TargetUpdate,
    Unrestricted, WeightedSettings,
};
use phalanx::train::replay::Precision;

fn trainer_in(env: &str, algorithm: impl Algorithm + 'static) -> Trainer {
    let env = factory(env, &Default::default()).expect("the environment is registered");
    let mut trainer = Trainer::new(algorithm, env).seed(5);
    trainer.config.test_nepisode = 4;
    trainer
}

fn trainer(algorithm: impl Algorithm + 'static) -> Trainer {
    trainer_in("skirmish/3m", algorithm)
}

fn iterate(trainer: &mut Trainer, times: usize) {
    for _ in 0..times {
        trainer.iterate().expect("losses are finite");
    }
    trainer.evaluate().expect("evaluation succeeds");
}

fn check<A: Algorithm + 'static>(algorithm: impl Fn() -> A, before: usize, after: usize) {
    check_in("skirmish/3m", algorithm, before, after);
}

fn check_in<A: Algorithm + 'static>(
    env: &str,
    algorithm: impl Fn() -> A,
    before: usize,
    after: usize,
) {
    let trainer = |algorithm: A| trainer_in(env, algorithm);
    let mut straight = trainer(algorithm());
    iterate(&mut straight, before);
    let saved: Vec<NamedFile> = straight.save().expect("the trainer can be saved");
    iterate(&mut straight, after);

    let mut again = trainer(algorithm());
    again.load(&saved).expect("the files were just saved");
    iterate(&mut again, after);

    let (ours, theirs) = (
        again.save().expect("the trainer can be saved"),
        straight.save().expect("the trainer can be saved"),
    );
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.name, theirs.name);
        assert!(ours.bytes == theirs.bytes, "{} differs", ours.name);
    }
    let means = |mut trainer: Trainer| trainer.take_means().expect("losses are finite");
    assert_eq!(means(again), means(straight));
}

#[test]
fn qmix_continues_exactly() {
    let qmix = || {
        // The target network is copied before and after the interruption.
        let learning = QLearningSettings {
            batch_size: 8,
            buffer_size: 30,
            target_update_interval: 16,
            ..QLearningSettings::default()
        };
        Qmix::new(learning)
    };
    check(qmix, 5, 4);
}

#[test]
fn pipelined_weights_continue_exactly() {
    let qmix = || {
        let overlap_rollouts = Overlap::Always;
        let learning =
            QLearningSettings { batch_size: 4, overlap_rollouts, ..QLearningSettings::default() };
        Qmix::new(learning)
    };
    check(qmix, 4, 4);
}

#[test]
fn concaveq_continues_exactly_with_every_stateful_option() {
    let concaveq = || {
        let learning = QLearningSettings {
            batch_size_run: 2,
            updates_per_rollout: 2,
            batch_size: 6,
            batch_steps: 9,
            buffer_size: 8,
            buffer_precision: Precision::F16,
            prioritised_replay: true,
            standardise_rewards: true,
            target_update: TargetUpdate::Soft,
            optimizer: OptimizerKind::RmsProp,
            parameter_sharing: Sharing::None,
            ..QLearningSettings::default()
        };
        let mixer = ConcaveMixer { mixing_embed_dim: 8, ..ConcaveMixer::default() };
        ConcaveQ { learning, mixer, ..ConcaveQ::default() }
    };
    check_in("predator_prey", concaveq, 5, 3);
}

#[test]
fn every_other_value_learner_continues_exactly() {
    let learning = || QLearningSettings {
        batch_size_run: 3,
        batch_size: 6,
        rnn_hidden_dim: 16,
        target_update: TargetUpdate::Updates,
        target_update_interval: 2,
        ..QLearningSettings::default()
    };
    let weighted = WeightedSettings { learning: learning(), ..WeightedSettings::default() };
    let game = "k_step";
    check_in(game, || Iql::new(learning()), 3, 2);
    check_in(game, || Vdn::new(learning()), 3, 2);
    check_in(game, || Qplex::new(learning()), 3, 2);
    check_in(game, || Qatten::new(learning()), 3, 2);
    check_in(game, || Qtran { learning: learning(), ..Qtran::default() }, 3, 2);
    check_in(game, || OwQmix { weighted: weighted.clone() }, 3, 2);
    check_in(game, || CwQmix { weighted: weighted.clone() }, 3, 2);
    check_in(game, || ResQ { learning: learning(), ..ResQ::default() }, 3, 2);
    check_in(game, || Unrestricted::new(learning()), 3, 2);
    let minto = || QLearningSettings { double_q: false, minto: true, ..learning() };
    check_in(game, || Qmix::new(minto()), 3, 2);
    let lstm = || QLearningSettings { rnn: RnnKind::Lstm, ..learning() };
    check_in(game, || Vdn::new(lstm()), 3, 2);
}

#[test]
fn dqn_continues_exactly() {
    // The buffer is full and the target network is copied before and after the interruption.
    let learning = || DqnSettings {
        batch_size_run: 3,
        train_interval: 2,
        learning_starts: 30,
        batch_size: 16,
        buffer_size: 100,
        hidden_dim: 16,
        target_update_interval: 10,
        ..DqnSettings::default()
    };
    check(|| Dqn { learning: learning() }, 50, 30);
    let soft = || DqnSettings {
        batch_size_run: 1,
        double_q: true,
        target_update: TargetUpdate::Soft,
        parameter_sharing: Sharing::None,
        obs_last_action: true,
        ..learning()
    };
    check_in("predator_prey", || Dqn { learning: soft() }, 120, 90);
}

#[test]
fn ippo_continues_exactly() {
    let ippo = || Ippo {
        learning: PolicyGradient {
            batch_size_run: 4,
            rollout_steps: 25,
            epochs: 2,
            num_mini_batch: 2,
            ..PolicyGradient::default()
        },
    };
    check(ippo, 3, 3);
}

#[test]
fn every_other_learner_from_rollouts_continues_exactly() {
    let small = |learning: PolicyGradient| PolicyGradient {
        batch_size_run: 4,
        rollout_steps: 24,
        epochs: 2,
        num_mini_batch: 2,
        rnn_hidden_dim: 16,
        ..learning
    };
    let chunks = || PolicyGradient { data_chunk_length: 6, ..small(Mappo::default().learning) };
    check(|| Mappo { learning: chunks() }, 3, 3);
    let lstm = || PolicyGradient { rnn: RnnKind::Lstm, ..chunks() };
    check(|| Mappo { learning: lstm() }, 3, 3);
    let shared =
        || PolicyGradient { critic: CriticInput::Shared, ..small(PolicyGradient::default()) };
    check(|| Ippo { learning: shared() }, 3, 3);
    let frames = || PolicyGradient {
        obs_frames: 3,
        use_conv: true,
        use_rnn: false,
        ..small(PolicyGradient::default())
    };
    check(|| Ippo { learning: frames() }, 3, 3);
    let standardised = || PolicyGradient {
        normalise_input: true,
        use_rnn: false,
        second_hidden_dim: 8,
        ..small(PolicyGradient::default())
    };
    check(|| Ippo { learning: standardised() }, 3, 3);
    check(|| Happo { learning: small(Happo::default().learning) }, 3, 3);
    check(|| SequentialPpo { learning: small(SequentialPpo::default().learning) }, 3, 3);
    let pqn = || Pqn { batch_size_run: 4, rollout_steps: 12, rnn_hidden_dim: 16, ..Pqn::default() };
    check(|| PqnVdn { learning: pqn() }, 3, 3);
    check(|| PqnIql { learning: pqn() }, 3, 3);
    let lstm = || Pqn { rnn: RnnKind::Lstm, ..pqn() };
    check(|| PqnVdn { learning: lstm() }, 3, 3);
    check(|| Maa2c { learning: small(Maa2c::default().learning) }, 3, 3);
}

#[test]
fn a_saved_trainer_of_another_shape_is_refused() {
    let qmix = |dim| {
        let learning = QLearningSettings {
            rnn_hidden_dim: dim,
            batch_size: 8,
            ..QLearningSettings::default()
        };
        Qmix::new(learning)
    };
    let mut small = trainer(qmix(16));
    iterate(&mut small, 2);
    let saved = small.save().expect("the trainer can be saved");
    assert!(trainer(qmix(32)).load(&saved).is_err());
    assert!(trainer(qmix(16)).load(&saved[1..]).is_err());
}
