//! A resumed run equals an uninterrupted one: it writes the same files, times aside, and its last policy
//! is bitwise equal.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::algorithms::Algorithm;
use phalanx::train::{Observer, Progress, Report, TrainError};
use phalanx_tests::metrics::metrics_without_times as metrics;
use phalanx_tests::short_runs::{self, ippo, vdn};
use serde_json::Value;

/// Ends a run with an error after a number of steps, like a full disk.
struct PullThePlug(u64);

impl Observer for PullThePlug {
    fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        if report.t_env < self.0 {
            return Ok(());
        }
        let cause = std::io::Error::other("the run was interrupted");
        Err(TrainError::Io { action: "write", path: "anything".into(), cause })
    }
}

/// Asks a run to stop after a number of steps.
struct AskToStop(u64, Arc<AtomicBool>);

impl Observer for AskToStop {
    fn progress(&mut self, progress: &Progress) {
        self.1.store(progress.t_env >= self.0, Ordering::Relaxed);
    }
}

fn trainer(algorithm: impl Algorithm + 'static) -> Trainer {
    let mut trainer = short_runs::trainer(algorithm, 9000);
    trainer.config.save_state_interval = 3000;
    trainer
}

fn weights(run: &Path) -> Vec<u8> {
    let index = fs::read(run.join("checkpoints/index.json")).expect("it was written");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let last = format!("checkpoints/step_{}/agent.safetensors", index["last"]);
    fs::read(run.join(last)).expect("it was written")
}

fn check<A: Algorithm + 'static>(algorithm: impl Fn() -> A) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (straight, broken) = (folder.path().join("straight"), folder.path().join("broken"));
    trainer(algorithm()).run(&straight).expect("the run succeeds");
    let cut = trainer(algorithm()).observe(PullThePlug(7000)).run(&broken);
    assert!(cut.is_err(), "the run was interrupted");
    assert!(broken.join("state").exists());
    let outcome = trainer(algorithm()).resume(&broken).expect("the run resumes");
    assert!(outcome.progress.t_env >= 9000);
    assert_eq!(metrics(&straight), metrics(&broken));
    assert!(weights(&straight) == weights(&broken), "the last policies differ");
    assert!(!broken.join("state").exists(), "a finished run keeps no training state");
    let evaluations = |run: &Path| {
        let text = fs::read(run.join("marl_eval.json")).expect("it was written");
        let mut all: Value = serde_json::from_slice(&text).expect("JSON");
        let env = &mut all["predator_prey"]["predator_prey"];
        let steps = env.as_object_mut().expect("one algorithm").values_mut().next().expect("it");
        for step in steps["seed_4"].as_object_mut().expect("steps").values_mut() {
            step.as_object_mut().expect("an evaluation").remove("elapsed_time");
        }
        all
    };
    assert_eq!(evaluations(&straight), evaluations(&broken));
}

#[test]
fn a_resumed_value_learner_equals_an_uninterrupted_one() {
    check(vdn);
}

#[test]
fn a_resumed_policy_learner_equals_an_uninterrupted_one() {
    check(ippo);
}

#[test]
fn a_run_saves_its_state_when_a_stop_is_requested() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (straight, stopped) = (folder.path().join("straight"), folder.path().join("stopped"));
    trainer(ippo()).run(&straight).expect("the run succeeds");
    let flag = Arc::new(AtomicBool::new(false));
    let mut asked = trainer(ippo()).observe(AskToStop(5100, flag.clone())).stop_when(flag);
    asked.config.save_state_interval = 0;
    let error = asked.run(&stopped).expect_err("a stop was requested");
    // An iteration is 50 steps in each of four environments.
    assert!(matches!(error, TrainError::Stopped { t_env: 5100..5300, .. }), "{error}");
    trainer(ippo()).resume(&stopped).expect("the run resumes");
    assert_eq!(metrics(&straight), metrics(&stopped));
    assert!(weights(&straight) == weights(&stopped), "the last policies differ");
}

#[test]
fn a_run_can_only_be_resumed_with_its_own_settings() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    let error = |trainer: Trainer| trainer.resume(&run).expect_err("refused").to_string();
    assert!(error(trainer(vdn())).contains("is not a run"));
    trainer(vdn()).observe(PullThePlug(1000)).run(&run).expect_err("the run was interrupted");
    assert!(error(trainer(vdn())).contains("no state was saved"));
    fs::remove_dir_all(&run).expect("removed");
    trainer(vdn()).observe(PullThePlug(5000)).run(&run).expect_err("the run was interrupted");
    let mut other = vdn();
    other.learning.lr = 0.5;
    assert!(error(trainer(other)).contains("`lr`"));
    assert!(error(trainer(ippo())).contains("`alg`"));
    // A key that did not exist when the run began counts as its default.
    let config = run.join("config.toml");
    let text = fs::read_to_string(&config).expect("it was written");
    let without = |key: &str| {
        let others = text.lines().filter(|line| !line.starts_with(key));
        fs::write(&config, others.collect::<Vec<_>>().join("\n")).expect("written");
    };
    without("batch_size = ");
    assert!(error(trainer(vdn())).contains("`batch_size`"));
    without("gamma = ");
    let longer = trainer(vdn()).t_max(9500).resume(&run).expect("the run resumes");
    assert!(longer.progress.t_env >= 9500);
    assert!(error(trainer(vdn())).contains("has finished"));
}

/// Predator-prey that asks the run to stop at one of its steps, counted over all copies.
struct StopAt {
    inner: Box<dyn Env>,
    steps: Arc<AtomicU64>,
    at: u64,
    stop: Arc<AtomicBool>,
}

impl Env for StopAt {
    fn spec(&self) -> &EnvSpec {
        self.inner.spec()
    }
    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.inner.reset(rng, out);
    }
    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        if self.steps.fetch_add(1, Ordering::Relaxed) == self.at {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.inner.step(actions, rng, out)
    }
    fn save(&self, out: &mut Vec<u8>) {
        self.inner.save(out);
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.inner.load(bytes)
    }
}

#[test]
fn an_evaluation_that_is_left_is_played_again_and_nothing_differs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let stoppable = |at: u64| {
        let (steps, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let flag = stop.clone();
        let make = move || {
            let inner = factory("predator_prey", &Default::default()).expect("registered")();
            StopAt { inner, steps: steps.clone(), at, stop: stop.clone() }
        };
        let mut trainer = Trainer::new(ippo(), make).seed(4).t_max(4000).stop_when(flag);
        trainer.config.log_interval = 500;
        trainer.config.test_interval = 2000;
        trainer.config.test_nepisode = 3;
        trainer.config.save_state_interval = 1000;
        trainer
    };
    let straight = folder.path().join("straight");
    stoppable(u64::MAX).run(&straight).expect("the run succeeds");
    // In the first evaluation, in training, in the second and the last evaluation, and among the absolute metrics.
    let evaluation = 3 * 200;
    for (number, at) in
        [10, 1000, 2000 + evaluation + 10, 4000 + 2 * evaluation + 10, 6200].into_iter().enumerate()
    {
        let run = folder.path().join(format!("stopped_{number}"));
        let error = stoppable(at).run(&run).expect_err("a stop was requested");
        assert!(matches!(error, TrainError::Stopped { .. }), "{at}: {error}");
        stoppable(u64::MAX).resume(&run).expect("the run resumes");
        assert_eq!(metrics(&straight), metrics(&run), "{at}");
        assert!(weights(&straight) == weights(&run), "{at}: the last policies differ");
        let index = |run: &Path| fs::read(run.join("checkpoints/index.json")).expect("written");
        assert!(index(&straight) == index(&run), "{at}: the lists of checkpoints differ");
        assert!(!run.join("state").exists(), "{at}");
    }
}

#[test]
fn a_divergence_names_the_saved_states_to_which_the_run_can_return() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut vdn = vdn();
    // Updates begin when there are 32 episodes, after two states were saved.
    (vdn.learning.batch_size, vdn.learning.lr) = (32, 1e30);
    let mut trainer = short_runs::trainer(vdn, 20_000);
    trainer.config.save_state_interval = 1000;
    let error = trainer.run(folder.path()).expect_err("the weights diverge");
    let TrainError::NotFinite { states, .. } = &error else { panic!("{error}") };
    assert_eq!(states.len(), 2);
    assert!(states.iter().all(|state| state.join("MANIFEST.json").is_file()), "{states:?}");
    let message = error.to_string();
    let name = |state: &Path| state.file_name().expect("a name").to_string_lossy().into_owned();
    let ends = format!("--resume continues from {}", states[0].display());
    assert!(message.ends_with(&ends) && message.contains(&name(&states[1])), "{message}");
}
