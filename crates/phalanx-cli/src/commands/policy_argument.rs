//! The argument `--policy`: a scripted policy, the policy of a run, or recorded actions.

use std::fs;
use std::path::Path;

use anyhow::Context;
use phalanx_core::env::{Env, StepRows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::arguments::closest_match;
use phalanx_train::rollout::{Policy, ScriptedPolicy, TeamRunner, greedy};
use phalanx_train::run::checkpoint::{CheckpointId, RunCheckpoints, load_policy_with};

use crate::Program;
use crate::commands::UsageError;

/// Chooses the actions of one episode after another in one environment.
pub(crate) enum ActionSource {
    Scripted(ScriptedPolicy, Box<Rng>),
    Trained(Box<(Policy, TeamRunner)>),
    Recorded { path: String, lines: std::vec::IntoIter<Vec<u16>>, line: usize },
}

impl ActionSource {
    /// Creates the source that `--policy` names in `env`.
    pub(crate) fn new(
        program: &Program,
        policy: &str,
        seed: u64,
        env: &dyn Env,
    ) -> anyhow::Result<Self> {
        if let Some(scripted) = ScriptedPolicy::named(policy, env) {
            let rng = Rng::stream(seed, Purpose::ScriptedPolicy, 0);
            return Ok(Self::Scripted(scripted, Box::new(rng)));
        }
        let path = Path::new(policy);
        if path.is_dir() {
            let policy = load_trained(program, path, CheckpointId::Best, env)?;
            let team = TeamRunner::new(policy.inputs, policy.actor.carry_dim(), 1);
            return Ok(Self::Trained(Box::new((policy, team))));
        }
        if !path.is_file() {
            return Err(unknown(policy, env, "the folder of a run or a file of actions").into());
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {policy}"))?;
        let lines: Vec<Vec<u16>> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                serde_json::from_str(line)
                    .map_err(|error| UsageError(format!("{policy}, line {}: {error}", number + 1)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Recorded { path: policy.to_owned(), lines: lines.into_iter(), line: 0 })
    }

    /// Prepares for the start of an episode.
    pub(crate) fn reset(&mut self) {
        if let Self::Trained(trained) = self {
            trained.1.reset(0);
        }
    }

    /// Returns the next joint action, or `None` at the end of a recording.
    pub(crate) fn act(
        &mut self,
        env: &mut dyn Env,
        rows: &StepRows,
    ) -> anyhow::Result<Option<Vec<u16>>> {
        let n_actions = env.spec().n_actions;
        let n_agents = env.spec().n_agents();
        let mut actions = vec![0; n_agents];
        let masks = rows.avail.chunks_exact(n_actions);
        match self {
            Self::Scripted(policy, rng) => policy.act(env, &rows.avail, rng, &mut actions),
            Self::Trained(trained) => {
                let (policy, team) = &mut **trained;
                let outputs = team.forward(&policy.actor, &rows.obs).chunks_exact(n_actions);
                for (action, (values, mask)) in actions.iter_mut().zip(outputs.zip(masks)) {
                    *action = greedy(values, mask);
                }
                team.record_actions(0, &actions);
            }
            Self::Recorded { path, lines, line } => {
                let Some(next) = lines.next() else { return Ok(None) };
                *line += 1;
                let available = |(action, mask): (&u16, &[bool])| {
                    mask.get(usize::from(*action)).copied().unwrap_or(false)
                };
                if next.len() != n_agents || !next.iter().zip(masks).all(available) {
                    let reason = format!("{path}: joint action {line}, {next:?}, is not available");
                    return Err(UsageError(reason).into());
                }
                actions = next;
            }
        }
        Ok(Some(actions))
    }
}

/// Loads a policy from the folder of a run, and checks that it fits `env`.
pub(crate) fn load_trained(
    program: &Program,
    run: &Path,
    id: CheckpointId,
    env: &dyn Env,
) -> anyhow::Result<Policy> {
    let (_, files) = RunCheckpoints::of(run).load(id)?;
    let policy = load_policy_with(&files, &program.encoders)?;
    let (inputs, spec) = (&policy.inputs, env.spec());
    if (inputs.obs_dim, inputs.n_actions, inputs.n_agents)
        != (spec.obs_dim, spec.n_actions, spec.n_agents())
    {
        return Err(UsageError(format!("the policy was not trained for `{}`", spec.id)).into());
    }
    Ok(policy)
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
