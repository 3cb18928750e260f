//! What has to be trusted is written down: SECURITY.md names every file with `unsafe` code, and deny.toml the
//! reason for every dependency that is there in two versions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository exists")
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("it is in the repository")
}

/// Adds all Rust files below `folder`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Returns whether a line of code holds the keyword `unsafe`, or lifts the lint against it.
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    if ["allow(unsafe_code", "expect(unsafe_code", "warn(unsafe_code"]
        .iter()
        .any(|it| code.contains(it))
    {
        return true;
    }
    let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    // Not in a string: there is none with this word in the sources but this file's own.
    words.any(|word| word == "unsafe") && !code.contains('"')
}

#[test]
fn unsafe_code_is_in_the_files_that_security_md_names_and_nowhere_else() {
    assert!(is_unsafe("    let x = unsafe { *pointer };") && is_unsafe("pub unsafe fn read()"));
    assert!(is_unsafe("#![allow(unsafe_code)]") && !is_unsafe("// unsafe { }"));
    let root = root();
    let mut files = Vec::new();
    for folder in ["crates", "examples", "benches", "tests"] {
        collect(&root.join(folder), &mut files);
    }
    assert!(files.len() > 300, "{} sources", files.len());
    let with_unsafe = files.iter().filter(|file| {
        let text = fs::read_to_string(file).expect("a source");
        !file.ends_with("tests/trusted_code.rs") && text.lines().any(is_unsafe)
    });
    let name = |file: &PathBuf| file.strip_prefix(&root).expect("below").display().to_string();
    let found: BTreeSet<String> = with_unsafe.map(name).collect();
    let page = read("SECURITY.md");
    let quoted = page.split('`').skip(1).step_by(2);
    let named: BTreeSet<String> =
        quoted.filter(|name| name.ends_with(".rs")).map(str::to_owned).collect();
    assert_eq!(found, named);
}

#[test]
fn the_compiler_refuses_unsafe_code_in_every_crate() {
    let workspace: Table = read("Cargo.toml").parse().expect("TOML");
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("deny"));
    let members = workspace["workspace"]["members"].as_array().expect("a list");
    let mut manifests = Vec::new();
    for member in members.iter().filter_map(Value::as_str) {
        match member.strip_suffix("/*") {
            None => manifests.push(root().join(member)),
            Some(folder) => {
                let entries = fs::read_dir(root().join(folder)).expect("a folder");
                manifests.extend(entries.map(|entry| entry.expect("an entry").path()));
            }
        }
    }
    assert!(manifests.len() >= 6);
    for folder in manifests {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        let manifest: Table = manifest.parse().expect("TOML");
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints.and_then(Value::as_bool), Some(true), "{}", folder.display());
    }
}

/// Returns the part of a version that a requirement such as `0.20` or `2` fixes.
fn compatible(version: &str) -> String {
    let mut parts = version.split('.');
    let major = parts.next().expect("a number");
    match (major, parts.next()) {
        ("0", Some(minor)) => format!("0.{minor}"),
        _ => major.to_owned(),
    }
}

#[test]
fn a_second_version_of_a_dependency_fails_the_check_or_has_a_reason() {
    let lock: Table = read("Cargo.lock").parse().expect("TOML");
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in lock["package"].as_array().expect("packages") {
        let text = |key: &str| package[key].as_str().expect("a text");
        versions.entry(text("name")).or_default().insert(compatible(text("version")));
    }
    let deny: Table = read("deny.toml").parse().expect("TOML");
    assert_eq!(deny["bans"]["multiple-versions"].as_str(), Some("deny"));
    for skipped in deny["bans"]["skip"].as_array().expect("a list") {
        let text = |key: &str| skipped[key].as_str().expect("a text");
        let (name, version) = text("crate").split_once(':').expect("a name and a version");
        let there = versions.get(name).is_some_and(|it| it.len() > 1 && it.contains(version));
        assert!(there, "{name} {version} is not a second version any more");
        assert!(text("reason").len() > 8, "{name} {version} needs a reason");
    }
}
