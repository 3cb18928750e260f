//! A finished episode.

use phalanx_core::env::{EnvSpec, StepRows};
use serde::{Deserialize, Serialize};

/// A finished episode of `len` steps, stored without padding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// The number of steps.
    pub len: usize,
    /// Observations, `[len + 1, agent, obs_dim]`.
    pub obs: Vec<f32>,
    /// States, `[len + 1, state_dim]`.
    pub state: Vec<f32>,
    /// Available actions, `[len + 1, agent, n_actions]`.
    pub avail: Vec<bool>,
    /// Actions, `[len, agent]`.
    pub actions: Vec<u16>,
    /// Rewards, `[len]`.
    pub reward: Vec<f32>,
    /// The agents' own rewards, `[len, agent]`; empty if the environment has none.
    pub agent_reward: Vec<f32>,
    /// Whether the last step terminated the episode; otherwise it was truncated.
    pub terminated: bool,
}

impl Episode {
    /// Copies the first `len` steps of environment `env` from rows that start with the episode;
    /// `actions` is `[time, env, agent]`.
    pub fn from_rows(
        spec: &EnvSpec,
        rows: &StepRows,
        actions: &[u16],
        env: usize,
        len: usize,
        terminated: bool,
    ) -> Self {
        fn column<T: Copy>(
            all: &[T],
            times: std::ops::Range<usize>,
            n_envs: usize,
            env: usize,
            size: usize,
        ) -> Vec<T> {
            let mut out = Vec::with_capacity(times.len() * size);
            for t in times {
                out.extend_from_slice(&all[(t * n_envs + env) * size..][..size]);
            }
            out
        }
        let n = rows.n_envs;
        Self {
            len,
            obs: column(&rows.obs, 0..len + 1, n, env, spec.obs_len()),
            state: column(&rows.state, 0..len + 1, n, env, spec.state_dim),
            avail: column(&rows.avail, 0..len + 1, n, env, spec.avail_len()),
            actions: column(actions, 0..len, n, env, spec.n_agents()),
            reward: column(&rows.reward, 1..len + 1, n, env, 1),
            agent_reward: column(&rows.agent_rewards, 1..len + 1, n, env, spec.agent_rewards_len()),
            terminated,
        }
    }
}
