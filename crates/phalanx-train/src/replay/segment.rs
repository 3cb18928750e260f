//! A rollout segment: a fixed number of steps of every environment, for on-policy learning.

use phalanx_core::env::{EnvSpec, Rows};
use phalanx_core::rl::Step;

use crate::rollout::InputLayout;

/// `time` consecutive steps of `envs` environments, episodes following each other.
///
/// Where an episode is cut short by its limit, the next time step holds its last observation and
/// nobody acts in it ([`Step::Idle`]); so every value that is bootstrapped has its place in the
/// sequence, with the recurrent memory that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The number of time steps.
    pub time: usize,
    /// The number of environments.
    pub envs: usize,
    /// The number of agents.
    pub agents: usize,
    /// What the environments wrote, `[time + 1, env, …]`.
    pub rows: Rows,
    /// Network inputs, `[time + 1, env, agent, dim]`.
    pub input: Vec<f32>,
    /// Actions, `[time, env, agent]`.
    pub actions: Vec<u16>,
    /// Rewards, `[time, env]`.
    pub reward: Vec<f32>,
    /// How each step ended, `[time, env]`.
    pub step: Vec<Step>,
    /// Whether a step is to be learned from, `[time, env]`: not idle and not lost to a crash.
    pub valid: Vec<bool>,
    /// One, or zero where an episode begins with this time step, `[time + 1, env]`.
    pub keep: Vec<f32>,
    /// The actors' memory before the first step, `[env, agent, memory]`.
    pub hidden: Vec<f32>,
}

impl Segment {
    /// An empty segment.
    pub fn new(
        spec: &EnvSpec,
        inputs: InputLayout,
        carry_dim: usize,
        envs: usize,
        time: usize,
    ) -> Self {
        let agents = spec.n_agents();
        Self {
            time,
            envs,
            agents,
            rows: Rows::new(spec, envs, time + 1),
            input: vec![0.0; (time + 1) * envs * agents * inputs.dim()],
            actions: vec![0; time * envs * agents],
            reward: vec![0.0; time * envs],
            step: vec![Step::Running; time * envs],
            valid: vec![true; time * envs],
            keep: vec![1.0; (time + 1) * envs],
            hidden: vec![0.0; envs * agents * carry_dim],
        }
    }
}
