//! A rollout: a fixed number of steps of every environment, for on-policy learning.

use phalanx_core::env::{EnvSpec, StepRows};
use phalanx_core::rl::EpisodeStep;

use super::inputs::InputLayout;

/// `time` consecutive steps of `envs` environments, across the ends of episodes.
///
/// After a truncation, the next time step holds the last observation of the episode and is padding:
/// no agent acts in it. Every bootstrap value therefore has its place in the sequence, with the
/// matching hidden state.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// The number of time steps.
    pub time: usize,
    /// The number of environments.
    pub envs: usize,
    /// The number of agents.
    pub agents: usize,
    /// The rows that the environments wrote, `[time + 1, env, …]`.
    pub rows: StepRows,
    /// Network inputs, `[time + 1, env, agent, dim]`.
    pub input: Vec<f32>,
    /// Actions, `[time, env, agent]`.
    pub actions: Vec<u16>,
    /// Rewards, statuses and the padding mask, `[time, env]`.
    pub steps: Vec<EpisodeStep>,
    /// Zero where an episode begins at this time step, otherwise one, `[time + 1, env]`.
    pub not_reset: Vec<f32>,
    /// The actors' hidden states before the first step, `[env, agent, carry]`.
    pub hidden: Vec<f32>,
}

impl Rollout {
    /// Creates an empty rollout.
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
            rows: StepRows::new(spec, envs, time + 1),
            input: vec![0.0; (time + 1) * envs * agents * inputs.dim()],
            actions: vec![0; time * envs * agents],
            steps: vec![EpisodeStep { filled: true, ..EpisodeStep::PADDING }; time * envs],
            not_reset: vec![1.0; (time + 1) * envs],
            hidden: vec![0.0; envs * agents * carry_dim],
        }
    }
}
