//! A trainer that is saved, dropped, built again and loaded goes on exactly as one that was never
//! interrupted: weights, optimizers, replay memory, environments and random streams included.

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::learn::{Algorithm, SavedFile};

fn trainer(algorithm: impl Algorithm + 'static) -> Trainer {
    let battles = factory("skirmish/3m", &Default::default()).expect("it is registered");
    let mut trainer = Trainer::new(algorithm, battles).seed(5);
    trainer.config.test_nepisode = 4;
    trainer
}

fn iterate(trainer: &mut Trainer, times: usize) {
    for _ in 0..times {
        trainer.iterate().expect("losses are finite");
    }
    trainer.evaluate().expect("it was trained");
}

fn check<A: Algorithm + 'static>(algorithm: impl Fn() -> A, before: usize, after: usize) {
    let mut straight = trainer(algorithm());
    iterate(&mut straight, before);
    let saved: Vec<SavedFile> = straight.save().expect("it can be saved");
    iterate(&mut straight, after);

    let mut again = trainer(algorithm());
    again.load(&saved).expect("it was just saved");
    iterate(&mut again, after);

    let (ours, theirs) =
        (again.save().expect("it can be saved"), straight.save().expect("it can be saved"));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.name, theirs.name);
        assert!(ours.bytes == theirs.bytes, "{} differs", ours.name);
    }
    assert_eq!(again.take_means(), straight.take_means());
}

#[test]
fn qmix_continues_exactly() {
    let qmix = || {
        // The target network is copied before and after the interruption.
        let learning = QLearning {
            batch_size: 8,
            buffer_size: 30,
            target_update_interval: 16,
            ..QLearning::default()
        };
        Qmix { learning, ..Qmix::default() }
    };
    check(qmix, 5, 4);
}

#[test]
fn ippo_continues_exactly() {
    let ippo = || Ippo {
        batch_size_run: 4,
        rollout_steps: 25,
        epochs: 2,
        num_mini_batch: 2,
        ..Ippo::default()
    };
    check(ippo, 3, 3);
}

#[test]
fn a_saved_trainer_of_another_shape_is_refused() {
    let qmix = |dim| {
        let learning = QLearning { rnn_hidden_dim: dim, batch_size: 8, ..QLearning::default() };
        Qmix { learning, ..Qmix::default() }
    };
    let mut small = trainer(qmix(16));
    iterate(&mut small, 2);
    let saved = small.save().expect("it can be saved");
    assert!(trainer(qmix(32)).load(&saved).is_err());
    assert!(trainer(qmix(16)).load(&saved[1..]).is_err());
}
