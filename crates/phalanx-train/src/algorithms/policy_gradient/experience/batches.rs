//! Parts of a segment as constants of an update.

use burn::tensor::Tensor;
use phalanx_core::nn::{self, Device, PolicyTargets, ValueTargets, shard_count};
use phalanx_core::rl::normalise;

use super::super::losses::{Played, PolicyBatch, Sequence, ValueBatch};
use super::super::settings::{NormaliseAdvantage, PolicyGradient};
use super::super::turn::Turn;
use super::Experience;

/// What one update learns from, in shards that are laid out when their turn comes, while what they hold is
/// in cache.
pub(in super::super) struct Minibatch {
    pub(in super::super) shards: Vec<Shard>,
    /// The number of agent steps that the policy learns from.
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
        let own = [
            self.part(&self.log_prob, columns, items, agents),
            shard.advantage.clone(),
            weights(&self.part(&self.active, columns, items, agents), batch.active),
            match self.log_probs.is_empty() {
                true => Vec::new(),
                false => self.part(&self.log_probs, (self.agents, n_actions), items, agents),
            },
        ];
        let (Played { read, closed, actions }, own) =
            self.played_and(None, turn, items, own, tracked);
        let [log_prob, advantage, weight, log_probs] = own;
        let closed = if self.masked { closed } else { closed.zeros_like() };
        let taken = PolicyTargets {
            mask_bias: closed.reshape([n, n_actions]),
            actions: actions.reshape([n, 1]),
            log_prob: log_prob.reshape([n, 1]),
            advantage: advantage.reshape([n, 1]),
            weight: weight.reshape([n, 1]),
        };
        let log_probs = (!self.log_probs.is_empty()).then(|| log_probs.reshape([n, n_actions]));
        PolicyBatch { read, taken, log_probs }
    }

    /// What the policies of a turn read of some items, and what they did; memories begin with those of the
    /// rollout, or with `hidden`, `[row, memory]`.
    pub(super) fn played(
        &self,
        hidden: Option<Tensor<2>>,
        turn: &Turn,
        items: &[usize],
        device: &Device,
    ) -> Played {
        self.played_and(hidden, turn, items, [], device).0
    }

    /// The same and the vectors `more`, in one transfer.
    fn played_and<const N: usize>(
        &self,
        hidden: Option<Tensor<2>>,
        turn: &Turn,
        items: &[usize],
        more: [Vec<f32>; N],
        device: &Device,
    ) -> (Played, [Tensor<1>; N]) {
        let (agents, n_actions) = (&turn.agents[..], self.inputs.n_actions);
        let (time, rows, dim) = (self.chunk, items.len() * agents.len(), self.inputs.dim());
        let floats = |all: &[f32], size: usize| self.part(all, (self.agents, size), items, agents);
        let own = [
            floats(&self.input, dim),
            floats(&self.closed, n_actions),
            self.keep_of(items, agents.len()),
            match &hidden {
                Some(_) => Vec::new(),
                None => self.memory(&self.policy_hidden, self.agents, items, agents),
            },
        ];
        let actions = self.part(&self.actions, (self.agents, 1), items, agents);
        let all = own.into_iter().chain(more).collect();
        let (all, actions) = nn::upload(all, vec![actions], device);
        let (mut all, mut actions) = (all.into_iter(), actions.into_iter());
        let as_many = "as many arrive as were sent";
        let [input, closed, keep, memory] = std::array::from_fn(|_| all.next().expect(as_many));
        let more = std::array::from_fn(|_| all.next().expect(as_many));
        let actions = actions.next().expect(as_many);
        let played = Played {
            read: Sequence {
                input: input.reshape([time, rows, dim]),
                hidden: hidden.unwrap_or_else(|| memory.reshape([rows, self.carry_dim])),
                keep: keep.reshape([time, rows]),
            },
            closed: closed.reshape([time, rows, n_actions]),
            actions: actions.reshape([time, rows, 1]),
        };
        (played, more)
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
        let policy = policy.filter(|_| self.same_input);
        let rows = items.len() * self.valuers;
        let input = match policy {
            Some(_) => Vec::new(),
            None => self.part(self.critic_input(), (self.valuers, dim), items, &valuers),
        };
        let hidden = self.memory(&self.critic_hidden, self.valuers, items, &valuers);
        let own = [input, hidden, self.keep_of(items, self.valuers)];
        let (valued, [input, hidden, keep]) = self.valued_and(batch, shard, own, tracked);
        let input = match policy {
            Some(policy) => policy.read.input.clone(),
            None => input.reshape([self.chunk, rows, dim]),
        };
        let hidden = hidden.reshape([rows, self.carry_dim]);
        ValueBatch {
            read: Sequence { input, hidden, keep: keep.reshape([self.chunk, rows]) },
            valued,
        }
    }

    /// What the critic is to say of a shard.
    pub(in super::super) fn valued(
        &self,
        batch: &Minibatch,
        shard: &Shard,
        device: &Device,
    ) -> ValueTargets {
        self.valued_and(batch, shard, [], &device.clone().autodiff()).0
    }

    /// The same and the vectors `more`, in one transfer.
    fn valued_and<const N: usize>(
        &self,
        batch: &Minibatch,
        shard: &Shard,
        more: [Vec<f32>; N],
        device: &Device,
    ) -> (ValueTargets, [Tensor<1>; N]) {
        let (columns, valuers) = ((self.valuers, 1), self.all_valuers());
        let column = |all: &[f32]| self.part(all, columns, &shard.items, &valuers);
        let on = self.part(&self.valued, columns, &shard.items, &valuers);
        let own = vec![column(&self.value), column(&self.returns), weights(&on, batch.valued)];
        let all = own.into_iter().chain(more).collect();
        let mut all = nn::upload(all, Vec::new(), device).0.into_iter();
        let as_many = "as many arrive as were sent";
        let mut next = || all.next().expect(as_many).reshape([on.len(), 1]);
        let valued = ValueTargets { old_value: next(), returns: next(), weight: next() };
        (valued, std::array::from_fn(|_| all.next().expect(as_many)))
    }

    /// The memories at the beginning of some items, `[row, memory]`.
    fn memory(&self, all: &[f32], width: usize, items: &[usize], columns: &[usize]) -> Vec<f32> {
        let h = self.carry_dim;
        let mut out = Vec::with_capacity(items.len() * columns.len() * h);
        for item in items {
            for column in columns {
                out.extend_from_slice(&all[(item * width + column) * h..][..h]);
            }
        }
        out
    }

    /// Where episodes begin in some items, repeated for `n` rows each, `[chunk, row]`.
    fn keep_of(&self, items: &[usize], n: usize) -> Vec<f32> {
        let keep = self.part(&self.keep, (1, 1), items, &[0]);
        keep.iter().flat_map(|&k| std::iter::repeat_n(k, n)).collect()
    }
}

/// Weights that sum to one over the `used` places that are on, some of which are here, `[row]`.
fn weights(on: &[bool], used: usize) -> Vec<f32> {
    let weight = 1.0 / used.max(1) as f32;
    on.iter().map(|&on| if on { weight } else { 0.0 }).collect()
}
