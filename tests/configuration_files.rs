//! The files in `configs/` state every key and its default once, and explain it.

use std::path::{Path, PathBuf};

use phalanx::train::algorithms::{AlgorithmEntry, Algorithms};
use phalanx::train::config::{ConfigBuilder, RunConfig};
use toml::{Table, Value};

/// A configuration file.
struct File {
    path: PathBuf,
    text: String,
    /// The keys outside of sections for single environments, without `alg`.
    keys: Table,
    /// The sections for single environments.
    sections: Table,
    /// The algorithm that the file names.
    alg: Option<String>,
}

impl File {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let mut keys: Table = toml::from_str(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let alg = keys.remove("alg").map(|alg| alg.as_str().expect("a name").to_owned());
        let sections = match keys.remove("env") {
            Some(Value::Table(sections)) => sections,
            _ => Table::new(),
        };
        Self { path, text, keys, sections, alg }
    }

    fn name(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).expect("a name")
    }
}

/// Returns all files in a folder below `configs/`.
fn folder(name: &str) -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs").join(name);
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|ext| ext == "toml")).collect();
    paths.sort();
    paths.into_iter().map(File::read).collect()
}

fn run_defaults() -> Table {
    Table::try_from(RunConfig::default()).expect("plain data")
}

/// Returns the files with keys that several algorithms share.
fn shared_files() -> Vec<File> {
    folder(".").into_iter().filter(|file| file.name() != "run").collect()
}

/// Returns every algorithm of the registry.
fn algorithms() -> Vec<AlgorithmEntry> {
    Algorithms::builtin().iter().copied().collect()
}

/// Returns whether an algorithm has all keys of a shared file.
fn shares(algorithm: &AlgorithmEntry, file: &File) -> bool {
    let defaults = algorithm.defaults();
    file.keys.keys().all(|key| defaults.contains_key(key))
}

/// Returns the files that are named after an algorithm, with that algorithm.
fn algorithm_files() -> Vec<(AlgorithmEntry, File)> {
    let all = folder("algs").into_iter().filter(|file| file.alg.is_none());
    all.map(|file| {
        let entry = algorithms().into_iter().find(|entry| entry.id == file.name());
        (entry.unwrap_or_else(|| panic!("{:?} belongs to no algorithm", file.path)), file)
    })
    .collect()
}

/// Returns the presets, with the algorithm that each names.
fn presets() -> Vec<(AlgorithmEntry, File)> {
    let all = folder("algs").into_iter().filter(|file| file.alg.is_some());
    all.map(|file| {
        let entry = algorithms().into_iter().find(|entry| file.alg.as_deref() == Some(entry.id));
        (entry.unwrap_or_else(|| panic!("{:?} names no algorithm", file.path)), file)
    })
    .collect()
}

#[test]
fn shared_files_and_the_file_of_an_algorithm_state_every_key_once_with_its_default() {
    let (shared, own) = (shared_files(), algorithm_files());
    for entry in algorithms() {
        let mut stated = Table::new();
        for file in shared.iter().filter(|file| shares(&entry, file)) {
            for (key, value) in &file.keys {
                let before = stated.insert(key.clone(), value.clone());
                assert!(before.is_none(), "{}: {:?} states `{key}` again", entry.id, file.path);
            }
        }
        let file = own.iter().find(|(of, _)| of.id == entry.id);
        let (_, file) = file.unwrap_or_else(|| panic!("{} has no file", entry.id));
        for (key, value) in &file.keys {
            let before = stated.insert(key.clone(), value.clone());
            assert_ne!(before.as_ref(), Some(value), "{:?} repeats `{key}`", file.path);
        }
        let mut expected = entry.defaults();
        expected.extend(entry.run_defaults());
        assert_eq!(stated, expected, "{}", entry.id);
    }
}

#[test]
fn a_shared_file_holds_keys_of_several_algorithms() {
    for file in shared_files() {
        let sharing = algorithms().into_iter().filter(|entry| shares(entry, &file)).count();
        assert!(sharing > 1, "{:?} is shared by {sharing}", file.path);
    }
}

#[test]
fn the_keys_of_every_run_are_in_a_file_with_their_defaults() {
    let files = folder(".");
    let run = files.iter().find(|file| file.name() == "run").expect("run.toml exists");
    assert_eq!(run.keys, run_defaults());
}

#[test]
fn no_preset_repeats_a_default() {
    for (entry, file) in presets().into_iter().chain(algorithm_files()) {
        let mut values = run_defaults();
        values.extend(entry.run_defaults());
        values.extend(entry.defaults());
        for (key, value) in file.keys {
            let before = values.insert(key.clone(), value.clone());
            let differs = before.as_ref() != Some(&value) || file.alg.is_none();
            assert!(differs, "{:?}: `{key}` is {value} by default", file.path);
        }
        for (env, section) in file.sections {
            for (key, value) in section.as_table().expect("a section") {
                let differs = values.get(key) != Some(value);
                assert!(differs, "{:?}: `{key}` is {value} outside of {env}, too", file.path);
            }
        }
    }
}

#[test]
fn every_key_and_every_preset_is_explained() {
    let explained = folder(".").into_iter().chain(algorithm_files().into_iter().map(|it| it.1));
    for file in explained {
        let mut documented = false;
        for line in file.text.lines().take_while(|line| !line.starts_with("[env.")) {
            documented = line.starts_with('#') || (documented && !line.is_empty());
            let is_key = line.contains(" = ") && !line.starts_with('#');
            assert!(documented || !is_key, "{:?}: no comment above `{line}`", file.path);
        }
    }
    for (_, file) in presets() {
        assert!(file.text.starts_with("# "), "{:?} begins without a comment", file.path);
    }
}

#[test]
fn every_file_is_accepted_by_its_algorithms() {
    let of_algorithms = presets().into_iter().chain(algorithm_files());
    let of_all = folder("envs").into_iter().map(|file| (algorithms()[0], file));
    let of_families = folder(".").into_iter().flat_map(|file| {
        let family =
            algorithms().into_iter().filter(|entry| file.name() == "run" || shares(entry, &file));
        family.map(|entry| (entry, File::read(file.path.clone()))).collect::<Vec<_>>()
    });
    for (entry, file) in of_algorithms.chain(of_all).chain(of_families) {
        let mut builder = ConfigBuilder::new(entry);
        builder.file(&file.path).unwrap_or_else(|error| panic!("{error}"));
        builder.finish().unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn a_shared_file_is_refused_by_an_algorithm_that_lacks_one_of_its_keys() {
    for file in shared_files() {
        for entry in algorithms().into_iter().filter(|entry| !shares(entry, &file)) {
            let error = ConfigBuilder::new(entry).file(&file.path).expect_err("a key is missing");
            assert!(error.to_string().starts_with(&format!("{} has no key", entry.id)), "{error}");
        }
    }
}
