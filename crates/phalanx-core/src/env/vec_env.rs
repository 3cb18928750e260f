//! A batch of environments stepped at once: what the trainer sees.

use serde::{Deserialize, Serialize};

use super::env::{End, EnvError, StepMut};
use super::spec::EnvSpec;

/// `n_envs` environments of one kind, stepped together.
///
/// [`ParallelEnvs`](super::ParallelEnvs) implements it for copies of any [`Env`](super::Env). A
/// simulator that is batched by nature may implement it directly.
pub trait VecEnv: Send {
    /// The specification all environments share.
    fn spec(&self) -> &EnvSpec;

    /// The number of environments.
    fn n_envs(&self) -> usize;

    /// Starts an episode in every environment `i` with `which[i]`; other rows stay untouched.
    fn reset(&mut self, which: &[bool], out: BatchMut<'_>);

    /// Steps every environment `i` with `which[i]`; other rows stay untouched.
    ///
    /// `actions` is `[env, agent]`. An environment whose episode ended must be reset before it is
    /// stepped again; that is left to the caller, so that the last observation can be read.
    fn step(&mut self, actions: &[u16], which: &[bool], out: BatchMut<'_>);

    /// The environments that panicked since the last call, in order of their index.
    fn take_crashes(&mut self) -> Vec<Crash> {
        Vec::new()
    }

    /// Appends the state of every environment and of their random streams.
    fn save(&self, out: &mut Vec<u8>);

    /// Takes over a state written by [`VecEnv::save`].
    ///
    /// # Errors
    ///
    /// When the bytes are damaged or belong to another number of environments.
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError>;
}

/// An environment that panicked and was rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The environment's index.
    pub env: usize,
    /// The message of the panic.
    pub message: String,
}

/// The rows of one time step, `[env, …]`, borrowed from wherever the caller keeps them.
#[derive(Debug)]
pub struct BatchMut<'a> {
    /// `[env, agent, obs_dim]`.
    pub obs: &'a mut [f32],
    /// `[env, state_dim]`.
    pub state: &'a mut [f32],
    /// `[env, agent, n_actions]`.
    pub avail: &'a mut [bool],
    /// `[env, agent]`.
    pub alive: &'a mut [bool],
    /// `[env, info]`.
    pub info: &'a mut [f32],
    /// The team's reward, `[env]`; zero after a reset.
    pub reward: &'a mut [f32],
    /// The reward of each agent, `[env, agent]`, zeros after a reset; empty unless
    /// [`EnvSpec::agent_rewards`].
    pub agent_rewards: &'a mut [f32],
    /// How the step ended, `[env]`.
    pub end: &'a mut [End],
}

impl<'a> BatchMut<'a> {
    /// The rows of the first `n` environments and those of the others.
    pub fn split_at(self, spec: &EnvSpec, n: usize) -> (BatchMut<'a>, BatchMut<'a>) {
        let (obs, obs_rest) = self.obs.split_at_mut(n * spec.obs_len());
        let (state, state_rest) = self.state.split_at_mut(n * spec.state_dim);
        let (avail, avail_rest) = self.avail.split_at_mut(n * spec.avail_len());
        let (alive, alive_rest) = self.alive.split_at_mut(n * spec.n_agents());
        let (info, info_rest) = self.info.split_at_mut(n * spec.info.len());
        let (reward, reward_rest) = self.reward.split_at_mut(n);
        let (agent_rewards, agent_rewards_rest) =
            self.agent_rewards.split_at_mut(n * spec.agent_rewards_len());
        let (end, end_rest) = self.end.split_at_mut(n);
        (
            BatchMut { obs, state, avail, alive, info, reward, agent_rewards, end },
            BatchMut {
                obs: obs_rest,
                state: state_rest,
                avail: avail_rest,
                alive: alive_rest,
                info: info_rest,
                reward: reward_rest,
                agent_rewards: agent_rewards_rest,
                end: end_rest,
            },
        )
    }

    /// The row of environment `i`, as a single environment writes it.
    pub fn row(&mut self, spec: &EnvSpec, i: usize) -> StepMut<'_> {
        fn part<T>(all: &mut [T], i: usize, len: usize) -> &mut [T] {
            &mut all[i * len..(i + 1) * len]
        }
        StepMut {
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
/// A collector lets the environments write row after row, so that a rollout is never copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// The number of environments.
    pub n_envs: usize,
    /// The number of time steps.
    pub steps: usize,
    /// `[step, env, agent, obs_dim]`.
    pub obs: Vec<f32>,
    /// `[step, env, state_dim]`.
    pub state: Vec<f32>,
    /// `[step, env, agent, n_actions]`.
    pub avail: Vec<bool>,
    /// `[step, env, agent]`.
    pub alive: Vec<bool>,
    /// `[step, env, info]`.
    pub info: Vec<f32>,
    /// `[step, env]`.
    pub reward: Vec<f32>,
    /// `[step, env, agent]`, or empty.
    pub agent_rewards: Vec<f32>,
    /// `[step, env]`.
    pub end: Vec<End>,
}

impl Rows {
    /// Zeroed rows.
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
            end: vec![End::Running; rows],
        }
    }

    /// The rows of time step `t`, for the environments to write.
    pub fn at_mut(&mut self, t: usize) -> BatchMut<'_> {
        fn part<T>(all: &mut [T], t: usize, steps: usize) -> &mut [T] {
            let len = all.len() / steps;
            &mut all[t * len..(t + 1) * len]
        }
        let steps = self.steps;
        BatchMut {
            obs: part(&mut self.obs, t, steps),
            state: part(&mut self.state, t, steps),
            avail: part(&mut self.avail, t, steps),
            alive: part(&mut self.alive, t, steps),
            info: part(&mut self.info, t, steps),
            reward: part(&mut self.reward, t, steps),
            agent_rewards: part(&mut self.agent_rewards, t, steps),
            end: part(&mut self.end, t, steps),
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
        copy(&mut self.end, from, to, self.steps);
    }
}
