//! A rollout with all inputs of policy-gradient updates.

mod advantages;
mod minibatch;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use phalanx_core::rl::EpisodeStep;

pub(super) use self::minibatch::{Minibatch, Shard};
use super::critic_input::CriticLayout;
use super::settings::PolicyGradient;
use crate::rollout::{InputLayout, Rollout};

/// Added to the logits of unavailable actions.
const MASKED_LOGIT: f32 = -1e9;

/// A rollout with all inputs of an update, `[time, env, agent, …]` on the host. Large arrays are
/// borrowed from the rollout.
///
/// The time axis is divided into chunks of equal length. An item of a minibatch is one chunk of one
/// environment, with index `chunk * envs + env`.
pub struct RolloutBatch<'a> {
    chunks: usize,
    chunk: usize,
    envs: usize,
    agents: usize,
    /// The number of values per state: one per agent, or one for the team.
    critic_rows: usize,
    inputs: InputLayout,
    critic_dim: usize,
    carry_dim: usize,
    /// `[time + 1, env, agent, dim]`.
    input: Cow<'a, [f32]>,
    /// `[time + 1, env, critic row, dim]`; empty if the critic has the input of the agents.
    critic_input: Vec<f32>,
    same_input: bool,
    /// `[time + 1, env]`.
    not_reset: Cow<'a, [f32]>,
    mask_bias: Vec<f32>,
    actions: Vec<i32>,
    /// Whether unavailable actions are masked in the updated policy.
    mask_policy: bool,
    /// The steps that the policy learns from, `[time, env, agent]`.
    active: Vec<bool>,
    /// The steps that the critic learns from, `[time, env, critic row]`.
    critic_active: Vec<bool>,
    /// Hidden states before each chunk, `[chunk, env, agent, carry]`; the first are from the rollout.
    policy_hidden: Vec<f32>,
    /// `[chunk, env, critic row, carry]`.
    critic_hidden: Vec<f32>,
    /// Log-probabilities of the actions taken under the rollout's policy, `[time, env, agent]`.
    log_prob: Vec<f32>,
    /// Log-probabilities of all actions, `[time, env, agent, action]`; empty without a KL term.
    log_probs: Vec<f32>,
    /// Old values on the critic's scale, `[time, env, critic row]`.
    value: Vec<f32>,
    /// Returns on the critic's scale, `[time, env, critic row]`.
    returns: Vec<f32>,
    advantage: Vec<f32>,
    /// The product of the probability ratios (new to old) of the agents updated so far, `[time,
    /// env]`.
    importance_ratio: Vec<f32>,
}

impl<'a> RolloutBatch<'a> {
    pub(super) fn new(
        rollout: &'a Rollout,
        settings: &PolicyGradient,
        inputs: InputLayout,
        critic: &CriticLayout,
        critic_hidden: &[f32],
    ) -> Self {
        let (time, envs, agents) = (rollout.time, rollout.envs, rollout.agents);
        let (rows, critic_rows, chunk) = (envs * agents, critic.rows(), settings.chunk());
        let active = |alive_only: bool, n: usize| -> Vec<bool> {
            let learned = rollout.steps.iter().map(EpisodeStep::is_learned);
            let learned = learned.flat_map(|on| std::iter::repeat_n(on, n));
            match alive_only {
                true => learned.zip(&rollout.rows.alive).map(|(on, &alive)| on && alive).collect(),
                false => learned.collect(),
            }
        };
        let same_input = critic.uses_policy_inputs();
        let avail = &rollout.rows.avail[..time * rows * inputs.n_actions];
        Self {
            chunks: time / chunk,
            chunk,
            envs,
            agents,
            critic_rows,
            inputs,
            critic_dim: critic.dim(),
            carry_dim: settings.carry_dim(),
            input: Cow::Borrowed(&rollout.input),
            critic_input: if same_input { Vec::new() } else { critic.inputs(rollout) },
            same_input,
            not_reset: Cow::Borrowed(&rollout.not_reset),
            mask_bias: avail.iter().map(|&on| if on { 0.0 } else { MASKED_LOGIT }).collect(),
            actions: rollout.actions.iter().map(|&action| i32::from(action)).collect(),
            mask_policy: settings.mask_policy_loss,
            active: active(settings.use_policy_active_masks, agents),
            critic_active: active(settings.use_value_active_masks, critic_rows),
            policy_hidden: match settings.use_rnn {
                true => rollout.hidden.clone(),
                false => vec![0.0; rows],
            },
            critic_hidden: critic_hidden.to_vec(),
            log_prob: Vec::new(),
            log_probs: Vec::new(),
            value: Vec::new(),
            returns: Vec::new(),
            advantage: Vec::new(),
            importance_ratio: vec![1.0; time * envs],
        }
    }

    /// Returns the same batch with an owned copy of the rollout.
    pub fn into_owned(self) -> RolloutBatch<'static> {
        let (input, not_reset) =
            (self.input.into_owned().into(), self.not_reset.into_owned().into());
        RolloutBatch { input, not_reset, ..self }
    }

    /// Replaces the estimates of every step, `[time, env, agent]`: the log-probability of the
    /// action taken, the value, the return and the advantage.
    #[must_use]
    pub fn with_estimates(self, [log_prob, value, returns, advantage]: [Vec<f32>; 4]) -> Self {
        Self { log_prob, value, returns, advantage, ..self }
    }

    /// Returns the number of items in the rollout, `chunks * envs`.
    pub fn items(&self) -> usize {
        self.chunks * self.envs
    }

    /// Returns the input of the critic, `[time + 1, env, critic row, dim]`.
    fn critic_input(&self) -> &[f32] {
        if self.same_input { &self.input } else { &self.critic_input }
    }

    /// Returns the rows of some items and columns of an array `[time, env, width, size]`.
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
