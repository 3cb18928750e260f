//! Hostile inputs, in process: whatever the program reads, it answers with a result or an error.
//!
//! `SECURITY.md` promises that no configuration, assignment, map, recorded action or run folder makes the program
//! panic, abort, hang, take memory without bounds or write elsewhere than it was told. This harness tries to break
//! that promise, with thousands of inputs per second:
//!
//! ```sh
//! cargo run --release --example reliability -- hostile --seconds 120
//! cargo run --release --example reliability -- hostile --count 1000000 --jobs 1
//! cargo run --release --example reliability -- hostile --target maps --seed 7 --case 1234
//! cargo run --release --example reliability -- hostile --target maps --input FILE
//! ```
//!
//! # Targets
//!
//! A [target](target::Target) is one kind of input: a string of bytes, a generator of such strings, and a call of the
//! functions that the command line calls. [`target::all`] lists them. An input is a function of the seed, the name
//! of the target, its index and the committed corpus (`tests/reliability/corpus/TARGET/`), so three words replay it.
//! The first inputs of every target are the files of its corpus as they are. The others are made from chances, or
//! from files of the corpus: numbers at limits, values of wrong types, very long and very deep texts, bytes replaced,
//! removed and repeated. Checkpoints and saved states get the right checksums after they are damaged.
//!
//! To add a target, write a file in `targets/` that implements the trait, add it to [`target::all`] with a share of
//! the inputs, take the share from the others, and commit some small inputs in a folder of its name.
//!
//! # Verdicts
//!
//! The inputs are tried by processes of their own, each with 4 GiB of address space, in a folder deep within a
//! temporary one. A panic, the end of the process, two seconds of processor time, 2 GiB of memory, or a file that
//! appears around the working folder is a finding: the program then exits with status 1, and writes the input into
//! `target/hostile/`. A panic of an environment that the batch of environments catches, reports and survives is none.
//!
//! A finding is a fault of a kind: fix the kind in the library, test the right outcome there, and add the input,
//! made as small as possible, to the corpus.

pub mod chance;
pub mod edits;
pub mod nasty;
mod plan;
mod report;
pub mod runs;
mod supervisor;
mod system;
pub mod target;
pub mod targets;
mod verdict;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use self::plan::Plan;
pub use self::report::{Finding, Report};
use self::target::Target;
pub use self::verdict::{Tally, Verdict};
use self::worker::Job;

/// Throw hostile inputs at everything the program reads.
#[derive(Args, Clone, Debug)]
pub struct Hostile {
    /// The number of inputs over all targets; 10000 if nothing is said.
    #[arg(long)]
    pub count: Option<u64>,
    /// The time to spend.
    #[arg(long, conflicts_with = "count")]
    pub seconds: Option<f64>,
    /// The seed of all inputs.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only this target.
    #[arg(long)]
    pub target: Option<String>,
    /// Only this input of the target; its panic is shown.
    #[arg(long, requires = "target")]
    pub case: Option<u64>,
    /// Only the input in this file.
    #[arg(long, requires = "target", conflicts_with = "case")]
    pub input: Option<PathBuf>,
    /// The number of processes.
    #[arg(long, default_value_t = 2)]
    pub jobs: usize,
}

/// The inputs that are tried if nothing is said.
const COUNT: u64 = 10_000;

impl Default for Hostile {
    fn default() -> Self {
        Self { count: None, seconds: None, seed: 1, target: None, case: None, input: None, jobs: 2 }
    }
}

impl Hostile {
    /// Runs the inputs and prints what became of them. Returns 1 if there are findings, and 2 if there is no such
    /// target.
    ///
    /// # Panics
    ///
    /// Panics if the folders of the harness cannot be written.
    pub fn run(&self) -> ExitCode {
        if let Some(job) = Job::of_this_process() {
            return job.work();
        }
        let begin = Instant::now();
        let Some(report) = self.report() else { return ExitCode::from(2) };
        let seconds = begin.elapsed().as_secs_f64();
        let n = report.inputs();
        eprintln!("{report}\n{n} inputs with seed {} in {seconds:.0} s", self.seed);
        if report.findings.is_empty() {
            return ExitCode::SUCCESS;
        }
        if self.input.is_some() {
            report
                .findings
                .iter()
                .for_each(|finding| eprintln!("{}: {}", finding.verdict, finding.message));
            return ExitCode::FAILURE;
        }
        let all = target::all(Path::new("runs"));
        let all: Vec<&dyn Target> = all.iter().map(|target| &**target).collect();
        eprintln!("{}", report.write_findings(&all, Path::new("target/hostile")));
        ExitCode::FAILURE
    }

    /// Runs the inputs. Returns `None`, and says so, if there is no such target.
    fn report(&self) -> Option<Report> {
        let work = system::work_folder();
        let all = target::all(Path::new("runs"));
        let wanted = |name: &str| self.target.as_deref().is_none_or(|wanted| wanted == name);
        let chosen: Vec<&dyn Target> =
            all.iter().map(|target| &**target).filter(|target| wanted(target.name())).collect();
        let Some(first) = chosen.first() else {
            let names: Vec<&str> = all.iter().map(|target| target.name()).collect();
            eprintln!("error: there is no such target; known: {}", names.join(", "));
            return None;
        };
        let input =
            self.input.as_ref().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
        let until = self.seconds.map(|seconds| system::now() + seconds);
        let plan = match (self.case, input) {
            (None, None) => {
                let count = self.seconds.is_none().then(|| self.count.unwrap_or(COUNT));
                Plan::new(&chosen, count, until)
            }
            (case, input) => Plan::one(*first, case.unwrap_or_default(), input),
        };
        let one = self.case.is_some() || self.input.is_some();
        Some(supervisor::supervise(plan, self.jobs, self.seed, work.path(), one))
    }
}
