//! Networks, target networks and optimizer, and their update from a batch.

use std::borrow::Borrow;

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::nn::{Device, Optimizer, in_shards, soft_update};

use super::super::LearningRate;
use super::super::pending_metrics::PendingMetrics;
use super::super::transfer::to_vec;
use super::batch::EpisodeTensors;
use super::factorisation::ValueFactorisation;
use super::settings::TargetUpdate;
use crate::error::TrainError;
use crate::rollout::Metrics;

/// Networks, target networks and optimizer state of an algorithm.
pub(super) struct TrainState<F: ValueFactorisation> {
    pub(super) factorisation: F,
    pub(super) device: Device,
    pub(super) networks: F::Networks,
    pub(super) target: F::Networks,
    pub(super) optimizer: Optimizer,
    learning_rate: LearningRate,
    /// The number of episodes or updates at the last copy of the target networks.
    pub(super) copied_at: u64,
}

impl<F: ValueFactorisation> TrainState<F> {
    pub(super) fn new(
        factorisation: F,
        networks: F::Networks,
        device: &Device,
        learning_rate: LearningRate,
    ) -> Self {
        Self {
            target: networks.valid(),
            networks,
            optimizer: Optimizer::new(factorisation.learning().optimizer()),
            learning_rate,
            copied_at: 0,
            device: device.clone(),
            factorisation,
        }
    }

    /// Makes one update from the shards of a batch, each with its number of steps. Every step has
    /// the same weight; `batch` creates the tensors of a shard. Metrics go to `pending`. Returns
    /// the mean absolute TD error of every episode, shard by shard, if replay is prioritised;
    /// nothing else is downloaded.
    ///
    /// # Errors
    ///
    /// Returns an error if the learning rate's factor is invalid.
    pub(super) fn update<T: Send, B: Borrow<EpisodeTensors>>(
        &mut self,
        shards: Vec<(usize, T)>,
        batch: impl Fn(T) -> B + Sync,
        metrics: &mut Metrics,
        pending: &mut PendingMetrics,
    ) -> Result<Vec<f32>, TrainError> {
        let lr = self.factorisation.learning().lr * self.learning_rate.factor_at(metrics.t_env)?;
        let all: usize = shards.iter().map(|(steps, _)| steps).sum();
        let (factorisation, target) = (&self.factorisation, &self.target);
        let (losses, gradients) = in_shards(&self.networks, shards, |online, (steps, shard)| {
            let share = steps as f64 / all as f64;
            let output = factorisation.loss(online, target, batch(shard).borrow());
            (output.loss * share as f32, (share, output.metrics, output.td_errors))
        });
        let mut td_errors = Vec::new();
        let mut sums: Vec<(&'static str, Tensor<1>)> = Vec::new();
        for (share, metrics, errors) in losses {
            for (name, value) in metrics {
                let value = if share < 1.0 { value * share as f32 } else { value };
                match sums.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum = sum.clone() + value,
                    None => sums.push((name, value)),
                }
            }
            td_errors.extend(errors);
        }
        for (name, value) in sums {
            pending.add(&[name], value);
        }
        let clip = self.factorisation.learning().grad_norm_clip as f32;
        let step = self.optimizer.step(lr, self.networks.clone(), gradients, clip);
        self.networks = step.module;
        metrics.updates += 1;
        pending.add(&["grad_norm"], step.grad_norm);
        self.update_targets(TargetUpdate::Updates, metrics.updates);
        Ok(if td_errors.is_empty() { Vec::new() } else { to_vec(Tensor::cat(td_errors, 0)) })
    }

    /// Updates the target networks if they are due after this `event`, of which there have been
    /// `count`.
    pub(super) fn update_targets(&mut self, event: TargetUpdate, count: u64) {
        let learning = self.factorisation.learning();
        let mode = learning.target_update;
        if mode == TargetUpdate::Soft && event == TargetUpdate::Updates {
            let tau = learning.target_update_tau;
            self.target = soft_update(self.target.clone(), &self.networks.valid(), tau);
        } else if mode == event
            && count.saturating_sub(self.copied_at) >= learning.target_update_interval
        {
            self.target = self.networks.valid();
            self.copied_at = count;
        }
    }
}
