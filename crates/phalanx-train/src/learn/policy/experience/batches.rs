//! Parts of a segment as constants of an update.

use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::nn::Device;
use phalanx_core::rl::normalise;

use super::super::losses::{Played, PolicyBatch, Sequence, ValueTargets};
use super::super::settings::{NormaliseAdvantage, PolicyGradient};
use super::super::turn::Turn;
use super::Experience;
use crate::learn::host::tensor;

impl Experience {
    /// The steps of some items for the policies of a turn, as constants of an update.
    pub(in super::super) fn policy_batch(
        &self,
        turn: &Turn,
        items: &[usize],
        settings: &PolicyGradient,
        device: &Device,
    ) -> PolicyBatch {
        let device = &device.clone().autodiff();
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
        let log_prob = self.part(&self.log_prob, columns, items, &turn.agents);
        let n_actions = self.inputs.n_actions;
        let whole = (!self.log_probs.is_empty()).then(|| {
            let all = self.part(&self.log_probs, (self.agents, n_actions), items, &turn.agents);
            tensor(all, [shape[0], shape[1], n_actions], device)
        });
        PolicyBatch {
            played: self.played(turn, items, device),
            log_prob: tensor(log_prob, shape, device),
            log_probs: whole,
            advantage: tensor(advantage, shape, device),
            active: weights(&active, shape, device),
        }
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

    /// What a critic of its own reads of some items, as constants of an update.
    pub(in super::super) fn critic_reads(&self, items: &[usize], device: &Device) -> Sequence {
        let device = &device.clone().autodiff();
        let valuers: Vec<usize> = (0..self.valuers).collect();
        let dim = self.critic_dim;
        let input = self.part(&self.critic_input, (self.valuers, dim), items, &valuers);
        Sequence {
            input: tensor(input, [self.chunk, items.len() * self.valuers, dim], device),
            hidden: self.memory(&self.critic_hidden, self.valuers, items, &valuers, device),
            keep: self.keep_of(items, self.valuers, device),
        }
    }

    /// What the critic is to say of some items, as constants of an update.
    pub(in super::super) fn targets(&self, items: &[usize], device: &Device) -> ValueTargets {
        let device = &device.clone().autodiff();
        let valuers: Vec<usize> = (0..self.valuers).collect();
        let shape = [self.chunk, items.len() * self.valuers];
        let flat =
            |all: &[f32]| tensor(self.part(all, (self.valuers, 1), items, &valuers), shape, device);
        ValueTargets {
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
}

/// Weights that sum to one over the places that are on.
fn weights(on: &[bool], shape: [usize; 2], device: &Device) -> Tensor<2> {
    let n = on.iter().filter(|&&on| on).count().max(1) as f32;
    tensor(on.iter().map(|&on| if on { 1.0 / n } else { 0.0 }).collect(), shape, device)
}
