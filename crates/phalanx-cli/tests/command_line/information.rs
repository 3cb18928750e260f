//! What the program prints about itself: configurations, help, lists, descriptions.

use std::fs;

use serde_json::Value;

use crate::{json, phalanx};

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
fn values_are_read_as_a_shell_hands_them_over() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = ["results_dir=2026", "t_max=1e6", "init_from=", "--dry-run", "--json"];
    let all = json(folder.path(), &[&["train", "qmix", "two_step"], &settings[..]].concat());
    assert_eq!(all["results_dir"]["value"], "2026");
    assert_eq!(all["t_max"]["value"], 1_000_000);
}

#[test]
fn settings_for_another_environment_and_memory_beyond_the_machine_are_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let notes = |env: &str, text: &str| {
        fs::write(folder.path().join("my.toml"), text).expect("written");
        let output = phalanx(folder.path(), &["train", "qmix", env, "my.toml", "--dry-run"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        error
    };
    let battle = |text: &str| notes("skirmish/3m", text);
    let other = battle("env = \"skirmish/8m\"\n");
    assert!(other.contains("holds settings for `skirmish/8m`, not for `skirmish/3m`"), "{other}");
    let other = battle("alg = \"vdn\"\n");
    assert!(other.contains("holds settings of `vdn`, not of `qmix`"), "{other}");
    let unknown = battle("[env.\"skirmish/3n\"]\nlr = 0.1\n");
    assert!(unknown.contains("did you mean `skirmish/3m`"), "{unknown}");
    assert_eq!(battle("[env.\"skirmish/8m\"]\nlr = 0.1\n"), "");
    let memory = notes("skirmish/27m_vs_30m", "buffer_size = 100000000\n");
    assert!(memory.contains("the replay buffer alone may take"), "{memory}");
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

#[test]
fn a_description_lists_the_entities_of_an_observation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let about = json(folder.path(), &["describe", "skirmish/5m_vs_6m", "--json"]);
    let entities = about["entities"]["entities"].as_array().expect("a list");
    assert_eq!(entities.len(), 11);
    assert_eq!((&entities[1]["action"], &entities[1]["columns"][0]), (&6.into(), &4.into()));
    let about = json(folder.path(), &["describe", "two_step", "--json"]);
    assert!(about["entities"].is_null());
    let text = phalanx(folder.path(), &["describe", "skirmish/5m_vs_6m"]).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    for line in [
        "  6 x enemy: can be attacked; distance; relative x; relative y; health",
        "     0  self: observation 0 to 3, 54",
        "     1  enemy: observation 4 to 8; present if 8 is not zero; position 6, 7; target of action 6",
    ] {
        assert!(text.lines().any(|other| other == line), "{text} lacks {line}");
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
