//! The rules of the contract that concern a specification, a description or a single step.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::copy::Other;
use super::names::{Names, numbers};
use crate::env::{Description, EntityLayout, EnvSpec, StepResult, StepRows, StepStatus};

/// The keys of a trace line that a frame must leave alone.
const TRACE_KEYS: [&str; 11] = [
    "episode",
    "t",
    "actions",
    "reward",
    "agent_rewards",
    "terminated",
    "truncated",
    "info",
    "obs",
    "state",
    "avail_actions",
];

pub(super) fn check_spec(spec: &EnvSpec, second: &EnvSpec) -> Result<(), String> {
    let private = spec.private_obs.as_deref().unwrap_or_default();
    let mut names = HashSet::new();
    let reason = match () {
        () if spec.id.is_empty() => "the id is empty".to_owned(),
        () if spec.agents.is_empty() => "there is no agent".to_owned(),
        () if spec.n_actions == 0 => "there is no action".to_owned(),
        () if spec.n_actions > usize::from(u16::MAX) => {
            format!("{} actions are more than an index of 16 bits can name", spec.n_actions)
        }
        () if spec.obs_dim == 0 => "the observation is empty".to_owned(),
        () if spec.state_dim == 0 => "the state is empty".to_owned(),
        () if spec.episode_limit == 0 => "the episode limit is zero".to_owned(),
        () if private.iter().any(|&index| index >= spec.obs_dim) => {
            format!("`private_obs` has an index beyond the {} of an observation", spec.obs_dim)
        }
        () if spec.info.iter().any(String::is_empty) => "a name in `info` is empty".to_owned(),
        () if !spec.info.iter().all(|name| names.insert(name)) => {
            "two names in `info` are the same".to_owned()
        }
        () if spec != second => "a second copy has another specification".to_owned(),
        () => {
            let entities = spec.entities.as_ref().map_or(Ok(()), |layout| layout.check(spec));
            return entities.map_err(|error| format!("entities: {error}"));
        }
    };
    Err(reason)
}

pub(super) fn check_policies(policies: &[(&str, &str)]) -> Result<(), String> {
    let mut names = HashSet::new();
    for (name, summary) in policies {
        if name.is_empty() || summary.is_empty() {
            return Err("a scripted policy has no name or no summary".to_owned());
        }
        if !names.insert(name) {
            return Err(format!("two scripted policies are called `{name}`"));
        }
    }
    Ok(())
}

pub(super) fn check_description(
    spec: &EnvSpec,
    description: &Description,
    second: &Description,
) -> Result<(), String> {
    for (what, texts, expected) in [
        ("observation", &description.obs, spec.obs_dim),
        ("state", &description.state, spec.state_dim),
        ("action", &description.actions, spec.n_actions),
    ] {
        if texts.len() != expected {
            let n = texts.len();
            return Err(format!("it has {n} {what} texts, but the specification has {expected}"));
        }
        if let Some(i) = texts.iter().position(|text| text.trim().is_empty()) {
            return Err(format!("the text of {what} {i} is empty"));
        }
    }
    if description.summary.trim().is_empty() {
        return Err("the summary is empty".to_owned());
    }
    if description == second {
        Ok(())
    } else {
        Err("a second copy has another description".to_owned())
    }
}

pub(super) fn check_frame(
    frame: &Map<String, Value>,
    again: &Map<String, Value>,
) -> Result<(), String> {
    if let Some(key) = frame.keys().find(|key| TRACE_KEYS.contains(&key.as_str())) {
        return Err(format!("`frame` has the key `{key}`, which a trace line already has"));
    }
    if frame == again {
        Ok(())
    } else {
        Err("`frame` returns two different values for the same step".to_owned())
    }
}

pub(super) fn same_result(
    result: StepResult,
    other: StepResult,
    which: Other,
) -> Result<(), String> {
    if result.reward.to_bits() == other.reward.to_bits() && result.status == other.status {
        return Ok(());
    }
    Err(format!(
        "the reward is {} and the status {:?}, but {} and {:?} in {}",
        result.reward,
        result.status,
        other.reward,
        other.status,
        which.name()
    ))
}

/// Tests what a reset or a step wrote: finite numbers, masks and deaths.
pub(super) fn check_rows(
    names: &Names,
    rows: &StepRows,
    was_alive: &mut [bool],
) -> Result<(), String> {
    for (name, numbers) in numbers(rows) {
        if let Some(i) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(format!("{} is {}", name(names, i), numbers[i]));
        }
    }
    for (agent, was_alive) in was_alive.iter_mut().enumerate() {
        let mask = mask_of(names, rows, agent);
        let available = mask.iter().filter(|&&available| available).count();
        let alive = rows.alive[agent];
        if available == 0 {
            return Err(format!("agent {agent} has no available action"));
        }
        if !alive && available != 1 {
            let reason =
                format!("agent {agent} is dead but has {available} available actions, not one");
            return Err(reason);
        }
        if alive && !*was_alive {
            return Err(format!("agent {agent} came back to life before a reset"));
        }
        *was_alive = alive;
    }
    match &names.spec.entities {
        Some(layout) => check_entities(names, layout, rows),
        None => Ok(()),
    }
}

/// Tests that all features of absent entities are zero, and that the actions that target them are not
/// available.
fn check_entities(names: &Names, layout: &EntityLayout, rows: &StepRows) -> Result<(), String> {
    for (agent, obs) in rows.obs.chunks_exact(names.spec.obs_dim).enumerate() {
        let mask = mask_of(names, rows, agent);
        let entities = layout.entities.iter().enumerate().zip(layout.present(obs));
        for ((i, entity), _) in entities.filter(|(_, present)| !present) {
            let name = || format!("entity {i} ({})", layout.types[entity.kind].name);
            if let Some(&column) = entity.columns.iter().find(|&&column| obs[column] != 0.0) {
                let shown = names.obs(agent * names.spec.obs_dim + column);
                let value = obs[column];
                return Err(format!("{shown} is {value}, but its {} is absent", name()));
            }
            match entity.action {
                Some(action) if mask[action] && !layout.hidden_targets => {
                    let action = names.action(agent, action);
                    return Err(format!("{action} is available, but its {} is absent", name()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Returns the mask of one agent, `[action]`.
pub(super) fn mask_of<'a>(names: &Names, rows: &'a StepRows, agent: usize) -> &'a [bool] {
    let n_actions = names.spec.n_actions;
    &rows.avail[agent * n_actions..][..n_actions]
}

pub(super) fn check_available(
    names: &Names,
    rows: &StepRows,
    actions: &[u16],
) -> Result<(), String> {
    for (agent, &action) in actions.iter().enumerate() {
        let action = usize::from(action);
        if mask_of(names, rows, agent).get(action) != Some(&true) {
            return Err(format!("{} is not available", names.action(agent, action)));
        }
    }
    Ok(())
}

pub(super) fn check_result(spec: &EnvSpec, result: StepResult, step: u64) -> Result<(), String> {
    let limit = spec.episode_limit as u64;
    if !result.reward.is_finite() {
        return Err(format!("the reward is {}", result.reward));
    }
    match result.status {
        StepStatus::Running if step >= limit => {
            Err(format!("the episode continues after its limit of {limit} steps"))
        }
        StepStatus::Truncated if step < limit => {
            Err(format!("the episode is truncated before its limit of {limit} steps"))
        }
        StepStatus::Crashed => {
            Err("the status is `Crashed`, which only the library reports".to_owned())
        }
        _ => Ok(()),
    }
}
