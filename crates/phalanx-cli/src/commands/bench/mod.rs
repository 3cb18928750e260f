//! `phalanx bench`: one file per kind of work.

mod act;
mod devices;
mod learn;
mod sim;
mod train;

use std::time::Instant;

use clap::{Args, Subcommand};
use phalanx_core::nn::AnyEncoder;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Program;
use crate::commands::UsageError;

/// Run benchmarks on this machine.
///
/// Every measurement is repeated; the result is the median with minimum and maximum. For arithmetic
/// work, the time at the peak throughput of one core is printed, too.
#[derive(Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Sim(sim::Sim),
    Act(act::Act),
    Learn(learn::Learn),
    Train(train::Train),
    Devices(devices::Devices),
}

impl Bench {
    pub(crate) fn run(&self, program: &Program) -> anyhow::Result<()> {
        match &self.what {
            What::Sim(sim) => sim.run(program),
            What::Act(act) => act.run(program),
            What::Learn(learn) => learn.run(program),
            What::Train(train) => train.run(program),
            What::Devices(devices) => devices.run(program),
        }
    }
}

/// The options of most benchmarks.
#[derive(Args)]
struct Options {
    /// The number of threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Print JSON, one object per measurement.
    #[arg(long)]
    json: bool,
}

/// The median, minimum and maximum of several measurements.
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Summarises at least one measurement.
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        Self { median: all[all.len() / 2], min: all[0], max: all[all.len() - 1] }
    }
}

/// Returns an encoder with its default settings; `None` if the name is `none`.
fn encoder(program: &Program, name: &str) -> anyhow::Result<Option<AnyEncoder>> {
    Ok(program.encoders.read(name, &toml::Table::new())?)
}

/// Creates a thread pool.
fn pool(threads: usize) -> anyhow::Result<ThreadPool> {
    if threads == 0 {
        return Err(UsageError("--threads must be at least 1".to_owned()).into());
    }
    Ok(ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// Returns the seconds that `work` takes.
fn seconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}
