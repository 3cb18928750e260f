//! The command line prints results in the documented form. Errors name the invalid argument and the
//! closest valid name, exit with status 2 and write nothing.

mod errors;
mod identity;
mod information;
mod logging;
mod runs;
#[cfg(unix)]
mod surroundings;
mod traces;

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
