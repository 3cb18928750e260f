//! A batch of episodes on the networks' device.

use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{AgentNetworks, AgentOutput, Device, MixerInput, is_cpu};
use phalanx_core::rl::EpisodeStep;
use phalanx_core::rng::{Purpose, Rng};

use super::super::host::{shaped, upload};
use super::settings::QLearning;
use super::target_map::{TargetMap, TargetNumbers};
use crate::replay::EpisodeBatch;
use crate::rollout::InputLayout;

/// Added to the utility of an action that is not available.
pub(super) const CLOSED: f32 = -1e9;

/// A batch of episodes on the networks' device, time-major.
///
/// A row of an agents' network is an agent of an episode, `row = episode * n_agents + agent`; a row
/// of a mixer is a time step of an episode, `time * episodes + episode`.
#[derive(Clone, Debug)]
pub struct Experience {
    /// The number of time steps, one more than there are actions.
    pub times: usize,
    /// The number of episodes.
    pub episodes: usize,
    /// The number of agents.
    pub agents: usize,
    /// The number of actions of an agent.
    pub n_actions: usize,
    carry_dim: usize,
    /// `[times, episode * agent, input_dim]`.
    input: Tensor<3>,
    /// The states, `[times * episode, state_dim]`.
    pub state: Tensor<2>,
    /// Zero, or a large negative number where an action is not available,
    /// `[times, episode * agent, n_actions]`.
    closed: Tensor<3>,
    /// The actions taken, `[times, episode * agent, 1]`; those of the last time are zero.
    pub taken: Tensor<3, Int>,
    /// One where an action was taken, `[times * episode, 1]`; zero at the last time and in padding.
    pub mask: Tensor<2>,
    /// The mask times how much the episode counts, `[times * episode, 1]`.
    pub importance: Tensor<2>,
    /// How many actions were taken.
    pub used: usize,
    /// Available actions, `[times * episode * agent * n_actions]`.
    pub avail: Vec<bool>,
    /// Rewards and ends, `[time, episode]`.
    pub steps: Vec<EpisodeStep>,
    /// The agents' own rewards, `[time, episode * agent]`; empty where they have none.
    pub agent_reward: Vec<f32>,
    /// How targets follow from what is bootstrapped, on a device that is not the CPU.
    pub(super) map: Option<TargetMap>,
    /// A stream of the batch's own, for losses that draw.
    pub rng: Rng,
}

impl Experience {
    /// The batch on a device, in one transfer, for agents with `carry_dim` numbers of memory.
    pub fn new(
        batch: EpisodeBatch,
        inputs: InputLayout,
        learning: &QLearning,
        carry_dim: usize,
        rng: Rng,
        device: &Device,
    ) -> Self {
        let (times, episodes, agents) = (batch.time + 1, batch.episodes, inputs.n_agents);
        let (rows, n_actions) = (episodes * agents, inputs.n_actions);
        let state_dim = batch.state.len() / (times * episodes);
        let closed = batch.avail.iter().map(|&open| if open { 0.0 } else { CLOSED }).collect();
        let learned = batch.steps.iter().map(|step| f32::from(u8::from(step.valid)));
        let mut mask: Vec<f32> = learned.collect();
        mask.resize(times * episodes, 0.0);
        let used = mask.iter().filter(|&&on| on > 0.0).count();
        let importance = mask.iter().enumerate().map(|(at, on)| on * batch.weights[at % episodes]);
        let importance = importance.collect();
        let map = (!is_cpu(device)).then(|| {
            let paid = paid(learning, &batch.steps, &batch.agent_reward);
            TargetNumbers::new(learning, &batch.steps, episodes, &paid)
        });
        let [rewarded, bootstrapped, raised] = match map {
            None => [const { Vec::new() }; 3],
            Some(map) => [map.rewarded, map.bootstrapped, map.raised],
        };
        let floats =
            [batch.input, batch.state, closed, mask, importance, rewarded, bootstrapped, raised];
        let (floats, [taken]) = upload(floats, [batch.actions], device);
        let [input, state, closed, mask, importance, rewarded, bootstrapped, raised] = floats;
        let map = (!is_cpu(device))
            .then(|| TargetMap::new(rewarded, bootstrapped, raised, (times, episodes)));
        Self {
            times,
            episodes,
            agents,
            n_actions,
            carry_dim,
            input: input.reshape([times, rows, inputs.dim()]),
            state: shaped(state, [times * episodes, state_dim]),
            closed: closed.reshape([times, rows, n_actions]),
            taken: taken.reshape([times, rows, 1]),
            mask: mask.reshape([times * episodes, 1]),
            importance: importance.reshape([times * episodes, 1]),
            used,
            avail: batch.avail,
            steps: batch.steps,
            agent_reward: batch.agent_reward,
            map,
            rng,
        }
    }

    /// The first step of as many episodes as there are joint actions in `actions`,
    /// `[episode, agent]`, all of which begin with the observations `[agent, obs_dim]` and the state
    /// `[state_dim]`.
    pub fn first_steps(
        obs: &[f32],
        state: &[f32],
        actions: &[u16],
        inputs: InputLayout,
        carry_dim: usize,
        device: &Device,
    ) -> Self {
        let episodes = actions.len() / inputs.n_agents;
        let mut input = vec![0.0; inputs.n_agents * inputs.dim()];
        inputs.write(obs, None, &mut input);
        let batch = EpisodeBatch {
            time: 0,
            episodes,
            input: input.repeat(episodes),
            state: state.repeat(episodes),
            avail: vec![true; actions.len() * inputs.n_actions],
            actions: actions.iter().map(|&action| i32::from(action)).collect(),
            steps: Vec::new(),
            agent_reward: Vec::new(),
            weights: vec![1.0; episodes],
            indices: Vec::new(),
        };
        let rng = Rng::stream(0, Purpose::Selection, 0);
        Self::new(batch, inputs, &QLearning::default(), carry_dim, rng, device)
    }

    /// The number of rows of a mixer.
    pub fn rows(&self) -> usize {
        self.times * self.episodes
    }

    /// The same batch for networks whose gradients are followed.
    pub fn tracked(&self) -> Self {
        Self {
            input: Tensor::from_inner(self.input.clone()),
            state: Tensor::from_inner(self.state.clone()),
            closed: Tensor::from_inner(self.closed.clone()),
            taken: Tensor::from_inner(self.taken.clone()),
            ..self.clone()
        }
    }

    /// Whether anything happened at or right before a row, `[row]`; the others are padding.
    pub fn reached(&self) -> Vec<bool> {
        let before = |row: usize| row.checked_sub(self.episodes).map(|before| self.steps[before]);
        (0..self.rows()).map(|row| before(row).is_none_or(|step| step.valid)).collect()
    }

    /// The outputs of the agents' networks for the whole batch, beginning without memories,
    /// `[times, episode * agent, output]`.
    pub fn outputs(&self, agents: &AgentNetworks) -> Tensor<3> {
        let rows = self.episodes * self.agents;
        let hidden = Tensor::zeros([rows, self.carry_dim], &self.input.device());
        agents.outputs(self.input.clone(), hidden, None)
    }

    /// What the agents' networks compute from the whole batch, beginning without memories.
    pub fn run(&self, agents: &AgentNetworks) -> AgentOutput {
        let rows = self.episodes * self.agents;
        let hidden = Tensor::zeros([rows, self.carry_dim], &self.input.device());
        agents.forward(self.input.clone(), hidden, None)
    }

    /// The outputs with those of closed actions lowered out of reach.
    pub fn open(&self, utilities: Tensor<3>) -> Tensor<3> {
        utilities + self.closed.clone()
    }

    /// The available action with the largest utility, `[times, episode * agent, 1]`.
    pub fn greedy(&self, utilities: Tensor<3>) -> Tensor<3, Int> {
        self.open(utilities).argmax(2)
    }

    /// The utilities of `actions`, `[row, agent]`.
    pub fn pick(&self, utilities: Tensor<3>, actions: Tensor<3, Int>) -> Tensor<2> {
        utilities.gather(2, actions).reshape([self.rows(), self.agents])
    }

    /// The utilities of `actions` where an action has `d` of them side by side,
    /// `[times, episode * agent, n_actions * d]`: `[row, agent * d]`.
    pub fn pick_vectors(&self, utilities: Tensor<3>, actions: Tensor<3, Int>) -> Tensor<2> {
        let d = utilities.dims()[2] / self.n_actions;
        let first = actions * d as i32;
        let places = (0..d).map(|k| first.clone() + k as i32).collect();
        utilities.gather(2, Tensor::cat(places, 2)).reshape([self.rows(), self.agents * d])
    }

    /// Joint actions on the host, `[row * agent]`, as a tensor like `taken`.
    pub fn actions(&self, actions: &[u16]) -> Tensor<3, Int> {
        let values: Vec<i32> = actions.iter().map(|&action| i32::from(action)).collect();
        let ([], [actions]) = upload([], [values], &self.input.device());
        actions.reshape([self.times, self.episodes * self.agents, 1])
    }

    /// One where an agent takes an action that is not the `greedy` one, zero where all take theirs,
    /// `[times * episode, 1]`.
    pub fn elsewhere(&self, greedy: Tensor<3, Int>) -> Tensor<2> {
        let differs = greedy.not_equal(self.taken.clone()).float();
        differs.reshape([self.rows(), self.agents]).max_dim(1)
    }

    /// What a mixer reads when the agents take `actions`.
    pub fn mixer_input(&self, utilities: Tensor<3>, actions: Tensor<3, Int>) -> MixerInput {
        let (rows, agents) = (self.rows(), self.agents);
        let [_, _, input_dim] = self.input.dims();
        MixerInput {
            chosen: self.pick(utilities.clone(), actions.clone()),
            utilities: self.open(utilities).reshape([rows, agents, self.n_actions]),
            actions: actions.reshape([rows, agents]),
            state: self.state.clone(),
            agent_input: self.input.clone().reshape([rows, agents, input_dim]),
        }
    }
}

/// The steps of every column of targets, `[time, episode * column]`: those of the team, or of every agent with
/// its own reward.
pub(super) fn paid(
    learning: &QLearning,
    steps: &[EpisodeStep],
    agent_reward: &[f32],
) -> Vec<EpisodeStep> {
    if learning.common_reward {
        return steps.to_vec();
    }
    let agents = agent_reward.len().checked_div(steps.len()).unwrap_or(1);
    let each = steps.iter().flat_map(|&step| std::iter::repeat_n(step, agents)).zip(agent_reward);
    each.map(|(step, &reward)| EpisodeStep { reward, ..step }).collect()
}
