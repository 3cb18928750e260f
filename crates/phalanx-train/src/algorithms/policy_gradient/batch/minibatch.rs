//! Minibatches of a rollout, and their tensors.

use burn::tensor::Tensor;
use phalanx_core::nn::{self, Device, PolicyTargets, ValueTargets, shard_count};
use phalanx_core::rl::normalise;

use super::super::losses::{PolicyBatch, PolicyInputs, Sequence, ValueBatch};
use super::super::settings::{NormaliseAdvantage, PolicyGradient};
use super::super::update_group::UpdateGroup;
use super::RolloutBatch;

/// A minibatch, divided into shards. The tensors of a shard are created right before they are used,
/// so that they are in cache.
pub(in super::super) struct Minibatch {
    pub(in super::super) shards: Vec<Shard>,
    /// The number of agent steps that the policy learns from.
    active: usize,
    /// The number of steps that the critic learns from.
    critic_active: usize,
}

/// The items of a minibatch that are computed together.
pub(in super::super) struct Shard {
    items: Vec<usize>,
    /// The advantages of a group, `[chunk, item, agent]`; empty for a critic alone.
    advantage: Vec<f32>,
}

impl RolloutBatch<'_> {
    /// Returns a minibatch of `items` for the policies of a group and for the critic.
    pub(in super::super) fn minibatch(
        &self,
        group: &UpdateGroup,
        items: &[usize],
        settings: &PolicyGradient,
        device: &Device,
    ) -> Minibatch {
        let (columns, agents) = ((self.agents, 1), &group.agents[..]);
        let mut batch = self.critic_minibatch(items, agents.len(), device);
        let mut all = Vec::new();
        let mut active = Vec::new();
        for shard in &batch.shards {
            all.extend(self.part(&self.advantage, columns, &shard.items, agents));
            active.extend(self.part(&self.active, columns, &shard.items, agents));
        }
        if settings.normalise_advantage == NormaliseAdvantage::Minibatch {
            normalise(&mut all, &active);
        }
        batch.active = active.iter().filter(|&&on| on).count();
        let mut tail = &all[..];
        for shard in &mut batch.shards {
            let (own, others) = tail.split_at(self.chunk * shard.items.len() * agents.len());
            tail = others;
            shard.advantage = own.to_vec();
            let ratios = self.part(&self.importance_ratio, (1, 1), &shard.items, &[0]);
            for (advantages, ratio) in shard.advantage.chunks_exact_mut(agents.len()).zip(ratios) {
                advantages.iter_mut().for_each(|advantage| *advantage *= ratio);
            }
        }
        batch
    }

    /// Returns a minibatch of `items` for the critic alone; an item has `rows` rows.
    pub(in super::super) fn critic_minibatch(
        &self,
        items: &[usize],
        rows: usize,
        device: &Device,
    ) -> Minibatch {
        // Sorted, because sequential reads are twice as fast.
        let mut items = items.to_vec();
        items.sort_unstable();
        let n = shard_count(device, self.chunk * items.len() * rows).min(items.len());
        let own = |k: usize| items[k * items.len() / n..(k + 1) * items.len() / n].to_vec();
        let shards = (0..n).map(|k| Shard { items: own(k), advantage: Vec::new() }).collect();
        let rows = self.all_critic_rows();
        let active = self.part(&self.critic_active, (self.critic_rows, 1), &items, &rows);
        let critic_active = active.into_iter().filter(|&on| on).count();
        Minibatch { shards, active: 0, critic_active }
    }

    fn all_critic_rows(&self) -> Vec<usize> {
        (0..self.critic_rows).collect()
    }

    /// Returns the tensors of a shard for the policies of a group.
    pub(in super::super) fn policy_batch(
        &self,
        group: &UpdateGroup,
        batch: &Minibatch,
        shard: &Shard,
        device: &Device,
    ) -> PolicyBatch {
        let (columns, agents) = ((self.agents, 1), &group.agents[..]);
        let tracked = &device.clone().autodiff();
        let (items, n_actions) = (&shard.items[..], self.inputs.n_actions);
        let n = self.chunk * items.len() * agents.len();
        let own = [
            self.part(&self.log_prob, columns, items, agents),
            shard.advantage.clone(),
            weights(&self.part(&self.active, columns, items, agents), batch.active),
            match self.log_probs.is_empty() {
                true => Vec::new(),
                false => self.part(&self.log_probs, (self.agents, n_actions), items, agents),
            },
        ];
        let (PolicyInputs { read, mask_bias, actions }, own) =
            self.policy_inputs_with(None, group, items, own, tracked);
        let [log_prob, advantage, weight, log_probs] = own;
        let mask_bias = if self.mask_policy { mask_bias } else { mask_bias.zeros_like() };
        let taken = PolicyTargets {
            mask_bias: mask_bias.reshape([n, n_actions]),
            actions: actions.reshape([n, 1]),
            log_prob: log_prob.reshape([n, 1]),
            advantage: advantage.reshape([n, 1]),
            weight: weight.reshape([n, 1]),
        };
        let log_probs = (!self.log_probs.is_empty()).then(|| log_probs.reshape([n, n_actions]));
        PolicyBatch { read, taken, log_probs }
    }

    /// Returns the inputs, masks and actions of a group in some items. Hidden states are `hidden`,
    /// `[row, carry]`, or those of the rollout if there is none.
    pub(super) fn policy_inputs(
        &self,
        hidden: Option<Tensor<2>>,
        group: &UpdateGroup,
        items: &[usize],
        device: &Device,
    ) -> PolicyInputs {
        self.policy_inputs_with(hidden, group, items, [], device).0
    }

    /// Returns the policy inputs and uploads the vectors `extra` in the same transfer.
    fn policy_inputs_with<const N: usize>(
        &self,
        hidden: Option<Tensor<2>>,
        group: &UpdateGroup,
        items: &[usize],
        extra: [Vec<f32>; N],
        device: &Device,
    ) -> (PolicyInputs, [Tensor<1>; N]) {
        let (agents, n_actions) = (&group.agents[..], self.inputs.n_actions);
        let (time, rows, dim) = (self.chunk, items.len() * agents.len(), self.inputs.dim());
        let floats = |all: &[f32], size: usize| self.part(all, (self.agents, size), items, agents);
        let own = [
            floats(&self.input, dim),
            floats(&self.mask_bias, n_actions),
            self.not_reset_rows(items, agents.len()),
            match &hidden {
                Some(_) => Vec::new(),
                None => self.initial_hidden(&self.policy_hidden, self.agents, items, agents),
            },
        ];
        let actions = self.part(&self.actions, (self.agents, 1), items, agents);
        let all = own.into_iter().chain(extra).collect();
        let (all, actions) = nn::upload(all, vec![actions], device);
        let (mut all, mut actions) = (all.into_iter(), actions.into_iter());
        let same_number = "one tensor per vector";
        let [input, mask_bias, not_reset, rollout_hidden] =
            std::array::from_fn(|_| all.next().expect(same_number));
        let extra = std::array::from_fn(|_| all.next().expect(same_number));
        let actions = actions.next().expect(same_number);
        let inputs = PolicyInputs {
            read: Sequence {
                input: input.reshape([time, rows, dim]),
                hidden: hidden.unwrap_or_else(|| rollout_hidden.reshape([rows, self.carry_dim])),
                not_reset: not_reset.reshape([time, rows]),
            },
            mask_bias: mask_bias.reshape([time, rows, n_actions]),
            actions: actions.reshape([time, rows, 1]),
        };
        (inputs, extra)
    }

    /// Returns the tensors of a shard for a separate critic; `policy` is the same shard for the policies of
    /// all agents, if they also learn from it.
    pub(in super::super) fn value_batch(
        &self,
        batch: &Minibatch,
        shard: &Shard,
        policy: Option<&PolicyBatch>,
        device: &Device,
    ) -> ValueBatch {
        let tracked = &device.clone().autodiff();
        let (items, critic_rows, dim) = (&shard.items[..], self.all_critic_rows(), self.critic_dim);
        let policy = policy.filter(|_| self.same_input);
        let rows = items.len() * self.critic_rows;
        let input = match policy {
            Some(_) => Vec::new(),
            None => self.part(self.critic_input(), (self.critic_rows, dim), items, &critic_rows),
        };
        let hidden =
            self.initial_hidden(&self.critic_hidden, self.critic_rows, items, &critic_rows);
        let own = [input, hidden, self.not_reset_rows(items, self.critic_rows)];
        let (valued, [input, hidden, not_reset]) =
            self.value_targets_with(batch, shard, own, tracked);
        let input = match policy {
            Some(policy) => policy.read.input.clone(),
            None => input.reshape([self.chunk, rows, dim]),
        };
        let hidden = hidden.reshape([rows, self.carry_dim]);
        ValueBatch {
            read: Sequence { input, hidden, not_reset: not_reset.reshape([self.chunk, rows]) },
            valued,
        }
    }

    /// Returns the targets of the value loss of a shard.
    pub(in super::super) fn value_targets(
        &self,
        batch: &Minibatch,
        shard: &Shard,
        device: &Device,
    ) -> ValueTargets {
        self.value_targets_with(batch, shard, [], &device.clone().autodiff()).0
    }

    /// Returns the value targets and uploads the vectors `extra` in the same transfer.
    fn value_targets_with<const N: usize>(
        &self,
        batch: &Minibatch,
        shard: &Shard,
        extra: [Vec<f32>; N],
        device: &Device,
    ) -> (ValueTargets, [Tensor<1>; N]) {
        let (columns, critic_rows) = ((self.critic_rows, 1), self.all_critic_rows());
        let column = |all: &[f32]| self.part(all, columns, &shard.items, &critic_rows);
        let on = self.part(&self.critic_active, columns, &shard.items, &critic_rows);
        let own =
            vec![column(&self.value), column(&self.returns), weights(&on, batch.critic_active)];
        let all = own.into_iter().chain(extra).collect();
        let mut all = nn::upload(all, Vec::new(), device).0.into_iter();
        let same_number = "one tensor per vector";
        let mut next = || all.next().expect(same_number).reshape([on.len(), 1]);
        let valued = ValueTargets { old_value: next(), returns: next(), weight: next() };
        (valued, std::array::from_fn(|_| all.next().expect(same_number)))
    }

    /// Returns the hidden states at the start of some items, `[row, carry]`.
    fn initial_hidden(
        &self,
        all: &[f32],
        width: usize,
        items: &[usize],
        columns: &[usize],
    ) -> Vec<f32> {
        let h = self.carry_dim;
        let mut out = Vec::with_capacity(items.len() * columns.len() * h);
        for item in items {
            for column in columns {
                out.extend_from_slice(&all[(item * width + column) * h..][..h]);
            }
        }
        out
    }

    /// Returns zero where an episode begins in some items and one elsewhere, repeated for `n` rows,
    /// `[chunk, row]`.
    fn not_reset_rows(&self, items: &[usize], n: usize) -> Vec<f32> {
        let not_reset = self.part(&self.not_reset, (1, 1), items, &[0]);
        not_reset.iter().flat_map(|&k| std::iter::repeat_n(k, n)).collect()
    }
}

/// Returns the weights of rows, `[row]`: `1 / n_active` for active rows and zero for others.
/// `n_active` counts the active rows of all shards.
fn weights(active: &[bool], n_active: usize) -> Vec<f32> {
    let weight = 1.0 / n_active.max(1) as f32;
    active.iter().map(|&on| if on { weight } else { 0.0 }).collect()
}
