//! Networks, their targets, and how they learn from a batch.

use std::borrow::Borrow;

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::nn::{Device, Optimizer, in_shards, soft_update};

use super::super::pending_metrics::PendingMetrics;
use super::super::transfer::to_vec;
use super::experience::Experience;
use super::factorisation::Factorisation;
use super::settings::{QLearning, TargetUpdate};
use crate::rollout::Metrics;

/// The networks of a factorisation on their way.
pub(super) struct Update<F: Factorisation> {
    pub(super) factorisation: F,
    pub(super) learning: QLearning,
    pub(super) device: Device,
    pub(super) networks: F::Networks,
    pub(super) target: F::Networks,
    pub(super) optimizer: Optimizer,
    /// The number of episodes or updates at the last copy of the target networks.
    pub(super) copied_at: u64,
}

impl<F: Factorisation> Update<F> {
    pub(super) fn new(
        factorisation: F,
        learning: &QLearning,
        networks: F::Networks,
        device: &Device,
    ) -> Self {
        Self {
            target: networks.valid(),
            networks,
            optimizer: Optimizer::new(learning.optimizer()),
            copied_at: 0,
            learning: learning.clone(),
            device: device.clone(),
            factorisation,
        }
    }

    /// One update from the shards of a batch, each with the number of its steps, all of which count
    /// alike; `batch` lays a shard out. What is worth knowing goes to `pending`. Returns the mean absolute
    /// error of every episode, shard by shard, where replay is prioritised; nothing else is read from the
    /// device.
    pub(super) fn run<T: Send, B: Borrow<Experience>>(
        &mut self,
        shards: Vec<(usize, T)>,
        batch: impl Fn(T) -> B + Sync,
        metrics: &mut Metrics,
        pending: &mut PendingMetrics,
    ) -> Vec<f32> {
        let all: usize = shards.iter().map(|(steps, _)| steps).sum();
        let (factorisation, target, learning) = (&self.factorisation, &self.target, &self.learning);
        let (losses, gradients) = in_shards(&self.networks, shards, |online, (steps, shard)| {
            let share = steps as f64 / all as f64;
            let loss = factorisation.loss(online, target, batch(shard).borrow(), learning);
            (loss.total * share as f32, (share, loss.means, loss.errors))
        });
        let mut errors = Vec::new();
        let mut sums: Vec<(&'static str, Tensor<1>)> = Vec::new();
        for (share, means, own) in losses {
            for (what, value) in means {
                let value = if share < 1.0 { value * share as f32 } else { value };
                match sums.iter_mut().find(|(name, _)| *name == what) {
                    Some((_, sum)) => *sum = sum.clone() + value,
                    None => sums.push((what, value)),
                }
            }
            errors.extend(own);
        }
        for (what, value) in sums {
            pending.add(&[what], value);
        }
        let clip = self.learning.grad_norm_clip as f32;
        let step = self.optimizer.step(self.learning.lr, self.networks.clone(), gradients, clip);
        self.networks = step.module;
        metrics.updates += 1;
        pending.add(&["grad_norm"], step.grad_norm);
        self.follow(TargetUpdate::Updates, metrics.updates);
        if errors.is_empty() { Vec::new() } else { to_vec(Tensor::cat(errors, 0)) }
    }

    /// Lets the target networks follow, if they do so after `what`, of which there were `count`.
    pub(super) fn follow(&mut self, what: TargetUpdate, count: u64) {
        let mode = self.learning.target_update;
        if mode == TargetUpdate::Soft && what == TargetUpdate::Updates {
            let tau = self.learning.target_update_tau;
            self.target = soft_update(self.target.clone(), &self.networks.valid(), tau);
        } else if mode == what && count - self.copied_at >= self.learning.target_update_interval {
            self.target = self.networks.valid();
            self.copied_at = count;
        }
    }
}
