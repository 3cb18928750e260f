//! `phalanx train`.

use std::path::{Path, PathBuf};

use clap::Args;
use phalanx_train::config::{Layers, RunConfig};
use phalanx_train::learn::algorithm;
use phalanx_train::log::RunFolder;
use phalanx_train::{Outcome, TrainError, Trainer};
use serde_json::json;

use crate::commands::print;
use crate::console::Console;

/// Train a team.
///
/// Settings are laid over the built-in defaults in the order given: configuration files (*.toml)
/// and assignments `key=value`. Keys of the environment are written `env_args.key=value`. All keys
/// with their defaults are in configs/, and in what --dry-run prints.
///
/// The run's folder is results/ALG/ENV/seed_N; nothing is written anywhere else.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phalanx train qmix skirmish/3m\n  \
    phalanx train qmix skirmish/8m configs/algs/qmix.toml seed=3 t_max=500000\n  \
    phalanx train vdn two_step epsilon_finish=1.0 t_max=20000")]
pub(crate) struct Train {
    /// The algorithm; `phalanx list algs` shows them.
    alg: String,
    /// The environment; `phalanx list envs` shows them.
    env: String,
    /// Configuration files and assignments `key=value`.
    settings: Vec<String>,
    /// Replace a run that is in the folder already.
    #[arg(long)]
    overwrite: bool,
    /// Check everything, print the whole configuration as TOML, and train nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Train {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let (mut trainer, path) = self.trainer()?;
        trainer.prepare()?;
        if self.dry_run {
            print(trainer.table().to_string().trim_end());
            return Ok(());
        }
        if !self.json {
            let config = &trainer.config;
            eprintln!(
                "training {} on {} for {} environment steps, seed {}, device {}; writing to {}",
                self.alg,
                self.env,
                config.t_max,
                config.seed,
                config.device,
                path.display()
            );
        }
        let console = Console::new(trainer.config.t_max);
        let trainer = trainer.observe(console);
        let outcome = if self.overwrite { trainer.run_over(&path) } else { trainer.run(&path) }?;
        self.summary(&outcome);
        Ok(())
    }

    fn trainer(&self) -> Result<(Trainer, PathBuf), TrainError> {
        let entry = algorithm(&self.alg)?;
        let mut layers = Layers::defaults(entry);
        for setting in &self.settings {
            if setting.ends_with(".toml") && !setting.contains('=') {
                layers.file(Path::new(setting))?;
            } else {
                layers.assignment(setting)?;
            }
        }
        let (config, algorithm) = layers.finish()?;
        let path = RunFolder::path_for(&config, &self.alg, &self.env);
        let factory = phalanx_envs::registry::factory(&self.env, &config.env_args)?;
        let trainer = Trainer::from_parts(config, algorithm, factory);
        Ok((trainer, path))
    }

    fn summary(&self, outcome: &Outcome) {
        let (best_at, best) = &outcome.best;
        let progress = &outcome.progress;
        if self.json {
            let mut result = json!({
                "run": outcome.path,
                "t_env": progress.t_env,
                "episodes": progress.episodes,
                "updates": progress.updates,
                "seconds": progress.seconds,
                "best_t_env": best_at,
                "best": best.means,
            });
            for (name, value) in &outcome.last.means {
                result[name] = json!(value);
            }
            print(&result.to_string());
            return;
        }
        let describe = |evaluation: &phalanx_train::evaluate::Evaluation| {
            let won = evaluation.battle_won_mean();
            let won = won.map_or_else(String::new, |won| format!("{:.1}% won, ", 100.0 * won));
            format!("{won}return {:.3}", evaluation.return_mean())
        };
        let run = outcome.path.display();
        print(&format!(
            "\ntrained {} on {}: {} environment steps, {} episodes, {} updates in {:.1} s\n\
             \x20 last evaluation  {}\n\
             \x20 best evaluation  {} (after {} steps)\n\
             \x20 metrics          {run}/metrics.jsonl\n\
             \x20 TensorBoard      {run}/tb\n\
             \x20 checkpoints      {run}/checkpoints\n\
             play it again with: phalanx eval {run}",
            self.alg,
            self.env,
            progress.t_env,
            progress.episodes,
            progress.updates,
            progress.seconds,
            describe(&outcome.last),
            describe(best),
            best_at,
        ));
    }
}

/// The configuration of a run on disk.
pub(crate) fn run_config(table: &toml::Table, path: &Path) -> Result<RunConfig, TrainError> {
    table.clone().try_into().map_err(|error: toml::de::Error| TrainError::NotARun {
        path: path.join("config.toml"),
        reason: error.to_string(),
    })
}
