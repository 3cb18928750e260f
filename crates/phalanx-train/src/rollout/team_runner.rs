//! Runs the agents' networks in a batch of environments.

use phalanx_core::env::{EnvError, pack, unpack};
use phalanx_core::nn::{Actor, Scratch};

use super::inputs::InputLayout;
use super::select::{greedy, select_each};

/// The agents of `n_envs` environments, with their hidden states and last actions.
pub struct TeamRunner {
    inputs: InputLayout,
    carry_dim: usize,
    /// `[env, agent, carry]`.
    hidden: Vec<f32>,
    /// `[env, agent]`.
    last_actions: Vec<u16>,
    /// `[env]`: whether no action has been taken in this episode yet.
    first_step: Vec<bool>,
    /// The previous observations, `[env, agent, frames - 1, obs_dim]`.
    frame_history: Vec<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
    scratch: Scratch,
}

impl TeamRunner {
    /// Creates agents before their first episode, with hidden states of length `carry_dim`
    /// ([`Actor::carry_dim`]).
    pub fn new(inputs: InputLayout, carry_dim: usize, n_envs: usize) -> Self {
        let rows = n_envs * inputs.n_agents;
        Self {
            inputs,
            carry_dim,
            hidden: vec![0.0; rows * carry_dim],
            last_actions: vec![0; rows],
            first_step: vec![true; n_envs],
            frame_history: vec![0.0; rows * (inputs.frames - 1) * inputs.obs_dim],
            input: vec![0.0; rows * inputs.dim()],
            output: vec![0.0; rows * inputs.n_actions],
            scratch: Scratch::default(),
        }
    }

    /// Resets the agents of environment `env` at the start of an episode.
    pub fn reset(&mut self, env: usize) {
        let agents = self.inputs.n_agents;
        let size = agents * self.carry_dim;
        self.hidden[env * size..(env + 1) * size].fill(0.0);
        self.first_step[env] = true;
    }

    /// Returns the network inputs, `[env, agent, dim]`, for observations `[env, agent, obs_dim]`.
    ///
    /// # Panics
    ///
    /// Panics if `obs` has another length.
    pub fn encode(&mut self, obs: &[f32]) -> &[f32] {
        let agents = self.inputs.n_agents;
        let (envs, obs_dim) = (self.first_step.len(), self.inputs.obs_dim);
        assert_eq!(
            obs.len(),
            envs * agents * obs_dim,
            "observations are [{envs} environments, {agents} agents, {obs_dim} numbers]"
        );
        let per_env = agents * self.inputs.dim();
        let obs = obs.chunks_exact(agents * self.inputs.obs_dim);
        for (env, (input, obs)) in self.input.chunks_exact_mut(per_env).zip(obs).enumerate() {
            let last = &self.last_actions[env * agents..(env + 1) * agents];
            self.inputs.write(obs, (!self.first_step[env]).then_some(last), input);
            let before = (self.inputs.frames - 1) * self.inputs.obs_dim;
            if before > 0 && !self.first_step[env] {
                let frame_history = self.frame_history.chunks_exact(before).skip(env * agents);
                for (row, frame_history) in
                    input.chunks_exact_mut(self.inputs.dim()).zip(frame_history)
                {
                    row[..before].copy_from_slice(frame_history);
                }
            }
        }
        &self.input
    }

    /// Returns the network outputs, `[env, agent, n_actions]`, of observations,
    /// `[env, agent, obs_dim]`, and updates the hidden states.
    ///
    /// # Panics
    ///
    /// Panics if `obs` has another length, or if `actor` does not fit the layout of the inputs.
    pub fn forward(&mut self, actor: &Actor, obs: &[f32]) -> &[f32] {
        self.encode(obs);
        actor.step(&self.input, &mut self.hidden, &mut self.output, &mut self.scratch);
        &self.output
    }

    /// Chooses and records the greedy actions, `[env, agent]`, in every environment with `playing[env]`.
    /// `obs` is `[env, agent, obs_dim]` and `avail` is `[env, agent, n_actions]`; other environments keep
    /// their actions.
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length, or if an agent of such an environment has no available
    /// action.
    pub fn act_greedily(
        &mut self,
        actor: &Actor,
        obs: &[f32],
        avail: &[bool],
        playing: &[bool],
        actions: &mut [u16],
    ) {
        let (agents, n_actions) = (self.inputs.n_agents, self.inputs.n_actions);
        let envs = self.first_step.len();
        assert_eq!(playing.len(), envs, "`playing` is [env]");
        assert_eq!(actions.len(), envs * agents, "actions are [env, agent]");
        assert_eq!(avail.len(), self.output.len(), "masks are [env, agent, n_actions]");
        self.forward(actor, obs);
        for env in (0..envs).filter(|&env| playing[env]) {
            let chosen = &mut actions[env * agents..(env + 1) * agents];
            let row = env * agents * n_actions..(env + 1) * agents * n_actions;
            select_each(&self.output[row.clone()], &avail[row], chosen, greedy);
            self.record_actions(env, chosen);
        }
    }

    /// Records the actions `[agent]` taken in environment `env` after the last
    /// [`TeamRunner::encode`] or [`TeamRunner::forward`], and the observations of that call.
    ///
    /// # Panics
    ///
    /// Panics if there is no such environment, or if `actions` does not hold one action per agent.
    pub fn record_actions(&mut self, env: usize, actions: &[u16]) {
        let agents = self.inputs.n_agents;
        let before = (self.inputs.frames - 1) * self.inputs.obs_dim;
        if before > 0 {
            let rows = self.input.chunks_exact(self.inputs.dim()).skip(env * agents).take(agents);
            let frame_history = self.frame_history.chunks_exact_mut(before).skip(env * agents);
            for (frame_history, row) in frame_history.zip(rows) {
                frame_history.copy_from_slice(&row[self.inputs.obs_dim..self.inputs.view_dim()]);
            }
        }
        self.last_actions[env * agents..(env + 1) * agents].copy_from_slice(actions);
        self.first_step[env] = false;
    }

    /// Returns the hidden states, `[env, agent, carry]`.
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// Returns the outputs of the last [`TeamRunner::forward`], `[env, agent, n_actions]`.
    pub fn outputs(&self) -> &[f32] {
        &self.output
    }

    /// Returns the inputs of the last [`TeamRunner::encode`] or [`TeamRunner::forward`],
    /// `[env, agent, dim]`.
    pub fn inputs(&self) -> &[f32] {
        &self.input
    }

    /// Appends the state of all agents to `out`.
    pub fn save(&self, out: &mut Vec<u8>) {
        pack(&(&self.hidden, &self.last_actions, &self.first_step, &self.frame_history), out);
    }

    /// Restores a state written by [`TeamRunner::save`] for a team of the same size.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are damaged or belong to a team of another size.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let what = "the agents of a rollout";
        type Saved = (Vec<f32>, Vec<u16>, Vec<bool>, Vec<f32>);
        let (hidden, last_actions, first_step, frame_history): Saved = unpack(what, bytes)?;
        let same = hidden.len() == self.hidden.len()
            && first_step.len() == self.first_step.len()
            && last_actions.len() == self.last_actions.len()
            && last_actions.iter().all(|&action| usize::from(action) < self.inputs.n_actions);
        if !same || frame_history.len() != self.frame_history.len() {
            let reason = "it belongs to a team of another size".to_owned();
            return Err(EnvError::BadState { what: what.to_owned(), reason });
        }
        (self.hidden, self.last_actions, self.first_step) = (hidden, last_actions, first_step);
        self.frame_history = frame_history;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::env::EnvSpec;

    #[test]
    fn the_input_stacks_the_last_observations_and_repeats_the_first_at_the_start() {
        let spec = EnvSpec { n_actions: 2, obs_dim: 1, ..EnvSpec::new("test", 2) };
        let inputs = InputLayout::new(&spec, false, false).stacked(3);
        let mut team = TeamRunner::new(inputs, 1, 2);
        // Two environments with two agents each.
        assert_eq!(team.encode(&[1.0, 2.0, 5.0, 6.0])[..3], [1.0, 1.0, 1.0]);
        team.record_actions(0, &[0, 0]);
        team.record_actions(1, &[0, 0]);
        let second = [1.0, 1.0, 10.0, 2.0, 2.0, 20.0, 5.0, 5.0, 50.0, 6.0, 6.0, 60.0];
        assert_eq!(team.encode(&[10.0, 20.0, 50.0, 60.0]), second);
        // Encoding twice changes nothing.
        assert_eq!(team.encode(&[10.0, 20.0, 50.0, 60.0]), second);
        team.record_actions(0, &[0, 0]);
        let mut saved = Vec::new();
        team.save(&mut saved);
        team.reset(1);
        let third = [1.0, 10.0, 100.0, 2.0, 20.0, 200.0, 7.0, 7.0, 7.0, 8.0, 8.0, 8.0];
        assert_eq!(team.encode(&[100.0, 200.0, 7.0, 8.0]), third);
        team.load(&saved).expect("it was just saved");
        assert_eq!(team.encode(&[100.0, 200.0, 7.0, 8.0])[6..9], [5.0, 5.0, 7.0]);
    }

    #[test]
    fn observations_of_a_wrong_length_are_never_replaced_by_earlier_ones() {
        let spec = EnvSpec { n_actions: 2, obs_dim: 3, ..EnvSpec::new("test", 2) };
        let mut team = TeamRunner::new(InputLayout::new(&spec, true, true), 1, 1);
        team.encode(&[0.5; 6]);
        for length in [0, 3, 5, 7, 12] {
            let encode = std::panic::AssertUnwindSafe(|| {
                team.encode(&vec![0.5; length]);
            });
            let panic = std::panic::catch_unwind(encode).expect_err("a wrong length");
            let message = panic.downcast_ref::<String>().expect("a message");
            assert!(message.contains("[1 environments, 2 agents, 3 numbers]"), "{message}");
        }
    }

    #[test]
    fn a_saved_action_that_does_not_exist_is_not_loaded() {
        let spec = EnvSpec { n_actions: 2, obs_dim: 1, ..EnvSpec::new("test", 2) };
        let mut team = TeamRunner::new(InputLayout::new(&spec, true, false), 1, 1);
        for (actions, loads) in [(vec![1_u16, 0], true), (vec![2, 0], false), (vec![1], false)] {
            let state = (vec![0.0_f32; 2], actions, vec![false], Vec::<f32>::new());
            let mut bytes = Vec::new();
            pack(&state, &mut bytes);
            assert_eq!(team.load(&bytes).is_ok(), loads, "{state:?}");
        }
    }
}
