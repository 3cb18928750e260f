//! A batch of episodes on the networks' device.

use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{AgentNetworks, AgentOutput, Device, MixerInput, is_cpu};
use phalanx_core::rl::EpisodeStep;
use phalanx_core::rng::{Purpose, Rng};

use super::super::transfer::{shaped, upload};
use super::linear_targets::{LinearTargetBuffers, LinearTargets};
use super::settings::QLearningSettings;
use crate::replay::EpisodeBatch;
use crate::rollout::InputLayout;

/// The bias added to the utility of an unavailable action.
pub(in crate::algorithms) const MASKED_LOGIT: f32 = -1e9;

/// A batch of episodes on the networks' device, time-major.
///
/// A row of the agents' networks is an agent of an episode, `row = episode * n_agents + agent`; a
/// row of a mixer is a time step of an episode, `row = time * episodes + episode`.
#[derive(Clone, Debug)]
pub struct EpisodeTensors {
    /// The number of time steps, one more than there are joint actions.
    pub times: usize,
    /// The number of episodes.
    pub episodes: usize,
    /// The number of agents.
    pub agents: usize,
    /// The number of actions of each agent.
    pub n_actions: usize,
    carry_dim: usize,
    /// The agents' inputs, `[times, episode * agent, input_dim]`.
    input: Tensor<3>,
    /// The states, `[times * episode, state_dim]`.
    pub state: Tensor<2>,
    /// Zero, or [`MASKED_LOGIT`] for an unavailable action, `[times, episode * agent, n_actions]`.
    mask_bias: Tensor<3>,
    /// The actions taken, `[times, episode * agent, 1]`; zero at the last time.
    pub actions: Tensor<3, Int>,
    /// One where an action was taken, `[times * episode, 1]`; zero at the last time and in padding.
    pub filled: Tensor<2>,
    /// `filled` times the importance-sampling weight of the episode, `[times * episode, 1]`.
    pub importance: Tensor<2>,
    /// The number of ones in `filled`.
    pub n_filled: usize,
    /// Available actions, `[times * episode * agent * n_actions]`.
    pub avail: Vec<bool>,
    /// Rewards and terminations, `[time, episode]`.
    pub steps: Vec<EpisodeStep>,
    /// The agents' own rewards, `[time, episode * agent]`; empty where there are none.
    pub agent_reward: Vec<f32>,
    /// The targets as a linear map of bootstrap values; `None` on the CPU.
    pub(super) linear_targets: Option<LinearTargets>,
    /// The batch's own random stream, for losses that draw.
    pub rng: Rng,
}

impl EpisodeTensors {
    /// Uploads a batch in one transfer. `carry_dim` is the length of an agent's hidden state.
    pub fn new(
        batch: EpisodeBatch,
        inputs: InputLayout,
        learning: &QLearningSettings,
        carry_dim: usize,
        rng: Rng,
        device: &Device,
    ) -> Self {
        let (times, episodes, agents) = (batch.time + 1, batch.episodes, inputs.n_agents);
        let (rows, n_actions) = (episodes * agents, inputs.n_actions);
        let state_dim = batch.state.len() / (times * episodes);
        let mask_bias =
            batch.avail.iter().map(|&open| if open { 0.0 } else { MASKED_LOGIT }).collect();
        let valid = batch.steps.iter().map(|step| f32::from(u8::from(step.filled)));
        let mut filled: Vec<f32> = valid.collect();
        filled.resize(times * episodes, 0.0);
        let n_filled = filled.iter().filter(|&&on| on > 0.0).count();
        let importance =
            filled.iter().enumerate().map(|(row, on)| on * batch.weights[row % episodes]);
        let importance = importance.collect();
        let linear = (!is_cpu(device)).then(|| {
            let columns = steps_per_column(learning, &batch.steps, &batch.agent_reward);
            LinearTargetBuffers::new(learning, &batch.steps, episodes, &columns)
        });
        let [rewarded, bootstrapped, raised] = match linear {
            None => [const { Vec::new() }; 3],
            Some(linear) => [linear.rewarded, linear.bootstrapped, linear.raised],
        };
        let floats = [
            batch.input,
            batch.state,
            mask_bias,
            filled,
            importance,
            rewarded,
            bootstrapped,
            raised,
        ];
        let (floats, [actions]) = upload(floats, [batch.actions], device);
        let [input, state, mask_bias, filled, importance, rewarded, bootstrapped, raised] = floats;
        let linear_targets = (!is_cpu(device))
            .then(|| LinearTargets::new(rewarded, bootstrapped, raised, (times, episodes)));
        Self {
            times,
            episodes,
            agents,
            n_actions,
            carry_dim,
            input: input.reshape([times, rows, inputs.dim()]),
            state: shaped(state, [times * episodes, state_dim]),
            mask_bias: mask_bias.reshape([times, rows, n_actions]),
            actions: actions.reshape([times, rows, 1]),
            filled: filled.reshape([times * episodes, 1]),
            importance: importance.reshape([times * episodes, 1]),
            n_filled,
            avail: batch.avail,
            steps: batch.steps,
            agent_reward: batch.agent_reward,
            linear_targets,
            rng,
        }
    }

    /// Creates a batch of first steps with one episode for each joint action in `actions`,
    /// `[episode, agent]`. All episodes begin with the observations `obs`, `[agent, obs_dim]`, and
    /// the state `[state_dim]`; all actions are available.
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
        Self::new(batch, inputs, &QLearningSettings::default(), carry_dim, rng, device)
    }

    /// Returns the number of rows of a mixer, `times * episodes`.
    pub fn rows(&self) -> usize {
        self.times * self.episodes
    }

    /// Returns the same batch for networks that carry gradients.
    pub fn with_gradients(&self) -> Self {
        Self {
            input: Tensor::from_inner(self.input.clone()),
            state: Tensor::from_inner(self.state.clone()),
            mask_bias: Tensor::from_inner(self.mask_bias.clone()),
            actions: Tensor::from_inner(self.actions.clone()),
            ..self.clone()
        }
    }

    /// Returns which rows are real steps, `[row]`; the others are padding.
    pub fn is_real_row(&self) -> Vec<bool> {
        let before = |row: usize| row.checked_sub(self.episodes).map(|before| self.steps[before]);
        (0..self.rows()).map(|row| before(row).is_none_or(|step| step.filled)).collect()
    }

    /// Computes the outputs of the agents' networks for the whole batch, starting from zero hidden
    /// states: `[times, episode * agent, output]`.
    pub fn forward_outputs(&self, agents: &AgentNetworks) -> Tensor<3> {
        let rows = self.episodes * self.agents;
        let hidden = Tensor::zeros([rows, self.carry_dim], &self.input.device());
        agents.outputs(self.input.clone(), hidden, None)
    }

    /// Computes the outputs and features of the agents' networks for the whole batch, starting from
    /// zero hidden states.
    pub fn forward(&self, agents: &AgentNetworks) -> AgentOutput {
        let rows = self.episodes * self.agents;
        let hidden = Tensor::zeros([rows, self.carry_dim], &self.input.device());
        agents.forward(self.input.clone(), hidden, None)
    }

    /// Adds a large negative number to the outputs of unavailable actions.
    pub fn mask_unavailable(&self, utilities: Tensor<3>) -> Tensor<3> {
        utilities + self.mask_bias.clone()
    }

    /// Returns the available action with the largest utility, `[times, episode * agent, 1]`.
    pub fn argmax_available(&self, utilities: Tensor<3>) -> Tensor<3, Int> {
        self.mask_unavailable(utilities).argmax(2)
    }

    /// Returns the utilities of `actions`, `[row, agent]`.
    pub fn gather(&self, utilities: Tensor<3>, actions: Tensor<3, Int>) -> Tensor<2> {
        utilities.gather(2, actions).reshape([self.rows(), self.agents])
    }

    /// Returns the utilities of `actions`, `[row, agent * d]`, from utilities with `d` consecutive
    /// entries per action, `[times, episode * agent, n_actions * d]`.
    pub fn gather_vectors(&self, utilities: Tensor<3>, actions: Tensor<3, Int>) -> Tensor<2> {
        let d = utilities.dims()[2] / self.n_actions;
        let first = actions * d as i32;
        let places = (0..d).map(|k| first.clone() + k as i32).collect();
        utilities.gather(2, Tensor::cat(places, 2)).reshape([self.rows(), self.agents * d])
    }

    /// Uploads joint actions, `[row * agent]`, as a tensor in the shape of [`EpisodeTensors::actions`].
    pub fn upload_actions(&self, actions: &[u16]) -> Tensor<3, Int> {
        let values: Vec<i32> = actions.iter().map(|&action| i32::from(action)).collect();
        let ([], [actions]) = upload([], [values], &self.input.device());
        actions.reshape([self.times, self.episodes * self.agents, 1])
    }

    /// Returns one where any agent deviates from the `greedy` actions and zero elsewhere, `[times *
    /// episode, 1]`.
    pub fn is_non_greedy(&self, greedy: Tensor<3, Int>) -> Tensor<2> {
        let differs = greedy.not_equal(self.actions.clone()).float();
        differs.reshape([self.rows(), self.agents]).max_dim(1)
    }

    /// Returns the input of a mixer for the joint actions `actions`.
    pub fn mixer_input(&self, utilities: Tensor<3>, actions: Tensor<3, Int>) -> MixerInput {
        let (rows, agents) = (self.rows(), self.agents);
        let [_, _, input_dim] = self.input.dims();
        MixerInput {
            q_chosen: self.gather(utilities.clone(), actions.clone()),
            utilities: self.mask_unavailable(utilities).reshape([rows, agents, self.n_actions]),
            actions: actions.reshape([rows, agents]),
            state: self.state.clone(),
            agent_input: self.input.clone().reshape([rows, agents, input_dim]),
        }
    }
}

/// Returns the steps of every column of targets, `[time, episode * column]`. The only column is the
/// team; without a common reward, there is one column per agent, with that agent's reward.
pub(super) fn steps_per_column(
    learning: &QLearningSettings,
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
