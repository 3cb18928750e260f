//! `phalanx eval`.

use std::path::Path;

use clap::Args;
use phalanx_core::env::{Env, ParallelEnvs, VecEnv};
use phalanx_core::rng::Purpose;
use phalanx_train::algorithms::NamedFile;
use phalanx_train::rollout::{Policy, ScriptedPolicy};
use phalanx_train::run::checkpoint::{CheckpointId, load_policy_with, trained_with};
use phalanx_train::run::evaluate::{Evaluation, evaluate, evaluate_scripted};
use phalanx_train::run::{RunFolder, RunInfo};
use phalanx_train::{TrainError, note};
use serde::Deserialize;
use serde_json::{Value, json};
use toml::Table;

use crate::Program;
use crate::commands::{UsageError, env_args, policy_argument, print};

/// The maximum number of parallel environments.
const MAX_ENVS: usize = 32;

/// Evaluate the greedy policy of a run, or a scripted policy.
///
/// A run is evaluated in its own environment, with the arguments of its training, or with --env in another
/// one. A policy plays in another environment if its networks have the same shapes there: with an encoder
/// that reads entities, obs_agent_id=false and obs_last_action=false, whatever the number of agents and
/// enemies. Otherwise the error names the first parameter that differs, and the keys to set.
///
/// With --policy, the first argument is an environment instead; the policy is the name of a scripted policy
/// or the folder of a run. With --env and --policy, arguments of the environment may follow.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phalanx eval results/qmix/skirmish/3m/seed_1 --checkpoint best --episodes 320\n  \
    phalanx eval results/qmix/skirmish/3m/seed_1 --env skirmish/3m env_args.opponent=kiting\n  \
    phalanx eval skirmish/5m_vs_6m --policy focus_fire --episodes 1000\n  \
    phalanx eval smax/3m --policy heuristic --json\n  \
    phalanx eval skirmish/3m --policy results/qmix/skirmish/3m/seed_1 env_args.opponent=kiting")]
pub(crate) struct Eval {
    /// The folder of a run or, with --policy, an environment (`phalanx list envs` shows them).
    #[arg(value_name = "RUN|ENV")]
    target: String,
    /// With --env or --policy: arguments of the environment, `env_args.key=value`.
    args: Vec<String>,
    /// Evaluate the run in this environment instead of its own.
    #[arg(long, value_name = "ENV", conflicts_with = "policy")]
    env: Option<String>,
    /// Policy to run: `random`, `heuristic`, another scripted policy of the environment (`phalanx
    /// describe` lists them), or the folder of a run.
    #[arg(long)]
    policy: Option<String>,
    /// `best`, `last`, or the number of environment steps of a checkpoint.
    #[arg(long, default_value = "best")]
    checkpoint: CheckpointId,
    /// The number of episodes.
    #[arg(long, default_value_t = 32)]
    episodes: usize,
    /// The seed of the episodes; by default that of the run, or 1 with --policy.
    #[arg(long)]
    seed: Option<u64>,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Eval {
    pub(crate) fn run(&self, program: &Program) -> anyhow::Result<()> {
        if self.episodes == 0 {
            return Err(UsageError("--episodes must be at least 1".to_owned()).into());
        }
        match &self.policy {
            Some(policy) => self.environment(program, policy),
            None => self.trained_run(program),
        }
    }

    /// Evaluates a run in its own environment.
    fn trained_run(&self, program: &Program) -> anyhow::Result<()> {
        let path = Path::new(&self.target);
        if program.environments.get(&self.target).is_some() && !path.is_dir() {
            let reason =
                format!("{0} is an environment; choose a policy with --policy NAME", self.target);
            return Err(UsageError(reason).into());
        }
        let loaded = policy_argument::load(path, self.checkpoint);
        // A folder that is no run has no checkpoints either.
        let (step, files) = loaded.map_err(|error| RunFolder::open(path).err().unwrap_or(error))?;
        let info = match configuration(program, path, &files) {
            Err(error) if self.env.is_some() => {
                note(format!("warning: {error}"));
                None
            }
            info => Some(info?),
        };
        let trained = info.as_ref().map(|info| Played::of(info, path)).transpose()?;
        let seed = self.seed.or(trained.as_ref().map(|it| it.seed)).unwrap_or(1);
        let mut head = json!({ "run": path });
        let (env, evaluation) = match (&self.env, info.as_ref().zip(trained)) {
            (None, Some((info, Played { env_args, .. }))) => {
                if let Some(argument) = self.args.first() {
                    let reason = format!("{argument} needs an environment: --env {}", info.env);
                    return Err(UsageError(reason).into());
                }
                let policy = load_policy_with(&files, &program.encoders)?;
                let factory = program.environments.factory(&info.env, &env_args);
                let factory = factory.map_err(TrainError::from)?;
                (&info.env, self.greedy(&policy, seed, factory)?)
            }
            (None, None) => unreachable!("without --env, a missing configuration is an error"),
            (Some(env), _) => {
                let args = env_args(&self.args).map_err(TrainError::from)?;
                let factory = program.environments.factory(env, &args)?;
                let env_made = factory();
                let policy = policy_argument::fitted(program, path, &files, &*env_made, &args)?;
                (head["env"], head["env_args"]) = (json!(env), json!(args));
                (env, self.greedy(&policy, seed, factory)?)
            }
        };
        head["checkpoint"] = json!(step);
        let name = info.as_ref().map_or(self.target.as_str(), |info| info.alg.as_str());
        let title = format!("{name} on {env}, checkpoint after {step} steps, greedy");
        self.show(&title, head, seed, &evaluation);
        Ok(())
    }

    /// Evaluates a scripted policy, or the policy of a run, in an environment.
    fn environment(&self, program: &Program, policy: &str) -> anyhow::Result<()> {
        let args = env_args(&self.args).map_err(TrainError::from)?;
        let factory = program.environments.factory(&self.target, &args)?;
        let seed = self.seed.unwrap_or(1);
        let env = factory();
        let evaluation = if let Some(scripted) = ScriptedPolicy::named(policy, &*env) {
            evaluate_scripted(scripted, factory, seed, self.episodes)
        } else if Path::new(policy).is_dir() {
            let path = Path::new(policy);
            let (_, policy) =
                policy_argument::load_trained(program, path, self.checkpoint, &*env, &args)?;
            self.greedy(&policy, seed, factory)?
        } else {
            return Err(policy_argument::unknown(policy, &*env, "the folder of a run").into());
        };
        let head = json!({ "env": self.target, "env_args": args, "policy": policy });
        self.show(&format!("{policy} on {}", self.target), head, seed, &evaluation);
        Ok(())
    }

    fn greedy<E: Env>(
        &self,
        policy: &Policy,
        seed: u64,
        factory: impl Fn() -> E + Send + Sync + 'static,
    ) -> Result<Evaluation, TrainError> {
        let n_envs = self.episodes.min(MAX_ENVS);
        let mut envs = ParallelEnvs::new(n_envs, seed, Purpose::TestEnvironment, factory);
        let evaluation = evaluate(policy, &mut envs, self.episodes)?;
        if evaluation.crashes > 0 {
            let crash = envs.take_crashes().pop().map_or_else(String::new, |it| it.message);
            let n = evaluation.crashes;
            note(format!(
                "warning: {n} of {} episodes panicked and do not count; the latest: {crash}",
                self.episodes
            ));
        }
        Ok(evaluation)
    }

    fn show(&self, title: &str, mut head: Value, seed: u64, evaluation: &Evaluation) {
        if self.json {
            head["episodes"] = json!(evaluation.episodes);
            head["seed"] = json!(seed);
            for (name, value) in &evaluation.means {
                head[name] = json!(value);
            }
            print(&head.to_string());
            return;
        }
        print(&format!("{title}, {} episodes, seed {seed}", evaluation.episodes));
        for (name, value) in &evaluation.means {
            print(&format!("  {name:<24} {value:.4}"));
        }
    }
}

/// What an evaluation reads of a run's configuration.
#[derive(Deserialize)]
struct Played {
    seed: u64,
    #[serde(default)]
    env_args: Table,
}

impl Played {
    fn of(info: &RunInfo, path: &Path) -> Result<Self, TrainError> {
        info.config.clone().try_into().map_err(|error: toml::de::Error| TrainError::NotARun {
            path: path.join("config.toml"),
            reason: error.to_string(),
        })
    }
}

/// Returns the configuration of a run with the checkpoint `files`: that of the checkpoint, or if it holds none, because
/// an earlier version wrote it, that in `config.toml`. Says so if that one is damaged or differs.
fn configuration(
    program: &Program,
    path: &Path,
    files: &[NamedFile],
) -> Result<RunInfo, TrainError> {
    let opened = RunFolder::open(path).map(|(_, info)| info);
    let Some(trained) = trained_with(files) else { return opened };
    match opened {
        Err(error) => note(format!("warning: {error}; the checkpoint's configuration is used")),
        Ok(info) => {
            let defaults = program.algorithms.get(&info.alg).map(|entry| entry.all_defaults());
            if let Some(key) = trained.difference(&info, &defaults.unwrap_or_default()) {
                note(format!(
                    "warning: `{key}` in {} is not what this checkpoint was trained with; the checkpoint's \
                     configuration is used",
                    path.join("config.toml").display()
                ));
            }
        }
    }
    Ok(trained)
}
