//! Parts of a segment as constants of an update.

use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::nn::{Device, Taken, Valued, shard_count};
use phalanx_core::rl::normalise;

use super::super::losses::{Played, PolicyBatch, Sequence, ValueBatch};
use super::super::settings::{NormaliseAdvantage, PolicyGradient};
use super::super::turn::Turn;
use super::Experience;
use crate::learn::host::tensor;

/// What one update learns from, in shards that are laid out when their turn comes, while what they hold is
/// in cache.
pub(in super::super) struct Minibatch {
    pub(in super::super) shards: Vec<Shard>,
    /// The number of living, acting agent steps.
    active: usize,
    /// The number of steps that the critic learns from.
    valued: usize,
}

/// Items of a minibatch that are computed together.
pub(in super::super) struct Shard {
    items: Vec<usize>,
    /// Of the agents of a turn, `[chunk, item, agent]`; empty where a critic learns alone.
    advantage: Vec<f32>,
}

impl Experience<'_> {
    /// Some items for the policies of a turn and for the critic.
    pub(in super::super) fn minibatch(
        &self,
        turn: &Turn,
        items: &[usize],
        settings: &PolicyGradient,
        device: &Device,
    ) -> Minibatch {
        let (columns, agents) = ((self.agents, 1), &turn.agents[..]);
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
        let mut rest = &all[..];
        for shard in &mut batch.shards {
            let (own, behind) = rest.split_at(self.chunk * shard.items.len() * agents.len());
            rest = behind;
            shard.advantage = own.to_vec();
            let factor = self.part(&self.factor, (1, 1), &shard.items, &[0]);
            for (advantages, factor) in shard.advantage.chunks_exact_mut(agents.len()).zip(factor) {
                advantages.iter_mut().for_each(|advantage| *advantage *= factor);
            }
        }
        batch
    }

    /// Some items, of which each has so many rows, for the critic alone.
    pub(in super::super) fn critic_minibatch(
        &self,
        items: &[usize],
        rows: usize,
        device: &Device,
    ) -> Minibatch {
        // Read from the front to the back, memory is twice as fast.
        let mut items = items.to_vec();
        items.sort_unstable();
        let n = shard_count(device, self.chunk * items.len() * rows).min(items.len());
        let own = |k: usize| items[k * items.len() / n..(k + 1) * items.len() / n].to_vec();
        let shards = (0..n).map(|k| Shard { items: own(k), advantage: Vec::new() }).collect();
        let valued = self.part(&self.valued, (self.valuers, 1), &items, &self.all_valuers());
        let valued = valued.into_iter().filter(|&on| on).count();
        Minibatch { shards, active: 0, valued }
    }

    fn all_valuers(&self) -> Vec<usize> {
        (0..self.valuers).collect()
    }

    /// A shard for the policies of a turn.
    pub(in super::super) fn policy_batch(
        &self,
        turn: &Turn,
        batch: &Minibatch,
        shard: &Shard,
        device: &Device,
    ) -> PolicyBatch {
        let (columns, agents) = ((self.agents, 1), &turn.agents[..]);
        let tracked = &device.clone().autodiff();
        let (items, n_actions) = (&shard.items[..], self.inputs.n_actions);
        let n = self.chunk * items.len() * agents.len();
        let log_prob = self.part(&self.log_prob, columns, items, agents);
        let active = self.part(&self.active, columns, items, agents);
        let log_probs = (!self.log_probs.is_empty()).then(|| {
            let all = self.part(&self.log_probs, (self.agents, n_actions), items, agents);
            tensor(all, [n, n_actions], tracked)
        });
        let Played { read, closed, actions } = self.played(turn, items, tracked);
        let taken = Taken {
            closed: closed.reshape([n, n_actions]),
            actions: actions.reshape([n, 1]),
            log_prob: tensor(log_prob, [n, 1], tracked),
            advantage: tensor(shard.advantage.clone(), [n, 1], tracked),
            weight: weights(&active, batch.active, tracked),
        };
        PolicyBatch { read, taken, log_probs }
    }

    /// What the policies of a turn read of some items, and what they did.
    pub(super) fn played(&self, turn: &Turn, items: &[usize], device: &Device) -> Played {
        let agents = &turn.agents[..];
        let hidden = self.memory(&self.policy_hidden, self.agents, items, agents, device);
        self.played_after(hidden, turn, items, device)
    }

    /// The same where memories begin with `hidden`, `[row, memory]`.
    pub(super) fn played_after(
        &self,
        hidden: Tensor<2>,
        turn: &Turn,
        items: &[usize],
        device: &Device,
    ) -> Played {
        let (agents, n_actions) = (&turn.agents[..], self.inputs.n_actions);
        let (time, rows) = (self.chunk, items.len() * agents.len());
        let floats = |all: &[f32], size: usize| self.part(all, (self.agents, size), items, agents);
        let actions = self.part(&self.actions, (self.agents, 1), items, agents);
        let dim = self.inputs.dim();
        Played {
            read: Sequence {
                input: tensor(floats(&self.input, dim), [time, rows, dim], device),
                hidden,
                keep: self.keep_of(items, agents.len(), device),
            },
            closed: tensor(floats(&self.closed, n_actions), [time, rows, n_actions], device),
            actions: Tensor::<3, Int>::from_data(TensorData::new(actions, [time, rows, 1]), device),
        }
    }

    /// A shard for a critic of its own; `policy` is the same shard for the policies of all agents, if they
    /// learn from it, too.
    pub(in super::super) fn value_batch(
        &self,
        batch: &Minibatch,
        shard: &Shard,
        policy: Option<&PolicyBatch>,
        device: &Device,
    ) -> ValueBatch {
        let tracked = &device.clone().autodiff();
        let (items, valuers, dim) = (&shard.items[..], self.all_valuers(), self.critic_dim);
        let input = match policy.filter(|_| self.same_input) {
            Some(policy) => policy.read.input.clone(),
            None => {
                let rows = self.part(self.critic_input(), (self.valuers, dim), items, &valuers);
                tensor(rows, [self.chunk, items.len() * self.valuers, dim], tracked)
            }
        };
        let read = Sequence {
            input,
            hidden: self.memory(&self.critic_hidden, self.valuers, items, &valuers, tracked),
            keep: self.keep_of(items, self.valuers, tracked),
        };
        ValueBatch { read, valued: self.valued(batch, shard, device) }
    }

    /// What the critic is to say of a shard.
    pub(in super::super) fn valued(
        &self,
        batch: &Minibatch,
        shard: &Shard,
        device: &Device,
    ) -> Valued {
        let tracked = &device.clone().autodiff();
        let (columns, valuers) = ((self.valuers, 1), self.all_valuers());
        let column = |all: &[f32]| {
            let values = self.part(all, columns, &shard.items, &valuers);
            let n = values.len();
            tensor(values, [n, 1], tracked)
        };
        let on = self.part(&self.valued, columns, &shard.items, &valuers);
        Valued {
            before: column(&self.value),
            returns: column(&self.returns),
            weight: weights(&on, batch.valued, tracked),
        }
    }

    /// The memories at the beginning of some items, `[row, memory]`.
    fn memory(
        &self,
        all: &[f32],
        width: usize,
        items: &[usize],
        columns: &[usize],
        device: &Device,
    ) -> Tensor<2> {
        let h = self.memory_dim;
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
}

/// Weights that sum to one over the `used` places that are on, some of which are here, `[row, 1]`.
fn weights(on: &[bool], used: usize, device: &Device) -> Tensor<2> {
    let weight = 1.0 / used.max(1) as f32;
    tensor(on.iter().map(|&on| if on { weight } else { 0.0 }).collect(), [on.len(), 1], device)
}
