//! Kills runs at random moments and resumes them until they finish.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use phalanx::prelude::*;

use super::case::{Case, Next, cases, last_line, resume};
use super::findings::Findings;
use super::outcome::Outcome;
use super::shared_work::{Options, share};

/// Kills runs with SIGKILL `count` times in all: chains of one run each, over six algorithms and four environments.
/// In a chain a run is begun, killed after a random time, resumed, killed again and so on, until it finishes. It must
/// then leave what an uninterrupted run leaves, and no saved state may ever be lost.
///
/// # Errors
///
/// Returns an error if an uninterrupted run fails or a process cannot be started.
pub fn run(options: &Options, count: u64) -> io::Result<Findings> {
    let references = references(options, &cases())?;
    share(
        options,
        |_, findings| findings.counted("kills") >= count,
        |number, folder, findings| {
            let (case, expected, takes) = &references[number as usize % references.len()];
            let mut rng = Rng::stream(options.seed, Purpose::Check, number as u32);
            let results = folder.join("killed");
            chain(options, case, *takes, &results, &mut rng, findings)?;
            compare(case, &case.folder(&results), expected, findings);
            Ok(())
        },
    )
}

/// Runs every case without interruption.
///
/// # Errors
///
/// Returns an error if one fails.
pub fn references(options: &Options, cases: &[Case]) -> io::Result<Vec<(Case, Outcome, Duration)>> {
    let results = options.folder.join("undisturbed");
    let one = |case: &Case| {
        let (outcome, takes) = case.undisturbed(&options.program, &results)?;
        Ok((case.clone(), outcome, takes))
    };
    cases.iter().map(one).collect()
}

/// Begins, kills and resumes one run until it has finished.
fn chain(
    options: &Options,
    case: &Case,
    takes: Duration,
    results: &Path,
    rng: &mut Rng,
    findings: &mut Findings,
) -> io::Result<()> {
    let _ = fs::remove_dir_all(results);
    let run = case.folder(results);
    let mut saved = None;
    loop {
        let next = case.next(results);
        let mut command = match next {
            Next::Begin => case.train(&options.program, results),
            Next::Resume { .. } | Next::Finished => resume(&options.program, &run),
        };
        let now = match next {
            Next::Resume { step } => Some(step),
            Next::Begin | Next::Finished => None,
        };
        if next != Next::Finished && now < saved {
            findings.fault(format!("{}: a saved state was lost", case.name()));
        }
        saved = now;
        let limit = takes.mul_f32(rng.range(0.0, 1.2));
        match end_or_kill(&mut command, limit)? {
            None => findings.count("kills"),
            Some(output) => {
                findings.count("runs finished after kills");
                return judge(case, next, &output, findings);
            }
        }
    }
}

/// Counts a fault if a process that was not killed ended badly. To resume a run that has finished may be refused.
fn judge(case: &Case, next: Next, output: &Output, findings: &mut Findings) -> io::Result<()> {
    let messages = String::from_utf8_lossy(&output.stderr);
    if messages.contains("panicked at") || output.status.code().is_none() {
        findings.fault(format!(
            "{}: {}: {}",
            case.name(),
            output.status,
            last_line(&output.stderr)
        ));
    } else if !output.status.success() && next != Next::Finished {
        findings.fault(format!("{}: refused: {}", case.name(), last_line(&output.stderr)));
    }
    Ok(())
}

/// Counts a fault for every file that differs from those of the uninterrupted run.
pub fn compare(case: &Case, run: &Path, expected: &Outcome, findings: &mut Findings) {
    match Outcome::read(run) {
        Ok(found) if found == *expected => findings.count("equal to the uninterrupted run"),
        Ok(found) => {
            let files = found.differences(expected).join(", ");
            findings.fault(format!("{}: different: {files}", case.name()));
        }
        Err(error) => findings.fault(format!("{}: unreadable: {error}", case.name())),
    }
}

/// Starts a process and kills it after `limit`; `None` if it was killed.
fn end_or_kill(command: &mut Command, limit: Duration) -> io::Result<Option<Output>> {
    let began = Instant::now();
    let mut child = command.spawn()?;
    while began.elapsed() < limit {
        if child.try_wait()?.is_some() {
            return child.wait_with_output().map(Some);
        }
        std::thread::sleep(Duration::from_micros(500).min(limit));
    }
    child.kill()?;
    let output = child.wait_with_output()?;
    // It may have ended just before.
    Ok(output.status.code().is_some().then_some(output))
}
