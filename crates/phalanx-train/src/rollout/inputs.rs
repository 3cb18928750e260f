//! What an agent's network reads: the observation, the last action, the agent's number.

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};

/// The input of an agent's network: `observation | last action (one-hot) | agent (one-hot)`. In place
/// of the observation may stand the last few of them, the oldest first; before there were so many,
/// the first one of the episode is repeated.
///
/// The last two are appended here and not by the environment (PyMARL's `obs_last_action` and
/// `obs_agent_id`), so that agents can share parameters on any environment.
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
    /// Whether the agent's number is appended.
    pub agent_id: bool,
    /// The number of observations, the present one included.
    #[serde(default = "one")]
    pub frames: usize,
}

fn one() -> usize {
    1
}

impl InputLayout {
    /// The layout for an environment.
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

    /// The same with the last `frames` observations.
    pub fn stacked(self, frames: usize) -> Self {
        Self { frames, ..self }
    }

    /// The length of the observations in an input.
    pub fn view_dim(&self) -> usize {
        self.frames * self.obs_dim
    }

    /// The length of the input.
    pub fn dim(&self) -> usize {
        let last = if self.last_action { self.n_actions } else { 0 };
        let id = if self.agent_id { self.n_agents } else { 0 };
        self.view_dim() + last + id
    }

    /// Writes the inputs of all agents of one environment, `[agent, dim]`, in the first step of an
    /// episode or where there is one frame.
    ///
    /// `obs` is `[agent, obs_dim]`; `last_actions` is `[agent]`, or `None` before the first action
    /// of an episode (the one-hot is then zero).
    pub fn write(&self, obs: &[f32], last_actions: Option<&[u16]>, input: &mut [f32]) {
        let rows = input.chunks_exact_mut(self.dim()).zip(obs.chunks_exact(self.obs_dim));
        for (row, obs) in rows {
            row[..self.view_dim()]
                .chunks_exact_mut(self.obs_dim)
                .for_each(|to| to.copy_from_slice(obs));
        }
        self.write_rest(last_actions, input);
    }

    /// Writes what stands behind the observations in the inputs of all agents of one environment,
    /// `[agent, dim]`; `last_actions` as in [`InputLayout::write`].
    pub fn write_rest(&self, last_actions: Option<&[u16]>, input: &mut [f32]) {
        for (agent, row) in input.chunks_exact_mut(self.dim()).enumerate() {
            let mut rest = &mut row[self.view_dim()..];
            rest.fill(0.0);
            if self.last_action {
                let (last, ids) = rest.split_at_mut(self.n_actions);
                if let Some(actions) = last_actions {
                    last[usize::from(actions[agent])] = 1.0;
                }
                rest = ids;
            }
            if self.agent_id {
                rest[agent] = 1.0;
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
