//! The optional parts of a run: metrics of the program, stopping rules, several seeds, and messages at the
//! start.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::algorithms::{Algorithm, Happo, Pqn, PqnVdn};
use phalanx::train::run::Ended;
use phalanx::train::{Observer, Report, TrainError};
use phalanx_tests::metrics::metrics_without_times as timeless;
use serde_json::Value;

fn trainer_in(env: &str, algorithm: impl Algorithm + 'static) -> Trainer {
    let (env, arguments) = env.split_once(' ').unwrap_or((env, ""));
    let arguments = arguments.parse().expect("TOML");
    let env = factory(env, &arguments).expect("the environment is registered");
    let mut trainer = Trainer::new(algorithm, env).t_max(1000);
    (trainer.config.log_interval, trainer.config.test_interval) = (200, 400);
    trainer.config.test_nepisode = 4;
    trainer
}

fn vdn() -> Vdn {
    let learning = QLearningSettings {
        batch_size_run: 2,
        batch_size: 8,
        rnn_hidden_dim: 8,
        ..QLearningSettings::default()
    };
    Vdn::new(learning)
}

fn trainer() -> Trainer {
    trainer_in("k_step", vdn())
}

fn lines(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("it was written");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Records what it receives.
#[derive(Clone, Default)]
struct Records {
    reports: Arc<Mutex<Vec<Report>>>,
    infos: Arc<Mutex<Vec<String>>>,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Observer for Records {
    fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        self.reports.lock().expect("no panic").push(report.clone());
        Ok(())
    }

    fn info(&mut self, message: &str) -> Result<(), TrainError> {
        self.infos.lock().expect("no panic").push(message.to_owned());
        Ok(())
    }

    fn warn(&mut self, message: &str) -> Result<(), TrainError> {
        self.warnings.lock().expect("no panic").push(message.to_owned());
        Ok(())
    }
}

/// Adds the number of log points so far.
struct CountPoints(f64);

impl Observer for CountPoints {
    fn metrics(&mut self, report: &mut Report) -> Result<(), TrainError> {
        self.0 += 1.0;
        report.add("points", self.0)
    }
}

#[test]
fn metrics_of_observers_reach_the_files_and_every_observer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let records = Records::default();
    let best =
        |report: &Report| report.evaluation.as_ref()?.returns.iter().copied().reduce(f64::max);
    trainer()
        .observe(records.clone())
        .metric("test_return_max", best)
        .observe(CountPoints(0.0))
        .metric("half", |report| Some(report.metrics["points"] / 2.0))
        .run(folder.path())
        .expect("the run succeeds");
    let lines = lines(folder.path());
    assert!(lines.len() > 4);
    for (at, line) in lines.iter().enumerate() {
        let points = at as f64 + 1.0;
        assert_eq!((&line["points"], &line["half"]), (&points.into(), &(points / 2.0).into()));
        let evaluated = line["test_return_mean"].is_number();
        assert_eq!(line["test_return_max"].is_number(), evaluated, "{line}");
    }
    assert!(lines.iter().any(|line| line["test_return_max"].is_null()));
    let seen = records.reports.lock().expect("no panic");
    assert!(seen.iter().all(|report| report.metrics.contains_key("half")));
    let events = fs::read_dir(folder.path().join("tb")).expect("a folder").next().expect("a file");
    let events = fs::read(events.expect("an entry").path()).expect("a file");
    assert!(events.windows(15).any(|bytes| bytes == b"test_return_max"));
}

#[test]
fn a_metric_with_the_name_of_another_one_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["test_return_mean", "episode", "t_env", "seconds", "mine"] {
        let trainer = trainer().metric("mine", |_| Some(1.0)).metric(name, |_| Some(2.0));
        let error = trainer.run_overwriting(folder.path()).expect_err("the name is taken");
        assert!(
            matches!(&error, TrainError::DuplicateMetric { name: taken } if taken == name),
            "{error}"
        );
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn metrics_and_rules_that_never_hold_change_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (plain, more) = (folder.path().join("plain"), folder.path().join("more"));
    trainer().run(&plain).expect("the run succeeds");
    let observed = trainer().metric("one", |_| Some(1.0)).stop_if(|_| false).show_progress();
    observed.run(&more).expect("the run succeeds");
    let mut lines = timeless(&more);
    for line in &mut lines {
        assert_eq!(line.as_object_mut().expect("an object").remove("one"), Some(1.0.into()));
    }
    assert_eq!(lines, timeless(&plain));
}

#[test]
fn a_stopping_rule_ends_a_run_like_a_finished_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = trainer().run(folder.path()).expect("the run succeeds");
    assert_eq!(plain.ended, Ended::TMax);
    let all = timeless(folder.path());
    // A log point with an evaluation, and one without.
    for (t_env, evaluated) in [(400, true), (600, false)] {
        let rule = move |report: &Report| report.t_env >= t_env;
        let records = Records::default();
        let stopped = trainer().stop_if(rule).stop_if(|_| false).observe(records.clone());
        let summary = stopped.run_overwriting(folder.path()).expect("the run succeeds");
        assert_eq!(summary.ended, Ended::StoppingRule);
        let end = summary.progress.t_env;
        assert!((t_env..t_env + 100).contains(&end), "{end}");
        let lines = timeless(folder.path());
        let regular = lines.len() - usize::from(!evaluated);
        assert_eq!(lines[..regular], all[..regular]);
        let last = lines.last().expect("a line");
        assert_eq!((&last["t_env"], last["test_return_mean"].is_number()), (&end.into(), true));
        assert_eq!(last["test_return_mean"], summary.last.return_mean());
        let run = fs::read(folder.path().join("run.json")).expect("it was written");
        let run: Value = serde_json::from_slice(&run).expect("JSON");
        assert_eq!((&run["ended"], &run["t_env"]), (&"stopping_rule".into(), &end.into()));
        assert!(folder.path().join(format!("checkpoints/step_{end}")).is_dir());
        assert!(!folder.path().join("state").exists());
        let seen = records.reports.lock().expect("no panic");
        assert_eq!(seen.len(), lines.len());
    }
}

#[test]
fn a_rule_that_holds_before_training_ends_the_run_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let summary = trainer().stop_if(|_| true).run(folder.path()).expect("the run succeeds");
    assert_eq!((summary.ended, summary.progress.t_env), (Ended::StoppingRule, 0));
    assert_eq!(lines(folder.path()).len(), 1);
}

#[test]
fn each_of_several_seeds_equals_a_run_of_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (all, single) = (folder.path().join("all"), folder.path().join("single"));
    let summaries = trainer().run_seeds([3, 1], &all).expect("the runs succeed");
    assert_eq!(summaries.len(), 2);
    for (summary, seed) in summaries.iter().zip([3, 1]) {
        assert_eq!(summary.path, all.join(format!("seed_{seed}")));
        let own = trainer().seed(seed).run_overwriting(&single).expect("the run succeeds");
        assert_eq!(timeless(&summary.path), timeless(&single));
        assert_eq!((&own.last, &own.best), (&summary.last, &summary.best));
        let config = |run: &Path| fs::read(run.join("config.toml")).expect("it was written");
        assert_eq!(config(&summary.path), config(&single));
        let log = |run: &Path| fs::read_to_string(run.join("log.txt")).expect("it was written");
        assert_eq!(log(&summary.path).lines().count(), log(&single).lines().count());
    }
    assert_ne!(timeless(&summaries[0].path), timeless(&summaries[1].path));
}

#[test]
fn seeds_are_checked_before_the_first_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    trainer().seed(2).run(folder.path().join("seed_2")).expect("the run succeeds");
    let error = trainer().run_seeds(1..=3, folder.path()).expect_err("seed 2 exists");
    assert!(matches!(error, TrainError::RunExists { .. }), "{error}");
    assert!(error.to_string().contains("seed_2"), "{error}");
    let error = trainer().run_seeds([5, 6, 5], folder.path()).expect_err("5 is there twice");
    assert!(error.to_string().contains("`seed` must differ"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

/// Returns the messages and the warnings at the start of a run, and its updates.
fn messages(trainer: Trainer) -> (Vec<String>, Vec<String>, u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let records = Records::default();
    let trainer = trainer.observe(records.clone());
    let summary = trainer.run(folder.path()).expect("the run succeeds");
    let infos = records.infos.lock().expect("no panic").clone();
    let log = fs::read_to_string(folder.path().join("log.txt")).expect("it was written");
    assert!(infos.iter().all(|line| log.contains(line)));
    let warnings = records.warnings.lock().expect("no panic").clone();
    (infos, warnings, summary.progress.updates)
}

#[test]
fn a_run_states_at_its_start_how_many_updates_it_will_make() {
    let rollouts = || PolicyGradient {
        batch_size_run: 4,
        rollout_steps: 10,
        epochs: 3,
        num_mini_batch: 2,
        rnn_hidden_dim: 8,
        ..PolicyGradient::default()
    };
    let happo = PolicyGradient { rnn_hidden_dim: 8, ..Happo::default().learning };
    let happo = PolicyGradient { batch_size_run: 2, rollout_steps: 50, epochs: 2, ..happo };
    let pqn = Pqn { batch_size_run: 4, rollout_steps: 5, rnn_hidden_dim: 8, ..Pqn::default() };
    let expected = |infos: &[String], updates: u64, schedule: &str| {
        let line = format!("{updates} updates: {schedule}");
        assert!(infos.iter().any(|info| info.contains(&line)), "{infos:?} lacks {line}");
    };
    // Episodes of two_step always have two steps.
    let (infos, _, updates) = messages(trainer_in("two_step", vdn()));
    expected(
        &infos,
        updates,
        "1 after every 2 episodes, once there are 8; an episode has at most 2",
    );
    let (infos, _, updates) = messages(trainer_in("two_step", Ippo { learning: rollouts() }));
    expected(&infos, updates, "6 after every rollout of 40 steps");
    let (infos, _, updates) = messages(trainer_in("two_step", Happo { learning: happo }));
    expected(&infos, updates, "4 after every rollout of 100 steps");
    let (infos, _, updates) = messages(trainer_in("two_step", PqnVdn { learning: pqn }));
    expected(&infos, updates, "8 after every rollout of 20 steps");
}

#[test]
fn few_updates_are_warned_about_with_the_keys_to_change() {
    let few = trainer_in("two_step", Vdn::default()).t_max(400);
    let (infos, warnings, updates) = messages(few);
    assert!(infos.iter().any(|info| info.starts_with("at least 10 updates")), "{infos:?}");
    assert_eq!((updates, warnings.len()), (10, 1), "{warnings:?}");
    for word in ["10 updates", "t_max", "updates_per_rollout", "batch_size_run", "batch_size"] {
        assert!(warnings[0].contains(word), "{word} is missing in {warnings:?}");
    }
    let (_, warnings, updates) = messages(trainer_in("two_step", vdn()));
    assert!(updates >= 200 && warnings.is_empty(), "{updates}: {warnings:?}");
}

#[test]
fn unused_agent_rewards_are_warned_about_once() {
    let iql = |common_reward: bool| {
        let learning = QLearningSettings { common_reward, rnn_hidden_dim: 8, ..vdn().learning };
        Iql::new(learning)
    };
    let rollouts = || {
        let learning = PolicyGradient { rnn_hidden_dim: 8, ..PolicyGradient::default() };
        Ippo { learning }
    };
    let count = |trainer: Trainer| {
        let (_, warnings, _) = messages(trainer.t_max(200));
        let warnings = warnings.iter().filter(|warning| warning.contains("agent rewards"));
        warnings.inspect(|warning| assert!(warning.contains("predator_prey"), "{warning}")).count()
    };
    let own = "predator_prey individual_rewards = true";
    assert_eq!(count(trainer_in(own, rollouts())), 1);
    assert_eq!(count(trainer_in(own, iql(true))), 1);
    assert_eq!(count(trainer_in(own, iql(false))), 0);
    assert_eq!(count(trainer_in("predator_prey", rollouts())), 0);
}
