//! The process that works through a range of inputs, and may die of one.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use phalanx::serde_json;
use serde::{Deserialize, Serialize};

use super::runs;
use super::system;
use super::target::{self, Answer, Target};
use super::verdict::{Tally, Verdict};

/// The variable of the environment that makes a process a worker.
pub(super) const VARIABLE: &str = "PHALANX_HOSTILE_JOB";
/// The seconds that an input may take, of the clock and of the processors.
const SECONDS: f64 = 2.0;
/// The bytes that the process may hold in memory.
const BYTES: u64 = 2 << 30;
/// The exit status of a worker that holds too much memory and wants to be replaced.
pub(super) const REPLACE: u8 = 3;
/// Stands for a target in the job that trains the runs to damage.
pub(super) const RUNS_TARGET: &str = "runs";

/// A range of inputs of one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) target: String,
    pub(super) seed: u64,
    pub(super) first: u64,
    pub(super) end: u64,
    /// The folder around the folders around the working folder.
    pub(super) folder: PathBuf,
    /// The file with the progress.
    pub(super) progress: PathBuf,
    /// The file with what was found.
    pub(super) findings: PathBuf,
    /// The folder of the runs that are damaged.
    pub(super) runs: PathBuf,
    /// Seconds since the start of the Unix epoch after which no input is begun.
    pub(super) until: Option<f64>,
    /// An input to use instead of the generated ones.
    pub(super) input: Option<PathBuf>,
    /// Whether panics are shown.
    pub(super) shows: bool,
}

/// Something found by a worker that survived it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) case: u64,
    pub(super) verdict: Verdict,
    pub(super) message: String,
}

/// How far a worker is: the next input, and the verdicts so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) next: u64,
    pub(super) tally: Tally,
}

impl Progress {
    pub(super) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_default();
        let mut numbers =
            bytes.chunks_exact(8).map(|chunk| u64::from_le_bytes(chunk.try_into().expect("eight")));
        let next = numbers.next().unwrap_or_default();
        let mut tally = Tally::default();
        for count in &mut tally.0 {
            *count = numbers.next().unwrap_or_default();
        }
        Self { next, tally }
    }

    fn write(&self, file: &mut File) {
        let numbers = std::iter::once(self.next).chain(self.tally.0);
        let bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
        let written = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&bytes));
        written.expect("the progress can be written");
    }
}

/// The folders between that of the job and the working folder, which must stay as they are.
const AROUND: [&str; 5] = ["a", "b", "c", "d", "here"];

impl Job {
    /// Returns the job of this process, if it is a worker.
    pub(super) fn of_this_process() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&text).expect("the job was written by the parent"))
    }

    /// Works through the range.
    pub(super) fn work(self) -> ExitCode {
        if self.target == RUNS_TARGET {
            runs::train_all(&self.runs);
            return ExitCode::SUCCESS;
        }
        let here = AROUND.iter().fold(self.folder.clone(), |path, name| path.join(name));
        fs::create_dir_all(&here).expect("the working folder can be created");
        std::env::set_current_dir(&here).expect("the working folder is there");
        if !self.shows {
            be_quiet();
        }
        let targets = target::all(&self.runs);
        let target = targets.iter().find(|target| target.name() == self.target);
        let target = &**target.expect("the parent has checked the name");
        let corpus: Vec<Vec<u8>> =
            target::corpus(&self.target).into_iter().map(|(_, input)| input).collect();
        let mut file = File::create(&self.progress).expect("the progress can be written");
        let mut progress = Progress { next: self.first, tally: Tally::default() };
        let parent = system::parent();
        let goes_on =
            || system::parent() == parent && self.until.is_none_or(|it| system::now() < it);
        while progress.next < self.end && goes_on() {
            progress.write(&mut file);
            let case = progress.next;
            let input = match &self.input {
                Some(path) => fs::read(path).expect("the input can be read"),
                None => target::input(target, &corpus, self.seed, case),
            };
            let (verdict, message) = self.judge(target, &input, &here);
            progress.tally.count(verdict);
            progress.next += 1;
            if verdict.is_finding() {
                self.record(&Found { case, verdict, message });
            }
            if verdict == Verdict::Memory {
                progress.write(&mut file);
                return ExitCode::from(REPLACE);
            }
        }
        progress.write(&mut file);
        ExitCode::SUCCESS
    }

    /// Feeds the program with an input and judges what it does.
    fn judge(&self, target: &dyn Target, input: &[u8], here: &Path) -> (Verdict, String) {
        let begin = Instant::now();
        let mut result = attempt(target, input);
        let mut seconds = begin.elapsed().as_secs_f64();
        if seconds > SECONDS && result.is_ok() {
            // Other processes may have been in its way: the second attempt counts, in seconds of processors, too.
            empty(here);
            let (begin, before) = (Instant::now(), system::processor_seconds());
            result = attempt(target, input);
            let used =
                system::processor_seconds().zip(before).map(|(after, before)| after - before);
            seconds = begin.elapsed().as_secs_f64().min(used.unwrap_or(f64::INFINITY));
        }
        let outside = self.tidy_around();
        empty(here);
        // Much memory takes its time.
        let heavy = begin.elapsed().as_secs_f64() > 0.02;
        let bytes = heavy.then(system::peak_memory).flatten().filter(|&bytes| bytes > BYTES);
        match (result, outside, bytes) {
            (Err(message), _, _) => (Verdict::Panic, message),
            (_, Some(name), _) => (Verdict::Outside, format!("{} appeared", name.display())),
            (_, _, Some(bytes)) => (Verdict::Memory, format!("{} MiB were held", bytes >> 20)),
            _ if seconds > SECONDS => (Verdict::Slow, format!("it took {seconds:.1} s")),
            (Ok(Answer::Accepted), ..) => (Verdict::Accepted, String::new()),
            (Ok(Answer::Refused), ..) => (Verdict::Refused, String::new()),
        }
    }

    /// Removes what has appeared around the working folder, and returns its path.
    fn tidy_around(&self) -> Option<PathBuf> {
        let mut found = None;
        let mut folder = self.folder.clone();
        for expected in AROUND {
            for entry in fs::read_dir(&folder).ok()?.flatten() {
                if entry.file_name() != expected {
                    found = Some(entry.path());
                    let path = entry.path();
                    let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
                }
            }
            folder.push(expected);
        }
        found
    }

    fn record(&self, found: &Found) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(&self.findings)
            .expect("findings can be written");
        let line = serde_json::to_string(found).expect("plain data");
        writeln!(file, "{line}").expect("findings can be written");
    }
}

/// The latest panic of any thread.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Keeps messages of panics instead of printing them.
fn be_quiet() {
    std::panic::set_hook(Box::new(|info| {
        let text = info.payload_as_str().unwrap_or("a panic without a message");
        let at = info
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = format!("{text}{at}");
    }));
}

/// Feeds the program with an input. The error is the message of a panic.
fn attempt(target: &dyn Target, input: &[u8]) -> Result<Answer, String> {
    let answer = Cell::new(Answer::Refused);
    catch_unwind(AssertUnwindSafe(|| answer.set(target.answer(input))))
        .map(|()| answer.get())
        .map_err(|_| PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Removes everything in a folder.
fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
    }
}
