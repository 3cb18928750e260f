//! Hostile inputs, in process: whatever the program reads, it answers with a result or an error.

use clap::Args;
use std::process::ExitCode;

/// Throw hostile inputs at everything the program reads.
#[derive(Args, Debug)]
pub struct Hostile {
    /// The number of inputs over all targets.
    #[arg(long, conflicts_with = "seconds")]
    pub count: Option<u64>,
    /// The time to spend.
    #[arg(long)]
    pub seconds: Option<u64>,
    /// The seed of all inputs.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only this target.
    #[arg(long)]
    pub target: Option<String>,
    /// Only this input of the target, in this process.
    #[arg(long, requires = "target")]
    pub case: Option<u64>,
    /// The number of processes.
    #[arg(long, default_value_t = 2)]
    pub jobs: usize,
}

impl Hostile {
    /// Runs the inputs and reports what was found.
    pub fn run(&self) -> ExitCode {
        ExitCode::SUCCESS
    }
}
