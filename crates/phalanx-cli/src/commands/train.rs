//! `phalanx train`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use phalanx_train::algorithms::algorithm;
use phalanx_train::config::{Layers, RunConfig};
use phalanx_train::run::RunFolder;
use phalanx_train::{RunSummary, TrainError, Trainer};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::commands::{Misuse, print};
use crate::console::Console;

/// Train a team.
///
/// Settings are laid over the built-in defaults in the order given: configuration files (*.toml)
/// and assignments `key=value`. Keys of the environment are written `env_args.key=value`. All keys
/// with their defaults are in configs/, and in what --dry-run prints. A file may have sections for
/// single environments: [env."skirmish/8m"].
///
/// device=auto times an update of this very run on each device of the build, takes the fastest, and
/// writes it into the run's config.toml; --resume stays with it.
///
/// The run's folder is results/ALG/ENV/seed_N; nothing is written anywhere else. Ctrl-C, or a signal to
/// terminate, ends the run once the rollout and the updates under way are done and its state is saved; a
/// second one ends it at once.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phalanx train qmix skirmish/3m\n  \
    phalanx train qmix skirmish/8m configs/algs/qmix.toml seed=3 t_max=500000\n  \
    phalanx train vdn two_step epsilon_finish=1.0 t_max=20000\n  \
    phalanx train --resume results/qmix/skirmish/8m/seed_3")]
pub(crate) struct Train {
    /// The algorithm; `phalanx list algs` shows them.
    #[arg(required_unless_present = "resume")]
    alg: Option<String>,
    /// The environment; `phalanx list envs` shows them.
    #[arg(required_unless_present = "resume")]
    env: Option<String>,
    /// Configuration files and assignments `key=value`.
    settings: Vec<String>,
    /// Go on with the interrupted run in this folder, exactly where its state was last saved (every
    /// save_state_interval steps, and when it was stopped). t_max, device, threads and save_state_interval may be changed.
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "overwrite")]
    resume: Option<PathBuf>,
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
        let (trainer, path) = self.trainer()?;
        let asked = trainer.table();
        let console = Console::new(trainer.config.t_max);
        let mut trainer = trainer.observe(console);
        trainer.prepare()?;
        let (alg, env) = (trainer.algorithm().id(), trainer.spec()?.id);
        if self.dry_run {
            print(asked.to_string().trim_end());
            return Ok(());
        }
        if !self.json {
            let config = &trainer.config;
            eprintln!(
                "{} {} on {} for {} environment steps, seed {}, device {}; writing to {}",
                if self.resume.is_some() { "resuming" } else { "training" },
                trainer.algorithm().id(),
                env,
                config.t_max,
                config.seed,
                config.device,
                path.display()
            );
        }
        let trainer = trainer.stop_when(stop_signals()?);
        let outcome = match (&self.resume, self.overwrite) {
            (Some(_), _) => trainer.resume(&path),
            (None, true) => trainer.run_overwriting(&path),
            (None, false) => trainer.run(&path),
        }?;
        self.summary(alg, &env, &outcome);
        Ok(())
    }

    fn trainer(&self) -> anyhow::Result<(Trainer, PathBuf)> {
        if let Some(path) = &self.resume {
            let (_, run) = RunFolder::open(path)?;
            let mut layers =
                Layers::defaults(algorithm(&run.alg).map_err(TrainError::from)?).for_env(&run.env);
            layers.file(&path.join("config.toml")).map_err(TrainError::from)?;
            // Algorithm and environment are known, so what stands in their places are settings.
            let settings = self.alg.iter().chain(&self.env).chain(&self.settings);
            return Ok((build(layers, settings, &run.env)?, path.clone()));
        }
        let (Some(alg), Some(env)) = (&self.alg, &self.env) else {
            let misuse = "name an algorithm and an environment: phalanx train qmix skirmish/3m";
            return Err(Misuse(misuse.to_owned()).into());
        };
        let trainer = trainer_of(alg, env, &self.settings)?;
        let path = RunFolder::path_for(&trainer.config, alg, env);
        Ok((trainer, path))
    }

    fn summary(&self, alg: &str, env: &str, outcome: &RunSummary) {
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
        let describe = |evaluation: &phalanx_train::run::evaluate::Evaluation| {
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
            alg,
            env,
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

/// A trainer by name, with configuration files and assignments.
pub(crate) fn trainer_of(alg: &str, env: &str, settings: &[String]) -> Result<Trainer, TrainError> {
    build(Layers::defaults(algorithm(alg)?).for_env(env), settings, env)
}

/// A trainer for an environment, with `settings` laid over `layers`.
fn build<'a>(
    mut layers: Layers,
    settings: impl IntoIterator<Item = &'a String>,
    env: &str,
) -> Result<Trainer, TrainError> {
    for setting in settings {
        if setting.ends_with(".toml") && !setting.contains('=') {
            layers.file(Path::new(setting))?;
        } else {
            layers.assignment(setting)?;
        }
    }
    let (config, algorithm) = layers.finish()?;
    let factory = phalanx_envs::registry::factory(env, &config.env_args)?;
    Ok(Trainer::from_parts(config, algorithm, factory))
}

/// The configuration of a run on disk.
pub(crate) fn run_config(table: &toml::Table, path: &Path) -> Result<RunConfig, TrainError> {
    table.clone().try_into().map_err(|error: toml::de::Error| TrainError::NotARun {
        path: path.join("config.toml"),
        reason: error.to_string(),
    })
}

/// Is raised by the first Ctrl-C, or signal to terminate; the second ends the program.
fn stop_signals() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the flag is still down when the first signal looks at it.
        flag::register_conditional_shutdown(signal, crate::STOPPED.into(), stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}
