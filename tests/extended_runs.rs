//! A finished run whose state was kept can be extended, and then equals an uninterrupted longer run. What
//! cannot be extended is refused without deleting anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use phalanx::prelude::*;
use phalanx::train::algorithms::{Algorithm, Overlap};
use phalanx::train::run::Ended;
use phalanx::train::{Report, TrainError};
use phalanx_tests::metrics::metrics_without_times as metrics;
use phalanx_tests::short_runs::{self, ippo, trainer};
use serde_json::Value;

fn vdn() -> Vdn {
    let mut vdn = short_runs::vdn();
    vdn.learning.overlap_rollouts = Overlap::Always;
    vdn
}

/// Returns every file below a folder with its contents.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.display().to_string(), fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// Returns the weights of the best and the last checkpoint with their steps, and the index.
fn checkpoints(run: &Path) -> (Value, Vec<Vec<u8>>) {
    let index = fs::read(run.join("checkpoints/index.json")).expect("it was written");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let weights = ["best", "last"].map(|which| {
        fs::read(run.join(format!("checkpoints/step_{}/agent.safetensors", index[which])))
            .expect("it was written")
    });
    (index, weights.into())
}

fn check<A: Algorithm + 'static>(algorithm: impl Fn() -> A, short: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (straight, extended) = (folder.path().join("straight"), folder.path().join("extended"));
    let expected = trainer(algorithm(), 7000).run(&straight).expect("the run succeeds");
    let first = trainer(algorithm(), short).keep_state().run(&extended).expect("the run succeeds");
    assert!((short..7000).contains(&first.progress.t_env));
    let second = trainer(algorithm(), 7000).resume(&extended).expect("the run is extended");
    assert_eq!((second.ended, &second.last), (Ended::TMax, &expected.last));
    assert_eq!(second.best, expected.best);
    assert_eq!(second.progress.updates, expected.progress.updates);
    assert_eq!(metrics(&straight), metrics(&extended));
    assert!(checkpoints(&straight) == checkpoints(&extended), "the checkpoints differ");
    let folders = |run: &Path| fs::read_dir(run.join("checkpoints")).expect("a folder").count();
    assert_eq!(folders(&straight), folders(&extended));
    assert!(!extended.join("state").exists(), "this time the state was not kept");
}

#[test]
fn an_extended_value_learner_equals_an_uninterrupted_one() {
    // A shorter run that ends between two evaluations, and one that ends at an evaluation.
    check(vdn, 3100);
    check(vdn, 4000);
}

#[test]
fn an_extended_policy_learner_equals_an_uninterrupted_one() {
    check(ippo, 3100);
    check(ippo, 4000);
}

#[test]
fn an_extension_that_is_killed_can_be_repeated() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (straight, extended) = (folder.path().join("straight"), folder.path().join("extended"));
    trainer(ippo(), 7000).run(&straight).expect("the run succeeds");
    trainer(ippo(), 3100).keep_state().run(&extended).expect("the run succeeds");
    let killed = |report: &Report| (report.t_env >= 5000).then_some(1.0);
    let killed = trainer(ippo(), 7000).metric("crashes", killed);
    killed.resume(&extended).expect_err("it was interrupted");
    trainer(ippo(), 7000).keep_state().resume(&extended).expect("the run is extended");
    assert_eq!(metrics(&straight), metrics(&extended));
    assert!(extended.join("state").exists(), "this time the state was kept");
}

#[test]
fn a_run_that_is_killed_while_it_ends_can_be_resumed_to_its_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (straight, killed) = (folder.path().join("straight"), folder.path().join("killed"));
    let expected = trainer(ippo(), 3100).run(&straight).expect("the run succeeds");
    let full = |report: &Report| (report.t_env >= 3100).then_some(1.0);
    let cut = trainer(ippo(), 3100).keep_state().metric("crashes", full).run(&killed);
    cut.expect_err("it was interrupted");
    let summary = trainer(ippo(), 3100).keep_state().resume(&killed).expect("the run resumes");
    assert_eq!((summary.last, summary.best), (expected.last, expected.best));
    assert_eq!(metrics(&straight), metrics(&killed));
    let again = trainer(ippo(), 3100).resume(&killed).expect_err("it has finished");
    assert!(matches!(again, TrainError::Finished { state_kept: true, .. }), "{again}");
}

#[test]
fn a_finished_run_whose_state_was_not_kept_says_how_to_keep_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = trainer(ippo(), 1000).run(folder.path()).expect("the run succeeds");
    let before = contents(folder.path());
    for t_max in [500, 1000, 5000] {
        let error = trainer(ippo(), t_max).resume(folder.path()).expect_err("it has finished");
        let reached = run.progress.t_env;
        assert!(
            matches!(error, TrainError::Finished { t_env, state_kept: false, .. } if t_env == reached),
            "{error}"
        );
        assert!(error.to_string().contains("keep_state=true"), "{error}");
    }
    assert!(contents(folder.path()) == before, "nothing has changed");
}

#[test]
fn a_finished_run_is_not_resumed_to_the_same_or_a_smaller_t_max() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = trainer(ippo(), 1000).keep_state().run(folder.path()).expect("the run succeeds");
    let reached = run.progress.t_env;
    let before = contents(folder.path());
    let refused = |t_max| {
        let error = trainer(ippo(), t_max).keep_state().resume(folder.path());
        error.expect_err("it has finished")
    };
    let error = refused(1000);
    assert!(matches!(error, TrainError::Finished { state_kept: true, .. }), "{error}");
    let expected = format!("{reached} environment steps; a larger t_max continues it");
    assert!(error.to_string().contains(&expected), "{error}");
    for t_max in [100, reached] {
        let error = refused(t_max).to_string();
        let expected = format!("reached {reached} environment steps; t_max={t_max} must");
        assert!(error.contains(&expected), "{error}");
    }
    assert!(contents(folder.path()) == before, "nothing has changed");
}

#[test]
fn an_interrupted_run_is_not_resumed_to_a_t_max_that_it_has_passed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trainer = |t_max| {
        let mut trainer = trainer(ippo(), t_max);
        trainer.config.save_state_interval = 2000;
        trainer
    };
    let full = |report: &Report| (report.t_env >= 3000).then_some(1.0);
    trainer(9000).metric("crashes", full).run(folder.path()).expect_err("it was interrupted");
    let before = contents(folder.path());
    let error = trainer(1500).resume(folder.path()).expect_err("it has passed it").to_string();
    assert!(error.contains("t_max=1500 must be larger"), "{error}");
    assert!(contents(folder.path()) == before, "nothing has changed");
    trainer(3500).resume(folder.path()).expect("a larger t_max is possible");
}

#[test]
fn a_run_that_a_rule_has_ended_continues_without_the_rule() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (straight, stopped) = (folder.path().join("straight"), folder.path().join("stopped"));
    trainer(ippo(), 5000).run(&straight).expect("the run succeeds");
    for t_env in [2000, 2500] {
        let rule = move |report: &Report| report.t_env >= t_env;
        let ended = trainer(ippo(), 5000).stop_if(rule).keep_state();
        let ended = ended.run_overwriting(&stopped).expect("the run succeeds");
        assert_eq!(ended.ended, Ended::StoppingRule);
        assert!((t_env..t_env + 200).contains(&ended.progress.t_env));
        trainer(ippo(), 5000).resume(&stopped).expect("the run resumes");
        assert_eq!(metrics(&straight), metrics(&stopped));
        assert!(checkpoints(&straight) == checkpoints(&stopped), "the checkpoints differ");
    }
}

#[test]
fn a_run_from_before_a_key_existed_can_be_resumed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    trainer(ippo(), 1000).keep_state().run(folder.path()).expect("the run succeeds");
    let config = folder.path().join("config.toml");
    let text = fs::read_to_string(&config).expect("it was written");
    let old = text.lines().filter(|line| !line.starts_with("lr_schedule"));
    fs::write(&config, old.collect::<Vec<_>>().join("\n")).expect("written");
    trainer(ippo(), 2000).resume(folder.path()).expect("the run is extended");
}
