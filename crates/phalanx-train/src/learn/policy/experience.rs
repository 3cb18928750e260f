//! A rollout segment as policy gradients learn from it.

use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::nn::{AgentNetworks, Device};
use phalanx_core::rl::{Step, ValueNorm, generalised_advantages, n_step_advantages, normalise};

use super::critic_input::CriticLayout;
use super::losses::{CriticBatch, PolicyBatch, log_probs};
use super::settings::{NormaliseAdvantage, PolicyGradient};
use crate::collect::InputLayout;
use crate::learn::host::{tensor, to_vec};
use crate::store::Segment;

/// Added to the logit of an action that is not available.
const CLOSED: f32 = -1e9;

/// The agents that improve at once.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Their network, or `None` for all networks.
    pub(super) network: Option<usize>,
    /// Their numbers.
    pub(super) agents: Vec<usize>,
}

impl Turn {
    /// The logits of the turn's agents, `[time, row, action]`, and the memory behind the last step.
    pub(super) fn forward(
        &self,
        policy: &AgentNetworks,
        input: Tensor<3>,
        hidden: Tensor<2>,
        keep: Tensor<2>,
    ) -> (Tensor<3>, Tensor<2>) {
        let out = match self.network {
            None => policy.forward(input, hidden, Some(keep)),
            Some(k) => policy.network(k).forward(input, hidden, Some(keep)),
        };
        (out.output, out.hidden)
    }
}

/// A segment with everything the updates need, `[time, env, agent, …]` on the host.
///
/// The time is cut into chunks of equal length; an item of a minibatch is a chunk of an
/// environment, with number `chunk * envs + env`.
pub(super) struct Experience {
    chunks: usize,
    chunk: usize,
    envs: usize,
    agents: usize,
    /// The number of values of a state: one per agent, or one for the team.
    valuers: usize,
    inputs: InputLayout,
    critic_dim: usize,
    hidden_dim: usize,
    input: Vec<f32>,
    /// `[time + 1, env, valuer, dim]`.
    critic_input: Vec<f32>,
    /// `[time + 1, env]`.
    keep: Vec<f32>,
    closed: Vec<f32>,
    actions: Vec<i32>,
    /// Where the policy learns: alive, and acting.
    active: Vec<bool>,
    /// Where the critic learns, `[time, env, valuer]`: acting, and alive if the settings ask for it.
    valued: Vec<bool>,
    /// Memories before each chunk, `[chunk, env, agent, hidden]`; the first come from the rollout.
    policy_hidden: Vec<f32>,
    /// `[chunk, env, valuer, hidden]`.
    critic_hidden: Vec<f32>,
    /// Of the actions taken, under the policy that took them.
    log_prob: Vec<f32>,
    /// Of all actions, `[time, env, agent, action]`; empty unless a KL divergence is asked for.
    log_probs: Vec<f32>,
    /// Of the critic at its own scale, `[time, env, valuer]`.
    value: Vec<f32>,
    /// At the critic's scale, `[time, env, valuer]`.
    returns: Vec<f32>,
    advantage: Vec<f32>,
    /// How much likelier the agents that improved before make what was done, `[time, env]`.
    factor: Vec<f32>,
}

/// What is behind a segment.
pub(super) struct Behind {
    /// The critic's memory, `[env, valuer, hidden]`.
    pub(super) critic_hidden: Vec<f32>,
    /// The share of the returns' variance that the critic explained.
    pub(super) explained_variance: f64,
}

impl Experience {
    pub(super) fn new(
        segment: &Segment,
        settings: &PolicyGradient,
        inputs: InputLayout,
        critic: &CriticLayout,
        critic_hidden: &[f32],
    ) -> Self {
        let (time, envs, agents) = (segment.time, segment.envs, segment.agents);
        let (rows, valuers, chunk) = (envs * agents, critic.values(), settings.chunk());
        let spread = |flags: &[bool], n: usize| -> Vec<bool> {
            flags.iter().flat_map(|&flag| std::iter::repeat_n(flag, n)).collect()
        };
        let alive = &segment.rows.alive[..time * rows];
        let active: Vec<bool> = spread(&segment.valid, agents)
            .iter()
            .zip(alive)
            .map(|(&on, &alive)| on && alive)
            .collect();
        let valued = if settings.use_value_active_masks {
            active.clone()
        } else {
            spread(&segment.valid, valuers)
        };
        let avail = &segment.rows.avail[..time * rows * inputs.n_actions];
        Self {
            chunks: time / chunk,
            chunk,
            envs,
            agents,
            valuers,
            inputs,
            critic_dim: critic.dim(),
            hidden_dim: settings.rnn_hidden_dim,
            input: segment.input[..time * rows * inputs.dim()].to_vec(),
            critic_input: critic.read(segment),
            keep: segment.keep.clone(),
            closed: avail.iter().map(|&open| if open { 0.0 } else { CLOSED }).collect(),
            actions: segment.actions.iter().map(|&action| i32::from(action)).collect(),
            active,
            valued,
            policy_hidden: segment.hidden.clone(),
            critic_hidden: critic_hidden.to_vec(),
            log_prob: Vec::new(),
            log_probs: Vec::new(),
            value: Vec::new(),
            returns: Vec::new(),
            advantage: Vec::new(),
            factor: vec![1.0; time * envs],
        }
    }

    /// The number of items minibatches are made of.
    pub(super) fn items(&self) -> usize {
        self.chunks * self.envs
    }

    /// Notes what the policy of the rollout thinks of it: memories before each chunk, and
    /// probabilities.
    pub(super) fn recall(&mut self, policy: &AgentNetworks, device: &Device, whole: bool) {
        let everybody = Turn { network: None, agents: (0..self.agents).collect() };
        let rows = self.envs * self.agents;
        for chunk in 0..self.chunks {
            let items: Vec<usize> = (0..self.envs).map(|env| chunk * self.envs + env).collect();
            let batch = self.chunk_of(&everybody, &items, device);
            let actions = batch.actions.clone();
            let (logits, hidden) = everybody.forward(policy, batch.input, batch.hidden, batch.keep);
            let all = log_probs(logits, batch.closed);
            let taken = all.clone().gather(2, actions).reshape([self.chunk, rows]);
            self.log_prob.extend(to_vec(taken));
            if whole {
                self.log_probs.extend(to_vec(all));
            }
            if chunk + 1 < self.chunks {
                self.policy_hidden.extend(to_vec(hidden));
            }
        }
    }

    /// Values the segment and estimates advantages and returns.
    ///
    /// With a `norm`, the critic's scale is that of normalised returns: values are brought to the
    /// scale of rewards by the moments they were learned under, and returns to the critic's scale
    /// by the moments that include this segment.
    pub(super) fn estimate(
        &mut self,
        segment: &Segment,
        critic: &AgentNetworks,
        norm: Option<&mut ValueNorm>,
        settings: &PolicyGradient,
        device: &Device,
    ) -> Behind {
        let (mut values, critic_hidden) = self.values(critic, device);
        let mut advantage = vec![0.0; self.valued.len()];
        if let Some(norm) = &norm {
            values.iter_mut().for_each(|value| *value = norm.denormalise(*value));
        }
        let (reward, step): (&[f32], &[Step]) = (&segment.reward, &segment.step);
        let (rows, gamma) = ((self.envs, self.valuers), settings.gamma as f32);
        if settings.n_step > 0 {
            n_step_advantages(reward, step, &values, rows, gamma, settings.n_step, &mut advantage);
        } else {
            let lambda = settings.gae_lambda as f32;
            generalised_advantages(reward, step, &values, rows, gamma, lambda, &mut advantage);
        }
        values.truncate(advantage.len());
        let mut returns: Vec<f32> = advantage.iter().zip(&values).map(|(a, v)| a + v).collect();
        let explained_variance = explained_variance(&values, &returns, &self.valued);
        if let Some(norm) = norm {
            let valued = returns.iter().zip(&self.valued);
            norm.update(valued.filter(|(_, on)| **on).map(|(value, _)| *value));
            for scaled in [&mut returns, &mut values] {
                scaled.iter_mut().for_each(|value| *value = norm.normalise(*value));
            }
        }
        if self.valuers < self.agents {
            let n = self.agents;
            advantage = advantage.iter().flat_map(|&a| std::iter::repeat_n(a, n)).collect();
        }
        if settings.normalise_advantage == NormaliseAdvantage::Batch {
            normalise(&mut advantage, &self.active);
        }
        (self.value, self.returns, self.advantage) = (values, returns, advantage);
        Behind { critic_hidden, explained_variance }
    }

    /// The values `[time + 1, env, valuer]`, and the critic's memory behind the last step. Memories
    /// before each chunk are noted.
    fn values(&mut self, critic: &AgentNetworks, device: &Device) -> (Vec<f32>, Vec<f32>) {
        let (rows, dim) = (self.envs * self.valuers, self.critic_dim);
        let mut hidden = tensor(self.critic_hidden.clone(), [rows, self.hidden_dim], device);
        let mut values = Vec::with_capacity((self.chunks * self.chunk + 1) * rows);
        let mut behind = Vec::new();
        for chunk in 0..=self.chunks {
            let steps = if chunk < self.chunks { self.chunk } else { 1 };
            let from = chunk * self.chunk;
            let input = &self.critic_input[from * rows * dim..(from + steps) * rows * dim];
            let keep = &self.keep[from * self.envs..(from + steps) * self.envs];
            let keep = keep.iter().flat_map(|&k| std::iter::repeat_n(k, self.valuers)).collect();
            let input = tensor(input.to_vec(), [steps, rows, dim], device);
            let out = critic.forward(input, hidden, Some(tensor(keep, [steps, rows], device)));
            values.extend(to_vec(out.output));
            hidden = out.hidden;
            if chunk < self.chunks {
                behind = to_vec(hidden.clone());
            }
            if chunk + 1 < self.chunks {
                self.critic_hidden.extend(&behind);
            }
        }
        (values, behind)
    }

    /// Multiplies the advantages of the agents whose turn is still to come by how much likelier the
    /// improved `policy` makes what the agents of `turn` did (HAPPO's factor):
    /// `M <- M prod_i pi_i(a_i) / pi_old_i(a_i)`.
    pub(super) fn account_for(&mut self, turn: &Turn, policy: &AgentNetworks, device: &Device) {
        let n = turn.agents.len();
        let everything: Vec<usize> = (0..self.items()).collect();
        let batch = self.chunk_of(turn, &everything, device);
        let (actions, old) = (batch.actions.clone(), batch.log_prob.clone());
        let (logits, _) = turn.forward(policy, batch.input, batch.hidden, batch.keep);
        let shape = old.dims();
        let new = log_probs(logits, batch.closed).gather(2, actions).reshape(shape);
        let change = to_vec(new - old);
        for (at, change) in change.chunks_exact(n).enumerate() {
            let (t, item) = (at / self.items(), at % self.items());
            let (chunk, env) = (item / self.envs, item % self.envs);
            let place = (chunk * self.chunk + t) * self.envs + env;
            self.factor[place] *= change.iter().sum::<f32>().exp();
        }
    }

    /// The steps of some items for the policies of a turn, as constants of an update.
    pub(super) fn policy_batch(
        &self,
        turn: &Turn,
        items: &[usize],
        settings: &PolicyGradient,
        device: &Device,
    ) -> PolicyBatch {
        let device = &device.clone().autodiff();
        let mut batch = self.chunk_of(turn, items, device);
        let shape = [self.chunk, items.len() * turn.agents.len()];
        let columns = (self.agents, 1);
        let active = self.part(&self.active, columns, items, &turn.agents);
        let mut advantage = self.part(&self.advantage, columns, items, &turn.agents);
        if settings.normalise_advantage == NormaliseAdvantage::Minibatch {
            normalise(&mut advantage, &active);
        }
        let factor = self.part(&self.factor, (1, 1), items, &[0]);
        for (advantages, factor) in advantage.chunks_exact_mut(turn.agents.len()).zip(factor) {
            advantages.iter_mut().for_each(|advantage| *advantage *= factor);
        }
        batch.advantage = tensor(advantage, shape, device);
        batch.active = weights(&active, shape, device);
        if !self.log_probs.is_empty() {
            let n_actions = self.inputs.n_actions;
            let all = self.part(&self.log_probs, (self.agents, n_actions), items, &turn.agents);
            batch.log_probs = Some(tensor(all, [shape[0], shape[1], n_actions], device));
        }
        batch
    }

    /// What a policy reads of some items, and what it did; without advantages and weights.
    fn chunk_of(&self, turn: &Turn, items: &[usize], device: &Device) -> PolicyBatch {
        let (agents, n_actions) = (&turn.agents[..], self.inputs.n_actions);
        let (time, rows) = (self.chunk, items.len() * agents.len());
        let floats = |all: &[f32], size: usize| self.part(all, (self.agents, size), items, agents);
        let actions = self.part(&self.actions, (self.agents, 1), items, agents);
        let dim = self.inputs.dim();
        let log_prob = if self.log_prob.len() == self.actions.len() {
            tensor(floats(&self.log_prob, 1), [time, rows], device)
        } else {
            Tensor::zeros([time, rows], device)
        };
        PolicyBatch {
            input: tensor(floats(&self.input, dim), [time, rows, dim], device),
            hidden: self.memory(&self.policy_hidden, self.agents, items, agents, device),
            keep: self.keep_of(items, agents.len(), device),
            closed: tensor(floats(&self.closed, n_actions), [time, rows, n_actions], device),
            actions: Tensor::<3, Int>::from_data(TensorData::new(actions, [time, rows, 1]), device),
            log_prob,
            log_probs: None,
            advantage: Tensor::zeros([time, rows], device),
            active: Tensor::zeros([time, rows], device),
        }
    }

    /// The steps of some items for the critic, as constants of an update.
    pub(super) fn critic_batch(&self, items: &[usize], device: &Device) -> CriticBatch {
        let device = &device.clone().autodiff();
        let valuers: Vec<usize> = (0..self.valuers).collect();
        let shape = [self.chunk, items.len() * self.valuers];
        let flat =
            |all: &[f32]| tensor(self.part(all, (self.valuers, 1), items, &valuers), shape, device);
        let dim = self.critic_dim;
        let input = self.part(&self.critic_input, (self.valuers, dim), items, &valuers);
        CriticBatch {
            input: tensor(input, [shape[0], shape[1], dim], device),
            hidden: self.memory(&self.critic_hidden, self.valuers, items, &valuers, device),
            keep: self.keep_of(items, self.valuers, device),
            value: flat(&self.value),
            returns: flat(&self.returns),
            valued: weights(
                &self.part(&self.valued, (self.valuers, 1), items, &valuers),
                shape,
                device,
            ),
        }
    }

    /// The memories at the beginning of some items, `[row, hidden]`.
    fn memory(
        &self,
        all: &[f32],
        width: usize,
        items: &[usize],
        columns: &[usize],
        device: &Device,
    ) -> Tensor<2> {
        let h = self.hidden_dim;
        let mut out = Vec::with_capacity(items.len() * columns.len() * h);
        for item in items {
            for column in columns {
                out.extend_from_slice(&all[(item * width + column) * h..][..h]);
            }
        }
        tensor(out, [items.len() * columns.len(), h], device)
    }

    /// Where episodes begin in some items, repeated for `n` rows each, `[chunk, row]`.
    fn keep_of(&self, items: &[usize], n: usize, device: &Device) -> Tensor<2> {
        let keep = self.part(&self.keep, (1, 1), items, &[0]);
        let rows = keep.iter().flat_map(|&k| std::iter::repeat_n(k, n)).collect();
        tensor(rows, [self.chunk, items.len() * n], device)
    }

    /// The rows of some items and columns from `[time, env, width, size]`.
    fn part<T: Copy>(
        &self,
        all: &[T],
        (width, size): (usize, usize),
        items: &[usize],
        columns: &[usize],
    ) -> Vec<T> {
        let mut out = Vec::with_capacity(self.chunk * items.len() * columns.len() * size);
        for t in 0..self.chunk {
            for item in items {
                let (chunk, env) = (item / self.envs, item % self.envs);
                let place = ((chunk * self.chunk + t) * self.envs + env) * width;
                for column in columns {
                    out.extend_from_slice(&all[(place + column) * size..][..size]);
                }
            }
        }
        out
    }
}

/// Weights that sum to one over the places that are on.
fn weights(on: &[bool], shape: [usize; 2], device: &Device) -> Tensor<2> {
    let n = on.iter().filter(|&&on| on).count().max(1) as f32;
    tensor(on.iter().map(|&on| if on { 1.0 / n } else { 0.0 }).collect(), shape, device)
}

/// `1 - Var(return - value) / Var(return)` over the places that are on; zero where returns do not
/// vary.
fn explained_variance(values: &[f32], returns: &[f32], on: &[bool]) -> f64 {
    let variance = |of: &dyn Fn(usize) -> f64| {
        let used = || (0..on.len()).filter(|&i| on[i]).map(of);
        let n = used().count().max(1) as f64;
        let mean = used().sum::<f64>() / n;
        used().map(|x| (x - mean).powi(2)).sum::<f64>() / n
    };
    let all = variance(&|i| f64::from(returns[i]));
    let left = variance(&|i| f64::from(returns[i] - values[i]));
    if all > 0.0 { 1.0 - left / all } else { 0.0 }
}

#[cfg(test)]
#[path = "experience_tests.rs"]
mod tests;
