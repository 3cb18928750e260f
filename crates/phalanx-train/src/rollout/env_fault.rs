//! What environments do against their contract, found where their steps are collected.

use phalanx_core::env::{BatchBuffers, EnvError, EnvSpec, StepRows, StepStatus, VecEnv};

use super::metrics::Metrics;

/// Something that an environment did against the contract of [`Env`](phalanx_core::env::Env).
/// [`check_env`](phalanx_core::env::check_env) finds most of these before training.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvFault {
    /// An agent has no available action.
    #[error(
        "{id}: {agent} has no available action (environment {env}, {episode} episodes before this one, step \
         {step}); every agent needs one, dead agents too"
    )]
    NoAction {
        /// The id of the environment.
        id: String,
        /// The name of the agent.
        agent: String,
        /// The index of the copy of the environment.
        env: usize,
        /// The number of episodes that ended before, in all copies.
        episode: u64,
        /// The step within the episode; 0 is the reset.
        step: usize,
    },
    /// A number is infinite or not a number.
    #[error(
        "{id}: {what} is {value} (environment {env}, {episode} episodes before this one, step {step})"
    )]
    NotFinite {
        /// The id of the environment.
        id: String,
        /// The quantity, such as `the reward`.
        what: String,
        /// Its value.
        value: f32,
        /// The index of the copy of the environment.
        env: usize,
        /// The number of episodes that ended before, in all copies.
        episode: u64,
        /// The step within the episode; 0 is the reset.
        step: usize,
    },
    /// An episode did not end within the limit.
    #[error(
        "{id}: an episode did not end within its limit of {limit} steps (environment {env}, {episode} episodes \
         before this one)"
    )]
    Endless {
        /// The id of the environment.
        id: String,
        /// The limit in steps.
        limit: usize,
        /// The index of the copy of the environment.
        env: usize,
        /// The number of episodes that ended before, in all copies.
        episode: u64,
    },
    /// The environment panicked whenever it was reset.
    #[error("{id}: environment {env} panicked in {attempts} resets in a row: {message}")]
    Reset {
        /// The id of the environment.
        id: String,
        /// The index of the copy of the environment.
        env: usize,
        /// The number of attempts.
        attempts: usize,
        /// The message of the last panic.
        message: String,
    },
    /// Most of the latest episodes crashed.
    #[error("{id}: {crashed} of the last {episodes} episodes panicked; the latest: {message}")]
    Crashes {
        /// The id of the environment.
        id: String,
        /// The number of episodes that crashed.
        crashed: u64,
        /// The number of episodes.
        episodes: u64,
        /// The message of the latest panic.
        message: String,
    },
}

/// Where in a run the rows of a step are: the number of episodes that ended before, and the step of each environment
/// within its episode.
pub(crate) struct Moment<'a> {
    pub(crate) episode: u64,
    /// `[env]`, or one number for all.
    pub(crate) steps: &'a [usize],
}

impl Moment<'_> {
    fn step(&self, env: usize) -> usize {
        self.steps.get(env).or(self.steps.first()).copied().unwrap_or(0)
    }
}

/// Checks the rows of one step, or of a reset, of the environments with `active[env]`: every number is finite, and every
/// agent has an available action unless the episode has terminated.
///
/// # Errors
///
/// Returns the first fault.
pub(crate) fn check_rows(
    spec: &EnvSpec,
    rows: &BatchBuffers<'_>,
    active: &[bool],
    moment: &Moment<'_>,
) -> Result<(), EnvFault> {
    for env in (0..active.len()).filter(|&env| active[env]) {
        let status = rows.status[env];
        if status == StepStatus::Crashed {
            continue;
        }
        let obs = part(rows.obs, env, spec.obs_len());
        let state = part(rows.state, env, spec.state_dim);
        let rewards = part(rows.agent_rewards, env, spec.agent_rewards_len());
        let info = if status.is_over() { part(rows.info, env, spec.info.len()) } else { &[] };
        let reward = &rows.reward[env..=env];
        let numbers = [obs, state, rewards, info, reward];
        if !numbers.iter().all(|numbers| all_finite(numbers)) {
            return Err(not_finite(spec, numbers, env, moment));
        }
        let masks = part(rows.avail, env, spec.avail_len()).chunks_exact(spec.n_actions);
        let stuck = masks.enumerate().find(|(_, mask)| !mask.contains(&true));
        if let Some((agent, _)) = stuck.filter(|_| status != StepStatus::Terminated) {
            return Err(EnvFault::NoAction {
                id: spec.id.clone(),
                agent: spec.agents[agent].name.clone(),
                env,
                episode: moment.episode,
                step: moment.step(env),
            });
        }
    }
    Ok(())
}

/// Checks the rows of step `t` of all environments in a saved state, from which agents will act.
///
/// # Errors
///
/// Returns an error if they could not have been written by environments that keep their contract.
pub(crate) fn check_saved_rows(
    spec: &EnvSpec,
    rows: &mut StepRows,
    t: usize,
) -> Result<(), EnvError> {
    let moment = Moment { episode: 0, steps: &[] };
    let all = vec![true; rows.n_envs];
    // Agents act in each of them, whatever the step before has done.
    let running = vec![StepStatus::Running; rows.status.len()];
    let status = std::mem::replace(&mut rows.status, running);
    let checked = check_rows(spec, &rows.at_mut(t), &all, &moment);
    rows.status = status;
    checked.map_err(|fault| EnvError::BadState {
        what: "the last observations".to_owned(),
        reason: fault.to_string(),
    })
}

/// Checks that no episode runs on after its limit; `lengths` holds the steps of the running ones, `[env]`.
///
/// # Errors
///
/// Returns the first fault.
pub(crate) fn check_limit(
    spec: &EnvSpec,
    lengths: &[usize],
    running: impl Fn(usize) -> bool,
    episode: u64,
) -> Result<(), EnvFault> {
    let limit = spec.episode_limit;
    let endless = (0..lengths.len()).find(|&env| lengths[env] >= limit && running(env));
    match endless {
        None => Ok(()),
        Some(env) => Err(EnvFault::Endless { id: spec.id.clone(), limit, env, episode }),
    }
}

/// Resets the environments with `begins[env]` in the rows of step `t`, and checks them. One that panics is rebuilt, and
/// reset again a few times.
///
/// # Errors
///
/// Returns an error if an environment panics in every reset, or breaks its contract.
pub(crate) fn reset(
    spec: &EnvSpec,
    envs: &mut dyn VecEnv,
    begins: &[bool],
    rows: &mut StepRows,
    t: usize,
    metrics: &mut Metrics,
) -> Result<(), EnvFault> {
    const ATTEMPTS: usize = 5;
    let n = begins.len();
    envs.reset(begins, rows.at_mut(t));
    for attempts in 1.. {
        let crashed = |env: usize| begins[env] && rows.status[t * n + env] == StepStatus::Crashed;
        let Some(env) = (0..n).find(|&env| crashed(env)) else { break };
        let left: Vec<bool> = (0..n).map(crashed).collect();
        metrics.crashes += left.iter().filter(|&&crashed| crashed).count() as u64;
        if attempts == ATTEMPTS {
            let crash = envs.take_crashes().into_iter().find(|crash| crash.env == env);
            let message = crash.map_or_else(String::new, |crash| crash.message);
            return Err(EnvFault::Reset { id: spec.id.clone(), env, attempts, message });
        }
        envs.reset(&left, rows.at_mut(t));
    }
    let moment = Moment { episode: metrics.episodes, steps: &[0] };
    check_rows(spec, &rows.at_mut(t), begins, &moment)
}

/// Returns the numbers of environment `env`, of which each environment has `len`.
fn part<T>(all: &[T], env: usize, len: usize) -> &[T] {
    &all[env * len..(env + 1) * len]
}

/// Returns whether no number is infinite or not a number. Without branches, so that it is vectorised.
fn all_finite(numbers: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    let bad = numbers
        .iter()
        .fold(0, |bad, number| bad | u32::from(number.to_bits() & EXPONENT == EXPONENT));
    bad == 0
}

/// Returns the fault of the first number that is not finite.
fn not_finite(
    spec: &EnvSpec,
    [obs, state, rewards, info, reward]: [&[f32]; 5],
    env: usize,
    moment: &Moment<'_>,
) -> EnvFault {
    let bad = |numbers: &[f32]| {
        let at = numbers.iter().position(|number| !number.is_finite())?;
        Some((at, numbers[at]))
    };
    let agent = |index: usize| &spec.agents[index].name;
    let named = |numbers: &[f32], name: &dyn Fn(usize) -> String| {
        bad(numbers).map(|(at, value)| (name(at), value))
    };
    let observation =
        |at: usize| format!("observation {} of {}", at % spec.obs_dim, agent(at / spec.obs_dim));
    let found = named(obs, &observation)
        .or_else(|| named(state, &|at| format!("entry {at} of the state")))
        .or_else(|| named(rewards, &|at| format!("the reward of {}", agent(at))))
        .or_else(|| named(info, &|at| format!("`{}`", spec.info[at])))
        .or_else(|| named(reward, &|_| "the reward".to_owned()));
    let (what, value) = found.expect("one of them is not finite");
    let (id, episode, step) = (spec.id.clone(), moment.episode, moment.step(env));
    EnvFault::NotFinite { id, what, value, env, episode, step }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_environment_the_agent_and_the_step() {
        let spec = EnvSpec {
            n_actions: 2,
            obs_dim: 3,
            state_dim: 2,
            info: vec!["won".to_owned()],
            ..EnvSpec::new("mine", 2)
        };
        let check = |change: &dyn Fn(&mut StepRows), active: &[bool]| {
            let mut rows = StepRows::new(&spec, 2, 1);
            rows.avail.fill(true);
            change(&mut rows);
            let moment = Moment { episode: 7, steps: &[4, 5] };
            check_rows(&spec, &rows.at_mut(0), active, &moment).map_err(|fault| fault.to_string())
        };
        let all = [true, true];
        assert_eq!(check(&|_| {}, &all), Ok(()));
        let message = |change: &dyn Fn(&mut StepRows)| check(change, &all).expect_err("a fault");
        let place = "(environment 1, 7 episodes before this one, step 5)";
        let error = message(&|rows| rows.avail[6..].fill(false));
        assert!(error.starts_with("mine: agent 1 has no available action"), "{error}");
        let nan = message(&|rows| rows.obs[10] = f32::NAN);
        assert_eq!(nan, format!("mine: observation 1 of agent 1 is NaN {place}"));
        let infinite = message(&|rows| rows.reward[1] = f32::NEG_INFINITY);
        assert_eq!(infinite, format!("mine: the reward is -inf {place}"));
        let state = message(&|rows| rows.state[3] = f32::INFINITY);
        assert_eq!(state, format!("mine: entry 1 of the state is inf {place}"));
        let over = |rows: &mut StepRows| {
            rows.status[1] = StepStatus::Terminated;
            rows.avail[4..].fill(false);
            rows.info[0] = f32::NAN;
        };
        assert_eq!(check(&over, &all), Ok(()), "info counts at the end of an episode");
        let info = message(&|rows| {
            over(rows);
            rows.info[1] = f32::NAN;
        });
        assert_eq!(info, format!("mine: `won` is NaN {place}"));
        let crashed = |rows: &mut StepRows| {
            rows.obs.fill(f32::NAN);
            rows.status[1] = StepStatus::Crashed;
        };
        assert_eq!(check(&crashed, &[false, true]), Ok(()), "a crashed step has no observation");
    }
}
