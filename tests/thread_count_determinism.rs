//! The same seed writes the same metrics with 1, 2 and 3 threads: rollouts, updates and evaluation
//! depend only on the configuration.

use phalanx::envs::registry::factory;
use phalanx::nn::RnnKind;
use phalanx::prelude::*;
use phalanx::train::algorithms::{Algorithm, ConcaveQ, Pqn, PqnVdn};
use phalanx_tests::metrics::metrics_without_times;

/// Returns `metrics.jsonl` of a short run, without the fields that depend on the clock.
fn metrics(algorithm: impl Algorithm + 'static, threads: usize, t_max: u64) -> String {
    metrics_in("skirmish/5m_vs_6m", algorithm, threads, t_max)
}

fn metrics_in(
    env: &str,
    algorithm: impl Algorithm + 'static,
    threads: usize,
    t_max: u64,
) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let env = factory(env, &Default::default()).expect("the environment is registered");
    let mut trainer = Trainer::new(algorithm, env).seed(11).t_max(t_max);
    trainer.config.threads = threads;
    trainer.config.log_interval = 1000;
    trainer.config.test_interval = 2000;
    trainer.run(folder.path().join("run")).expect("the run succeeds");
    let lines = metrics_without_times(&folder.path().join("run"));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn qmix_writes_the_same_bytes_with_1_2_and_3_threads() {
    let qmix = || {
        let learning = QLearningSettings { batch_size: 16, ..QLearningSettings::default() };
        Qmix::new(learning)
    };
    let single = metrics(qmix(), 1, 6000);
    assert!(single.contains("loss_td"), "no update was made");
    for threads in [2, 3] {
        assert_eq!(single, metrics(qmix(), threads, 6000), "{threads} threads");
    }
}

#[test]
fn concaveq_writes_the_same_bytes_with_1_2_and_3_threads() {
    let concaveq = || {
        let learning =
            QLearningSettings { batch_size: 16, batch_steps: 10, ..QLearningSettings::default() };
        ConcaveQ { learning, ..ConcaveQ::default() }
    };
    let single = metrics_in("predator_prey", concaveq(), 1, 6000);
    assert!(single.contains("pg_loss"), "no update was made");
    for threads in [2, 3] {
        let several = metrics_in("predator_prey", concaveq(), threads, 6000);
        assert_eq!(single, several, "{threads} threads");
    }
}

#[test]
fn dqn_writes_the_same_bytes_with_1_2_and_3_threads() {
    // A minibatch of 1280 rows has several shards.
    let dqn = || Dqn {
        learning: DqnSettings {
            batch_size: 256,
            learning_starts: 300,
            train_interval: 10,
            ..DqnSettings::default()
        },
    };
    let single = metrics(dqn(), 1, 2500);
    assert!(single.contains("loss_td"), "no update was made");
    for threads in [2, 3] {
        assert_eq!(single, metrics(dqn(), threads, 2500), "{threads} threads");
    }
}

#[test]
fn ippo_writes_the_same_bytes_with_1_2_and_3_threads() {
    let ippo = || Ippo {
        learning: PolicyGradient { epochs: 2, num_mini_batch: 3, ..PolicyGradient::default() },
    };
    let single = metrics(ippo(), 1, 8000);
    assert!(single.contains("pg_loss"), "no update was made");
    for threads in [2, 3] {
        assert_eq!(single, metrics(ippo(), threads, 8000), "{threads} threads");
    }
}

#[test]
fn ippo_with_an_lstm_writes_the_same_bytes_with_1_2_and_3_threads() {
    let ippo = || Ippo {
        learning: PolicyGradient {
            rnn: RnnKind::Lstm,
            data_chunk_length: 16,
            epochs: 2,
            ..PolicyGradient::default()
        },
    };
    let single = metrics(ippo(), 1, 4000);
    assert!(single.contains("pg_loss"), "no update was made");
    for threads in [2, 3] {
        assert_eq!(single, metrics(ippo(), threads, 4000), "{threads} threads");
    }
}

/// Uses layers that are large enough for the matrix unit of a processor that has one.
#[test]
fn large_layers_and_convolutions_write_the_same_bytes_with_1_2_and_3_threads() {
    let ippo = || Ippo {
        learning: PolicyGradient {
            use_rnn: false,
            use_conv: true,
            obs_frames: 2,
            rnn_hidden_dim: 160,
            rollout_steps: 20,
            num_mini_batch: 2,
            ..PolicyGradient::default()
        },
    };
    let single = metrics(ippo(), 1, 400);
    assert!(single.contains("pg_loss"), "no update was made");
    for threads in [2, 3] {
        assert_eq!(single, metrics(ippo(), threads, 400), "{threads} threads");
    }
    // The minibatch is a single shard here, so its layers are multi-threaded.
    let pqn = || PqnVdn { learning: Pqn { rnn_hidden_dim: 300, ..Pqn::default() } };
    let single = metrics(pqn(), 1, 4000);
    assert!(single.contains("loss"), "no update was made");
    for threads in [2, 3] {
        assert_eq!(single, metrics(pqn(), threads, 4000), "{threads} threads");
    }
}
