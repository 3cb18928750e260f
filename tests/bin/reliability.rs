//! Tries the program on real trouble, one subcommand per kind of trouble.
//!
//! ```sh
//! cargo build --release --workspace --all-targets
//! cargo run --release --example reliability -- hostile --seconds 120
//! cargo run --release --example reliability -- kills --count 1000
//! ```

#![allow(clippy::print_stdout)]

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use phalanx_tests::reliability::findings::Findings;
use phalanx_tests::reliability::hostile::Hostile;
use phalanx_tests::reliability::shared_work::Options;
use phalanx_tests::reliability::{calls, damage, kills, surroundings, threads};

/// Try the program on real trouble.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    trouble: Trouble,
}

#[derive(Subcommand)]
enum Trouble {
    Hostile(Hostile),
    /// Kill runs at random moments and resume them until they finish.
    Kills {
        /// How many times to kill.
        #[arg(long, default_value_t = 1000)]
        count: u64,
        #[command(flatten)]
        harness: Harness,
    },
    /// Kill short runs before every call that changes a file (needs strace).
    Calls {
        /// How many calls of each run to try at most, spread over all of them.
        #[arg(long, default_value_t = 100)]
        count: u64,
        #[command(flatten)]
        harness: Harness,
    },
    /// Damage one file of a run folder, then resume or evaluate the run.
    Damage {
        /// How many times to damage.
        #[arg(long, default_value_t = 2000)]
        count: u64,
        /// Only this one, to look at it.
        #[arg(long)]
        case: Option<u64>,
        #[command(flatten)]
        harness: Harness,
    },
    /// Fill the disk, take away descriptors or memory, close the terminal, send signals, move the clock.
    Surroundings {
        /// At how many random moments, for each trouble and algorithm.
        #[arg(long, default_value_t = 2)]
        count: u64,
        #[command(flatten)]
        harness: Harness,
    },
    /// Repeat runs with other numbers of threads.
    Threads {
        /// How many of the 64 pairs of algorithm and environment.
        #[arg(long, default_value_t = 8)]
        count: u64,
        #[command(flatten)]
        harness: Harness,
    },
}

#[derive(Args)]
struct Harness {
    /// The seed of all random choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of runs at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The program under test; by default the one that was built with this harness.
    #[arg(long)]
    program: Option<PathBuf>,
    /// A folder for runs. One in memory (/dev/shm) is fastest. By default a temporary one, removed at the end.
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Harness {
    /// Runs a harness in its folder and prints what it counts and finds.
    fn run(self, harness: impl Fn(&Options) -> io::Result<Findings>) -> ExitCode {
        let began = Instant::now();
        let findings = self.findings(harness);
        match findings {
            Ok(findings) => {
                println!("{findings}\n{:>9}  seconds", began.elapsed().as_secs());
                ExitCode::from(u8::from(findings.faults() > 0))
            }
            Err(error) => {
                phalanx::train::note(format!("error: {error}"));
                ExitCode::from(2)
            }
        }
    }

    fn findings(self, harness: impl Fn(&Options) -> io::Result<Findings>) -> io::Result<Findings> {
        let program = match self.program {
            Some(program) => program,
            None => std::env::current_exe()?.with_file_name("../phalanx"),
        };
        if !program.is_file() {
            return Err(io::Error::other(format!(
                "there is no {}: build it with `cargo build --release --workspace --all-targets`",
                program.display()
            )));
        }
        let temporary = tempfile::tempdir()?;
        let options = Options {
            program: program.canonicalize()?,
            seed: self.seed,
            jobs: self.jobs,
            folder: self.folder.unwrap_or_else(|| temporary.path().to_owned()),
        };
        harness(&options)
    }
}

fn main() -> ExitCode {
    match CommandLine::parse().trouble {
        Trouble::Hostile(hostile) => hostile.run(),
        Trouble::Kills { count, harness } => harness.run(|options| kills::run(options, count)),
        Trouble::Calls { count, harness } => harness.run(|options| calls::run(options, count)),
        Trouble::Damage { count, case, harness } => {
            harness.run(|options| damage::run(options, count, case))
        }
        Trouble::Surroundings { count, harness } => {
            harness.run(|options| surroundings::run(options, count))
        }
        Trouble::Threads { count, harness } => harness.run(|options| threads::run(options, count)),
    }
}
