//! A policy and the memory of the agents that act by it.

use phalanx_core::env::{EnvError, pack, unpack};
use phalanx_core::nn::{Actor, Convolution, HiddenActivation, Normalisation, RnnKind, Scratch};

use super::inputs::InputLayout;

/// What is needed to act, and nothing else: the agent's network and the layout of its input.
///
/// The outputs are utilities (value learning) or logits (policy gradients); the greedy action is
/// the largest legal one in both.
#[derive(Clone)]
pub struct Policy {
    /// The network, on plain weights.
    pub actor: Actor,
    /// What it reads.
    pub inputs: InputLayout,
    /// What the network remembers with, if it does.
    pub recurrent: Option<RnnKind>,
    /// A convolution before the first layer.
    pub convolution: Option<Convolution>,
    /// Where its layers are normalised.
    pub normalisation: Normalisation,
    /// What follows its hidden layers.
    pub activation: HiddenActivation,
    /// The index of each agent's network among those of the actor.
    pub owners: Vec<usize>,
}

/// Agents in `n_envs` environments, with their recurrent memory.
pub struct Team {
    inputs: InputLayout,
    carry_dim: usize,
    /// `[env, agent, memory]`.
    hidden: Vec<f32>,
    /// `[env, agent]`.
    last_actions: Vec<u16>,
    /// `[env]`: no action was taken yet in this episode.
    fresh: Vec<bool>,
    /// The observations before the present one, `[env, agent, frames - 1, obs_dim]`.
    past: Vec<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
    scratch: Scratch,
}

impl Team {
    /// Agents before their first episode, with `carry_dim` numbers of memory each
    /// ([`Actor::carry_dim`]).
    pub fn new(inputs: InputLayout, carry_dim: usize, n_envs: usize) -> Self {
        let rows = n_envs * inputs.n_agents;
        Self {
            inputs,
            carry_dim,
            hidden: vec![0.0; rows * carry_dim],
            last_actions: vec![0; rows],
            fresh: vec![true; n_envs],
            past: vec![0.0; rows * (inputs.frames - 1) * inputs.obs_dim],
            input: vec![0.0; rows * inputs.dim()],
            output: vec![0.0; rows * inputs.n_actions],
            scratch: Scratch::default(),
        }
    }

    /// The agents of environment `env` forget everything: an episode begins.
    pub fn begin(&mut self, env: usize) {
        let agents = self.inputs.n_agents;
        let size = agents * self.carry_dim;
        self.hidden[env * size..(env + 1) * size].fill(0.0);
        self.fresh[env] = true;
    }

    /// Writes the inputs for observations `[env, agent, obs_dim]`; they are `[env, agent, dim]`.
    pub fn look(&mut self, obs: &[f32]) -> &[f32] {
        let agents = self.inputs.n_agents;
        let per_env = agents * self.inputs.dim();
        let obs = obs.chunks_exact(agents * self.inputs.obs_dim);
        for (env, (input, obs)) in self.input.chunks_exact_mut(per_env).zip(obs).enumerate() {
            let last = &self.last_actions[env * agents..(env + 1) * agents];
            self.inputs.write(obs, (!self.fresh[env]).then_some(last), input);
            let before = (self.inputs.frames - 1) * self.inputs.obs_dim;
            if before > 0 && !self.fresh[env] {
                let past = self.past.chunks_exact(before).skip(env * agents);
                for (row, past) in input.chunks_exact_mut(self.inputs.dim()).zip(past) {
                    row[..before].copy_from_slice(past);
                }
            }
        }
        &self.input
    }

    /// Runs the network on observations `[env, agent, obs_dim]`; the outputs are
    /// `[env, agent, n_actions]`.
    pub fn think(&mut self, actor: &Actor, obs: &[f32]) -> &[f32] {
        self.look(obs);
        actor.step(&self.input, &mut self.hidden, &mut self.output, &mut self.scratch);
        &self.output
    }

    /// Remembers the actions `[agent]` taken in environment `env` after its last
    /// [`Team::look`] or [`Team::think`], and what was seen then.
    pub fn remember(&mut self, env: usize, actions: &[u16]) {
        let agents = self.inputs.n_agents;
        let before = (self.inputs.frames - 1) * self.inputs.obs_dim;
        if before > 0 {
            let rows = self.input.chunks_exact(self.inputs.dim()).skip(env * agents).take(agents);
            let past = self.past.chunks_exact_mut(before).skip(env * agents);
            for (past, row) in past.zip(rows) {
                past.copy_from_slice(&row[self.inputs.obs_dim..self.inputs.view_dim()]);
            }
        }
        self.last_actions[env * agents..(env + 1) * agents].copy_from_slice(actions);
        self.fresh[env] = false;
    }

    /// The recurrent memory, `[env, agent, memory]`.
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// The inputs of the last [`Team::look`] or [`Team::think`], `[env, agent, dim]`.
    pub fn inputs(&self) -> &[f32] {
        &self.input
    }

    /// Appends the agents' memory to `out`.
    pub fn save(&self, out: &mut Vec<u8>) {
        pack(&(&self.hidden, &self.last_actions, &self.fresh, &self.past), out);
    }

    /// Takes over a memory written by [`Team::save`] of a team of the same size.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a memory.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let what = "the memory of a team";
        type Saved = (Vec<f32>, Vec<u16>, Vec<bool>, Vec<f32>);
        let (hidden, last_actions, fresh, past): Saved = unpack(what, bytes)?;
        let same = hidden.len() == self.hidden.len() && fresh.len() == self.fresh.len();
        if !same || past.len() != self.past.len() {
            let reason = "it belongs to a team of another size".to_owned();
            return Err(EnvError::BadState { what: what.to_owned(), reason });
        }
        (self.hidden, self.last_actions, self.fresh) = (hidden, last_actions, fresh);
        self.past = past;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::env::EnvSpec;

    #[test]
    fn the_last_observations_stand_in_the_input_and_an_episode_begins_with_its_first() {
        let spec = EnvSpec { n_actions: 2, obs_dim: 1, ..EnvSpec::new("test", 2) };
        let inputs = InputLayout::new(&spec, false, false).stacked(3);
        let mut team = Team::new(inputs, 1, 2);
        // Two environments with two agents each.
        assert_eq!(team.look(&[1.0, 2.0, 5.0, 6.0])[..3], [1.0, 1.0, 1.0]);
        team.remember(0, &[0, 0]);
        team.remember(1, &[0, 0]);
        let second = [1.0, 1.0, 10.0, 2.0, 2.0, 20.0, 5.0, 5.0, 50.0, 6.0, 6.0, 60.0];
        assert_eq!(team.look(&[10.0, 20.0, 50.0, 60.0]), second);
        // To look twice changes nothing.
        assert_eq!(team.look(&[10.0, 20.0, 50.0, 60.0]), second);
        team.remember(0, &[0, 0]);
        let mut saved = Vec::new();
        team.save(&mut saved);
        team.begin(1);
        let third = [1.0, 10.0, 100.0, 2.0, 20.0, 200.0, 7.0, 7.0, 7.0, 8.0, 8.0, 8.0];
        assert_eq!(team.look(&[100.0, 200.0, 7.0, 8.0]), third);
        team.load(&saved).expect("it was just saved");
        assert_eq!(team.look(&[100.0, 200.0, 7.0, 8.0])[6..9], [5.0, 5.0, 7.0]);
    }
}
