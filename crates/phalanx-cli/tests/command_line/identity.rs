//! A run stays what it was: its states and checkpoints know their configuration, and only its own files are touched.

use std::fs;
use std::path::Path;

use crate::phalanx;

const RUN: &str = "results/vdn/two_step/seed_1";

/// Trains a small run whose state is kept.
fn train(folder: &Path, more: &[&str]) {
    let settings = ["train", "vdn", "two_step", "t_max=200", "batch_size=4", "test_nepisode=2"];
    let output = phalanx(folder, &[&settings[..], &["keep_state=true"], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the exit status and the messages of a command.
fn messages(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = phalanx(folder, arguments);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn resume(folder: &Path) -> (Option<i32>, String) {
    messages(folder, &["train", "--resume", RUN, "t_max=300"])
}

#[test]
fn an_edited_configuration_is_refused_by_resume_and_reported_by_eval() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    train(at, &[]);
    let config = at.join(RUN).join("config.toml");
    let text = fs::read_to_string(&config).expect("it was written");
    for (before, after, key) in
        [("lr = 0.001", "lr = 0.1", "`lr`"), ("gamma = 0.99", "gamma = 0.5", "`gamma`")]
    {
        assert!(text.contains(before), "{text}");
        fs::write(&config, text.replacen(before, after, 1)).expect("written");
        let (code, error) = resume(at);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(key), "{error}");
    }
    let (code, note) = messages(at, &["eval", RUN, "--episodes", "2"]);
    assert_eq!(code, Some(0), "{note}");
    assert!(note.contains("`gamma`") && note.contains("config.toml"), "{note}");

    // A changed log is reported; the run goes on.
    let metrics = at.join(RUN).join("metrics.jsonl");
    let lines = fs::read_to_string(&metrics).expect("it was written");
    fs::write(&metrics, lines.replacen("\"t_env\":0", "\"t_env\":1", 1)).expect("written");

    // An empty file after a power cut is restored from the state.
    fs::write(&config, "").expect("written");
    let (code, note) = resume(at);
    assert_eq!(code, Some(0), "{note}");
    assert!(note.contains("restored from the saved state"), "{note}");
    assert!(note.contains("metrics.jsonl was changed after the state was saved"), "{note}");
    let restored = fs::read_to_string(&config).expect("it was written");
    assert!(restored.contains("gamma = 0.99") && restored.contains("t_max = 300"), "{restored}");
    let (code, note) = messages(at, &["eval", RUN, "--episodes", "2"]);
    assert_eq!((code, note.as_str()), (Some(0), ""));
}

#[test]
fn a_length_is_changed_on_the_command_line_and_not_in_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    train(at, &[]);
    let config = at.join(RUN).join("config.toml");
    let text = fs::read_to_string(&config).expect("it was written");
    for (before, after, key) in [
        ("t_max = 200", "t_max = 900", "t_max"),
        ("threads = 0", "threads = 1", "threads"),
        ("t_max = 200", "", "t_max"),
    ] {
        assert!(text.contains(before), "{text}");
        fs::write(&config, text.replacen(before, after, 1)).expect("written");
        let (code, error) = messages(at, &["train", "--resume", RUN]);
        assert_eq!(code, Some(2), "{error}");
        let expected = format!("give {key}=VALUE on the command line");
        assert!(error.contains(&expected) && error.lines().count() == 1, "{error}");
    }
    // Given on the command line, it is resumed.
    let (code, error) = resume(at);
    assert_eq!(code, Some(0), "{error}");
}

#[test]
fn a_checkpoint_is_enough_to_evaluate_a_run_and_to_begin_with_its_weights() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let settings = ["t_max=400", "test_nepisode=1", "batch_size=4", "rnn_hidden_dim=4"];
    let hunt = [&["train", "vdn", "predator_prey", "miscapture_punishment=-1"], &settings[..]];
    let run = "results/vdn/predator_prey/seed_1";
    assert!(phalanx(at, &hunt.concat()).status.success());
    let eval = |more: &[&str]| {
        let output = phalanx(at, &[&["eval", run, "--episodes", "3", "--json"], more].concat());
        let note = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{note}");
        (String::from_utf8_lossy(&output.stdout).into_owned(), note)
    };
    let elsewhere = ["--env", "predator_prey", "miscapture_punishment=-1"];
    let (expected, note) = eval(&[]);
    assert_eq!(note, "");
    let (there, note) = eval(&elsewhere);
    assert_eq!(note, "");

    let config = at.join(run).join("config.toml");
    let text = fs::read_to_string(&config).expect("it was written");
    let other = text.replacen("miscapture_punishment = -1", "miscapture_punishment = -9", 1);
    assert_ne!(text, other);
    fs::write(&config, other).expect("written");
    let (edited, note) = eval(&[]);
    assert_eq!(edited, expected, "the checkpoint knows its environment");
    assert!(note.contains("`env_args.miscapture_punishment`"), "{note}");

    for damaged in [Some(vec![0; text.len()]), Some(Vec::new()), None] {
        match damaged {
            Some(bytes) => fs::write(&config, bytes).expect("written"),
            None => fs::remove_file(&config).expect("removed"),
        }
        for (more, expected) in [(&[][..], &expected), (&elsewhere[..], &there)] {
            let (found, note) = eval(more);
            assert_eq!(&found, expected);
            assert!(note.starts_with("warning: ") && note.contains("config.toml"), "{note}");
            assert_eq!(note.lines().count(), 1, "{note}");
        }
    }
    let from = format!("init_from={run}");
    let begin = ["train", "vdn", "predator_prey", "seed=2", &from];
    let output = phalanx(at, &[&begin[..], &settings[..]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A folder without a checkpoint is still no run.
    let (code, error) = messages(at, &["eval", "results"]);
    assert!(code == Some(2) && error.contains("is not a run"), "{error}");
}

#[test]
fn a_state_of_another_run_is_not_resumed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    train(at, &[]);
    let (run, aside) = (at.join(RUN), at.join("aside"));
    fs::rename(run.join("state"), &aside).expect("moved");
    train(at, &["--overwrite"]);
    fs::remove_dir_all(run.join("state")).expect("removed");
    fs::rename(&aside, run.join("state")).expect("moved");
    let (code, error) = resume(at);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("belongs to another run"), "{error}");
}

#[test]
fn overwriting_removes_the_files_of_the_run_and_no_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    train(at, &[]);
    let run = at.join(RUN);
    let mine = ["notes.txt", "tb/events.out.tfevents.1.host", "checkpoints/mine", "state/mine"];
    for name in mine {
        fs::write(run.join(name), name).expect("written");
    }
    // What an earlier attempt left when it was killed.
    fs::create_dir(run.join("tmp-old-run")).expect("created");
    #[cfg(unix)]
    {
        fs::write(at.join("outside"), "mine").expect("written");
        fs::remove_file(run.join("log.txt")).expect("removed");
        std::os::unix::fs::symlink(at.join("outside"), run.join("log.txt")).expect("linked");
        let (code, error) = resume(at);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("log.txt") && error.contains("follows no links"), "{error}");
    }
    let (code, error) = messages(at, &["train", "vdn", "two_step", "t_max=200"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("--overwrite"), "{error}");
    assert!(error.contains(&format!("phalanx train --resume {RUN}")), "{error}");
    train(at, &["gamma=0.5", "--overwrite"]);
    for name in mine {
        assert_eq!(fs::read_to_string(run.join(name)).expect("it stays"), name);
    }
    #[cfg(unix)]
    assert_eq!(fs::read(at.join("outside")).expect("it stays"), b"mine");
    assert!(!run.join("tmp-old-run").exists());
    let steps = |name: &str| {
        let entries = fs::read_dir(run.join(name)).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name.to_string_lossy().starts_with("step_")).count()
    };
    assert_eq!(steps("state"), 1);
    assert!(steps("checkpoints") <= 3);
    let (code, error) = resume(at);
    assert_eq!(code, Some(0), "{error}");
}

#[test]
fn a_damaged_list_of_checkpoints_is_rebuilt_and_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    train(at, &["test_interval=50"]);
    let eval = || phalanx(at, &["eval", RUN, "--episodes", "4", "--json"]);
    let expected = eval().stdout;
    let index = at.join(RUN).join("checkpoints/index.json");
    let text = fs::read_to_string(&index).expect("it was written");
    let at_digit = text.find(|c: char| c.is_ascii_digit()).expect("a number");
    let digit = if &text[at_digit..=at_digit] == "1" { "2" } else { "1" };
    let flipped = [&text[..at_digit], digit, &text[at_digit + 1..]].concat();
    fs::write(&index, flipped).expect("written");
    let output = eval();
    let note = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && note.contains("is rebuilt"), "{note}");
    assert_eq!(output.stdout, expected, "the best policy plays");
}

#[test]
fn a_path_with_a_space_is_printed_as_a_shell_reads_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = ["train", "vdn", "two_step", "t_max=50", "test_nepisode=1"];
    let output = phalanx(folder.path(), &[&settings[..], &["results_dir=my runs"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("phalanx eval 'my runs/vdn/two_step/seed_1'"), "{text}");
}

/// Moves the entry `name` of the run to where `--overwrite` moves it.
fn move_aside(run: &Path, name: &str) {
    let old = run.join("tmp-old-run");
    fs::create_dir_all(&old).expect("created");
    fs::rename(run.join(name), old.join(name)).expect("moved");
}

#[test]
fn an_overwriting_that_is_killed_never_leaves_the_old_state_under_a_new_configuration() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    train(at, &[]);
    let run = at.join(RUN);
    // The state goes first: what is left is still the old run, and nothing resumes it.
    move_aside(&run, "state");
    let (code, error) = resume(at);
    assert_eq!(code, Some(2), "{error}");
    let (code, error) = messages(at, &["train", "vdn", "two_step", "t_max=100"]);
    assert!(code == Some(2) && error.contains("already holds a run"), "{error}");
    // The configuration goes last: then a new run begins, and what was moved aside is removed.
    for name in ["checkpoints", "tb", "run.json", "metrics.jsonl", "log.txt", "marl_eval.json"] {
        move_aside(&run, name);
    }
    move_aside(&run, "config.toml");
    train(at, &["gamma=0.5"]);
    assert!(!run.join("tmp-old-run").exists());
    let (code, error) = resume(at);
    assert_eq!(code, Some(0), "{error}");
}

#[test]
fn a_finished_run_that_was_killed_while_its_state_was_removed_has_finished() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    train(at, &["keep_state=false"]);
    let state = at.join(RUN).join("state");
    fs::create_dir_all(state.join("step_100")).expect("created");
    fs::write(state.join("step_100/agent.safetensors"), "half").expect("written");
    // Nor was the removal of a checkpoint completed.
    let left = ["step_1", "tmp-old-step_2"].map(|name| at.join(RUN).join("checkpoints").join(name));
    left.iter().for_each(|folder| fs::create_dir(folder).expect("created"));
    let (code, error) = resume(at);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("has finished") && error.contains("keep_state=true"), "{error}");
    assert!(!state.exists(), "the rest is removed");
    assert!(left.iter().all(|folder| !folder.exists()), "so are unneeded checkpoints");
}

#[test]
fn a_policy_that_plays_elsewhere_is_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let settings = ["t_max=100", "test_nepisode=1", "batch_size=4", "rnn_hidden_dim=4"];
    let hunt = [&["train", "vdn", "predator_prey"], &settings[..]].concat();
    assert!(phalanx(at, &hunt).status.success());
    let run = "results/vdn/predator_prey/seed_1";
    let eval = |more: &[&str]| {
        let (code, note) = messages(
            at,
            &[&["eval", run, "--env", "predator_prey", "--episodes", "1"], more].concat(),
        );
        assert_eq!(code, Some(0), "{note}");
        note
    };
    assert_eq!(eval(&[]), "");
    let other = eval(&["miscapture_punishment=-2"]);
    let part = "with the default of env_args.miscapture_punishment, and plays with \
                env_args.miscapture_punishment=-2";
    assert!(other.contains(part), "{other}");
}
