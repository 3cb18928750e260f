//! A rollout segment as policy gradients learn from it.

mod batches;
mod estimates;
#[cfg(test)]
mod tests;

pub(super) use self::batches::{Minibatch, Shard};
use std::borrow::Cow;

use super::critic_input::CriticLayout;
use super::settings::PolicyGradient;
use crate::replay::Segment;
use crate::rollout::InputLayout;

/// Added to the logit of an action that is not available.
const CLOSED: f32 = -1e9;

/// A segment with everything the updates need, `[time, env, agent, …]` on the host; what is large in it stays
/// where it is.
///
/// The time is cut into chunks of equal length; an item of a minibatch is a chunk of an
/// environment, with number `chunk * envs + env`.
pub(crate) struct Experience<'a> {
    chunks: usize,
    chunk: usize,
    envs: usize,
    agents: usize,
    /// The number of values of a state: one per agent, or one for the team.
    valuers: usize,
    inputs: InputLayout,
    critic_dim: usize,
    carry_dim: usize,
    /// `[time + 1, env, agent, dim]`.
    input: Cow<'a, [f32]>,
    /// `[time + 1, env, valuer, dim]`; empty where the critic reads what the agents read.
    critic_input: Vec<f32>,
    same_input: bool,
    /// `[time + 1, env]`.
    keep: Cow<'a, [f32]>,
    closed: Vec<f32>,
    actions: Vec<i32>,
    /// Whether the policy that is updated has the available actions alone.
    masked: bool,
    /// Where the policy learns: acting, and alive unless the settings say otherwise.
    active: Vec<bool>,
    /// Where the critic learns, `[time, env, valuer]`: acting, and alive if the settings ask for it.
    valued: Vec<bool>,
    /// Memories before each chunk, `[chunk, env, agent, memory]`; the first come from the rollout.
    policy_hidden: Vec<f32>,
    /// `[chunk, env, valuer, memory]`.
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

impl<'a> Experience<'a> {
    pub(crate) fn new(
        segment: &'a Segment,
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
        let acting = |masked: bool, n: usize| -> Vec<bool> {
            let acting = spread(&segment.valid, n).into_iter();
            match masked {
                true => acting.zip(&segment.rows.alive).map(|(on, &alive)| on && alive).collect(),
                false => acting.collect(),
            }
        };
        let same_input = critic.reads_what_agents_read();
        let avail = &segment.rows.avail[..time * rows * inputs.n_actions];
        Self {
            chunks: time / chunk,
            chunk,
            envs,
            agents,
            valuers,
            inputs,
            critic_dim: critic.dim(),
            carry_dim: settings.carry_dim(),
            input: Cow::Borrowed(&segment.input),
            critic_input: if same_input { Vec::new() } else { critic.read(segment) },
            same_input,
            keep: Cow::Borrowed(&segment.keep),
            closed: avail.iter().map(|&open| if open { 0.0 } else { CLOSED }).collect(),
            actions: segment.actions.iter().map(|&action| i32::from(action)).collect(),
            masked: settings.mask_policy_loss,
            active: acting(settings.use_policy_active_masks, agents),
            valued: acting(settings.use_value_active_masks, valuers),
            policy_hidden: match settings.use_rnn {
                true => segment.hidden.clone(),
                false => vec![0.0; rows],
            },
            critic_hidden: critic_hidden.to_vec(),
            log_prob: Vec::new(),
            log_probs: Vec::new(),
            value: Vec::new(),
            returns: Vec::new(),
            advantage: Vec::new(),
            factor: vec![1.0; time * envs],
        }
    }

    /// The same with a copy of the segment.
    pub(crate) fn into_owned(self) -> Experience<'static> {
        let (input, keep) = (self.input.into_owned().into(), self.keep.into_owned().into());
        Experience { input, keep, ..self }
    }

    /// The same with given estimates of every step, `[time, env, agent]`: the log-probability of the
    /// action taken, the value, the return and the advantage.
    pub(crate) fn estimated(self, [log_prob, value, returns, advantage]: [Vec<f32>; 4]) -> Self {
        Self { log_prob, value, returns, advantage, ..self }
    }

    /// The number of items minibatches are made of.
    pub(super) fn items(&self) -> usize {
        self.chunks * self.envs
    }

    /// What the critic reads, `[time + 1, env, valuer, dim]`.
    fn critic_input(&self) -> &[f32] {
        if self.same_input { &self.input } else { &self.critic_input }
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
