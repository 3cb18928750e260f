//! Repeats runs with other numbers of threads.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::case::{Case, newest_state, resume, succeeded};
use super::findings::Findings;
use super::kills::compare;
use super::outcome::Outcome;
use super::shared_work::{Options, share};

/// The algorithms that are compared.
const ALGORITHMS: [&str; 8] =
    ["vdn", "qmix", "qplex", "concaveq", "ippo", "mappo", "happo", "pqn_vdn"];
/// The environments that are compared.
const ENVIRONMENTS: [&str; 8] = [
    "two_step",
    "matrix/climbing",
    "predator_prey",
    "skirmish/3m",
    "skirmish/2s3z",
    "skirmish/terran_5_vs_5",
    "smax/3m",
    "football/academy_3_vs_1_with_keeper",
];
/// The first is the reference.
const THREADS: [usize; 4] = [1, 2, 3, 8];

/// Runs `count` of 64 pairs of algorithm and environment with 1, 2, 3 and 8 threads, and once more stopped under one
/// thread and resumed under three. All five must leave the same.
///
/// # Errors
///
/// Returns an error if a run fails.
pub fn run(options: &Options, count: u64) -> io::Result<Findings> {
    let pair = |number: u64| {
        let number = number as usize;
        // A diagonal order, so that the first few pairs have all algorithms and environments.
        let (alg, env) = (number % 8, (number / 8 + number) % 8);
        let mut case = Case::new(ALGORITHMS[alg], ENVIRONMENTS[env]);
        // Batches of several environments, so that there is something to share out.
        case.settings.retain(|setting| !setting.starts_with("batch_size_run"));
        case.settings.extend(["batch_size_run=8".into(), "t_max=600".into()]);
        case
    };
    share(
        options,
        |number, _| number >= count.min(64),
        |number, folder, findings| one(options, &pair(number), &folder.join("threads"), findings),
    )
}

fn one(options: &Options, case: &Case, results: &Path, findings: &mut Findings) -> io::Result<()> {
    let run = case.folder(results);
    let mut expected = None;
    for threads in THREADS {
        let _ = fs::remove_dir_all(results);
        let output = with_threads(case.train(&options.program, results), threads).output()?;
        succeeded(&format!("{} with {threads} threads", case.name()), &output)?;
        findings.count("runs");
        match &expected {
            None => expected = Some(Outcome::read(&run)?),
            Some(expected) => compare(case, &run, expected, findings),
        }
    }
    let expected = expected.expect("the list of threads is not empty");
    let _ = fs::remove_dir_all(results);
    let mut child = with_threads(case.train(&options.program, results), 1).spawn()?;
    while child.try_wait()?.is_none() && newest_state(&run).is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill()?;
    child.wait()?;
    if newest_state(&run).is_some() {
        let output = with_threads(resume(&options.program, &run), 3).output()?;
        succeeded(&format!("{} resumed with three threads", case.name()), &output)?;
        findings.count("resumed with another number of threads");
        compare(case, &run, &expected, findings);
    }
    Ok(())
}

fn with_threads(mut command: Command, threads: usize) -> Command {
    command.arg(format!("threads={threads}"));
    command
}
