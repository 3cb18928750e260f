//! The promises of the library to a crate of a user's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use outside::{BestReturn, Embedding, Meeting, SumAndState};
use phalanx::prelude::*;
use phalanx::serde_json::{self, Value};
use phalanx::train::Encoders;
use phalanx::train::run::evaluate::evaluate;

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("phalanx_{name}_{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The settings of a short run.
fn learning() -> QLearningSettings {
    QLearningSettings {
        batch_size: 16,
        batch_size_run: 4,
        updates_per_rollout: 2,
        epsilon_anneal_time: 2000,
        ..QLearningSettings::default()
    }
}

fn algorithm() -> QLearning<SumAndState> {
    QLearning { learning: learning(), ..QLearning::default() }
}

fn lines(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).expect("a run has metrics");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_environment_meets_the_contract() {
    check_env(|| Meeting::new(5), 20_000).expect("the environment meets the contract");
}

#[test]
fn a_run_has_the_users_metric_schedule_and_stopping_rule_and_its_player_plays_as_evaluated() {
    let folder = Folder::new("library");
    let run = folder.0.join("run");
    let summary = Trainer::new(algorithm(), || Meeting::new(5))
        .t_max(40_000)
        .encoder(Embedding { width: 24 })
        .observe(BestReturn::default())
        .learning_rate(|progress| 1.0 - 0.5 * progress)
        .stop_if(|report| report.evaluation.as_ref().is_some_and(|test| test.return_mean() > 0.85))
        .run(&run)
        .expect("the run trains");
    assert_eq!(summary.ended, Ended::StoppingRule, "{summary:?}");
    assert!(summary.progress.t_env < 40_000 && summary.last.return_mean() > 0.85);

    let lines = lines(&run);
    let best = |line: &Value| line["best_test_return"].as_f64().expect("the observer adds it");
    assert!(lines.windows(2).all(|pair| best(&pair[0]) <= best(&pair[1])));
    assert_eq!(best(lines.last().expect("lines")), summary.best.1.return_mean());
    let factor = lines.last().expect("lines")["lr_factor"].as_f64().expect("it is logged");
    let expected = 1.0 - 0.5 * summary.progress.t_env as f64 / 40_000.0;
    assert!((factor - expected).abs() < 1e-9, "{factor} {expected}");

    // A loop of one's own, without the library's environments and evaluation.
    let encoders = Encoders::builtin().with::<Embedding>();
    let mut player =
        Player::load_with(&run, CheckpointId::Best, &encoders).expect("the run has a policy");
    let (seed, episodes) = (77, 50);
    let mut envs =
        ParallelEnvs::new(1, seed, Purpose::TestEnvironment, || Meeting::new(5));
    let evaluation = evaluate(player.policy(), &mut envs, episodes).expect("no fault");

    let mut env = Meeting::new(5);
    let mut rng = Rng::stream(seed, Purpose::TestEnvironment, 0);
    let mut buffers = phalanx::env::StepRows::new(&env.spec().clone(), 1, 1);
    let spec = env.spec().clone();
    let mut returns = Vec::new();
    for _ in 0..episodes {
        env.reset(&mut rng, buffers.at_mut(0).row(&spec, 0));
        player.begin();
        let mut total = 0.0;
        loop {
            let actions = player.act(&buffers.obs, &buffers.avail).expect("the lengths are right");
            let result = env.step(actions, &mut rng, buffers.at_mut(0).row(&spec, 0));
            total += f64::from(result.reward);
            if result.status.is_over() {
                break;
            }
        }
        returns.push(total);
    }
    assert_eq!(returns, evaluation.returns);
    let error = player.act(&buffers.obs[1..], &buffers.avail).expect_err("a number is missing");
    assert!(error.to_string().contains("20"), "{error}");
}

#[test]
fn several_seeds_and_an_extension_are_one_line_each() {
    let folder = Folder::new("seeds");
    let trainer = || Trainer::new(algorithm(), || Meeting::new(5)).t_max(600);
    let summaries = trainer().run_seeds(1..=2, &folder.0).expect("both runs train");
    assert_eq!(summaries.len(), 2);
    assert_ne!(lines(&folder.0.join("seed_1")), lines(&folder.0.join("seed_2")));

    let run = folder.0.join("extended");
    trainer().keep_state().run(&run).expect("the run trains");
    let longer = trainer().keep_state().t_max(1200).resume(&run).expect("its state was kept");
    assert!(longer.progress.t_env >= 1200);
    let whole = folder.0.join("whole");
    trainer().keep_state().t_max(1200).run(&whole).expect("the run trains");
    let learned = |run: &Path| {
        let clock = ["seconds", "steps_per_second", "updates_per_second"];
        let mut lines = lines(run);
        for line in &mut lines {
            clock.iter().for_each(|key| drop(line.as_object_mut().expect("an object").remove(*key)));
        }
        lines
    };
    assert_eq!(learned(&run), learned(&whole));
}

/// Runs this crate's program.
fn outside(folder: &Folder, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_outside"))
        .current_dir(&folder.0)
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn successful(folder: &Folder, arguments: &[&str]) -> String {
    let output = outside(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_command_line_trains_evaluates_and_shows_what_the_crate_registers() {
    let folder = Folder::new("program");
    let all = successful(&folder, &["list"]);
    assert!(all.contains("sum_and_state") && all.contains("meeting") && all.contains("embedding"));
    assert!(successful(&folder, &["describe", "meeting"]).contains("cells"));

    #[rustfmt::skip]
    successful(&folder, &[
        "train", "sum_and_state", "meeting", "env_args.cells=6", "state_scale=0.5", "encoder=embedding",
        "encoder_args.width=20", "batch_size=16", "batch_size_run=4", "t_max=3000", "keep_state=true",
    ]);
    let run = "results/sum_and_state/meeting/seed_1";
    let evaluated = successful(&folder, &["eval", run, "--json"]);
    let evaluated: Value = serde_json::from_str(&evaluated).expect("JSON");
    assert_eq!(evaluated["episodes"], 32);
    let shown = successful(
        &folder,
        &["trace", "meeting", "env_args.cells=6", "--policy", run, "--show", "--out", "trace.jsonl"],
    );
    assert!(shown.contains("episode 0, t = 0") && shown.contains('1'), "{shown}");
    successful(&folder, &["train", "--resume", run, "t_max=4000"]);

    let wrong = outside(&folder, &["train", "vdn", "meeting", "env_args.cells=2"]);
    assert_eq!(wrong.status.code(), Some(2));
    let error = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(error.contains("`cells` must be a number from 3 to 50"), "{error}");
}
