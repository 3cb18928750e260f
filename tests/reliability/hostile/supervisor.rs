//! The parent: hands out ranges of inputs to workers, and replaces those that die or hang.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use phalanx::serde_json;

use super::plan::{Plan, Range};
use super::report::{Finding, Report};
use super::verdict::Verdict;
use super::worker::{Found, Job, Progress, REPLACE, RUNS_TARGET, VARIABLE};

/// A worker that is at the same input for longer hangs.
const HANGS: Duration = Duration::from_secs(30);
/// The address space of a worker, in units of 1024 bytes.
const ADDRESS_SPACE: u64 = 4 << 20;

/// Works through a plan with `jobs` processes in the folder `work`.
///
/// # Panics
///
/// Panics if no process can be started, or the runs to damage cannot be trained.
pub(super) fn supervise(plan: Plan, jobs: usize, seed: u64, work: &Path, shows: bool) -> Report {
    train_runs(seed, work);
    let (plan, report) = (Mutex::new(plan), Mutex::new(Report::new(seed)));
    thread::scope(|scope| {
        for number in 0..jobs.max(1) {
            let (plan, report) = (&plan, &report);
            scope.spawn(move || {
                let next = || plan.lock().unwrap_or_else(PoisonError::into_inner).next();
                while let Some(range) = next() {
                    let until = plan.lock().unwrap_or_else(PoisonError::into_inner).until;
                    work_through(&range, until, number, seed, work, shows, report);
                }
            });
        }
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the job of a range for the worker `number`.
fn job_of(range: &Range, number: usize, seed: u64, work: &Path) -> Job {
    let file = |name: &str| work.join(format!("{name}_{number}"));
    Job {
        target: range.target.clone(),
        seed,
        first: range.first,
        end: range.end,
        folder: file("job"),
        progress: file("progress"),
        findings: file("findings"),
        runs: work.join("runs"),
        until: None,
        input: range.input.clone(),
        shows: false,
    }
}

/// Trains the runs to damage, in a process of its own, whose output nobody reads.
fn train_runs(seed: u64, work: &Path) {
    let nothing = Range { target: RUNS_TARGET.to_owned(), first: 0, end: 0, input: None };
    let stderr = work.join("stderr");
    let status = start(&job_of(&nothing, 0, seed, work), &stderr).wait();
    let said = || fs::read_to_string(&stderr).unwrap_or_default();
    assert!(status.is_ok_and(|status| status.success()), "no runs to damage: {}", said());
}

/// Works through a range with as many workers as it takes.
fn work_through(
    range: &Range,
    until: Option<f64>,
    number: usize,
    seed: u64,
    work: &Path,
    shows: bool,
    report: &Mutex<Report>,
) {
    let file = |name: &str| work.join(format!("{name}_{number}"));
    let mut job = Job { until, shows, ..job_of(range, number, seed, work) };
    loop {
        for path in [&job.progress, &job.findings] {
            let _ = fs::remove_file(path);
        }
        let _ = fs::remove_dir_all(&job.folder);
        let (status, hangs) = watch(&job, &file("stderr"));
        assert!(job.progress.exists(), "a worker did not start: {status:?}");
        let Progress { next, tally } = Progress::read(&job.progress);
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        report.add(&range.target, &tally);
        let text = fs::read_to_string(&job.findings).unwrap_or_default();
        for line in text.lines() {
            let Found { case, verdict, message } =
                serde_json::from_str(line).expect("a worker's line");
            report.find(Finding { target: range.target.clone(), case, verdict, message });
        }
        let done = status.is_some_and(|status| status.success());
        let out_of_time = until.is_some_and(|until| super::system::now() >= until);
        if done && (next >= job.end || out_of_time) {
            return;
        }
        let wants_replacement = status.and_then(|status| status.code()) == Some(REPLACE.into());
        if !wants_replacement {
            let said = fs::read_to_string(file("stderr")).unwrap_or_default();
            let (verdict, message) = cause(status, hangs, &said);
            report.count(&range.target, verdict);
            report.find(Finding { target: range.target.clone(), case: next, verdict, message });
        }
        job.first = next + u64::from(!wants_replacement);
        if job.first >= job.end || out_of_time {
            return;
        }
    }
}

/// Starts a worker and waits for its end. Also returns whether it had to be killed.
fn watch(job: &Job, stderr: &Path) -> (Option<ExitStatus>, bool) {
    let mut child = start(job, stderr);
    let mut last = (Progress::default(), Instant::now());
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return (Some(status), false);
        }
        thread::sleep(Duration::from_millis(10));
        let now = Progress::read(&job.progress);
        if now != last.0 {
            last = (now, Instant::now());
        } else if last.1.elapsed() > HANGS {
            let _ = child.kill();
            let _ = child.wait();
            return (None, true);
        }
    }
}

fn start(job: &Job, stderr: &Path) -> Child {
    let program = std::env::current_exe().expect("this program has a path");
    // The shell limits the address space, which needs no foreign function.
    let script = format!("ulimit -v {ADDRESS_SPACE}; ulimit -c 0; exec \"$0\" \"$@\"");
    let mut command = match cfg!(unix) {
        true => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]).arg(program);
            shell
        }
        false => Command::new(program),
    };
    command.args(std::env::args_os().skip(1));
    let job_text = serde_json::to_string(job).expect("plain data");
    // Arenas of the allocator take address space.
    command.env(VARIABLE, job_text).env("MALLOC_ARENA_MAX", "2").env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    if !job.shows {
        command.stderr(File::create(stderr).expect("messages can be written"));
    }
    command.spawn().expect("a worker can be started")
}

/// Returns why a worker ended before its range.
fn cause(status: Option<ExitStatus>, hangs: bool, said: &str) -> (Verdict, String) {
    let last = said
        .lines()
        .rev()
        .find(|line| line.contains("memory allocation") || line.contains("overflow"));
    let last = last.or_else(|| said.lines().next_back()).unwrap_or_default();
    let last: String = last.chars().take(200).collect();
    if hangs {
        return (Verdict::Slow, format!("it did not end within {} s", HANGS.as_secs()));
    }
    let status = status.map_or_else(String::new, |status| status.to_string());
    match last.contains("memory allocation") {
        true => (Verdict::Memory, last),
        false => (Verdict::Abort, format!("{status}: {last}")),
    }
}
