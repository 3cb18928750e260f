//! The input of critics.

use phalanx_core::env::EnvSpec;

use super::settings::{CriticInput, PolicyGradient};
use crate::rollout::InputLayout;
use crate::rollout::Rollout;

/// Layout of a critic's input, which is computed from a rollout.
pub(super) struct CriticLayout {
    input: CriticInput,
    death_masking: bool,
    agents: usize,
    state_dim: usize,
    obs_dim: usize,
    policy: InputLayout,
    /// The number of features that the last layer of the policy reads.
    features: usize,
    /// The indices of the observation's entries that the state lacks.
    private: Vec<usize>,
}

impl CriticLayout {
    pub(super) fn new(settings: &PolicyGradient, spec: &EnvSpec, inputs: InputLayout) -> Self {
        let private = match &spec.private_obs {
            Some(private) => private.clone(),
            None => (0..spec.obs_dim).collect(),
        };
        Self {
            input: settings.critic,
            death_masking: settings.death_masking,
            agents: spec.n_agents(),
            state_dim: spec.state_dim,
            obs_dim: spec.obs_dim,
            policy: inputs,
            features: settings.second_hidden_dim().unwrap_or(settings.rnn_hidden_dim),
            private,
        }
    }

    /// Returns the number of values per state: one per agent, or one for the team.
    pub(super) fn rows(&self) -> usize {
        if self.input == CriticInput::Joint { 1 } else { self.agents }
    }

    /// Returns the length of an input.
    pub(super) fn dim(&self) -> usize {
        match self.input {
            CriticInput::Observation => self.policy.dim(),
            CriticInput::State => self.state_dim + self.agents,
            CriticInput::AgentState => self.state_dim + self.private.len() + self.agents,
            CriticInput::Joint => self.state_dim,
            CriticInput::Shared => self.features,
        }
    }

    /// Returns whether the critic reads the same inputs as the agents.
    pub(super) fn uses_policy_inputs(&self) -> bool {
        self.input == CriticInput::Observation && !self.death_masking
    }

    /// Returns the inputs of a whole rollout, `[time + 1, env, critic row, dim]`; empty for a
    /// shared critic, whose inputs are computed later.
    pub(super) fn inputs(&self, rollout: &Rollout) -> Vec<f32> {
        let mut inputs = match self.input {
            CriticInput::Observation => rollout.input.clone(),
            CriticInput::Joint => return rollout.rows.state.clone(),
            CriticInput::Shared => return Vec::new(),
            CriticInput::State | CriticInput::AgentState => self.states(rollout),
        };
        if self.death_masking {
            let known = self.dim() - self.id_len();
            for (row, &alive) in inputs.chunks_exact_mut(self.dim()).zip(&rollout.rows.alive) {
                if !alive {
                    row[..known].fill(0.0);
                }
            }
        }
        inputs
    }

    /// Returns the length of the one-hot agent ID at the end of an input.
    fn id_len(&self) -> usize {
        match self.input {
            CriticInput::Observation if !self.policy.agent_id => 0,
            _ => self.agents,
        }
    }

    fn states(&self, rollout: &Rollout) -> Vec<f32> {
        let places = rollout.rows.state.chunks_exact(self.state_dim);
        let views = rollout.rows.obs.chunks_exact(self.agents * self.obs_dim);
        let mut out = Vec::with_capacity(places.len() * self.agents * self.dim());
        for (state, views) in places.zip(views) {
            for (agent, obs) in views.chunks_exact(self.obs_dim).enumerate() {
                out.extend_from_slice(state);
                if self.input == CriticInput::AgentState {
                    out.extend(self.private.iter().map(|&at| obs[at]));
                }
                out.extend((0..self.agents).map(|other| f32::from(u8::from(other == agent))));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout() -> (EnvSpec, InputLayout, Rollout) {
        let spec = EnvSpec {
            n_actions: 2,
            obs_dim: 3,
            state_dim: 2,
            private_obs: Some(vec![2]),
            ..EnvSpec::new("test", 2)
        };
        let inputs = InputLayout::new(&spec, false, true);
        let mut rollout = Rollout::new(&spec, inputs, 4, 1, 1);
        rollout.rows.obs = (0..12).map(|i| i as f32).collect();
        rollout.rows.state = vec![0.5, 0.6, 0.7, 0.8];
        rollout.rows.alive = vec![true, true, true, false];
        rollout.input = (0..20).map(|i| 100.0 + i as f32).collect();
        (spec, inputs, rollout)
    }

    fn read(settings: PolicyGradient) -> Vec<f32> {
        let (spec, inputs, rollout) = rollout();
        CriticLayout::new(&settings, &spec, inputs).inputs(&rollout)
    }

    #[test]
    fn an_agent_specific_state_adds_what_the_state_lacks_and_the_agent_id() {
        let critic = CriticInput::AgentState;
        let rows = read(PolicyGradient { critic, ..PolicyGradient::default() });
        assert_eq!(rows[..5], [0.5, 0.6, 2.0, 1.0, 0.0]);
        assert_eq!(rows[5..10], [0.5, 0.6, 5.0, 0.0, 1.0]);
        assert_eq!(rows[15..], [0.7, 0.8, 11.0, 0.0, 1.0]);
    }

    #[test]
    fn the_critic_input_of_a_dead_agent_is_only_its_agent_id() {
        let settings = PolicyGradient {
            critic: CriticInput::State,
            death_masking: true,
            ..PolicyGradient::default()
        };
        let rows = read(settings);
        assert_eq!(rows[8..12], [0.7, 0.8, 1.0, 0.0]);
        assert_eq!(rows[12..], [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_joint_critic_reads_the_state_once_and_an_independent_one_the_input_of_the_agent() {
        let joint = PolicyGradient { critic: CriticInput::Joint, ..PolicyGradient::default() };
        assert_eq!(read(joint), [0.5, 0.6, 0.7, 0.8]);
        assert_eq!(read(PolicyGradient::default()), rollout().2.input);
    }
}
