//! Episodes side by side, in the layout learners compute with.

use phalanx_core::rl::EpisodeStep;

use super::episode::Episode;
use crate::collect::InputLayout;

/// `episodes` padded to the longest of them and turned time-major.
///
/// A row of the network is an agent of an episode: `row = episode * n_agents + agent`.
#[derive(Clone, Debug, PartialEq)]
pub struct EpisodeBatch {
    /// The length of the longest episode.
    pub time: usize,
    /// The number of episodes.
    pub episodes: usize,
    /// Network inputs, `[time + 1, row, dim]`.
    pub input: Vec<f32>,
    /// States, `[time + 1, episode, state_dim]`.
    pub state: Vec<f32>,
    /// Available actions, `[time + 1, row, n_actions]`; all `true` in the padding.
    pub avail: Vec<bool>,
    /// Actions, `[time + 1, row]`; zero in the padding and at the last time.
    pub actions: Vec<i32>,
    /// Rewards and ends, `[time, episode]`.
    pub steps: Vec<EpisodeStep>,
}

impl EpisodeBatch {
    /// Lays the episodes side by side.
    pub fn new(episodes: &[&Episode], inputs: InputLayout) -> Self {
        let n = episodes.len();
        let agents = inputs.n_agents;
        let time = episodes.iter().map(|episode| episode.len).max().unwrap_or(0);
        let state_dim =
            episodes.first().map_or(0, |episode| episode.state.len() / (episode.len + 1));
        let (per_input, per_avail) = (agents * inputs.dim(), agents * inputs.n_actions);
        let per_obs = agents * inputs.obs_dim;
        let padding = EpisodeStep { reward: 0.0, terminated: false, valid: false };
        let mut batch = Self {
            time,
            episodes: n,
            input: vec![0.0; (time + 1) * n * per_input],
            state: vec![0.0; (time + 1) * n * state_dim],
            avail: vec![true; (time + 1) * n * per_avail],
            actions: vec![0; (time + 1) * n * agents],
            steps: vec![padding; time * n],
        };
        for (row, episode) in episodes.iter().enumerate() {
            for t in 0..=episode.len {
                let at = t * n + row;
                let last = (t > 0).then(|| &episode.actions[(t - 1) * agents..t * agents]);
                let obs = &episode.obs[t * per_obs..(t + 1) * per_obs];
                inputs.write(obs, last, &mut batch.input[at * per_input..(at + 1) * per_input]);
                batch.state[at * state_dim..(at + 1) * state_dim]
                    .copy_from_slice(&episode.state[t * state_dim..(t + 1) * state_dim]);
                batch.avail[at * per_avail..(at + 1) * per_avail]
                    .copy_from_slice(&episode.avail[t * per_avail..(t + 1) * per_avail]);
            }
            for t in 0..episode.len {
                let at = t * n + row;
                let taken = &episode.actions[t * agents..(t + 1) * agents];
                for (slot, &action) in batch.actions[at * agents..].iter_mut().zip(taken) {
                    *slot = i32::from(action);
                }
                batch.steps[at] = EpisodeStep {
                    reward: episode.reward[t],
                    terminated: episode.terminated && t + 1 == episode.len,
                    valid: true,
                };
            }
        }
        batch
    }
}
