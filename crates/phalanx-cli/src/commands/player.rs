//! Who chooses the actions: `--policy`.

use std::fs;
use std::path::Path;

use anyhow::Context;
use phalanx_core::env::{Env, Rows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::arguments::closest_match;
use phalanx_train::checkpoint::{Choice, RunCheckpoints, load_policy};
use phalanx_train::rollout::{Policy, Script, Team, greedy};

use crate::commands::Misuse;

/// Who chooses the actions of an episode after the other in one environment.
pub(crate) enum Player {
    Script(Script, Box<Rng>),
    Trained(Box<(Policy, Team)>),
    Recorded { path: String, lines: std::vec::IntoIter<Vec<u16>>, line: usize },
}

impl Player {
    /// The player that `--policy` names in `env`.
    pub(crate) fn new(policy: &str, seed: u64, env: &dyn Env) -> anyhow::Result<Self> {
        if let Some(script) = Script::named(policy, env) {
            let rng = Rng::stream(seed, Purpose::Player, 0);
            return Ok(Self::Script(script, Box::new(rng)));
        }
        let path = Path::new(policy);
        if path.is_dir() {
            let policy = trained(path, Choice::Best, env)?;
            let team = Team::new(policy.inputs, policy.actor.memory_dim(), 1);
            return Ok(Self::Trained(Box::new((policy, team))));
        }
        if !path.is_file() {
            return Err(unknown(policy, env, "a run's folder or a file of actions").into());
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {policy}"))?;
        let lines: Vec<Vec<u16>> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                serde_json::from_str(line)
                    .map_err(|error| Misuse(format!("{policy}, line {}: {error}", number + 1)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Recorded { path: policy.to_owned(), lines: lines.into_iter(), line: 0 })
    }

    /// An episode begins.
    pub(crate) fn begin(&mut self) {
        if let Self::Trained(trained) = self {
            trained.1.begin(0);
        }
    }

    /// The next joint action; `None` when a recording is at its end.
    pub(crate) fn act(
        &mut self,
        env: &mut dyn Env,
        rows: &Rows,
    ) -> anyhow::Result<Option<Vec<u16>>> {
        let n_actions = env.spec().n_actions;
        let n_agents = env.spec().n_agents();
        let mut actions = vec![0; n_agents];
        let masks = rows.avail.chunks_exact(n_actions);
        match self {
            Self::Script(script, rng) => script.act(env, &rows.avail, rng, &mut actions),
            Self::Trained(trained) => {
                let (policy, team) = &mut **trained;
                let outputs = team.think(&policy.actor, &rows.obs).chunks_exact(n_actions);
                for (action, (values, mask)) in actions.iter_mut().zip(outputs.zip(masks)) {
                    *action = greedy(values, mask);
                }
                team.remember(0, &actions);
            }
            Self::Recorded { path, lines, line } => {
                let Some(next) = lines.next() else { return Ok(None) };
                *line += 1;
                let legal = |(action, mask): (&u16, &[bool])| {
                    mask.get(usize::from(*action)).copied().unwrap_or(false)
                };
                if next.len() != n_agents || !next.iter().zip(masks).all(legal) {
                    let reason = format!("{path}: joint action {line}, {next:?}, is not legal");
                    return Err(Misuse(reason).into());
                }
                actions = next;
            }
        }
        Ok(Some(actions))
    }
}

/// A policy of the run in a folder, if it can act in `env`.
pub(crate) fn trained(run: &Path, choice: Choice, env: &dyn Env) -> anyhow::Result<Policy> {
    let (_, files) = RunCheckpoints::of(run).load(choice)?;
    let policy = load_policy(&files)?;
    let (inputs, spec) = (&policy.inputs, env.spec());
    if (inputs.obs_dim, inputs.n_actions, inputs.n_agents)
        != (spec.obs_dim, spec.n_actions, spec.n_agents())
    {
        return Err(Misuse(format!("the policy was not trained for `{}`", spec.id)).into());
    }
    Ok(policy)
}

/// The error of a `--policy` that is neither a player of `env` nor `else_known`.
pub(crate) fn unknown(policy: &str, env: &dyn Env, else_known: &str) -> Misuse {
    let id = &env.spec().id;
    let names = Script::names(env);
    let meant = closest_match(policy, names.iter().copied()).unwrap_or_default();
    if env.players().is_empty() && policy == "heuristic" {
        return Misuse(format!("--policy heuristic: `{id}` has no scripted player, only `random`"));
    }
    Misuse(format!(
        "--policy {policy}: this is no player of `{id}` (did you mean `{meant}`? known: {}), nor \
         {else_known}",
        names.join(", ")
    ))
}
