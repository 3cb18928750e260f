//! Batches of episodes in the layout of the learners.

use phalanx_core::env::StepStatus;
use phalanx_core::rl::EpisodeStep;

use super::packed_episode::PackedEpisode;
use super::sample::{Sample, Window};
use crate::rollout::InputLayout;

/// Windows of episodes, time-major, padded to at least the length of the longest one.
///
/// A row of the agents' networks is an agent of an episode, `row = episode * n_agents + agent`.
/// Time zero is the first step of a window. One more observation follows the last step of a window,
/// to bootstrap from unless the episode terminated.
#[derive(Clone, Debug, PartialEq)]
pub struct EpisodeBatch {
    /// The number of time steps: at least the length of the longest window.
    pub time: usize,
    /// The number of episodes.
    pub episodes: usize,
    /// Network inputs, `[time + 1, row, dim]`.
    pub input: Vec<f32>,
    /// States, `[time + 1, episode, state_dim]`.
    pub state: Vec<f32>,
    /// Available actions, `[time + 1, row, n_actions]`; all `true` in padding.
    pub avail: Vec<bool>,
    /// Actions, `[time + 1, row]`; zero in padding and at the last time.
    pub actions: Vec<i32>,
    /// Rewards, statuses and the padding mask, `[time, episode]`.
    pub steps: Vec<EpisodeStep>,
    /// The agents' own rewards, `[time, row]`; zero in padding, and empty if an episode has none.
    pub agent_reward: Vec<f32>,
    /// The indices of the episodes in the replay buffer, `[episode]`.
    pub indices: Vec<u64>,
    /// The weights of the episodes' losses, `[episode]`.
    pub weights: Vec<f32>,
}

impl EpisodeBatch {
    /// Creates a batch from the windows of a sample.
    pub fn new(sample: &Sample<'_>, inputs: InputLayout) -> Self {
        Self::padded(sample, inputs, 1)
    }

    /// Creates a batch from the windows of a sample, padded to a multiple of `padding_multiple`
    /// steps.
    pub fn padded(sample: &Sample<'_>, inputs: InputLayout, padding_multiple: usize) -> Self {
        let n = sample.episodes.len();
        let agents = inputs.n_agents;
        let time = sample.windows.iter().map(|window| window.len).max().unwrap_or(0);
        let time = time.next_multiple_of(padding_multiple);
        let state_dim =
            sample.episodes.first().map_or(0, |episode| episode.state.len() / (episode.len + 1));
        let has_agent_rewards = sample
            .episodes
            .iter()
            .all(|episode| episode.agent_reward.len() == episode.len * agents);

        let mut batch = Self {
            time,
            episodes: n,
            input: vec![0.0; (time + 1) * n * agents * inputs.dim()],
            state: vec![0.0; (time + 1) * n * state_dim],
            avail: vec![true; (time + 1) * n * agents * inputs.n_actions],
            actions: vec![0; (time + 1) * n * agents],
            steps: vec![EpisodeStep::PADDING; time * n],
            agent_reward: vec![0.0; if has_agent_rewards { time * n * agents } else { 0 }],
            indices: sample.indices.clone(),
            weights: sample.weights.clone(),
        };
        for (column, (episode, &window)) in sample.episodes.iter().zip(&sample.windows).enumerate()
        {
            batch.write_observations(column, episode, window, inputs);
            batch.write_steps(column, episode, window, agents);
        }
        batch
    }

    /// Writes an episode's inputs, states and masks.
    fn write_observations(
        &mut self,
        column: usize,
        episode: &PackedEpisode,
        window: Window,
        inputs: InputLayout,
    ) {
        let (n, agents) = (self.episodes, inputs.n_agents);
        let state_dim = episode.state.len() / (episode.len + 1);
        let per_avail = agents * inputs.n_actions;
        let per_input = agents * inputs.dim();
        let mut obs = episode.obs.reader(window.start * agents * inputs.obs_dim);
        let mut state = episode.state.reader(window.start * state_dim);
        let mut last = vec![0; agents];
        for (at, t) in (window.start..=window.start + window.len).enumerate() {
            let at = at * n + column;
            let rows = &mut self.input[at * per_input..(at + 1) * per_input];
            for row in rows.chunks_exact_mut(inputs.dim()) {
                obs.read(&mut row[..inputs.obs_dim]);
            }
            if t > 0 {
                episode.actions((t - 1) * agents, &mut last);
            }
            inputs.write_tail((t > 0).then_some(last.as_slice()), rows);
            state.read(&mut self.state[at * state_dim..(at + 1) * state_dim]);
            episode
                .avail
                .unpack(t * per_avail, &mut self.avail[at * per_avail..(at + 1) * per_avail]);
        }
    }

    /// Writes an episode's actions, rewards and statuses.
    fn write_steps(
        &mut self,
        column: usize,
        episode: &PackedEpisode,
        window: Window,
        agents: usize,
    ) {
        let mut taken = vec![0; agents];
        for (at, t) in (window.start..window.start + window.len).enumerate() {
            let at = at * self.episodes + column;
            episode.actions(t * agents, &mut taken);
            for (slot, &action) in self.actions[at * agents..].iter_mut().zip(&taken) {
                *slot = i32::from(action);
            }
            let status = match (t + 1 == episode.len, episode.terminated) {
                (false, _) => StepStatus::Running,
                (true, true) => StepStatus::Terminated,
                (true, false) => StepStatus::Truncated,
            };
            self.steps[at] = EpisodeStep { reward: episode.reward[t], status, filled: true };
            if !self.agent_reward.is_empty() {
                self.agent_reward[at * agents..(at + 1) * agents]
                    .copy_from_slice(&episode.agent_reward[t * agents..(t + 1) * agents]);
            }
        }
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
