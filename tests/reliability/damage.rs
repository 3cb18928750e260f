//! Damages run folders, one file at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use phalanx::prelude::*;
use serde_json::Value;

use super::case::{Case, eval, last_line, newest_state, resume};
use super::findings::Findings;
use super::outcome::Outcome;
use super::shared_work::{Options, share};

/// Longer than any of the short runs could take.
const LIMIT: Duration = Duration::from_secs(10);

/// Damages one file of the folder of an interrupted or a finished run `count` times, and resumes or evaluates the run
/// each time. The program must then refuse, or say what it did instead, or come to the undamaged result.
///
/// With `case`, only that piece of damage is done, and everything that the program printed about it is shown.
///
/// # Errors
///
/// Returns an error if an undamaged run fails or a process cannot be started.
pub fn run(options: &Options, count: u64, case: Option<u64>) -> io::Result<Findings> {
    let algorithms = [("vdn", "predator_prey"), ("qmix", "skirmish/3m"), ("ippo", "skirmish/3m")];
    let subjects: Vec<Subject> = algorithms
        .into_iter()
        .map(|(alg, env)| Subject::prepare(options, Case::new(alg, env)))
        .collect::<io::Result<_>>()?;
    let (first, last) = case.map_or((0, count), |case| (case, case + 1));
    share(
        options,
        |number, _| first + number >= last,
        |number, folder, findings| {
            let number = first + number;
            let mut rng = Rng::stream(options.seed, Purpose::Check, number as u32);
            let subject = &subjects[rng.below(subjects.len())];
            let run = folder.join("damaged");
            let report = subject.damage_and_try(options, &run, &mut rng, findings)?;
            if case.is_some() {
                phalanx::train::note(report);
            }
            Ok(())
        },
    )
}

/// A run, interrupted and finished, and what comes of it undamaged.
struct Subject {
    case: Case,
    /// With two saved states.
    interrupted: PathBuf,
    finished: PathBuf,
    outcome: Outcome,
    /// What `eval` prints about the finished run.
    evaluation: Value,
}

/// What is done with a damaged folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Resume,
    Eval,
}

impl Subject {
    fn prepare(options: &Options, case: Case) -> io::Result<Self> {
        let results = options.folder.join("subjects");
        let run = case.folder(&results);
        let (interrupted, finished) =
            (run.with_file_name("interrupted"), run.with_file_name("finished"));
        let two_states =
            |run: &Path| fs::read_dir(run.join("state")).map_or(0, Iterator::count) >= 2;
        loop {
            let mut child = case.train(&options.program, &results).spawn()?;
            while child.try_wait()?.is_none() && !two_states(&run) {
                std::thread::sleep(Duration::from_micros(100));
            }
            child.kill()?;
            child.wait()?;
            if two_states(&run) && newest_state(&run).is_some() {
                break;
            }
        }
        // The killed process may have left temporary names, which are no files of the run.
        fs::rename(&run, &interrupted)?;
        copy(&interrupted, &finished)?;
        super::case::succeeded(&case.name(), &resume(&options.program, &finished).output()?)?;
        let evaluated = eval(&options.program, &finished).output()?;
        super::case::succeeded(&case.name(), &evaluated)?;
        let outcome = Outcome::read(&finished)?;
        Ok(Self { case, interrupted, finished, outcome, evaluation: result(&evaluated) })
    }

    /// Damages a copy, uses it, and judges what happens. Returns a report for people.
    fn damage_and_try(
        &self,
        options: &Options,
        run: &Path,
        rng: &mut Rng,
        findings: &mut Findings,
    ) -> io::Result<String> {
        let uses = [(Use::Resume, &self.interrupted), (Use::Eval, &self.finished)];
        let (purpose, source) = uses[rng.below(2)];
        let _ = fs::remove_dir_all(run);
        copy(source, run)?;
        let mut files = Vec::new();
        collect(run, &mut files)?;
        files.sort();
        let file = &files[rng.below(files.len())];
        let kind = damage(file, rng)?;
        let name = file.strip_prefix(run).expect("it is in the folder").to_string_lossy();
        // Steps and times in names would make every file a kind of its own.
        let place: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
        let mut command = match purpose {
            Use::Resume => resume(&options.program, run),
            Use::Eval => eval(&options.program, run),
        };
        let began = Instant::now();
        let output = command.output()?;
        let word = if purpose == Use::Resume { "resume" } else { "eval" };
        let verdict = self.judge(purpose, run, &output, began.elapsed());
        match &verdict {
            Ok(what) => findings.count(*what),
            Err(what) => findings.fault(format!("{word} after {kind} of {place}: {what}")),
        }
        findings.count(format!("{word} in all"));
        Ok(format!(
            "{}: {word} after {kind} of {name}: {verdict:?}\n{}\n{}",
            self.case.name(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))
    }

    fn judge(
        &self,
        purpose: Use,
        run: &Path,
        output: &Output,
        took: Duration,
    ) -> Result<&'static str, String> {
        let messages = String::from_utf8_lossy(&output.stderr);
        let said = messages.contains("warning:");
        if messages.contains("panicked at") || output.status.code().is_none() {
            return Err(format!("{}: {}", output.status, last_line(&output.stderr)));
        }
        if took > LIMIT {
            return Err(format!("it took {} s", took.as_secs()));
        }
        if !output.status.success() {
            let named = messages.contains("error:");
            return if named { Ok("refused") } else { Err("refused without a message".to_owned()) };
        }
        let differences = match purpose {
            Use::Resume => match Outcome::read(run) {
                Ok(outcome) => outcome.differences(&self.outcome),
                Err(error) => vec![error.to_string()],
            },
            Use::Eval if result(output) == self.evaluation => Vec::new(),
            Use::Eval => vec!["the result".to_owned()],
        };
        match (differences.is_empty(), said) {
            (true, true) => Ok("repaired and said, with the undamaged result"),
            (true, false) => Ok("the undamaged result"),
            (false, true) => Ok("said, with another result"),
            (false, false) => Err(format!("SILENT: {} differs", differences.join(", "))),
        }
    }
}

/// Returns what an evaluation printed, without the folder.
fn result(output: &Output) -> Value {
    let mut result: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    result.as_object_mut().map(|result| result.remove("run"));
    result
}

/// Damages a file and returns how.
fn damage(path: &Path, rng: &mut Rng) -> io::Result<&'static str> {
    let mut data = fs::read(path)?;
    let kinds = [
        "bit",
        "bit",
        "bit",
        "bit",
        "cut",
        "zeros",
        "all zeros",
        "append",
        "loss",
        "swap",
        "empty",
    ];
    let mut kind = kinds[rng.below(kinds.len())];
    if data.is_empty() && kind != "append" {
        kind = "loss";
    }
    match kind {
        "bit" => {
            let at = rng.below(data.len());
            data[at] ^= 1 << rng.below(8);
        }
        "cut" => data.truncate(rng.below(data.len())),
        "zeros" => {
            let at = rng.below(data.len());
            let end = data.len().min(at + [16, 512, 4096][rng.below(3)]);
            data[at..end].fill(0);
        }
        "all zeros" => data.fill(0),
        "append" => data.extend((0..[1, 16, 4096][rng.below(3)]).map(|_| rng.next_u32() as u8)),
        "swap" => {
            let folder = path.parent().expect("it is in a folder");
            let others = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
            let mut others: Vec<PathBuf> = others.collect::<io::Result<_>>()?;
            others.retain(|other| other.is_file() && other != path);
            others.sort();
            match others.is_empty() {
                true => data.clear(),
                false => data = fs::read(&others[rng.below(others.len())])?,
            }
        }
        _ => data.clear(),
    }
    fs::remove_file(path)?;
    if kind != "loss" {
        fs::write(path, data)?;
    }
    Ok(match kind {
        "bit" => "a flipped bit",
        "cut" => "a cut",
        "zeros" => "a block of zeros",
        "all zeros" => "nothing but zeros",
        "append" => "garbage at the end",
        "loss" => "the loss",
        "swap" => "another file in the place",
        _ => "an empty file in the place",
    })
}

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// Adds all files below `folder`, except the lock, which has no contents.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.file_name().is_some_and(|name| name != "run.lock") {
            files.push(path);
        }
    }
    Ok(())
}
