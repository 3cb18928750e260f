//! `phalanx bench sim`.

use std::hint::black_box;
use std::time::Instant;

use clap::Args;
use phalanx_core::env::{ParallelEnvs, StepRows, VecEnv};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_train::TrainError;
use serde_json::json;

use super::{Options, Spread, pool, seconds};
use crate::Program;
use crate::commands::{UsageError, env_args, print};

/// Measure environment steps per second under random available actions.
///
/// Also prints the steps per second of one core that only writes observations, states and masks to
/// its cache, as an upper bound.
#[derive(Args)]
#[command(after_help = "Examples:\n  phalanx bench sim skirmish/3m\n  \
    phalanx bench sim skirmish/27m_vs_30m --threads 2 --json")]
pub(super) struct Sim {
    /// The environment; `phalanx list envs` shows them.
    env: String,
    /// Arguments of the environment, `env_args.key=value`.
    args: Vec<String>,
    /// The number of parallel environments.
    #[arg(long, default_value_t = 16)]
    n_envs: usize,
    /// The number of measurements; the median counts.
    #[arg(long, default_value_t = 7)]
    repeats: usize,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    #[command(flatten)]
    options: Options,
}

impl Sim {
    pub(super) fn run(&self, program: &Program) -> anyhow::Result<()> {
        if self.n_envs == 0 || self.repeats == 0 {
            let reason = "--n-envs and --repeats must be at least 1".to_owned();
            return Err(UsageError(reason).into());
        }
        let args = env_args(&self.args).map_err(TrainError::from)?;
        let factory = program.environments.factory(&self.env, &args)?;
        let pool = pool(self.options.threads)?;
        let (rates, bytes) = pool.install(|| self.measure(factory));
        let rates = Spread::of(rates);
        let per_step = bytes / self.n_envs;
        let peak = bytes_per_second(bytes) / per_step.max(1) as f64;
        if self.options.json {
            let result = json!({
                "env": self.env,
                "env_steps_per_second": rates.median.round(),
                "min": rates.min.round(),
                "max": rates.max.round(),
                "bytes_per_step": per_step,
                "ceiling_of_one_core": peak.round(),
                "threads": self.options.threads,
                "n_envs": self.n_envs,
                "repeats": self.repeats,
            });
            print(&result.to_string());
        } else {
            print(&format!(
                "{}: {:.0} environment steps per second (median of {}; {:.0} to {:.0}), {} \
                 environments, {} thread{}; {peak:.0} on one core if it only wrote {per_step} bytes per \
                 step",
                self.env,
                rates.median,
                self.repeats,
                rates.min,
                rates.max,
                self.n_envs,
                self.options.threads,
                if self.options.threads == 1 { "" } else { "s" },
            ));
        }
        Ok(())
    }

    fn measure<E: phalanx_core::env::Env>(
        &self,
        factory: impl Fn() -> E + Send + Sync + 'static,
    ) -> (Vec<f64>, usize) {
        let mut envs = ParallelEnvs::new(self.n_envs, 1, Purpose::Environment, factory);
        let spec = envs.spec().clone();
        let mut rows = StepRows::new(&spec, self.n_envs, 1);
        let mut rng = Rng::stream(1, Purpose::ScriptedPolicy, 0);
        let mut actions = vec![0_u16; self.n_envs * spec.n_agents()];
        let all = vec![true; self.n_envs];
        let mut over = all.clone();
        envs.reset(&all, rows.at_mut(0));
        let mut play = |seconds: f64| {
            let start = Instant::now();
            let mut steps = 0_u64;
            loop {
                let masks = rows.avail.chunks_exact(spec.n_actions);
                for (action, mask) in actions.iter_mut().zip(masks) {
                    *action = rng.choose(mask).expect("every agent has an available action") as u16;
                }
                envs.step(&actions, &all, rows.at_mut(0));
                steps += self.n_envs as u64;
                for (over, status) in over.iter_mut().zip(&rows.status) {
                    *over = status.is_over();
                }
                if over.contains(&true) {
                    envs.reset(&over, rows.at_mut(0));
                }
                let passed = start.elapsed().as_secs_f64();
                if passed >= seconds {
                    return steps as f64 / passed;
                }
            }
        };
        play(self.seconds.min(0.2));
        let rates = (0..self.repeats).map(|_| play(self.seconds)).collect();
        let floats = rows.obs.len() + rows.state.len() + rows.reward.len();
        (rates, size_of::<f32>() * floats + rows.avail.len() + rows.alive.len())
    }
}

/// Returns the number of bytes per second that a core writes to a buffer of `bytes` bytes
/// repeatedly.
fn bytes_per_second(bytes: usize) -> f64 {
    let mut memory = vec![0_u8; bytes];
    let mut round = |rounds: u32| {
        let all = seconds(|| (0..rounds).for_each(|i| black_box(&mut memory[..]).fill(i as u8)));
        bytes as f64 * f64::from(rounds) / all
    };
    (0..50).map(|_| round(1000)).fold(0.0, f64::max)
}
