//! `phalanx train`.

use std::path::PathBuf;

use clap::Args;
use phalanx_train::config::{ConfigBuilder, Origin, ResolvedConfig, renamed};
use phalanx_train::run::RunFolder;
use phalanx_train::{ProgressDisplay, RunSummary, TrainError, Trainer, note, shell_word};
use serde_json::json;

use crate::Program;
use crate::commands::{UsageError, print};
use crate::logging;
use crate::signals::stop_flag;

/// Train a team.
///
/// Settings are configuration files (*.toml) and assignments `key=value`; they override the built-in
/// defaults in the order given. Arguments of the environment are written `env_args.key=value`, or
/// `key=value` where neither the run nor the algorithm has a key of that name. The files in configs/
/// explain all keys: run.toml, q_learning.toml, dqn.toml, pqn.toml, policy_gradient.toml and algs/ALG.toml. A file
/// may have sections for single environments: [env."skirmish/8m"].
///
/// init_from=RUN starts from the weights of another run's best policy, on the same environment or another one
/// on which the networks have the same shapes.
///
/// device=auto measures an update of this run on each device of the build, chooses the fastest, and
/// writes its name into the run's config.toml; --resume uses the same device.
///
/// All output is written to the run's folder, results/ALG/ENV/seed_N. Ctrl-C (SIGINT), SIGTERM or SIGHUP finishes
/// the current iteration, or leaves an evaluation, which is played again later, saves the state and ends the run; a
/// second one ends it at once. SIGHUP is left alone under nohup, and a lost standard error does not end a run.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phalanx train qmix skirmish/3m\n  \
    phalanx train qmix skirmish/8m configs/algs/qmix_pymarl.toml seed=3 t_max=500000\n  \
    phalanx train vdn two_step epsilon_finish=1.0 t_max=20000\n  \
    phalanx train mappo skirmish/5m_vs_6m configs/algs/mappo.toml --dry-run\n  \
    phalanx train qmix skirmish map=configs/maps/two_ramps.toml\n  \
    phalanx train qmix skirmish/8m opponent=kiting init_from=results/qmix/skirmish/8m/seed_1 seed=2\n  \
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
    /// Resume the run in this folder exactly from its last saved state. States are saved every
    /// save_state_interval steps, when a run is stopped, and, with keep_state=true, when it has finished: a
    /// larger t_max then continues it. Only t_max, save_state_interval, keep_state, device, threads and
    /// results_dir may be changed.
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "overwrite")]
    resume: Option<PathBuf>,
    /// Replace an existing run in the folder. Only files of the run are removed, after the new one has begun.
    #[arg(long)]
    overwrite: bool,
    /// Validate and print the full configuration as TOML, with the origin of each value, without training.
    #[arg(long)]
    dry_run: bool,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Train {
    pub(crate) fn run(&self, program: &Program) -> anyhow::Result<()> {
        let (trainer, config) = self.trainer(program)?;
        // Log lines would tear a progress bar.
        let mut trainer = match logging::is_on() {
            true => trainer.observe(ProgressDisplay::lines()),
            false => trainer.show_progress(),
        };
        trainer.prepare()?;
        // A battle on a map file has the identifier of its map.
        let (alg, env) = (trainer.algorithm().id(), trainer.spec()?.id);
        let folder = || RunFolder::path_for(&trainer.config, alg, &env);
        let path = self.resume.clone().unwrap_or_else(folder);
        if self.dry_run {
            if self.resume.is_none() {
                // Also loads the weights that `init_from` names.
                trainer.policy()?;
            }
            if let Some(warning) = trainer.memory_warning()? {
                note(format!("warning: {warning}"));
            }
            let text = if self.json { config.to_json().to_string() } else { config.to_toml() };
            print(text.trim_end());
            return Ok(());
        }
        if !self.json {
            let config = &trainer.config;
            note(format!(
                "{} {} on {} for {} environment steps, seed {}, device {}; writing to {}",
                if self.resume.is_some() { "resuming" } else { "training" },
                trainer.algorithm().id(),
                env,
                config.t_max,
                config.seed,
                config.device,
                path.display()
            ));
        }
        let trainer = trainer.stop_when(stop_flag()?);
        let outcome = match (&self.resume, self.overwrite) {
            (Some(_), _) => trainer.resume(&path),
            (None, true) => trainer.run_overwriting(&path),
            (None, false) => trainer.run(&path),
        }?;
        self.summary(alg, &env, &outcome);
        Ok(())
    }

    /// Returns the trainer, and its configuration with the origin of each value.
    fn trainer(&self, program: &Program) -> anyhow::Result<(Trainer, ResolvedConfig)> {
        if let Some(path) = &self.resume {
            if let Some(message) = RunFolder::restore_config(path)? {
                note(format!("warning: {message}"));
            }
            let (_, run) = RunFolder::open(path)?;
            let mut builder = builder(program, &run.alg, &run.env)?;
            builder.file(&path.join("config.toml")).map_err(TrainError::from)?;
            // Algorithm and environment are known, so the words in their places are settings.
            let settings = self.alg.iter().chain(&self.env).chain(&self.settings);
            let (trainer, resolved) = build(program, builder, settings, &run.env)?;
            let file = path.join("config.toml");
            let from_elsewhere = |key: &str| {
                let mut settings = resolved.run.iter();
                let setting = settings.find(|setting| setting.key == key);
                setting.is_some_and(|it| match &it.origin {
                    Origin::Default => false,
                    Origin::File { path, .. } => *path != file,
                    Origin::Assignment(_) => true,
                })
            };
            RunFolder::check_unedited(path, from_elsewhere)?;
            return Ok((trainer, resolved));
        }
        let (Some(alg), Some(env)) = (&self.alg, &self.env) else {
            let misuse = "name an algorithm and an environment: phalanx train qmix skirmish/3m";
            return Err(UsageError(misuse.to_owned()).into());
        };
        Ok(build(program, builder(program, alg, env)?, &self.settings, env)?)
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
             evaluate it with: phalanx eval {}",
            alg,
            env,
            progress.t_env,
            progress.episodes,
            progress.updates,
            progress.seconds,
            describe(&outcome.last),
            describe(best),
            best_at,
            shell_word(&outcome.path),
        ));
    }
}

/// Returns a trainer for an algorithm and an environment, with configuration files and assignments.
pub(crate) fn trainer_of(
    program: &Program,
    alg: &str,
    env: &str,
    settings: &[String],
) -> Result<Trainer, TrainError> {
    Ok(build(program, builder(program, alg, env)?, settings, env)?.0)
}

/// Returns the defaults of an algorithm in an environment.
fn builder(program: &Program, alg: &str, env: &str) -> Result<ConfigBuilder, TrainError> {
    if let Some(new) = renamed::algorithm(alg) {
        note(format!("note: {}", renamed::notice(alg, new)));
    }
    let entry = program.environments.get(env);
    let arguments =
        entry.map_or(&[][..], |entry| entry.arguments).iter().map(|argument| argument.key);
    Ok(ConfigBuilder::new(program.algorithms.get(alg)?)
        .encoders(program.encoders.clone())
        .for_env(env)
        .environments(program.environments.iter().map(|entry| entry.id.as_str()))
        .env_arguments(arguments))
}

/// Adds `settings` and returns the trainer, with the origin of each value.
fn build<'a>(
    program: &Program,
    mut builder: ConfigBuilder,
    settings: impl IntoIterator<Item = &'a String>,
    env: &str,
) -> Result<(Trainer, ResolvedConfig), TrainError> {
    for setting in settings {
        builder.setting(setting)?;
    }
    for notice in builder.notices() {
        note(format!("note: {notice}"));
    }
    let resolved = builder.resolved();
    let (config, algorithm) = builder.finish()?;
    let factory = program.environments.factory(env, &config.env_args)?;
    let trainer = Trainer::from_parts(config, algorithm, factory);
    Ok((trainer.encoders(program.encoders.clone()), resolved))
}
