//! `phalanx eval`.

use std::path::PathBuf;

use clap::Args;
use phalanx_core::env::ParallelEnvs;
use phalanx_core::rng::Purpose;
use phalanx_train::TrainError;
use phalanx_train::checkpoint::{Choice, RunCheckpoints, load_policy};
use phalanx_train::evaluate::evaluate;
use phalanx_train::log::RunFolder;
use serde_json::json;

use crate::commands::train::run_config;
use crate::commands::{Misuse, print};

/// Play greedy episodes with a trained team.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    phalanx eval results/qmix/skirmish/3m/seed_1 --checkpoint best --episodes 320")]
pub(crate) struct Eval {
    /// The run's folder.
    run: PathBuf,
    /// `best`, `last`, or the number of environment steps of a checkpoint.
    #[arg(long, default_value = "best")]
    checkpoint: Choice,
    /// The number of episodes.
    #[arg(long, default_value_t = 32)]
    episodes: usize,
    /// The seed of the episodes; the run's own by default.
    #[arg(long)]
    seed: Option<u64>,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Eval {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        if self.episodes == 0 {
            return Err(Misuse("--episodes must be at least 1".to_owned()).into());
        }
        let (_, info) = RunFolder::open(&self.run)?;
        let config = run_config(&info.config, &self.run)?;
        let (step, files) = RunCheckpoints::of(&self.run).load(self.checkpoint)?;
        let policy = load_policy(&files)?;
        let factory = phalanx_envs::registry::factory(&info.env, &config.env_args)
            .map_err(TrainError::from)?;
        let seed = self.seed.unwrap_or(config.seed);
        let n_envs = self.episodes.min(32);
        let mut envs = ParallelEnvs::new(n_envs, seed, Purpose::TestEnvironment, factory);
        let evaluation = evaluate(&policy, &mut envs, self.episodes);
        if self.json {
            let mut result = json!({
                "run": self.run,
                "checkpoint": step,
                "episodes": evaluation.episodes,
                "seed": seed,
            });
            for (name, value) in &evaluation.means {
                result[name] = json!(value);
            }
            print(&result.to_string());
        } else {
            print(&format!(
                "{} on {}, checkpoint after {step} steps, {} greedy episodes",
                info.alg, info.env, evaluation.episodes
            ));
            for (name, value) in &evaluation.means {
                print(&format!("  {name:<24} {value:.4}"));
            }
        }
        Ok(())
    }
}
