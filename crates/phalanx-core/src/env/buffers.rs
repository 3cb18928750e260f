//! The slices that environments write into.

use serde::{Deserialize, Serialize};

use super::spec::EnvSpec;
use super::step::StepStatus;

/// The slices that one environment writes into.
///
/// They belong to the caller and may hold anything when they are handed over: an environment writes
/// every element in every reset and step. [`clear`](StepBuffers::clear) sets all of them to neutral values,
/// and [`agent`](StepBuffers::agent) returns the part of one agent:
///
/// ```
/// # use phalanx_core::env::{EnvSpec, StepBuffers, StepRows};
/// /// Writes three robots in cells of a row of five, with the actions *stay*, *left* and *right*.
/// fn observe(cells: [usize; 3], mut out: StepBuffers<'_>) {
///     out.clear();
///     for (robot, &cell) in cells.iter().enumerate() {
///         out.state[5 * robot + cell] = 1.0;
///         let row = out.agent(robot);
///         row.obs[cell] = 1.0;
///         row.avail[1] = cell > 0;
///         row.avail[2] = cell < 4;
///     }
/// }
/// # let spec = EnvSpec { n_actions: 3, obs_dim: 5, state_dim: 15, ..EnvSpec::new("row", 3) };
/// # let mut rows = StepRows::new(&spec, 1, 1);
/// # observe([0, 2, 4], rows.at_mut(0).row(&spec, 0));
/// # assert_eq!(rows.obs[5..10], [0.0, 0.0, 1.0, 0.0, 0.0]);
/// # assert_eq!(rows.avail[..3], [true, false, true]);
/// # assert!(rows.alive.iter().all(|&alive| alive) && rows.state[14] == 1.0);
/// ```
#[derive(Debug)]
pub struct StepBuffers<'a> {
    /// The observations, `[agent, obs_dim]`: one row per agent, row after row.
    pub obs: &'a mut [f32],
    /// The state, `[state_dim]`.
    pub state: &'a mut [f32],
    /// The available actions, `[agent, n_actions]`. A dead agent has exactly one.
    pub avail: &'a mut [bool],
    /// Whether each agent is alive, `[agent]`; all true in tasks without death.
    pub alive: &'a mut [bool],
    /// The values named by [`EnvSpec::info`], `[info]`; those of the last step of an episode are logged.
    pub info: &'a mut [f32],
    /// The reward of each agent for the step, `[agent]`, zeros after a reset; empty unless
    /// [`EnvSpec::agent_rewards`] is set.
    pub agent_rewards: &'a mut [f32],
}

/// The part of one agent in [`StepBuffers`].
#[derive(Debug)]
pub struct AgentBuffers<'a> {
    /// The observation, `[obs_dim]`.
    pub obs: &'a mut [f32],
    /// The available actions, `[n_actions]`.
    pub avail: &'a mut [bool],
    /// Whether the agent is alive.
    pub alive: &'a mut bool,
}

impl StepBuffers<'_> {
    /// Sets every element to a neutral value: numbers to zero, all actions available, all agents alive.
    pub fn clear(&mut self) {
        for numbers in [&mut *self.obs, &mut *self.state, &mut *self.info, &mut *self.agent_rewards]
        {
            numbers.fill(0.0);
        }
        self.avail.fill(true);
        self.alive.fill(true);
    }

    /// Returns the slices of one agent.
    ///
    /// # Panics
    ///
    /// Panics if there is no such agent.
    pub fn agent(&mut self, agent: usize) -> AgentBuffers<'_> {
        let n_agents = self.alive.len();
        let (obs_dim, n_actions) = (self.obs.len() / n_agents, self.avail.len() / n_agents);
        AgentBuffers {
            obs: &mut self.obs[agent * obs_dim..(agent + 1) * obs_dim],
            avail: &mut self.avail[agent * n_actions..(agent + 1) * n_actions],
            alive: &mut self.alive[agent],
        }
    }
}

/// The rows of one time step, `[env, …]`, borrowed from the caller.
#[derive(Debug)]
pub struct BatchBuffers<'a> {
    /// The observations, `[env, agent, obs_dim]`.
    pub obs: &'a mut [f32],
    /// The states, `[env, state_dim]`.
    pub state: &'a mut [f32],
    /// The available actions, `[env, agent, n_actions]`.
    pub avail: &'a mut [bool],
    /// Whether each agent is alive, `[env, agent]`.
    pub alive: &'a mut [bool],
    /// The values named by [`EnvSpec::info`], `[env, info]`.
    pub info: &'a mut [f32],
    /// The team's reward, `[env]`; zero after a reset.
    pub reward: &'a mut [f32],
    /// The reward of each agent, `[env, agent]`, zeros after a reset; empty unless
    /// [`EnvSpec::agent_rewards`] is set.
    pub agent_rewards: &'a mut [f32],
    /// How the step ended, `[env]`.
    pub status: &'a mut [StepStatus],
}

impl<'a> BatchBuffers<'a> {
    /// Splits the rows after those of the first `n` environments.
    pub fn split_at(self, spec: &EnvSpec, n: usize) -> (BatchBuffers<'a>, BatchBuffers<'a>) {
        let (obs, obs_rest) = self.obs.split_at_mut(n * spec.obs_len());
        let (state, state_rest) = self.state.split_at_mut(n * spec.state_dim);
        let (avail, avail_rest) = self.avail.split_at_mut(n * spec.avail_len());
        let (alive, alive_rest) = self.alive.split_at_mut(n * spec.n_agents());
        let (info, info_rest) = self.info.split_at_mut(n * spec.info.len());
        let (reward, reward_rest) = self.reward.split_at_mut(n);
        let (agent_rewards, agent_rewards_rest) =
            self.agent_rewards.split_at_mut(n * spec.agent_rewards_len());
        let (status, status_rest) = self.status.split_at_mut(n);
        (
            BatchBuffers { obs, state, avail, alive, info, reward, agent_rewards, status },
            BatchBuffers {
                obs: obs_rest,
                state: state_rest,
                avail: avail_rest,
                alive: alive_rest,
                info: info_rest,
                reward: reward_rest,
                agent_rewards: agent_rewards_rest,
                status: status_rest,
            },
        )
    }

    /// Returns the row of environment `i`.
    pub fn row(&mut self, spec: &EnvSpec, i: usize) -> StepBuffers<'_> {
        fn part<T>(all: &mut [T], i: usize, len: usize) -> &mut [T] {
            &mut all[i * len..(i + 1) * len]
        }
        StepBuffers {
            obs: part(self.obs, i, spec.obs_len()),
            state: part(self.state, i, spec.state_dim),
            avail: part(self.avail, i, spec.avail_len()),
            alive: part(self.alive, i, spec.n_agents()),
            info: part(self.info, i, spec.info.len()),
            agent_rewards: part(self.agent_rewards, i, spec.agent_rewards_len()),
        }
    }
}

/// Owned rows of `steps` consecutive time steps of `n_envs` environments, `[step, env, …]`.
///
/// Environments write into them directly, so a rollout is never copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRows {
    /// The number of environments.
    pub n_envs: usize,
    /// The number of time steps.
    pub steps: usize,
    /// The observations, `[step, env, agent, obs_dim]`.
    pub obs: Vec<f32>,
    /// The states, `[step, env, state_dim]`.
    pub state: Vec<f32>,
    /// The available actions, `[step, env, agent, n_actions]`.
    pub avail: Vec<bool>,
    /// Whether each agent is alive, `[step, env, agent]`.
    pub alive: Vec<bool>,
    /// The values named by [`EnvSpec::info`], `[step, env, info]`.
    pub info: Vec<f32>,
    /// The reward of the team, `[step, env]`.
    pub reward: Vec<f32>,
    /// The reward of each agent, `[step, env, agent]`; empty unless [`EnvSpec::agent_rewards`].
    pub agent_rewards: Vec<f32>,
    /// How each step ended, `[step, env]`.
    pub status: Vec<StepStatus>,
}

impl StepRows {
    /// Creates zeroed rows.
    pub fn new(spec: &EnvSpec, n_envs: usize, steps: usize) -> Self {
        let rows = n_envs * steps;
        Self {
            n_envs,
            steps,
            obs: vec![0.0; rows * spec.obs_len()],
            state: vec![0.0; rows * spec.state_dim],
            avail: vec![false; rows * spec.avail_len()],
            alive: vec![false; rows * spec.n_agents()],
            info: vec![0.0; rows * spec.info.len()],
            reward: vec![0.0; rows],
            agent_rewards: vec![0.0; rows * spec.agent_rewards_len()],
            status: vec![StepStatus::Running; rows],
        }
    }

    /// Returns whether all parts are as long as those of `other`. Rows read from a damaged file may have any
    /// length.
    pub fn is_like(&self, other: &Self) -> bool {
        let lengths = |rows: &Self| {
            [
                rows.n_envs,
                rows.steps,
                rows.obs.len(),
                rows.state.len(),
                rows.avail.len(),
                rows.alive.len(),
                rows.info.len(),
                rows.reward.len(),
                rows.agent_rewards.len(),
                rows.status.len(),
            ]
        };
        lengths(self) == lengths(other)
    }

    /// Returns the rows of time step `t`, for the environments to write.
    pub fn at_mut(&mut self, t: usize) -> BatchBuffers<'_> {
        fn part<T>(all: &mut [T], t: usize, steps: usize) -> &mut [T] {
            let len = all.len() / steps;
            &mut all[t * len..(t + 1) * len]
        }
        let steps = self.steps;
        BatchBuffers {
            obs: part(&mut self.obs, t, steps),
            state: part(&mut self.state, t, steps),
            avail: part(&mut self.avail, t, steps),
            alive: part(&mut self.alive, t, steps),
            info: part(&mut self.info, t, steps),
            reward: part(&mut self.reward, t, steps),
            agent_rewards: part(&mut self.agent_rewards, t, steps),
            status: part(&mut self.status, t, steps),
        }
    }

    /// Copies the rows of time step `from` over those of time step `to`.
    pub fn copy_step(&mut self, from: usize, to: usize) {
        fn copy<T: Copy>(all: &mut [T], from: usize, to: usize, steps: usize) {
            let len = all.len() / steps;
            all.copy_within(from * len..(from + 1) * len, to * len);
        }
        copy(&mut self.obs, from, to, self.steps);
        copy(&mut self.state, from, to, self.steps);
        copy(&mut self.avail, from, to, self.steps);
        copy(&mut self.alive, from, to, self.steps);
        copy(&mut self.info, from, to, self.steps);
        copy(&mut self.reward, from, to, self.steps);
        copy(&mut self.agent_rewards, from, to, self.steps);
        copy(&mut self.status, from, to, self.steps);
    }
}
