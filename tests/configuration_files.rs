//! The files in `configs/` say what the defaults are, and mention every key.

use std::path::{Path, PathBuf};

use phalanx::train::algorithms::ALGORITHMS;
use phalanx::train::config::{Layers, RunConfig};
use toml::Table;

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs")
}

fn read(path: &Path) -> Table {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn every_algorithm_has_a_file_with_its_defaults() {
    for entry in ALGORITHMS {
        let path = configs().join(format!("algs/{}.toml", entry.id));
        let mut plain = read(&path);
        plain.remove("env"); // sections for single environments
        assert_eq!(plain, entry.defaults(), "{}", path.display());
    }
}

#[test]
fn the_keys_of_every_run_are_in_a_file_with_their_defaults() {
    let defaults = Table::try_from(RunConfig::default()).expect("plain data");
    assert_eq!(read(&configs().join("run.toml")), defaults);
}

#[test]
fn every_file_can_be_laid_over_the_defaults() {
    for folder in ["algs", "envs", "."] {
        for entry in std::fs::read_dir(configs().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let named = read(&path).get("alg").and_then(toml::Value::as_str).map(str::to_owned);
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            let name = named.unwrap_or_else(|| stem.to_owned());
            let algorithm = ALGORITHMS.iter().find(|alg| alg.id == name).unwrap_or(&ALGORITHMS[0]);
            let mut layers = Layers::defaults(algorithm);
            layers.file(&path).unwrap_or_else(|error| panic!("{error}"));
            layers.finish().unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

fn write(text: &str) -> std::path::PathBuf {
    let name = format!("phalanx_sections_{}_{}.toml", std::process::id(), text.len());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).expect("a temporary file");
    path
}

#[test]
fn a_section_for_an_environment_wins_over_the_rest_of_its_file_and_nothing_else() {
    let text =
        "lr = 0.5\n[env.\"skirmish/8m\"]\nlr = 0.25\nepochs = 7\n[env.two_step]\nlr = 0.125\n";
    let path = write(text);
    let ippo = ALGORITHMS.iter().find(|alg| alg.id == "ippo").expect("it is there");
    let lr = |env: &str, assignment: Option<&str>| {
        let mut layers = Layers::defaults(ippo).for_env(env);
        layers.file(&path).unwrap_or_else(|error| panic!("{error}"));
        if let Some(text) = assignment {
            layers.assignment(text).unwrap_or_else(|error| panic!("{error}"));
        }
        let (_, algorithm) = layers.finish().unwrap_or_else(|error| panic!("{error}"));
        let table = algorithm.table();
        (table["lr"].as_float().expect("a number"), table["epochs"].as_integer().expect("a number"))
    };
    assert_eq!(lr("skirmish/8m", None), (0.25, 7));
    assert_eq!(lr("two_step", None), (0.125, 5));
    assert_eq!(lr("skirmish/3m", None), (0.5, 5));
    assert_eq!(lr("skirmish/8m", Some("lr=0.75")), (0.75, 7));
}

#[test]
fn an_unknown_key_in_the_section_of_another_environment_is_found_with_its_line() {
    let path = write("lr = 0.5\n\n[env.\"skirmish/8m\"]\nepoch = 7\n");
    let mut layers = Layers::defaults(&ALGORITHMS[0]).for_env("two_step");
    let error = layers.file(&path).expect_err("there is no such key").to_string();
    assert!(error.contains("`epoch`") && error.contains("line 4"), "{error}");
}

#[test]
fn a_recurrent_unit_that_does_not_exist_is_refused_with_those_that_do() {
    for id in ["qmix", "ippo", "pqn_vdn"] {
        let entry = ALGORITHMS.iter().find(|alg| alg.id == id).expect("it is there");
        let refusal = |assignments: &[&str]| {
            let mut layers = Layers::defaults(entry);
            let all = assignments.iter().try_for_each(|text| layers.assignment(text));
            let error = all.err().or_else(|| layers.finish().err());
            error.map_or_else(String::new, |error| error.to_string())
        };
        let error = refusal(&["rnn=elman"]);
        let named = ["`rnn`", "`gru`", "`lstm`"].iter().all(|name| error.contains(name));
        assert!(named, "{id}: {error}");
        let error = refusal(&["rnn=lstm", "use_rnn=false"]);
        assert!(error.contains("`rnn` needs use_rnn=true"), "{id}: {error}");
        assert_eq!(refusal(&["rnn=lstm"]), "", "{id}");
    }
}
