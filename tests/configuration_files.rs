//! The files in `configs/` say what the defaults are, and mention every key.

use std::path::{Path, PathBuf};

use phalanx::train::config::{Layers, RunConfig};
use phalanx::train::learn::ALGORITHMS;
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
        assert_eq!(read(&path), entry.defaults(), "{}", path.display());
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
