//! The command line prints results in the documented form. Errors name the invalid argument and the
//! closest valid name, exit with status 2 and write nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn phalanx(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_phalanx"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = phalanx(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    serde_json::from_slice(&output.stdout).expect("one JSON value")
}

/// Returns the error message of a command that must fail with a usage error, without writing anything.
fn misuse(arguments: &[&str], files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let output = phalanx(folder.path(), arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, files.len(), "{arguments:?} wrote files");
    error
}

#[test]
fn errors_name_the_invalid_argument_and_the_closest_match() {
    let file = [("my.toml", "seed = 4\n\nt_max = 100\nepsilon_finsh = 0.1\n")];
    for (arguments, expected) in [
        (&["train", "qmx", "skirmish/3m"][..], &["qmx", "`qmix`"][..]),
        (&["train", "qmix", "skirmish/3n"], &["skirmish/3n", "`skirmish/3m`"]),
        (&["train", "qmix", "skirmish/3m", "gama=0.9"], &["`gama`", "gama=0.9", "`gamma`"]),
        (&["train", "qmix", "skirmish/3m", "gamma=high"], &["`gamma`", "high", "gamma=high"]),
        (&["train", "qmix", "skirmish/3m", "gamma=1.5"], &["`gamma`", "[0, 1]"]),
        (&["train", "qmix", "skirmish/3m", "lr=nan"], &["`lr`", "positive"]),
        (&["train", "qmix", "skirmish/3m", "my.toml"], &["my.toml", "line 4", "`epsilon_finish`"]),
        (&["train", "qmix", "skirmish/3m", "none.toml"], &["none.toml", "cannot read"]),
        (&["train", "qmix", "smax/3m", "envs/skirmish_smax.toml"], &["envs/smax.toml"]),
        (&["train", "qmix", "smac/3m"], &["smac/3m", "`skirmish/3m`"]),
        (&["train", "qmix", "skirmish/3m", "env_args.rules=smax"], &["`smax/3m`"]),
        (&["train", "qmix", "two_step", "minto=true"], &["minto", "double_q=false"]),
        (&["train", "resq", "two_step", "double_q=false"], &["double_q", "must be true"]),
        (&["train", "qmix", "skirmish/3m", "device=gpu"], &["gpu", "cpu"]),
        (&["train", "qmix", "skirmish/3m", "env_args.step_mull=8"], &["step_mull", "step_mul"]),
        (&["train", "qmix", "skirmish/3m", "step_mull=8"], &["step_mull", "env_args.step_mul"]),
        (&["train", "qmix", "skirmish/3m", "fast"], &["fast", "key=value"]),
        (&["eval", "nowhere"], &["nowhere", "config.toml"]),
        (&["describe", "skirmish/5m"], &["skirmish/5m", "did you mean"]),
        (
            &["trace", "two_step", "--policy", "heuristic", "--out", "t.jsonl"],
            &["two_step", "scripted"],
        ),
        (&["trace", "two_step", "--policy", "lost", "--out", "t.jsonl"], &["lost", "random"]),
        (
            &["trace", "skirmish/3m", "--policy", "kitting", "--out", "t.jsonl"],
            &["kitting", "`kiting`", "focus_fire", "heuristic"],
        ),
        (
            &["eval", "skirmish/3m", "--policy", "kitting"],
            &["kitting", "`kiting`", "folder of a run"],
        ),
        (&["eval", "two_step", "--policy", "heuristic"], &["two_step", "scripted", "random"]),
        (&["eval", "skirmish/3m"], &["skirmish/3m", "--policy NAME"]),
        (&["eval", "skirmish/3n", "--policy", "random"], &["skirmish/3n", "`skirmish/3m`"]),
        (&["eval", "smax/3m", "env_args.self_play=true"], &["--policy"]),
        (&["describe", "skirmish/MMM", "rules=smax"], &["MMM", "3s5z_vs_3s6z", "smacv2_20_units"]),
        (&["describe", "skirmish/3m", "rules=smax"], &["`smax/3m`"]),
        (&["describe", "smac/3m"], &["`skirmish/3m`"]),
        (&["describe", "smax/3m", "max_step=9"], &["`max_step`", "`max_steps`"]),
        (
            &["trace", "skirmish/3m", "self_play=true", "opponent=kiting", "--out", "t.jsonl"],
            &["`opponent`", "kiting", "self_play"],
        ),
        (&["bench", "sim", "skirmish/3"], &["skirmish/3", "did you mean"]),
    ] {
        let error = misuse(arguments, if arguments.contains(&"my.toml") { &file } else { &[] });
        for part in expected {
            assert!(error.contains(part), "{arguments:?} does not mention {part}: {error}");
        }
    }
}

#[test]
fn an_error_states_its_cause_once() {
    let error = misuse(&["describe", "skirmish/3m", "step_mul=0"], &[]);
    assert_eq!(error.matches("`step_mul` cannot be 0").count(), 1, "{error}");
    let error = misuse(&["train", "qmix", "skirmish/3m", "none.toml"], &[]);
    assert_eq!(error.matches("No such file").count(), 1, "{error}");
}

#[test]
fn broken_toml_is_shown_with_line_and_column() {
    let file = [("my.toml", "seed = 4\nlr = = 3\n")];
    let error = misuse(&["train", "qmix", "skirmish/3m", "my.toml"], &file);
    assert!(error.contains("my.toml") && error.contains("line 2, column 6"), "{error}");
}

#[test]
fn a_dry_run_prints_a_configuration_with_origins_that_can_be_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let dry = |setting: &str| {
        let output = phalanx(at, &["train", "ippo", "skirmish/8m", setting, "--dry-run"]);
        String::from_utf8(output.stdout).expect("text")
    };
    let values = |text: &str| text.parse::<toml::Table>().expect("TOML");
    let first = dry("gamma=0.95");
    let line = first.lines().find(|line| line.starts_with("gamma = 0.95 ")).expect("it is printed");
    assert!(line.ends_with("# command line"), "{line}");
    fs::write(at.join("all.toml"), &first).expect("written");
    let second = dry("all.toml");
    assert_eq!(values(&second), values(&first));
    let line =
        second.lines().find(|line| line.starts_with("gamma = 0.95 ")).expect("it is printed");
    let written =
        1 + first.lines().position(|line| line.starts_with("gamma ")).expect("it is there");
    assert!(line.ends_with(&format!("# all.toml:{written}")), "{line}");
    let resolved = json(
        at,
        &["train", "ippo", "skirmish/8m", "all.toml", "step_mul=4", "--dry-run", "--json"],
    );
    assert_eq!(resolved["lr"]["value"], 0.001);
    assert_eq!(resolved["env_args.step_mul"]["origin"], "command line");
    assert_eq!(fs::read_dir(at).expect("a folder").count(), 1, "nothing was trained");
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bench = ["sim", "act", "learn", "train"].map(|what| ["bench", what]);
    let others = [["train"], ["eval"], ["list"], ["describe"], ["trace"]];
    let commands = others.iter().map(|one| &one[..]).chain(bench.iter().map(|two| &two[..]));
    for command in commands {
        let output = phalanx(folder.path(), &[command, &["--help"]].concat());
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && help.contains("phalanx "), "{command:?}: {help}");
        assert!(help.contains("Example"), "{command:?} has no example");
    }
}

#[test]
fn lists_are_arrays_of_objects_with_an_id() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (what, id) in [("algs", "qmix"), ("envs", "skirmish/3m"), ("devices", "cpu")] {
        let list = json(folder.path(), &["list", what, "--json"]);
        let ids: Vec<_> = list.as_array().expect("an array").iter().map(|e| &e["id"]).collect();
        assert!(ids.contains(&&Value::from(id)), "{what}: {ids:?}");
    }
}

#[test]
fn a_description_has_the_sizes_and_explains_every_index() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let about = json(folder.path(), &["describe", "skirmish/5m_vs_6m", "--json"]);
    for (key, value) in [
        ("n_agents", 5),
        ("n_actions", 12),
        ("obs_dim", 55),
        ("state_dim", 98),
        ("episode_limit", 70),
    ] {
        assert_eq!(about[key], value, "{key}");
    }
    assert_eq!(about["max_reward"], 530.0);
    for (key, length) in [("obs", 55), ("state", 98), ("actions", 12)] {
        assert_eq!(about[key].as_array().expect("a list").len(), length, "{key}");
    }
}

/// Records a trace, replays its actions, and returns its lines.
fn replayed(folder: &Path, env: &[&str], policy: &str) -> Vec<Value> {
    let arguments = [&["trace"], env, &["--seed", "9", "--episodes", "3", "--full"]].concat();
    let record = |policy: &str, out: &str| {
        let output =
            phalanx(folder, &[&arguments[..], &["--policy", policy, "--out", out]].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{env:?} {policy}: {error}");
        fs::read_to_string(folder.join(out)).expect("it was written")
    };
    let trace = record(policy, "first.jsonl");
    let lines: Vec<Value> =
        trace.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let actions: String = lines[1..]
        .iter()
        .filter(|line| line["t"] != 0)
        .map(|line| format!("{}\n", line["actions"]))
        .collect();
    fs::write(folder.join("actions.jsonl"), actions).expect("written");
    assert!(trace == record("actions.jsonl", "again.jsonl"), "{env:?} {policy}");
    lines
}

#[test]
fn a_trace_replays_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let players = ["random", "heuristic", "attack_nearest", "focus_fire", "kiting", "stop"];
    for policy in players {
        let lines = replayed(folder.path(), &["skirmish/3m"], policy);
        assert_eq!(lines[0]["env"], "skirmish/3m");
        assert_eq!(lines[1]["t"], 0);
        assert_eq!(lines[1]["units"].as_array().expect("units").len(), 6);
        assert_eq!(lines[1]["obs"].as_array().expect("agents").len(), 3);
        assert!(lines[1..].iter().all(|line| line.get("enemy_actions").is_none()));
    }
}

#[test]
fn a_trace_replays_in_all_games_and_against_all_opponents_and_shows_the_enemies_actions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (env, policy, chosen) in [
        (&["smax/3s_vs_5z"][..], "heuristic", Some(5)),
        (&["smax/3m", "env_args.self_play=true"], "random", Some(3)),
        (&["smax/smacv2_5_units"], "random", Some(5)),
        (&["skirmish/5m_vs_6m", "env_args.opponent=random"], "kiting", Some(6)),
        (&["skirmish/protoss_5_vs_5", "env_args.opponent=attack_nearest"], "random", Some(5)),
        (&["skirmish/5m_vs_6m", "env_args.self_play=true"], "focus_fire", None),
        (&["skirmish/terran_5_vs_5", "env_args.conic_fov=true"], "attack_nearest", None),
        (&["two_step"], "random", None),
    ] {
        let lines = replayed(folder.path(), env, policy);
        for line in &lines[1..] {
            let length =
                line.get("enemy_actions").map(|list| list.as_array().expect("a list").len());
            let expected = if line["t"] == 0 { chosen.map(|_| 0) } else { chosen };
            assert_eq!(length, expected, "{env:?}");
        }
    }
}

#[test]
fn predator_prey_is_rendered_as_text_and_its_trace_has_agent_rewards() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hunt = ["trace", "predator_prey", "env_args.individual_rewards=true", "--show"];
    let how = ["--policy", "greedy_hunt", "--out", "hunt.jsonl"];
    let output = phalanx(folder.path(), &[&hunt[..], &how[..]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).expect("text");
    let text = fs::read_to_string(folder.path().join("hunt.jsonl")).expect("written");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for line in &lines[1..] {
        let grid = line["text"].as_str().expect("a grid");
        assert_eq!(grid.lines().count(), 10, "{grid}");
        assert!(shown.contains(grid), "{grid}");
        let own = line["agent_rewards"].as_array().expect("one for each agent");
        let sum: f64 = own.iter().filter_map(Value::as_f64).sum();
        assert!((sum - line["reward"].as_f64().expect("a number")).abs() < 1e-4);
    }
}

#[test]
fn the_size_of_the_replay_buffer_is_reported_before_training() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = ["t_max=100", "test_nepisode=1", "buffer_mem=2 MiB", "buffer_size=200"];
    let output =
        phalanx(folder.path(), &[&["train", "vdn", "predator_prey"], &settings[..]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let message = "replay buffer: at most 2.0 MiB (PyMARL's dense layout: ";
    assert!(error.contains(message), "{error}");
    let log = folder.path().join("results/vdn/predator_prey/seed_1/log.txt");
    assert!(fs::read_to_string(log).expect("written").contains(message));
}

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
fn the_arguments_and_scripted_policies_of_an_environment_are_listed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let has = |list: &Value, key: &str, value: &str| {
        list.as_array().expect("a list").iter().any(|entry| entry[key] == value)
    };
    let envs = json(folder.path(), &["list", "envs", "--json"]);
    let entries = envs.as_array().expect("an array");
    let entry = |id: &str| entries.iter().find(|entry| entry["id"] == id).expect("it is listed");
    assert!(has(&entry("skirmish/3m")["arguments"], "key", "opponent"));
    assert!(has(&entry("smax/3m")["arguments"], "key", "max_steps"));
    for (args, argument, player) in [
        (&["skirmish/3m"][..], "opponent", "kiting"),
        (&["smax/3m"], "enemy_shoots", "heuristic"),
        (&["smax/smacv2_10_units"], "enemy_shoots", "heuristic"),
    ] {
        let about = json(folder.path(), &[&["describe"], args, &["--json"]].concat());
        assert!(has(&about["arguments"], "key", argument), "{args:?}");
        assert!(has(&about["scripted_policies"], "name", player), "{args:?}");
        let text = phalanx(folder.path(), &[&["describe"], args].concat()).stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains(argument) && text.contains(player), "{args:?}");
    }
}

#[test]
fn an_unavailable_recorded_action_is_rejected_with_its_line() {
    let file = [("actions.jsonl", "[1,1]\n[7,0]\n")];
    let arguments =
        ["trace", "two_step", "--policy", "actions.jsonl", "--episodes", "2", "--out", "t.jsonl"];
    let error = misuse(&arguments, &file);
    assert!(error.contains("actions.jsonl: joint action 2"), "{error}");
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
    let arguments: Vec<_> = command.split(' ').skip(1).chain(["t_max=1000", "--json"]).collect();
    assert!(json(folder.path(), &arguments)["t_env"].as_u64().expect("a number") > 1000);
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
    let short = ["--seconds", "0.1", "--repeats", "2"];
    let trained = of(&[&["train", "vdn", "two_step", "batch_size=8"], &short[..]].concat());
    assert!(trained["updates_per_second"].as_f64() > Some(0.0), "{trained}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is written");
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
