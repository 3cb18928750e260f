//! A policy and the memory of the agents that act by it.

use phalanx_core::env::{EnvError, pack, unpack};
use phalanx_core::nn::{Actor, Scratch};

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
    /// Whether the network remembers.
    pub recurrent: bool,
    /// Whether its first layer is followed by layer normalisation.
    pub layer_norm: bool,
    /// The index of each agent's network among those of the actor.
    pub owners: Vec<usize>,
}

/// Agents in `n_envs` environments, with their recurrent memory.
pub struct Team {
    inputs: InputLayout,
    hidden_dim: usize,
    /// `[env, agent, hidden]`.
    hidden: Vec<f32>,
    /// `[env, agent]`.
    last_actions: Vec<u16>,
    /// `[env]`: no action was taken yet in this episode.
    fresh: Vec<bool>,
    input: Vec<f32>,
    output: Vec<f32>,
    scratch: Scratch,
}

impl Team {
    /// Agents before their first episode.
    pub fn new(inputs: InputLayout, hidden_dim: usize, n_envs: usize) -> Self {
        let rows = n_envs * inputs.n_agents;
        Self {
            inputs,
            hidden_dim,
            hidden: vec![0.0; rows * hidden_dim],
            last_actions: vec![0; rows],
            fresh: vec![true; n_envs],
            input: vec![0.0; rows * inputs.dim()],
            output: vec![0.0; rows * inputs.n_actions],
            scratch: Scratch::default(),
        }
    }

    /// The agents of environment `env` forget everything: an episode begins.
    pub fn begin(&mut self, env: usize) {
        let agents = self.inputs.n_agents;
        let size = agents * self.hidden_dim;
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

    /// Remembers the actions `[agent]` taken in environment `env`.
    pub fn remember(&mut self, env: usize, actions: &[u16]) {
        let agents = self.inputs.n_agents;
        self.last_actions[env * agents..(env + 1) * agents].copy_from_slice(actions);
        self.fresh[env] = false;
    }

    /// The recurrent memory, `[env, agent, hidden]`.
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// The inputs of the last [`Team::look`] or [`Team::think`], `[env, agent, dim]`.
    pub fn inputs(&self) -> &[f32] {
        &self.input
    }

    /// Appends the agents' memory to `out`.
    pub fn save(&self, out: &mut Vec<u8>) {
        pack(&(&self.hidden, &self.last_actions, &self.fresh), out);
    }

    /// Takes over a memory written by [`Team::save`] of a team of the same size.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a memory.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let what = "the memory of a team";
        let (hidden, last_actions, fresh): (Vec<f32>, Vec<u16>, Vec<bool>) = unpack(what, bytes)?;
        if hidden.len() != self.hidden.len() || fresh.len() != self.fresh.len() {
            let reason = "it belongs to a team of another size".to_owned();
            return Err(EnvError::BadState { what: what.to_owned(), reason });
        }
        (self.hidden, self.last_actions, self.fresh) = (hidden, last_actions, fresh);
        Ok(())
    }
}
