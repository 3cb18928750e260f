//! `phalanx bench train`.

use clap::Args;
use phalanx_core::nn::{count_multiply_adds, peak_fma_per_second};
use serde_json::json;

use super::Spread;
use crate::Program;
use crate::commands::train::trainer_of;
use crate::commands::{UsageError, print};

/// Measure a whole training loop: environment steps and updates per second, and memory. Writes nothing.
///
/// The steps before the first update (the replay buffer fills) are not measured. On the CPU, also
/// prints the steps per second that the multiply-adds of all matrix products would allow at the peak
/// throughput of one core.
#[derive(Args)]
#[command(after_help = "Examples:\n  phalanx bench train qmix skirmish/3m\n  \
    phalanx bench train ippo smax/3m threads=1 --seconds 20")]
pub(super) struct Train {
    /// The algorithm; `phalanx list algs` shows them.
    alg: String,
    /// The environment; `phalanx list envs` shows them.
    env: String,
    /// Configuration files and assignments `key=value`.
    settings: Vec<String>,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// The number of measurements; the median counts.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Train {
    pub(super) fn run(&self, program: &Program) -> anyhow::Result<()> {
        if self.repeats == 0 {
            return Err(UsageError("--repeats must be at least 1".to_owned()).into());
        }
        let mut trainer = trainer_of(program, &self.alg, &self.env, &self.settings)?;
        trainer.prepare()?;
        let mut progress = trainer.progress();
        while progress.updates == 0 {
            progress = trainer.iterate()?;
        }
        let (mut steps, mut updates) = (Vec::new(), Vec::new());
        let before = progress.t_env;
        let (measured, multiply_adds) = count_multiply_adds(|| -> anyhow::Result<()> {
            for _ in 0..self.repeats {
                let start = trainer.progress();
                let passed = loop {
                    progress = trainer.iterate()?;
                    let passed = progress.seconds - start.seconds;
                    if passed >= self.seconds {
                        break passed;
                    }
                };
                steps.push((progress.t_env - start.t_env) as f64 / passed);
                updates.push((progress.updates - start.updates) as f64 / passed);
            }
            Ok(())
        });
        measured?;
        let per_step = multiply_adds as f64 / (progress.t_env - before) as f64;
        let peak = (multiply_adds > 0).then(|| peak_fma_per_second() / per_step);
        let (steps, updates) = (Spread::of(steps), Spread::of(updates));
        let memory = peak_memory();
        if self.json {
            let result = json!({
                "alg": self.alg,
                "env": self.env,
                "env_steps_per_second": steps.median.round(),
                "min": steps.min.round(),
                "max": steps.max.round(),
                "updates_per_second": updates.median,
                "multiply_adds_per_step": per_step.round(),
                "ceiling_of_one_core": peak.map(f64::round),
                "peak_memory_bytes": memory,
                "t_env": progress.t_env,
            });
            print(&result.to_string());
        } else {
            let memory = memory.map_or_else(String::new, |bytes| {
                format!("; peak memory {:.0} MiB", bytes as f64 / (1 << 20) as f64)
            });
            let peak = peak.map_or_else(String::new, |steps| {
                format!("; {steps:.0} steps per second at peak throughput of one core")
            });
            print(&format!(
                "{} on {}: {:.0} environment steps per second (median of {}; {:.0} to {:.0}), {:.1} \
                 updates per second{peak}{memory}",
                self.alg,
                self.env,
                steps.median,
                self.repeats,
                steps.min,
                steps.max,
                updates.median
            ));
        }
        Ok(())
    }
}

/// Returns the peak memory of this process in bytes, if the system reports it (Linux).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
