//! A damaged file of a run never changes a result in silence: it is refused, or a warning names it, or it does not
//! matter.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::rng::{Purpose, Rng};
use phalanx::train::run::RunFolder;
use phalanx::train::run::checkpoint::{CheckpointId, RunCheckpoints};
use phalanx::train::{Observer, Report, TrainError};
use phalanx_tests::metrics::metrics_without_times as metrics;
use phalanx_tests::short_runs::vdn;
use serde_json::Value;

fn trainer(seed: u64) -> Trainer {
    let mut vdn = vdn();
    vdn.learning.rnn_hidden_dim = 4;
    let env = factory("two_step", &Default::default()).expect("the environment is registered");
    let mut trainer = Trainer::new(vdn, env).seed(seed).t_max(300);
    trainer.config.log_interval = 50;
    trainer.config.test_interval = 60;
    trainer.config.test_nepisode = 3;
    trainer.config.save_model_interval = 100;
    trainer.config.save_state_interval = 90;
    trainer
}

/// Starts a run that is interrupted after its second state was saved.
fn interrupted(path: &Path, seed: u64) {
    let full = |report: &Report| (report.t_env >= 240).then_some(1.0);
    trainer(seed).metric("crashes", full).run(path).expect_err("it was interrupted");
}

#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Observer for Warnings {
    fn warn(&mut self, message: &str) -> Result<(), TrainError> {
        self.0.lock().expect("no panic").push(message.to_owned());
        Ok(())
    }
}

/// Returns the files below a folder, by their names relative to it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").to_owned();
                files.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    files
}

fn write(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, bytes).expect("written");
    }
}

/// Returns what a finished run has found: its metrics, its evaluations and its checkpoints.
fn results(run: &Path) -> (Vec<Value>, Value, BTreeMap<PathBuf, Vec<u8>>) {
    let text = fs::read(run.join("marl_eval.json")).expect("it was written");
    let mut evaluations: Value = serde_json::from_slice(&text).expect("JSON");
    let seeds = evaluations["two_step"]["two_step"]["vdn"].as_object_mut().expect("seeds");
    for step in seeds["seed_4"].as_object_mut().expect("steps").values_mut() {
        step.as_object_mut().expect("an evaluation").remove("elapsed_time");
    }
    (metrics(run), evaluations, contents(&run.join("checkpoints")))
}

/// Returns damaged versions of the file `name` with these `bytes`; `None` deletes it.
fn damages(name: &Path, bytes: &[u8], others: [Option<&Vec<u8>>; 2]) -> Vec<Option<Vec<u8>>> {
    let mut rng = Rng::stream(bytes.len() as u64, Purpose::Check, 0);
    let mut all = vec![None];
    all.extend(others.into_iter().flatten().filter(|other| *other != bytes).cloned().map(Some));
    if bytes.is_empty() {
        return all;
    }
    let mut place = |end: usize| (f64::from(rng.uniform()) * end as f64) as usize;
    let mut flip = || {
        let mut damaged = bytes.to_vec();
        damaged[place(bytes.len())] ^= 1 << place(8);
        Some(damaged)
    };
    // The files of checkpoints and states have checksums; the others need more than one.
    if name.components().count() > 1 && !name.ends_with("index.json") {
        all.push(flip());
        return all;
    }
    all.extend((0..8).map(|_| flip()));
    let half = bytes.len() / 2;
    let zeros = |from: usize| [&bytes[..from], &vec![0; bytes.len() - from]].concat();
    all.extend([bytes[..half].to_vec(), zeros(half), Vec::new()].map(Some));
    all
}

#[test]
fn a_damaged_file_never_changes_a_result_in_silence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    trainer(4).run(at("straight")).expect("the run succeeds");
    interrupted(&at("broken"), 4);
    interrupted(&at("other"), 5);
    let (expected, whole) = (results(&at("straight")), contents(&at("broken")));
    let other = contents(&at("other"));
    let best = |run: &Path| -> Result<_, TrainError> {
        let checkpoints = RunCheckpoints::of(run);
        let (_, message) = checkpoints.index_or_rebuilt()?;
        Ok((checkpoints.load(CheckpointId::Best)?, message))
    };
    let (best_policy, message) = best(&at("broken")).expect("it is whole");
    assert_eq!(message, None);
    assert!(whole.keys().filter(|name| name.ends_with("MANIFEST.json")).count() >= 4);

    let names: Vec<&PathBuf> = whole.keys().collect();
    let cases: Vec<(&PathBuf, Option<Vec<u8>>)> = (0..names.len())
        .flat_map(|number| {
            let (name, next) = (names[number], &whole[names[(number + 1) % names.len()]]);
            let damages = damages(name, &whole[name], [Some(next), other.get(name)]);
            damages.into_iter().map(move |damaged| (name, damaged))
        })
        .collect();
    // Each waits for the disk most of the time.
    let next = AtomicUsize::new(0);
    let counts = Mutex::new(BTreeMap::<&str, usize>::new());
    let try_all = |worker: usize| {
        while let Some((name, damaged)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let run = at(&format!("damaged_{worker}"));
            write(&run, &whole);
            match damaged {
                Some(bytes) => fs::write(run.join(name), bytes).expect("written"),
                None => fs::remove_file(run.join(name)).expect("removed"),
            }
            let shown = || {
                let text = damaged.as_deref().map(String::from_utf8_lossy);
                format!("{}: {text:?}", name.display())
            };
            // The policy that plays.
            if let Ok((policy, message)) = best(&run) {
                assert!(policy == best_policy || message.is_some(), "{}", shown());
            }
            // The run that is resumed.
            let warnings = Warnings::default();
            let resumed = trainer(4).observe(warnings.clone()).resume(&run);
            let said = !warnings.0.lock().expect("no panic").is_empty();
            let outcome = match resumed {
                Err(_) => "refused",
                Ok(_) if said => "reported",
                Ok(_) => {
                    assert!(results(&run) == expected, "{}", shown());
                    "without an effect"
                }
            };
            *counts.lock().expect("no panic").entry(outcome).or_default() += 1;
            fs::remove_dir_all(run).expect("removed");
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..6 {
            let try_all = &try_all;
            scope.spawn(move || try_all(worker));
        }
    });
    let counts = counts.into_inner().expect("no panic");
    assert!(counts["refused"] > 5 && counts["reported"] > 100, "{counts:?}");
}

#[test]
fn damaged_evaluations_are_written_again_from_the_state_and_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    trainer(4).run(at("straight")).expect("the run succeeds");
    let expected = results(&at("straight"));
    let file = at("broken").join("marl_eval.json");
    for damage in ["digit", "half", "missing"] {
        interrupted(&at("broken"), 4);
        let text = fs::read_to_string(&file).expect("it was written");
        match damage {
            "digit" => {
                let returns = text.find("\"return\":[").expect("returns") + "\"return\":[".len();
                let digit = text[returns..].find(|c: char| c.is_ascii_digit()).expect("a number");
                let mut text = text.into_bytes();
                text[returns + digit] ^= 1;
                fs::write(&file, text).expect("written");
            }
            "half" => fs::write(&file, &text[..text.len() / 2]).expect("written"),
            _ => fs::remove_file(&file).expect("removed"),
        }
        let warnings = Warnings::default();
        trainer(4).observe(warnings.clone()).resume(at("broken")).expect("the run resumes");
        let warnings = warnings.0.lock().expect("no panic").join("\n");
        assert!(warnings.contains("marl_eval.json") && warnings.contains("again"), "{warnings}");
        assert!(results(&at("broken")) == expected, "{damage}");
        fs::remove_dir_all(at("broken")).expect("removed");
    }
}

#[test]
fn an_edited_length_is_refused_unless_the_run_itself_was_resumed_with_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    interrupted(&run, 4);
    let check = || RunFolder::check_unedited(&run, |_| false);
    check().expect("nobody has edited it");
    let config = run.join("config.toml");
    let text = fs::read_to_string(&config).expect("it was written");
    let edited = text.replace("t_max = 300", "t_max = 900");
    assert_ne!(text, edited);
    fs::write(&config, &edited).expect("written");
    let error = check().expect_err("it was edited").to_string();
    assert!(error.contains("`t_max` is 900") && error.contains("t_max=VALUE"), "{error}");
    RunFolder::check_unedited(&run, |key| key == "t_max").expect("the length is given");
    // Another layout and a comment are no other value.
    fs::write(&config, format!("# mine\n{text}")).expect("written");
    check().expect("the values are the same");
    fs::write(&config, &text).expect("written");

    // Resumed to another length, and killed before a state was saved.
    let killed = trainer(4).t_max(900).metric("crashes", |_| Some(1.0));
    killed.resume(&run).expect_err("it was interrupted");
    assert_eq!(fs::read_to_string(&config).expect("it was written"), edited);
    check().expect("the program itself wrote this length");
}
