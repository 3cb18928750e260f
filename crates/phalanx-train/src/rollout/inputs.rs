//! The input of an agent's network: observation, last action, agent ID.

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};

/// The layout of an agent's input: `observation | last action (one-hot) | agent ID (one-hot)`. The
/// observation may be a stack of the last `frames` observations, oldest first; before the first one
/// of an episode, it is repeated.
///
/// The trainer, not the environment, appends the last action and the agent ID (PyMARL's
/// `obs_last_action` and `obs_agent_id`), so that agents can share parameters in any environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputLayout {
    /// The length of the observation.
    pub obs_dim: usize,
    /// The number of actions.
    pub n_actions: usize,
    /// The number of agents.
    pub n_agents: usize,
    /// Whether the last action is appended.
    pub last_action: bool,
    /// Whether the agent's ID is appended.
    pub agent_id: bool,
    /// The number of stacked observations, including the current one.
    #[serde(default = "one")]
    pub frames: usize,
}

fn one() -> usize {
    1
}

impl InputLayout {
    /// Creates the layout for an environment, with one frame.
    pub fn new(spec: &EnvSpec, last_action: bool, agent_id: bool) -> Self {
        Self {
            obs_dim: spec.obs_dim,
            n_actions: spec.n_actions,
            n_agents: spec.n_agents(),
            last_action,
            agent_id,
            frames: 1,
        }
    }

    /// Returns the same layout with a stack of `frames` observations.
    pub fn stacked(self, frames: usize) -> Self {
        Self { frames, ..self }
    }

    /// Returns the length of the stacked observations.
    pub fn view_dim(&self) -> usize {
        self.frames * self.obs_dim
    }

    /// Returns the length of the input.
    pub fn dim(&self) -> usize {
        let last = if self.last_action { self.n_actions } else { 0 };
        let id = if self.agent_id { self.n_agents } else { 0 };
        self.view_dim() + last + id
    }

    /// Writes the inputs of all agents of one environment, `[agent, dim]`, at the first step of an
    /// episode or without stacked observations.
    ///
    /// `obs` is `[agent, obs_dim]`; `last_actions` is `[agent]`, or `None` before the first action
    /// of an episode, whose one-hot part is zero.
    ///
    /// # Panics
    ///
    /// Panics if `obs` and `input` hold different numbers of agents.
    pub fn write(&self, obs: &[f32], last_actions: Option<&[u16]>, input: &mut [f32]) {
        let agents = input.len() / self.dim();
        assert_eq!(obs.len(), agents * self.obs_dim, "observations are [agent, obs_dim]");
        let rows = input.chunks_exact_mut(self.dim()).zip(obs.chunks_exact(self.obs_dim));
        for (row, obs) in rows {
            row[..self.view_dim()]
                .chunks_exact_mut(self.obs_dim)
                .for_each(|to| to.copy_from_slice(obs));
        }
        self.write_tail(last_actions, input);
    }

    /// Writes the last actions and agent IDs into the inputs of all agents of one environment,
    /// `[agent, dim]`; for `last_actions` see [`InputLayout::write`].
    pub fn write_tail(&self, last_actions: Option<&[u16]>, input: &mut [f32]) {
        for (agent, row) in input.chunks_exact_mut(self.dim()).enumerate() {
            let mut tail = &mut row[self.view_dim()..];
            tail.fill(0.0);
            if self.last_action {
                let (last, ids) = tail.split_at_mut(self.n_actions);
                if let Some(actions) = last_actions {
                    last[usize::from(actions[agent])] = 1.0;
                }
                tail = ids;
            }
            if self.agent_id {
                tail[agent] = 1.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_observation_then_last_action_then_agent() {
        let spec = EnvSpec { obs_dim: 2, n_actions: 3, ..EnvSpec::new("test", 2) };
        let layout = InputLayout::new(&spec, true, true);
        let mut input = vec![9.0; 2 * layout.dim()];
        layout.write(&[0.1, 0.2, 0.3, 0.4], Some(&[2, 0]), &mut input);
        let expected = [0.1, 0.2, 0.0, 0.0, 1.0, 1.0, 0.0, 0.3, 0.4, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(input, expected);
        layout.write(&[0.1, 0.2, 0.3, 0.4], None, &mut input);
        assert_eq!(input[2..5], [0.0; 3]);
    }
}
