//! Parts of a segment as constants of an update.

use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::nn::{Device, shard_count};
use phalanx_core::rl::normalise;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::super::losses::{Played, PolicyBatch, Sequence, ValueBatch, ValueTargets};
use super::super::settings::{NormaliseAdvantage, PolicyGradient};
use super::super::turn::Turn;
use super::Experience;
use crate::learn::host::tensor;

impl Experience {
    /// The steps of some items for the policies of a turn, as constants of an update, in shards.
    pub(in super::super) fn policy_batches(
        &self,
        turn: &Turn,
        items: &[usize],
        settings: &PolicyGradient,
        device: &Device,
    ) -> Vec<PolicyBatch> {
        let tracked = &device.clone().autodiff();
        let (columns, agents) = ((self.agents, 1), &turn.agents[..]);
        let shards = self.shards(items, agents.len(), device);
        let active: Vec<Vec<bool>> =
            shards.iter().map(|items| self.part(&self.active, columns, items, agents)).collect();
        let mut advantage: Vec<f32> = shards
            .iter()
            .flat_map(|items| self.part(&self.advantage, columns, items, agents))
            .collect();
        if settings.normalise_advantage == NormaliseAdvantage::Minibatch {
            normalise(&mut advantage, &active.concat());
        }
        let used = used(active.iter().flatten());
        let n_actions = self.inputs.n_actions;
        let mut rest = &mut advantage[..];
        let parts = shards.into_iter().zip(active).map(|(items, active)| {
            let (advantage, behind) = std::mem::take(&mut rest).split_at_mut(active.len());
            rest = behind;
            (items, active, advantage)
        });
        let parts: Vec<_> = parts.collect();
        let batch = |(items, active, advantage): (&[usize], Vec<bool>, &mut [f32])| {
            let shape = [self.chunk, items.len() * agents.len()];
            let factor = self.part(&self.factor, (1, 1), items, &[0]);
            for (advantages, factor) in advantage.chunks_exact_mut(agents.len()).zip(factor) {
                advantages.iter_mut().for_each(|advantage| *advantage *= factor);
            }
            let log_prob = self.part(&self.log_prob, columns, items, agents);
            let whole = (!self.log_probs.is_empty()).then(|| {
                let all = self.part(&self.log_probs, (self.agents, n_actions), items, agents);
                tensor(all, [shape[0], shape[1], n_actions], tracked)
            });
            PolicyBatch {
                played: self.played(turn, items, tracked),
                log_prob: tensor(log_prob, shape, tracked),
                log_probs: whole,
                advantage: tensor(advantage.to_vec(), shape, tracked),
                active: weights(&active, used, shape, tracked),
            }
        };
        parts.into_par_iter().with_max_len(1).map(batch).collect()
    }

    /// Items in shards of nearly as many each, where an item has so many rows.
    fn shards<'a>(&self, items: &'a [usize], rows: usize, device: &Device) -> Vec<&'a [usize]> {
        let n = shard_count(device, self.chunk * items.len() * rows).min(items.len());
        (0..n).map(|k| &items[k * items.len() / n..(k + 1) * items.len() / n]).collect()
    }

    /// What the policies of a turn read of some items, and what they did.
    pub(super) fn played(&self, turn: &Turn, items: &[usize], device: &Device) -> Played {
        let (agents, n_actions) = (&turn.agents[..], self.inputs.n_actions);
        let (time, rows) = (self.chunk, items.len() * agents.len());
        let floats = |all: &[f32], size: usize| self.part(all, (self.agents, size), items, agents);
        let actions = self.part(&self.actions, (self.agents, 1), items, agents);
        let dim = self.inputs.dim();
        Played {
            read: Sequence {
                input: tensor(floats(&self.input, dim), [time, rows, dim], device),
                hidden: self.memory(&self.policy_hidden, self.agents, items, agents, device),
                keep: self.keep_of(items, agents.len(), device),
            },
            closed: tensor(floats(&self.closed, n_actions), [time, rows, n_actions], device),
            actions: Tensor::<3, Int>::from_data(TensorData::new(actions, [time, rows, 1]), device),
        }
    }

    /// What a critic of its own reads of some items and what it is to say, as constants of an update, in
    /// shards; `policy` are those of all agents from the same items, if there are any.
    pub(in super::super) fn value_batches(
        &self,
        items: &[usize],
        policy: &[PolicyBatch],
        device: &Device,
    ) -> Vec<ValueBatch> {
        let tracked = &device.clone().autodiff();
        let valuers: Vec<usize> = (0..self.valuers).collect();
        let (dim, targets) = (self.critic_dim, self.targets(items, self.valuers, device));
        let batch = |(at, (items, targets)): (usize, (&[usize], ValueTargets))| {
            let shape = [self.chunk, items.len() * self.valuers, dim];
            let input = match policy.get(at).filter(|_| self.same_input) {
                Some(batch) => batch.played.read.input.clone(),
                None => {
                    let rows = self.part(self.critic_input(), (self.valuers, dim), items, &valuers);
                    tensor(rows, shape, tracked)
                }
            };
            let read = Sequence {
                input,
                hidden: self.memory(&self.critic_hidden, self.valuers, items, &valuers, tracked),
                keep: self.keep_of(items, self.valuers, tracked),
            };
            ValueBatch { read, targets }
        };
        let shards: Vec<_> =
            self.shards(items, self.valuers, device).into_iter().zip(targets).collect();
        shards.into_par_iter().enumerate().with_max_len(1).map(batch).collect()
    }

    /// What the critic is to say of some items, in the shards that items of so many rows make.
    pub(in super::super) fn targets(
        &self,
        items: &[usize],
        rows: usize,
        device: &Device,
    ) -> Vec<ValueTargets> {
        let tracked = &device.clone().autodiff();
        let valuers: Vec<usize> = (0..self.valuers).collect();
        let columns = (self.valuers, 1);
        let used = used(&self.part(&self.valued, columns, items, &valuers));
        let of = |items: &[usize]| {
            let shape = [self.chunk, items.len() * self.valuers];
            let flat =
                |all: &[f32]| tensor(self.part(all, columns, items, &valuers), shape, tracked);
            let valued = self.part(&self.valued, columns, items, &valuers);
            ValueTargets {
                value: flat(&self.value),
                returns: flat(&self.returns),
                valued: weights(&valued, used, shape, tracked),
            }
        };
        self.shards(items, rows, device).into_iter().map(of).collect()
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

/// The number of places that are on.
fn used<'a>(on: impl IntoIterator<Item = &'a bool>) -> usize {
    on.into_iter().filter(|&&on| on).count()
}

/// Weights that sum to one over the `used` places that are on, some of which are here.
fn weights(on: &[bool], used: usize, shape: [usize; 2], device: &Device) -> Tensor<2> {
    let weight = 1.0 / used.max(1) as f32;
    tensor(on.iter().map(|&on| if on { weight } else { 0.0 }).collect(), shape, device)
}
