//! The rules of the contract that concern a single step.

use super::CheckError;
use super::copy::Copy;
use crate::env::{Env, EnvSpec, StepResult, StepStatus};

pub(super) fn same_result(result: StepResult, copy: StepResult) -> Result<(), String> {
    if result.reward.to_bits() == copy.reward.to_bits() && result.status == copy.status {
        Ok(())
    } else {
        Err(format!("the result {result:?} differs from {copy:?} of a copy"))
    }
}

pub(super) fn check_spec(spec: &EnvSpec, second: &EnvSpec) -> Result<(), CheckError> {
    let fail =
        |reason: &str| Err(CheckError::Spec { id: spec.id.clone(), reason: reason.to_owned() });
    match () {
        () if spec.agents.is_empty() => fail("there is no agent"),
        () if spec.n_actions == 0 => fail("there is no action"),
        () if spec.n_actions > usize::from(u16::MAX) => fail("actions do not fit 16 bits"),
        () if spec.obs_dim == 0 => fail("the observation is empty"),
        () if spec.state_dim == 0 => fail("the state is empty"),
        () if spec.episode_limit == 0 => fail("the episode limit is zero"),
        () if spec != second => fail("a second copy has another specification"),
        () => Ok(()),
    }
}

pub(super) fn check_rows<E: Env>(
    spec: &EnvSpec,
    copy: &Copy<E>,
    was_alive: &mut [bool],
) -> Result<(), String> {
    let numbers = [
        ("observation", &copy.rows.obs),
        ("state", &copy.rows.state),
        ("info", &copy.rows.info),
        ("agent reward", &copy.rows.agent_rewards),
    ];
    for (what, numbers) in numbers {
        if let Some(i) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(format!("{what} index {i} is {}", numbers[i]));
        }
    }
    for (agent, was_alive) in was_alive.iter_mut().enumerate() {
        let mask = &copy.rows.avail[agent * spec.n_actions..][..spec.n_actions];
        let available = mask.iter().filter(|&&available| available).count();
        let alive = copy.rows.alive[agent];
        if available == 0 {
            return Err(format!("agent {agent} has no available action"));
        }
        if !alive && available != 1 {
            let reason =
                format!("agent {agent} is dead and has {available} available actions, not one");
            return Err(reason);
        }
        if alive && !*was_alive {
            return Err(format!("agent {agent} came back to life before a reset"));
        }
        *was_alive = alive;
    }
    Ok(())
}

pub(super) fn check_available<E: Env>(
    spec: &EnvSpec,
    copy: &Copy<E>,
    actions: &[u16],
) -> Result<(), String> {
    let masks = copy.rows.avail.chunks_exact(spec.n_actions);
    let available = |(action, mask): (&u16, &[bool])| mask.get(usize::from(*action)) == Some(&true);
    match actions.iter().zip(masks).position(|choice| !available(choice)) {
        Some(agent) => Err(format!("action {} of agent {agent} is not available", actions[agent])),
        None => Ok(()),
    }
}

pub(super) fn check_result(spec: &EnvSpec, result: StepResult, step: u64) -> Result<(), String> {
    if !result.reward.is_finite() {
        return Err(format!("the reward is {}", result.reward));
    }
    let at_limit = step == spec.episode_limit as u64;
    match result.status {
        StepStatus::Running if at_limit => {
            Err(format!("no end is reported at the limit of {step} steps"))
        }
        StepStatus::Truncated if !at_limit => {
            Err(format!("truncated after {step} steps, the limit is {}", spec.episode_limit))
        }
        StepStatus::Crashed => Err("an environment must not report a crash itself".to_owned()),
        _ => Ok(()),
    }
}
