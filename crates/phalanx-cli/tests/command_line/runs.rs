//! Training, evaluation, resumption and benchmarks.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{json, phalanx};

#[test]
fn a_scripted_policy_is_evaluated_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let eval_in = |env: &str, policy: &str, more: &[&str]| {
        let arguments = ["eval", env, "--policy", policy, "--episodes", "100", "--json"];
        json(folder.path(), &[&arguments[..], more].concat())
    };
    let eval = |policy: &str, more: &[&str]| eval_in("skirmish/3m", policy, more);
    let won = |result: &Value| result["test_battle_won_mean"].as_f64().expect("a number");
    let strong = eval("focus_fire", &[]);
    assert_eq!((&strong["episodes"], &strong["env"]), (&100.into(), &"skirmish/3m".into()));
    for key in ["test_return_mean", "test_ep_length_mean"] {
        assert!(strong[key].as_f64().expect("a number") > 0.0, "{key}");
    }
    let stopped = eval("stop", &[]);
    assert_eq!((won(&stopped), &stopped["test_return_mean"]), (0.0, &0.0.into()));
    assert!(won(&strong) > 0.5, "{strong}");
    assert_eq!(eval("heuristic", &[]), {
        let mut same = eval("attack_nearest", &[]);
        same["policy"] = "heuristic".into();
        same
    });
    assert_eq!(eval("kiting", &["--seed", "5"]), eval("kiting", &["--seed", "5"]));
    assert_ne!(eval("kiting", &["--seed", "5"]), eval("kiting", &["--seed", "6"]));
    assert_eq!(won(&eval("focus_fire", &["env_args.opponent=stop"])), 1.0);
    let smax = eval_in("smax/3m", "heuristic", &["env_args.max_steps=50"]);
    assert_eq!(smax["env_args"]["max_steps"], 50);
    assert!(smax["test_return_mean"].as_f64().expect("a number") <= 2.0);
}

#[test]
fn a_run_can_be_trained_evaluated_and_traced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let train = ["train", "qmix", "skirmish/3m", "seed=7", "t_max=1500", "batch_size=8", "--json"];
    let trained = json(at, &train);
    assert!(trained["t_env"].as_u64().expect("a number") >= 1500);
    let run = "results/qmix/skirmish/3m/seed_7";
    assert_eq!(trained["run"], run);

    let evaluated = json(at, &["eval", run, "--checkpoint", "last", "--episodes", "40", "--json"]);
    assert_eq!(evaluated["episodes"], 40);
    for key in ["test_return_mean", "test_battle_won_mean"] {
        assert!(evaluated[key].is_number(), "{key}");
    }
    let usual = ["eval", "skirmish/3m", "--policy", run, "--checkpoint", "last"];
    let rest = ["--seed", "7", "--episodes", "40", "--json"];
    let elsewhere = json(at, &[&usual[..], &rest].concat());
    assert_eq!(
        elsewhere["test_return_mean"], evaluated["test_return_mean"],
        "it plays the same battles"
    );
    let there = ["eval", run, "--env", "skirmish/3m", "--checkpoint", "last"];
    let there = |more: &[&str]| json(at, &[&there[..], &rest, more].concat());
    assert_eq!(there(&[])["test_return_mean"], evaluated["test_return_mean"]);
    let args = there(&["env_args.opponent=stop"]);
    assert_eq!(args["env_args"]["opponent"], "stop");
    assert_ne!(args["test_return_mean"], evaluated["test_return_mean"]);
    let opposed = json(at, &[&usual[..], &rest, &["env_args.opponent=stop"]].concat());
    assert_ne!(
        opposed["test_return_mean"], evaluated["test_return_mean"],
        "the opponent changes the battles"
    );
    assert!(
        phalanx(at, &["trace", "skirmish/3m", "--policy", run, "--out", "t.jsonl"])
            .status
            .success()
    );
    for wrong in [&["eval", run, "--env", "skirmish/8m"][..], &["eval", run, "opponent=stop"]] {
        let wrong = phalanx(at, wrong);
        assert_eq!(wrong.status.code(), Some(2));
        let text = String::from_utf8_lossy(&wrong.stderr);
        let fits = text.contains("does not fit skirmish/8m: the parameter `");
        assert!(fits || text.contains("opponent=stop needs an environment: --env"), "{text}");
    }
    let wrong = phalanx(at, &["trace", "skirmish/8m", "--policy", run, "--out", "u.jsonl"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!at.join("u.jsonl").exists());

    // The run's own configuration reproduces its training.
    let config = format!("{run}/config.toml");
    let repeat = ["train", "qmix", "skirmish/3m", &config, "results_dir=again", "--json"];
    let repeated = json(at, &repeat);
    assert_eq!(repeated["best"], trained["best"]);
    assert_eq!(repeated["test_return_mean"], trained["test_return_mean"]);

    let again = phalanx(at, &train);
    assert_eq!(again.status.code(), Some(2));
    let error = String::from_utf8_lossy(&again.stderr);
    assert!(error.contains(run) && error.contains("--overwrite"), "{error}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_prints_the_command_that_resumes_it() {
    use std::io::{BufRead, BufReader, Read};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut run = Command::new(env!("CARGO_BIN_EXE_phalanx"))
        .args(["train", "pqn_vdn", "two_step", "t_max=1000000000", "log_interval=1000"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(run.stderr.take().expect("stderr is piped"));
    let mut line = String::new();
    // Waits until training has begun.
    while !line.contains("loss_td") {
        line.clear();
        assert!(stderr.read_line(&mut line).expect("text") > 0, "the run ended");
    }
    let kill = Command::new("kill").args(["-INT", &run.id().to_string()]).status();
    assert!(kill.expect("`kill` is available").success());
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("text");
    assert_eq!(run.wait().expect("the process ends").code(), Some(130), "{rest}");
    let command = rest.lines().last().expect("a line").trim();
    let resume = |t_max: u64| {
        let arguments = command.split(' ').skip(1).map(str::to_owned);
        arguments.chain([format!("t_max={t_max}"), "--json".to_owned()]).collect::<Vec<_>>()
    };
    let reached = rest.lines().find_map(|line| line.strip_prefix("stopped after "));
    let reached = reached.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let reached = reached.expect("the steps so far");
    let passed: Vec<_> = resume(1000);
    let refused = phalanx(folder.path(), &passed.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(refused.status.code(), Some(2));
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(error.contains("t_max=1000 must be larger"), "{error}");
    let longer = resume(reached + 100);
    let resumed = json(folder.path(), &longer.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(resumed["t_env"].as_u64().expect("a number") >= reached + 100);
}

#[test]
fn a_battle_on_a_map_file_is_trained_and_evaluated_under_the_name_of_its_map() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/maps/two_ramps.toml");
    fs::copy(example, at.join("my_map.toml")).expect("the example map can be copied");
    let train = ["train", "qmix", "skirmish", "map=my_map.toml", "t_max=500", "--json"];
    let run = "results/qmix/skirmish/two_ramps/seed_1";
    assert_eq!(json(at, &train)["run"], run);
    let config = fs::read_to_string(at.join(run).join("config.toml")).expect("it was written");
    assert!(config.contains("map = \"my_map.toml\""), "{config}");
    assert_eq!(json(at, &["eval", run, "--episodes", "2", "--json"])["episodes"], 2);
    let described = json(at, &["describe", "skirmish", "map=my_map.toml", "--json"]);
    assert_eq!(described["id"], "skirmish/two_ramps");

    let text = fs::read_to_string(at.join("my_map.toml")).expect("it was copied");
    let line = 1 + text.lines().position(|line| line == "unit = \"marine\"").expect("there is one");
    fs::write(at.join("my_map.toml"), text.replacen("\"marine\"", "\"marnie\"", 1))
        .expect("written");
    let wrong = phalanx(at, &train);
    assert_eq!(wrong.status.code(), Some(2));
    let error = String::from_utf8_lossy(&wrong.stderr);
    assert!(error.contains(&format!("my_map.toml, line {line}")), "{error}");
    assert!(error.contains("did you mean `marine`"), "{error}");
}

#[test]
fn the_simulator_bench_prints_median_and_range() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = ["bench", "sim", "two_step", "--seconds", "0.02", "--repeats", "3", "--json"];
    let result = json(folder.path(), &arguments);
    let number = |key: &str| result[key].as_f64().expect("a number");
    assert!(number("min") <= number("env_steps_per_second"));
    assert!(number("env_steps_per_second") <= number("max"));
    assert_eq!((result["threads"].as_u64(), result["n_envs"].as_u64()), (Some(1), Some(16)));
}

#[test]
fn the_learning_and_acting_benches_match_the_results_of_other_libraries() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let of = |what: &[&str]| json(folder.path(), &[&["bench"], what, &["--json"]].concat());
    let learned = of(&["learn", "--preset", "qmix", "--repeats", "1"]);
    assert!((learned["first_loss"].as_f64().expect("a number") - 0.801_07).abs() < 1e-5);
    assert!(learned["floor"].as_f64().expect("a number") > 0.0);
    // The sum that PyTorch and JAX compute from the same weights and observations.
    let acted = of(&["act", "--n-envs", "8", "--repeats", "1"]);
    assert!((acted["first_sum"].as_f64().expect("a number") + 12.333_65).abs() < 1e-3, "{acted}");
    for encoder in ["hpn", "entity_attention"] {
        let one = ["--encoder", encoder, "--repeats", "1"];
        let acted = of(&[&["act", "--n-envs", "8"], &one[..]].concat());
        assert_eq!(acted["encoder"], encoder);
        assert!(acted["floor"].as_f64() > Some(0.0), "{acted}");
        let learned = of(&[&["learn"], &one[..]].concat());
        assert!(learned["first_grad_norm"].as_f64() > Some(0.0), "{learned}");
    }
    let short = ["--seconds", "0.1", "--repeats", "2"];
    let trained = of(&[&["train", "vdn", "two_step", "batch_size=8"], &short[..]].concat());
    assert!(trained["updates_per_second"].as_f64() > Some(0.0), "{trained}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is written");
}
