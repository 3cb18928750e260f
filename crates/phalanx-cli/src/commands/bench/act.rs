//! `phalanx bench act`.

use std::hint::black_box;

use crate::bench_workloads::Decisions;
use clap::{Args, ValueEnum};
use phalanx_core::nn::{AnyEncoder, peak_fma_per_second};
use serde_json::json;

use super::{Options, Spread, encoder, pool, seconds};
use crate::Program;
use crate::commands::{UsageError, print};

/// Measure the action selection of a team in many environments at once.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  phalanx bench act\n  phalanx bench act --n-envs 256 --json\n  \
    phalanx bench act --encoder hpn"
)]
pub(super) struct Act {
    /// The workload.
    #[arg(long, value_enum, default_value_t = Preset::Infer)]
    preset: Preset,
    /// The numbers of environments.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64, 512])]
    n_envs: Vec<usize>,
    /// The encoder of the agents, with its default settings; the observations are then those of eight
    /// enemies and four allies.
    #[arg(long, default_value = "none")]
    encoder: String,
    /// The number of measurements; the median counts.
    #[arg(long, default_value_t = 15)]
    repeats: usize,
    #[command(flatten)]
    options: Options,
}

/// Workloads of fixed sizes and weights.
#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// Five recurrent agents: observations of 80 numbers, 64 hidden units, 14 actions.
    Infer,
}

/// The minimum time of a measurement, in seconds.
const MIN_SECONDS: f64 = 0.02;

impl Act {
    pub(super) fn run(&self, program: &Program) -> anyhow::Result<()> {
        let encoder = encoder(program, &self.encoder)?;
        pool(self.options.threads)?.install(|| self.measure(encoder.as_ref()))
    }

    fn measure(&self, encoder: Option<&AnyEncoder>) -> anyhow::Result<()> {
        let Preset::Infer = self.preset;
        if self.repeats == 0 || self.n_envs.contains(&0) {
            let reason = "--repeats and --n-envs must be at least 1".to_owned();
            return Err(UsageError(reason).into());
        }
        let peak = peak_fma_per_second();
        for &n_envs in &self.n_envs {
            let mut agents = match encoder {
                None => Decisions::new(n_envs),
                Some(encoder) => Decisions::with_encoder(n_envs, encoder),
            };
            let check: f32 = agents.step().iter().sum();
            let floor = 1e6 * agents.multiply_adds() / peak;
            let mut each = |steps: u32| {
                let all = seconds(|| {
                    for _ in 0..steps {
                        black_box(agents.step());
                    }
                });
                all / f64::from(steps)
            };
            let steps = (MIN_SECONDS / each(10)).ceil().max(1.0) as u32;
            let times = (0..self.repeats).map(|_| 1e6 * each(steps)).collect();
            let Spread { median, min, max } = Spread::of(times);
            if self.options.json {
                let result = json!({
                    "preset": "infer",
                    "encoder": self.encoder,
                    "n_envs": n_envs,
                    "threads": self.options.threads,
                    "microseconds": median,
                    "min": min,
                    "max": max,
                    "floor": floor,
                    "first_sum": check,
                });
                print(&result.to_string());
            } else {
                print(&format!(
                    "{n_envs} environments: {median:.2} us per step of all agents (median of {}; \
                     {min:.2} to {max:.2}); at peak throughput {floor:.2} us; sum of the first outputs \
                     {check:.5}",
                    self.repeats
                ));
            }
        }
        Ok(())
    }
}
