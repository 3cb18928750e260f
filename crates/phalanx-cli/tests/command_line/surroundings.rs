//! A run survives its surroundings: lost readers, full devices, closed terminals, pipes in place of files.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::phalanx;

const TRAIN: [&str; 8] = [
    "train",
    "vdn",
    "two_step",
    "t_max=200",
    "batch_size=4",
    "test_nepisode=2",
    "log_interval=50",
    "test_interval=100",
];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phalanx"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
}

fn full() -> File {
    File::options().write(true).open("/dev/full").expect("Linux has it")
}

/// Runs a command whose standard output is a pipe without a reader.
fn without_reader(mut command: Command) -> Output {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    child.wait_with_output().expect("it ends")
}

#[cfg(target_os = "linux")]
#[test]
fn a_lost_standard_error_does_not_end_a_run_and_is_noted_once_in_its_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    for seed in ["1", "2"] {
        let own_seed = format!("seed={seed}");
        let arguments = [&TRAIN[..], &[&own_seed]].concat();
        let mut command = command(at, &arguments);
        command.stdout(Stdio::null());
        let status = if seed == "1" {
            command.stderr(full()).status().expect("it starts")
        } else {
            let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
            drop(child.stderr.take());
            child.wait().expect("it ends")
        };
        assert!(status.success(), "seed {seed}: {status}");
        let log = at.join(format!("results/vdn/two_step/seed_{seed}/log.txt"));
        let log = fs::read_to_string(log).expect("it was written");
        assert_eq!(log.matches("standard error cannot be written any more").count(), 1, "{log}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_one_sentence_and_a_closed_pipe_is_silent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let dry_run = [&TRAIN[..], &["--dry-run"]].concat();
    let train = [&TRAIN[..], &["--json"]].concat();
    for arguments in [
        &["list", "envs"][..],
        &["describe", "two_step", "--json"],
        &["eval", "two_step", "--policy", "random", "--episodes", "2", "--json"],
        &["trace", "two_step", "--out", "-"],
        &["train", "--help"],
        &dry_run,
        &train,
    ] {
        let output = command(at, arguments).stdout(full()).output().expect("it starts");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        let line = error.lines().last().expect("a message");
        assert!(line.starts_with("error: cannot write to standard output: No space"), "{line}");
        assert_eq!(line.matches("No space left").count(), 1, "{line}");
        fs::remove_dir_all(at.join("results")).ok();
        let output = without_reader(command(at, arguments));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}");
        assert!(!error.contains("error"), "{arguments:?}: {error}");
    }
}

/// Starts a run that would take for ever, and waits until it has begun to write its folder.
fn endless(folder: &Path, shell: Option<&str>, more: &[&str]) -> Child {
    let settings = ["pqn_vdn", "two_step", "t_max=1000000000", "rnn_hidden_dim=4"];
    let arguments = [&["train"], &settings[..], more].concat();
    let mut command = match shell {
        None => command(folder, &arguments),
        Some(before) => {
            let mut command = Command::new("sh");
            let program = env!("CARGO_BIN_EXE_phalanx");
            let line = format!("{before} {program} {}", arguments.join(" "));
            command.args(["-c", &line]).current_dir(folder);
            command
        }
    };
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while !folder.join("results/pqn_vdn/two_step/seed_1/tb").exists() {
        assert_eq!(run.try_wait().expect("it can be asked"), None);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    run
}

fn signal(run: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &run.id().to_string()]).status();
    assert!(kill.expect("`kill` is available").success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_terminal_saves_the_state_of_a_run_unless_nohup_keeps_it_going() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The tests may run under nohup themselves.
    let mut run = endless(folder.path(), Some("exec env --default-signal=HUP"), &[]);
    signal(&run, "-HUP");
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    let state = folder.path().join("results/pqn_vdn/two_step/seed_1/state");
    assert!(state.is_dir());
    fs::remove_dir_all(folder.path().join("results")).expect("removed");

    let mut run = endless(folder.path(), Some("trap '' HUP; exec"), &[]);
    signal(&run, "-HUP");
    let index = folder.path().join("results/pqn_vdn/two_step/seed_1/checkpoints/index.json");
    // It goes on to its first checkpoint.
    while !index.exists() {
        assert_eq!(run.try_wait().expect("it can be asked"), None);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    signal(&run, "-TERM");
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert!(state.is_dir());
}

#[cfg(unix)]
#[test]
fn a_long_evaluation_is_left_when_a_run_is_stopped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // An hour of episodes.
    let mut run = endless(folder.path(), None, &["test_nepisode=1000000"]);
    signal(&run, "-TERM");
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    let run = folder.path().join("results/pqn_vdn/two_step/seed_1");
    assert!(run.join("state/step_0").is_dir());
    assert_eq!(fs::read(run.join("metrics.jsonl")).expect("it is there"), b"");
}

#[cfg(unix)]
#[test]
fn a_trace_goes_into_pipes_and_through_links_and_touches_no_other_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let trace = |out: &str| {
        let output = phalanx(at, &["trace", "two_step", "--seed", "3", "--out", out]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{out}: {error}");
        output.stdout
    };
    fs::write(at.join("plain.tmp"), "mine").expect("written");
    trace("plain");
    let expected = fs::read(at.join("plain")).expect("it was written");
    assert_eq!(fs::read(at.join("plain.tmp")).expect("it is there"), b"mine");

    assert_eq!(trace("-"), expected);

    std::os::unix::fs::symlink("target", at.join("link")).expect("linked");
    trace("link");
    assert!(fs::symlink_metadata(at.join("link")).expect("it is there").is_symlink());
    assert_eq!(fs::read(at.join("target")).expect("it was written"), expected);

    let pipe = at.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("it is available").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut read = Vec::new();
            File::open(pipe).expect("opened").read_to_end(&mut read).expect("read");
            read
        }
    });
    trace("pipe");
    assert_eq!(reader.join().expect("it has read"), expected);
    assert!(!fs::symlink_metadata(&pipe).expect("it is there").is_file());

    let names = ["link", "pipe", "plain", "plain.tmp", "target"];
    assert_eq!(fs::read_dir(at).expect("a folder").count(), names.len(), "nothing is left over");
}
