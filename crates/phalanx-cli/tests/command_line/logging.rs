//! `--log-level` and `RUST_LOG` report spans with their times; without them nothing is logged.

use std::process::Command;

use crate::{misuse, phalanx};

const TRAIN: [&str; 6] =
    ["train", "vdn", "two_step", "t_max=200", "batch_size=4", "test_nepisode=2"];

/// Returns what a small run writes to standard error.
fn errors(before: &[&str], variable: Option<&str>) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_phalanx"));
    command.args(before).args(TRAIN).current_dir(folder.path()).env_remove("RUST_LOG");
    if let Some(filter) = variable {
        command.env("RUST_LOG", filter);
    }
    let output = command.output().expect("the program starts");
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{error}");
    error
}

#[test]
fn spans_are_logged_with_their_times_if_asked_for_and_only_then() {
    let calm = errors(&[], None);
    assert!(!calm.contains("time.busy"), "{calm}");
    assert_eq!(
        calm.lines().count(),
        errors(&["--log-level", "off"], Some("debug")).lines().count()
    );
    let names = ["rollout", "update", "evaluation", "checkpoint"];
    let target = |name: &str| format!("phalanx::{name}: close time.busy=");
    for all in [errors(&["--log-level", "debug"], None), errors(&[], Some("debug"))] {
        assert!(names.iter().all(|name| all.contains(&target(name))), "{all}");
    }
    let one = errors(&["--log-level", "warn,phalanx::evaluation=debug"], Some("trace"));
    for name in names {
        assert_eq!(one.contains(&target(name)), name == "evaluation", "{name}: {one}");
    }
}

#[test]
fn an_unknown_level_is_refused_with_the_closest_one() {
    let mut arguments = vec!["--log-level", "degub"];
    arguments.extend(TRAIN);
    let error = misuse(&arguments, &[]);
    assert!(error.contains("did you mean `debug`"), "{error}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let help = phalanx(folder.path(), &["train", "--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("--log-level"));
}
