//! Kills runs just before single system calls, and makes single calls fail.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::case::{ALGORITHMS, Case, Next, last_line, resume, succeeded};
use super::findings::Findings;
use super::kills::compare;
use super::outcome::Outcome;
use super::shared_work::{Options, share};

/// The system calls that change files, or create them.
const CALLS: &str = "openat,open,creat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,\
                     unlink,unlinkat,rmdir,ftruncate";

/// What happens at a call.
#[derive(Clone, Copy, Debug)]
enum Strike {
    /// The process is killed before the call.
    Kill,
    /// The call fails as on a full disk, once.
    Fail,
}

/// A system call of a run.
#[derive(Clone, Debug)]
struct Call {
    name: String,
    /// Counted from 1 among the calls of that name by the same thread.
    number: usize,
}

/// Runs one case for each algorithm under strace, and repeats it for every call that changes a file (at most `count`
/// per run, evenly spread): once killed just before the call, once with the call failing for want of space. The
/// run is then resumed, or begun anew if nothing was saved, and must leave what an undisturbed run leaves. Two of the
/// runs are also begun where a finished run is that they overwrite.
///
/// # Errors
///
/// Returns an error if strace is missing or an undisturbed run fails.
pub fn run(options: &Options, count: u64) -> io::Result<Findings> {
    let strace = Command::new("strace").arg("--version").stdout(Stdio::null()).status();
    if !strace.is_ok_and(|status| status.success()) {
        return Err(io::Error::other("strace is missing; it comes with every distribution"));
    }
    let mut work: Vec<(Subject, Call, Strike)> = Vec::new();
    let mut total = 0;
    let fresh = ALGORITHMS.map(|alg| (alg, false));
    for (alg, overwrites) in fresh.into_iter().chain([("qmix", true), ("ippo", true)]) {
        let subject = Subject::record(options, alg, overwrites)?;
        let calls = subject.calls.len();
        total += calls;
        let step = calls.div_ceil(count.max(1) as usize).max(1);
        for call in subject.calls.iter().step_by(step) {
            for strike in [Strike::Kill, Strike::Fail] {
                work.push((subject.clone(), call.clone(), strike));
            }
        }
    }
    phalanx::train::note(format!("{total} calls change files; {} trials", work.len()));
    share(
        options,
        |number, _| number as usize >= work.len(),
        |number, folder, findings| {
            let (subject, call, strike) = &work[number as usize];
            subject.strike(options, call, *strike, &folder.join("struck"), findings)
        },
    )
}

/// A case and what its undisturbed run does and leaves.
#[derive(Clone)]
struct Subject {
    case: Case,
    /// Whether it begins where a finished run is.
    overwrites: bool,
    calls: Vec<Call>,
    outcome: Outcome,
}

impl Subject {
    fn record(options: &Options, alg: &'static str, overwrites: bool) -> io::Result<Self> {
        let mut case = Case::new(alg, "predator_prey");
        // Shorter: four states, three evaluations, two checkpoints.
        case.settings.extend(["t_max=160".into(), "save_model_interval=100".into()]);
        let results = options.folder.join("recorded");
        if overwrites {
            Self::earlier(&case).undisturbed(&options.program, &results)?;
        }
        let trace = options.folder.join("calls.txt");
        let filter = format!("trace={CALLS}");
        let traced =
            traced(&case.train(&options.program, &results), &trace, &["-y", "-e", &filter]);
        succeeded(&format!("{} under strace", case.name()), &{ traced }.output()?)?;
        let calls = changes(&fs::read_to_string(&trace)?, &results.display().to_string());
        let outcome = Outcome::read(&case.folder(&results))?;
        fs::remove_dir_all(&results)?;
        Ok(Self { case, overwrites, calls, outcome })
    }

    /// Returns the run that is overwritten, with other results than the one that overwrites it.
    fn earlier(case: &Case) -> Case {
        let mut case = case.clone();
        case.settings.push("gamma=0.9".into());
        case
    }

    fn strike(
        &self,
        options: &Options,
        call: &Call,
        strike: Strike,
        results: &Path,
        findings: &mut Findings,
    ) -> io::Result<()> {
        let _ = fs::remove_dir_all(results);
        let run = self.case.folder(results);
        if self.overwrites {
            Self::earlier(&self.case).undisturbed(&options.program, results)?;
        }
        let action = match strike {
            Strike::Kill => "signal=KILL",
            Strike::Fail => "error=ENOSPC",
        };
        let place = format!("{} {strike:?} at {} {}", self.case.name(), call.name, call.number);
        let inject = format!("inject={}:{action}:when={}", call.name, call.number);
        let only = format!("trace={}", call.name);
        let arguments = ["-e", &only, "-e", &inject];
        let train = self.case.train(&options.program, results);
        let output = traced(&train, Path::new("/dev/null"), &arguments).output()?;
        findings.count(format!("{strike:?} before {}", call.name));
        if String::from_utf8_lossy(&output.stderr).contains("panicked at") {
            findings.fault(format!("{place}: {}", last_line(&output.stderr)));
        }
        let untouched = self.overwrites && !holds(&run, "gamma = 0.99");
        let next = if untouched { Next::Begin } else { self.case.next(results) };
        let output = match next {
            Next::Begin => self.case.train(&options.program, results).output()?,
            Next::Resume { .. } | Next::Finished => resume(&options.program, &run).output()?,
        };
        if !output.status.success() && next != Next::Finished {
            findings.fault(format!("{place}: refused: {}", last_line(&output.stderr)));
            return Ok(());
        }
        let mut compared = Findings::default();
        compare(&self.case, &run, &self.outcome, &mut compared);
        if compared.faults() > 0 {
            findings.fault(format!("{place}: {next:?}"));
        }
        findings.add(compared);
        Ok(())
    }
}

/// Returns whether the configuration of a run holds a line.
fn holds(run: &Path, line: &str) -> bool {
    fs::read_to_string(run.join("config.toml")).is_ok_and(|text| text.lines().any(|l| l == line))
}

/// Returns a command under strace that writes what it records to a file.
fn traced(command: &Command, record: &Path, arguments: &[&str]) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(record).args(arguments).arg(command.get_program());
    traced.args(command.get_args());
    traced.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    traced
}

/// Returns the calls of a record that change something below a folder.
fn changes(record: &str, below: &str) -> Vec<Call> {
    let mut numbers: HashMap<(&str, &str), usize> = HashMap::new();
    let mut changes = Vec::new();
    for line in record.lines() {
        let Some((thread, line)) = line.split_once(' ') else { continue };
        let line = line.trim_start();
        // `<... write resumed>` ends a call that is already counted; `+++ exited` and signals are no calls.
        let Some((name, _)) = line.split_once('(') else { continue };
        if line.starts_with(['<', '+', '-']) {
            continue;
        }
        let number = numbers.entry((thread, name)).or_default();
        *number += 1;
        let reads = name.starts_with("open")
            && !["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag));
        if line.contains(below) && !reads {
            changes.push(Call { name: name.to_owned(), number: *number });
        }
    }
    changes
}

/// Returns the path of a program that the system finds.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_change_files_are_numbered_as_strace_counts_them() {
        let record = "7 openat(AT_FDCWD</x>, \"/r/a\", O_RDONLY) = 3\n\
                      7 openat(AT_FDCWD</x>, \"/r/a\", O_WRONLY|O_CREAT, 0666) = 3\n\
                      8 write(1<pipe:[3]>, \"x\", 1) = 1\n\
                      7 write(3</r/a>, \"x\", 1 <unfinished ...>\n\
                      8 write(3</r/b>, \"x\", 1) = 1\n\
                      7 <... write resumed>) = 1\n\
                      7 --- SIGCHLD {si_signo=SIGCHLD} ---\n\
                      7 write(3</r/a>, \"y\", 1) = 1\n\
                      7 +++ exited with 0 +++\n";
        let calls: Vec<(String, usize)> =
            changes(record, "/r/").into_iter().map(|call| (call.name, call.number)).collect();
        let expected = [("openat", 2), ("write", 1), ("write", 2), ("write", 2)];
        assert_eq!(calls, expected.map(|(name, number)| (name.to_owned(), number)));
    }
}
