//! Precedence and origins of settings, and rejected configurations.

use std::path::PathBuf;

use tempfile::TempDir;

use super::{ConfigBuilder, ConfigError, Origin};
use crate::algorithms::algorithm;
use crate::run::RunFolder;

fn builder(alg: &str) -> ConfigBuilder {
    ConfigBuilder::new(algorithm(alg).expect("it is registered"))
}

/// Creates a file `my.toml` with this text.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("my.toml");
    std::fs::write(&path, text).expect("written");
    (folder, path)
}

fn error(result: Result<(), ConfigError>) -> String {
    result.expect_err("the setting is invalid").to_string()
}

#[test]
fn an_environment_section_overrides_only_its_own_file() {
    let (_folder, path) = file(
        "lr = 0.5\n[env.\"skirmish/8m\"]\nlr = 0.25\nepochs = 7\n[env.two_step]\nlr = 0.125\n",
    );
    let lr = |env: &str, assignment: Option<&str>| {
        let mut builder = builder("ippo").for_env(env);
        builder.file(&path).unwrap_or_else(|error| panic!("{error}"));
        if let Some(text) = assignment {
            builder.assignment(text).unwrap_or_else(|error| panic!("{error}"));
        }
        let (_, algorithm) = builder.finish().unwrap_or_else(|error| panic!("{error}"));
        let table = algorithm.table();
        (table["lr"].as_float().expect("a number"), table["epochs"].as_integer().expect("a number"))
    };
    assert_eq!(lr("skirmish/8m", None), (0.25, 7));
    assert_eq!(lr("two_step", None), (0.125, 5));
    assert_eq!(lr("skirmish/3m", None), (0.5, 5));
    assert_eq!(lr("skirmish/8m", Some("lr=0.75")), (0.75, 7));
}

#[test]
fn an_unknown_key_in_the_section_of_another_environment_is_reported_with_its_line() {
    let (_folder, path) = file("lr = 0.5\n\n[env.\"skirmish/8m\"]\nepoch = 7\n");
    let error = error(builder("ippo").for_env("two_step").file(&path));
    assert!(error.contains("`epoch`") && error.contains("line 4"), "{error}");
}

#[test]
fn an_unknown_recurrent_cell_is_rejected_with_the_known_ones() {
    for id in ["qmix", "ippo", "pqn_vdn"] {
        let refusal = |assignments: &[&str]| {
            let mut builder = builder(id);
            let all = assignments.iter().try_for_each(|text| builder.assignment(text));
            let error = all.err().or_else(|| builder.finish().err());
            error.map_or_else(String::new, |error| error.to_string())
        };
        let error = refusal(&["rnn=elman"]);
        let named = ["`rnn`", "`gru`", "`lstm`"].iter().all(|name| error.contains(name));
        assert!(named, "{id}: {error}");
        let error = refusal(&["rnn=lstm", "use_rnn=false"]);
        assert!(error.contains("`rnn` requires use_rnn=true"), "{id}: {error}");
        assert_eq!(refusal(&["rnn=lstm"]), "", "{id}");
    }
}

#[test]
fn every_value_is_printed_with_its_origin_and_read_back() {
    let (_folder, path) = file(
        "seed = 4\nlr = 0.5\n[env_args]\nlimit = 3\n[env.two_step]\ngamma = 0.5\n\
         [env.two_step.env_args]\nscale = 2\n[env.other]\ntd_lambda = 0.1\n",
    );
    let mut builder = builder("vdn").for_env("two_step");
    builder.file(&path).expect("the setting is valid");
    builder.assignment("lr=1e-9").expect("the setting is valid");
    let text = builder.resolved().to_toml();
    let origin = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start)).expect(start);
        line.split_once("  # ").expect("a comment").1.to_owned()
    };
    let at = path.display();
    assert_eq!(origin("t_max = 1000000 "), "default");
    assert_eq!(origin("td_lambda = 0.6 "), "default");
    assert_eq!(origin("seed = 4 "), format!("{at}:1"));
    assert_eq!(origin("lr = 1e-9 "), "command line");
    assert_eq!(origin("limit = 3 "), format!("{at}:4"));
    assert_eq!(origin("gamma = 0.5 "), format!("{at}:6 [env.\"two_step\"]"));
    assert_eq!(origin("scale = 2 "), format!("{at}:8 [env.\"two_step\"]"));
    let json = builder.resolved().to_json();
    assert_eq!(
        (&json["lr"]["value"], &json["lr"]["origin"]),
        (&1e-9.into(), &"command line".into())
    );
    assert_eq!(json["env_args.limit"]["value"], 3);

    let (_folder, printed) = file(&text);
    let mut again = self::builder("vdn");
    again.file(&printed).expect("the setting is valid");
    let values = |builder: ConfigBuilder| {
        let (run, algorithm) = builder.finish().expect("the setting is valid");
        (run, algorithm.table())
    };
    assert_eq!(values(again), values(builder));
}

#[test]
fn an_environment_argument_needs_no_prefix_if_no_key_has_its_name() {
    let mut builder = builder("qmix").env_arguments(["map", "gamma"]);
    for text in ["map=my.toml", "gamma=0.5", "env_args.gamma=3", "env_args={limit=2}"] {
        builder.assignment(text).expect("the setting is valid");
    }
    let nearest = error(builder.clone().assignment("mapp=x"));
    assert!(nearest.contains("`env_args.map`"), "{nearest}");
    let nearest = error(builder.clone().assignment("gama=x"));
    assert!(nearest.contains("`gamma`"), "{nearest}");
    let resolved = builder.resolved();
    assert!(resolved.env_args.iter().all(|it| matches!(it.origin, Origin::Assignment(_))));
    let (run, algorithm) = builder.finish().expect("the setting is valid");
    assert_eq!(run.env_args, "map = \"my.toml\"\ngamma = 3\nlimit = 2".parse().expect("TOML"));
    assert_eq!(algorithm.table()["gamma"].as_float(), Some(0.5));
}

#[test]
fn a_file_for_another_algorithm_or_under_a_former_name_is_read_with_a_notice() {
    let notices = |alg: &str, text: &str| {
        let (_folder, path) = file(text);
        let mut builder = builder(alg);
        builder.file(&path).expect("the setting is valid");
        builder.notices().to_vec()
    };
    assert_eq!(notices("unrestricted", "alg = \"unrestricted\""), [""; 0]);
    assert_eq!(notices("unrestricted", "alg = \"mlp\""), ["`mlp` is now called `unrestricted`"]);
    let other = notices("vdn", "alg = \"qmix\"");
    assert!(other[0].ends_with("my.toml holds settings of `qmix`, not of `vdn`"), "{other:?}");
}

#[test]
fn a_saved_run_is_read_under_the_current_name_of_its_algorithm() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "alg = \"mlp\"\nenv = \"two_step\"\nseed = 3\n";
    std::fs::write(folder.path().join("config.toml"), text).expect("written");
    let (_, run) = RunFolder::open(folder.path()).expect("it is a run");
    assert_eq!((run.alg.as_str(), run.env.as_str()), ("unrestricted", "two_step"));
    assert_eq!(run.config, "seed = 3".parse().expect("TOML"));
}

#[test]
fn settings_of_an_encoder_are_checked_when_all_are_known() {
    // The order of the words has no influence.
    for words in
        [["encoder_args.width=32", "encoder=mlp"], ["encoder=mlp", "encoder_args.width=32"]]
    {
        let mut builder = builder("qmix");
        words.iter().for_each(|text| builder.assignment(text).expect("the key exists"));
        let shown = builder.resolved().to_toml();
        for (line, origin) in [("width = 32", "command line"), ("layers = 1", "default")] {
            let found = shown.lines().find(|shown| shown.starts_with(line));
            let found = found.unwrap_or_else(|| panic!("{line} is missing:\n{shown}"));
            assert!(found.ends_with(origin), "{found}");
        }
        let (config, _) = builder.finish().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.encoder, "mlp");
        assert_eq!(config.encoder_args["width"].as_integer(), Some(32));
        assert_eq!(config.encoder_args["layers"].as_integer(), Some(1));
    }
    let finish = |words: &[&str]| {
        let mut builder = builder("qmix");
        words.iter().for_each(|text| builder.assignment(text).expect("the key exists"));
        builder.finish().map(|_| ()).expect_err("the setting is invalid").to_string()
    };
    let unknown = finish(&["encoder=mlp", "encoder_args.widht=32"]);
    assert!(unknown.contains("`encoder_args.widht=32`"), "the assignment is named: {unknown}");
    assert!(unknown.contains("`encoder_args.width`"), "{unknown}");
    assert!(finish(&["encoder=mlp", "encoder_args.width=wide"]).contains("wide"));
    assert!(finish(&["encoder_args.width=32"]).contains("needs an encoder"));
    assert!(finish(&["encoder=mlp", "encoder_args.layers=0"]).contains("`encoder_args.layers`"));
    let unknown = error(builder("qmix").assignment("encoder=mpl"));
    assert!(unknown.contains("`mpl`") && unknown.contains("`mlp`"), "{unknown}");
}

#[test]
fn a_file_sets_an_encoder_and_the_error_names_its_line() {
    let (_folder, path) = file("encoder = \"mlp\"\n\n[encoder_args]\nwidth = 16\nlayer = 2\n");
    let mut builder = builder("ippo");
    builder.file(&path).unwrap_or_else(|error| panic!("{error}"));
    let error = builder.finish().map(|_| ()).expect_err("there is no `layer`").to_string();
    assert!(error.contains("line 5") && error.contains("`encoder_args.layers`"), "{error}");
}

#[test]
fn a_date_for_a_text_is_a_text() {
    let (_folder, path) = file("results_dir = 1979-05-27\n");
    let mut builder_of_file = builder("vdn");
    builder_of_file.file(&path).expect("a folder may have this name");
    assert_eq!(builder_of_file.finish().expect("valid").0.results_dir, "1979-05-27");
    let (_folder, path) = file("encoder = 1979-05-27\n");
    assert!(error(builder("vdn").file(&path)).contains("1979-05-27"), "there is no such encoder");
}
