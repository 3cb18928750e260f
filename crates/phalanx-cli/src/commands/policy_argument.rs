//! The argument `--policy`: a scripted policy, the policy of a run, or recorded actions.

use std::fs;
use std::path::Path;

use anyhow::Context;
use phalanx_core::env::Env;
use phalanx_envs::arguments::closest_match;
use phalanx_train::algorithms::NamedFile;
use phalanx_train::rollout::{Policy, ScriptedPolicy};
use phalanx_train::run::RunInfo;
use phalanx_train::run::checkpoint::{CheckpointId, RunCheckpoints, load_policy_for, trained_with};
use phalanx_train::trace::TracePolicy;
use phalanx_train::{Player, TrainError, note};
use toml::Table;

use crate::Program;
use crate::commands::UsageError;

/// Returns the policy of a trace that `--policy` names in `env`.
pub(crate) fn trace_policy(
    program: &Program,
    policy: &str,
    env: &dyn Env,
    args: &Table,
) -> anyhow::Result<TracePolicy> {
    if let Some(scripted) = ScriptedPolicy::named(policy, env) {
        return Ok(TracePolicy::Scripted(scripted));
    }
    let path = Path::new(policy);
    if path.is_dir() {
        let (_, policy) = load_trained(program, path, CheckpointId::Best, env, args)?;
        return Ok(Player::new(policy).into());
    }
    if !path.is_file() {
        return Err(unknown(policy, env, "the folder of a run or a file of actions").into());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {policy}"))?;
    let actions = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line)
                .map_err(|error| UsageError(format!("{policy}, line {}: {error}", number + 1)))
        })
        .collect::<Result<_, _>>()?;
    Ok(TracePolicy::Actions(actions))
}

/// Loads the files of a checkpoint of the run in the folder `run`, with its environment steps. Says so if the list of
/// checkpoints was damaged.
pub(crate) fn load(run: &Path, id: CheckpointId) -> Result<(u64, Vec<NamedFile>), TrainError> {
    let checkpoints = RunCheckpoints::of(run);
    let (index, message) = checkpoints.index_or_rebuilt()?;
    if let Some(message) = message {
        note(format!("warning: {message}"));
    }
    if let (CheckpointId::Best, None, Some(last)) = (id, index.best, index.last) {
        note(format!(
            "warning: no checkpoint is known as the best; the latest one, step_{last}, is used"
        ));
    }
    checkpoints.load(id)
}

/// Loads a policy from the folder of a run, trained in `env` or in another environment that it fits;
/// also returns the environment steps of its checkpoint. Says so if it was trained in another environment, or with other
/// arguments than `args`.
pub(crate) fn load_trained(
    program: &Program,
    run: &Path,
    id: CheckpointId,
    env: &dyn Env,
    args: &Table,
) -> anyhow::Result<(u64, Policy)> {
    let (step, files) = load(run, id)?;
    Ok((step, fitted(program, run, &files, env, args)?))
}

/// Does the same with the files of a checkpoint that is already loaded.
pub(crate) fn fitted(
    program: &Program,
    run: &Path,
    files: &[NamedFile],
    env: &dyn Env,
    args: &Table,
) -> anyhow::Result<Policy> {
    let spec = env.spec();
    let policy = load_policy_for(files, &program.encoders, spec)
        .with_context(|| format!("the policy of {} does not fit {}", run.display(), spec.id))?;
    if let Some(other) = trained_with(files).and_then(|trained| elsewhere(&trained, &spec.id, args))
    {
        note(format!("note: the policy of {} was trained {other}", run.display()));
    }
    Ok(policy)
}

/// Describes the environment of a policy's training if it is not `env` with the arguments `args`.
fn elsewhere(trained: &RunInfo, env: &str, args: &Table) -> Option<String> {
    if trained.env != env {
        return Some(format!("on {}, and plays on {env}", trained.env));
    }
    let theirs = trained.config.get("env_args").and_then(|args| args.as_table());
    let theirs = theirs.cloned().unwrap_or_default();
    let key = theirs.keys().chain(args.keys()).find(|key| theirs.get(*key) != args.get(*key))?;
    let shown = |args: &Table| match args.get(key) {
        Some(value) => format!("env_args.{key}={value}"),
        None => format!("the default of env_args.{key}"),
    };
    Some(format!("with {}, and plays with {}", shown(&theirs), shown(args)))
}

/// Returns the error of a `--policy` that is neither a scripted policy of `env` nor `alternative`.
pub(crate) fn unknown(policy: &str, env: &dyn Env, alternative: &str) -> UsageError {
    let id = &env.spec().id;
    if env.scripted_policies().is_empty() && policy == "heuristic" {
        return UsageError(format!(
            "--policy heuristic: `{id}` has no scripted policy, only `random`"
        ));
    }
    let names = ScriptedPolicy::names(env);
    let similar = closest_match(policy, names.iter().copied()).unwrap_or_default();
    UsageError(format!(
        "--policy {policy}: not a scripted policy of `{id}` (did you mean `{similar}`? known: {}), nor \
         {alternative}",
        names.join(", ")
    ))
}
