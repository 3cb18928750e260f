//! `phalanx bench train`.

use clap::Args;
use phalanx_core::nn::{count_multiply_adds, multiply_adds_per_second};
use serde_json::json;

use super::Spread;
use crate::commands::train::trainer_of;
use crate::commands::{Misuse, print};

/// A whole training loop: environment steps and updates per second, and memory. Nothing is written.
///
/// What comes before the first update (a replay memory fills) is not measured. On the CPU, the multiply-adds
/// of all matrix products are counted, and the steps per second that they alone would allow at a core's ceiling
/// are printed beside.
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
    /// How often to measure; the median counts.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Train {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        if self.repeats == 0 {
            return Err(Misuse("--repeats must be at least 1".to_owned()).into());
        }
        let mut trainer = trainer_of(&self.alg, &self.env, &self.settings)?;
        trainer.prepare()?;
        let mut at = trainer.progress();
        while at.updates == 0 {
            at = trainer.iterate()?;
        }
        let (mut steps, mut updates) = (Vec::new(), Vec::new());
        let before = at.t_env;
        let (measured, multiply_adds) = count_multiply_adds(|| -> anyhow::Result<()> {
            for _ in 0..self.repeats {
                let start = trainer.progress();
                let passed = loop {
                    at = trainer.iterate()?;
                    let passed = at.seconds - start.seconds;
                    if passed >= self.seconds {
                        break passed;
                    }
                };
                steps.push((at.t_env - start.t_env) as f64 / passed);
                updates.push((at.updates - start.updates) as f64 / passed);
            }
            Ok(())
        });
        measured?;
        let per_step = multiply_adds as f64 / (at.t_env - before) as f64;
        let ceiling = (multiply_adds > 0).then(|| multiply_adds_per_second() / per_step);
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
                "ceiling_of_one_core": ceiling.map(f64::round),
                "peak_memory_bytes": memory,
                "t_env": at.t_env,
            });
            print(&result.to_string());
        } else {
            let memory = memory.map_or_else(String::new, |bytes| {
                format!("; at most {:.0} MiB of memory", bytes as f64 / (1 << 20) as f64)
            });
            let ceiling = ceiling.map_or_else(String::new, |steps| {
                format!("; multiply-adds alone would allow {steps:.0} steps per second on one core")
            });
            print(&format!(
                "{} on {}: {:.0} environment steps per second (median of {}; {:.0} to {:.0}), {:.1} \
                 updates per second{ceiling}{memory}",
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

/// The most memory this process has occupied so far, in bytes, where the system says so (Linux).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
