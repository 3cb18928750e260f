//! A run writes the documented files, its saved policy acts like the trained one, and an invalid
//! configuration writes nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use phalanx::env::ParallelEnvs;
use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use phalanx::train::TrainError;
use phalanx::train::run::RunFolder;
use phalanx::train::run::checkpoint::{CheckpointId, RunCheckpoints, load_policy};
use phalanx::train::run::evaluate::evaluate;
use serde_json::Value;

fn trainer() -> Trainer {
    let battles =
        factory("skirmish/3m", &Default::default()).expect("the environment is registered");
    let learning = QLearningSettings { batch_size: 16, ..QLearningSettings::default() };
    let mut trainer = Trainer::new(Vdn::new(learning), battles).t_max(3000);
    trainer.config.test_interval = 1000;
    trainer.config.log_interval = 500;
    trainer
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_run_writes_the_documented_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    let outcome = trainer().run(&path).expect("the run succeeds");

    let expected = [
        "checkpoints",
        "config.toml",
        "log.txt",
        "marl_eval.json",
        "metrics.jsonl",
        "run.json",
        "run.lock",
        "tb",
    ];
    assert_eq!(names(&path), expected.map(str::to_owned).into());
    assert_eq!(names(folder.path()), ["run".to_owned()].into(), "nothing is written elsewhere");

    let text = fs::read_to_string(path.join("metrics.jsonl")).expect("it was written");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.last().expect("there are lines");
    for name in [
        "t_env",
        "episode",
        "return_mean",
        "ep_length_mean",
        "battle_won_mean",
        "dead_allies_mean",
        "dead_enemies_mean",
        "test_return_mean",
        "test_ep_length_mean",
        "test_battle_won_mean",
        "test_dead_allies_mean",
        "test_dead_enemies_mean",
        "epsilon",
        "loss_td",
        "grad_norm",
        "q_taken_mean",
        "target_mean",
        "steps_per_second",
        "updates_per_second",
    ] {
        assert!(last[name].is_number(), "{name} is missing in {last}");
    }
    assert_eq!(last["t_env"], outcome.progress.t_env);

    let run: Value =
        serde_json::from_slice(&fs::read(path.join("run.json")).expect("read")).expect("JSON");
    assert_eq!(run["alg"], "vdn");
    assert_eq!(run["device"], "cpu");

    let eval: Value = serde_json::from_slice(&fs::read(path.join("marl_eval.json")).expect("read"))
        .expect("JSON");
    let steps = eval["skirmish"]["3m"]["vdn"]["seed_1"].as_object().expect("steps");
    let tested = lines.iter().filter(|line| line["test_return_mean"].is_number()).count();
    assert_eq!(steps.len(), tested + 1, "the absolute metrics come last");
    // Of the best policy, over ten times the episodes.
    let absolute = steps["absolute_metrics"]["return"].as_array().expect("a list");
    assert_eq!(absolute.len(), 320);
    assert_eq!(last["test_crashes"], 0);
    assert_eq!(steps["step_0"]["elapsed_time"], 0.0);
    assert_eq!(steps["step_1"]["return"].as_array().expect("a list").len(), 32);
}

#[test]
fn a_saved_policy_acts_like_the_trained_one() {
    // Networks with every optional part.
    let learning = PolicyGradient {
        use_rnn: false,
        second_hidden_dim: 20,
        use_conv: true,
        obs_frames: 2,
        normalise_input: true,
        ..PolicyGradient::default()
    };
    let battles =
        || factory("skirmish/3m", &Default::default()).expect("the environment is registered");
    plays_the_same(trainer());
    plays_the_same(Trainer::new(Ippo { learning }, battles()));
}

/// Checks that a policy wins and loses the same battles after saving and loading.
fn plays_the_same(mut trainer: Trainer) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    while trainer.iterate().expect("losses are finite").t_env < 1000 {}
    let checkpoints = RunCheckpoints::of(folder.path());
    let weights = trainer.weights().expect("the weights can be read");
    checkpoints.save(1000, &weights, true, false).expect("saved");

    let (_, files) = checkpoints.load(CheckpointId::Best).expect("saved");
    let loaded = load_policy(&files).expect("the policy is complete");
    let play = |policy| {
        let battles =
            factory("skirmish/3m", &Default::default()).expect("the environment is registered");
        evaluate(policy, &mut ParallelEnvs::new(8, 1, Purpose::TestEnvironment, battles), 32)
            .expect("the environment keeps its contract")
    };
    let trained = trainer.policy().expect("the learner was trained");
    let evaluation = play(&trained);
    assert_eq!(play(&loaded), evaluation);
    assert_eq!(evaluation.episodes, 32);
}

#[test]
fn a_run_is_not_overwritten_by_default() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    trainer().t_max(600).run(&path).expect("the run succeeds");
    let before = fs::read(path.join("metrics.jsonl")).expect("read");
    let error = trainer().run(&path).expect_err("the run exists");
    assert!(matches!(error, TrainError::RunExists { .. }), "{error}");
    assert_eq!(fs::read(path.join("metrics.jsonl")).expect("read"), before);
    trainer().t_max(600).run_overwriting(&path).expect("the run is replaced");
}

#[test]
fn a_run_folder_has_a_single_writer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    trainer().t_max(600).run(&path).expect("the run succeeds");
    let contents = || {
        let read = |name: &String| (name.clone(), fs::read(path.join(name)).unwrap_or_default());
        names(&path).iter().map(read).collect::<Vec<_>>()
    };
    let before = contents();
    let writing = RunFolder::lock(&path).expect("the folder is not locked");
    for error in [trainer().resume(&path), trainer().run(&path), trainer().run_overwriting(&path)] {
        let error = error.expect_err("the folder is locked");
        assert!(matches!(error, TrainError::RunBusy { .. }), "{error}");
    }
    assert!(contents() == before, "nothing has changed");
    drop(writing);
    trainer().t_max(600).run_overwriting(&path).expect("the lock was released");
}

#[test]
fn an_invalid_configuration_writes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    let mut bad = trainer();
    bad.config.test_nepisode = 0;
    let error = bad.run(&path).expect_err("no episodes").to_string();
    assert!(error.contains("test_nepisode"), "{error}");
    let error = trainer().device("gpu9").run(&path).expect_err("no such device").to_string();
    assert!(error.contains("gpu9"), "{error}");
    assert!(names(folder.path()).is_empty());
}
