//! `phalanx bench devices`.

use std::time::Duration;

use crate::bench_workloads::Noise;
use clap::Args;
use phalanx_core::env::{Env, ParallelEnvs};
use phalanx_core::nn::{adapters, available, catch_device_failure, device};
use phalanx_core::rng::Purpose;
use phalanx_train::algorithms::LearnerContext;
use phalanx_train::config::ConfigBuilder;
use phalanx_train::run::HostInfo;
use phalanx_train::{BenchBudget, TrainError, note, update_seconds};
use serde_json::{Value, json};

use super::{Spread, pool};
use crate::Program;
use crate::commands::{UsageError, print};

/// Measure updates on every device for networks of different widths: when is a GPU faster?
///
/// An update learns from a batch of episodes of 60 steps with observations of 80 numbers (plus agent ID
/// and last action) and 14 actions. All settings except for the sizes are the algorithm's defaults;
/// ippo learns from the whole rollout at once. The time runs from the end of a rollout until the
/// actors have the new weights. The output is a Markdown table of medians, in milliseconds.
#[derive(Args)]
#[command(after_help = "Examples:\n  phalanx bench devices > crossover.md\n  \
    phalanx bench devices --widths 64,256 --batches 32 --agents 3,10,27 --json")]
pub(super) struct Devices {
    /// The algorithms: qmix, ippo, or any other with rnn_hidden_dim and batch_size_run.
    #[arg(long, value_delimiter = ',', default_values_t = ["qmix", "ippo"].map(str::to_owned))]
    algs: Vec<String>,
    /// The hidden units of an agent's network.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 128, 256, 512, 1024])]
    widths: Vec<usize>,
    /// The episodes of an update.
    #[arg(long, value_delimiter = ',', default_values_t = [32, 128])]
    batches: Vec<usize>,
    /// The numbers of agents.
    #[arg(long, value_delimiter = ',', default_values_t = [5])]
    agents: Vec<usize>,
    /// The devices; all of this build by default.
    #[arg(long, value_delimiter = ',')]
    devices: Vec<String>,
    /// The number of measurements; the median counts.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// No measurement is repeated after this time, in seconds.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// The number of threads; all cores by default.
    #[arg(long)]
    threads: Option<usize>,
    /// Print one JSON object per measurement.
    #[arg(long)]
    json: bool,
}

/// The sizes of an update.
#[derive(Clone, Copy)]
struct Sizes {
    width: usize,
    batch: usize,
    agents: usize,
}

impl Devices {
    pub(super) fn run(&self, program: &Program) -> anyhow::Result<()> {
        let sizes = [&self.widths, &self.batches, &self.agents];
        if self.repeats == 0 || sizes.iter().any(|sizes| sizes.contains(&0)) {
            let reason =
                "--repeats, --widths, --batches and --agents must be at least 1".to_owned();
            return Err(UsageError(reason).into());
        }
        let host = HostInfo::here();
        let threads = self.threads.unwrap_or(host.cores);
        let named = available().into_iter().map(str::to_owned);
        let devices = if self.devices.is_empty() { named.collect() } else { self.devices.clone() };
        if !self.json {
            let processor = host.processor.unwrap_or_default();
            print(&format!("processor: {processor}, {} cores, {threads} used\n", host.cores));
            for adapter in adapters() {
                let (name, kind) = (adapter.name, adapter.kind);
                print(&format!(
                    "adapter: {name}, {kind}, {} {}\n",
                    adapter.driver, adapter.driver_info
                ));
            }
            print(&format!(
                "| algorithm | width | batch | agents | {} | fastest |",
                devices.join(" | ")
            ));
            print(&format!("|---|---|---|---|{}---|", "---|".repeat(devices.len())));
        }
        pool(threads)?.install(|| {
            for alg in &self.algs {
                for &agents in &self.agents {
                    for &batch in &self.batches {
                        for &width in &self.widths {
                            self.row(
                                program,
                                alg,
                                Sizes { width, batch, agents },
                                &devices,
                                threads,
                            )?;
                        }
                    }
                }
            }
            Ok(())
        })
    }

    /// Measures an update on all devices and prints a row of the table.
    fn row(
        &self,
        program: &Program,
        alg: &str,
        sizes: Sizes,
        devices: &[String],
        threads: usize,
    ) -> anyhow::Result<()> {
        let Sizes { width, batch, agents } = sizes;
        let mut fastest: Option<(f64, &str)> = None;
        let mut cells = Vec::new();
        for device in devices {
            let seconds = match self.measure(program, alg, sizes, device) {
                Ok(seconds) => seconds,
                Err(error @ TrainError::Config(_)) => return Err(error.into()),
                // A GPU that is missing or too small is a valid result.
                Err(error) => {
                    note(format!("{alg}, width {width}, batch {batch}, agents {agents}: {error}"));
                    cells.push("-".to_owned());
                    continue;
                }
            };
            let Spread { median, min, max } =
                Spread::of(seconds.iter().map(|seconds| 1e3 * seconds).collect());
            cells.push(format!("{median:.1}"));
            if fastest.is_none_or(|(least, _)| median < least) {
                fastest = Some((median, device));
            }
            if self.json {
                let result: Value = json!({
                    "algorithm": alg,
                    "width": width,
                    "batch": batch,
                    "agents": agents,
                    "device": device,
                    "threads": threads,
                    "milliseconds": median,
                    "min": min,
                    "max": max,
                    "repeats": seconds.len(),
                });
                print(&result.to_string());
            }
        }
        if !self.json {
            let fastest = fastest.map_or("-", |(_, device)| device);
            let cells = cells.join(" | ");
            print(&format!("| {alg} | {width} | {batch} | {agents} | {cells} | {fastest} |"));
        }
        Ok(())
    }

    /// Returns the seconds of several updates on a device.
    fn measure(
        &self,
        program: &Program,
        alg: &str,
        sizes: Sizes,
        name: &str,
    ) -> Result<Vec<f64>, TrainError> {
        let Sizes { width, batch, agents } = sizes;
        let entry = program.algorithms.get(alg)?;
        let steps = Noise::new(agents).spec().episode_limit;
        let (defaults, mut builder) = (entry.defaults(), ConfigBuilder::new(entry));
        builder.assignment(&format!("rnn_hidden_dim={width}"))?;
        if defaults.contains_key("rollout_steps") {
            let settings = [("batch_size_run", batch), ("rollout_steps", steps)];
            let once = [("epochs", 1), ("num_mini_batch", 1)];
            for (key, value) in settings.into_iter().chain(once) {
                builder.assignment(&format!("{key}={value}"))?;
            }
        } else {
            // An iteration collects few episodes, because only the updates are measured.
            builder.assignment(&format!("batch_size_run={}", batch.min(8)))?;
            builder.assignment(&format!("batch_size={batch}"))?;
        }
        let (_, algorithm) = builder.finish()?;
        let device = device(name)?;
        let budget = BenchBudget {
            repeats: self.repeats,
            max_time: Duration::from_secs_f64(self.seconds.max(0.0)),
            max_steps: u64::MAX,
        };
        catch_device_failure(name, &device, || {
            let spec = Noise::new(agents).spec().clone();
            let setup = LearnerContext::new(spec, 1, device.clone());
            let mut learner = algorithm.learner(&setup);
            let n_envs = learner.n_envs();
            let envs =
                ParallelEnvs::new(n_envs, 1, Purpose::Environment, move || Noise::new(agents));
            update_seconds(&mut *learner, Box::new(envs), budget)
        })?
    }
}
