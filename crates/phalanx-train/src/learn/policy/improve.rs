//! How policies and critics learn from a rollout.

use burn::module::Module;
use phalanx_core::nn::{AgentNetworks, in_shards};

use super::experience::Experience;
use super::learner::PolicyLearner;
use super::losses::{Loss, PolicyBatch, PolicyReport, Sequence, ValueBatch, ValueTargets};
use super::settings::{CriticInput, UpdateOrder};
use super::turn::Turn;
use crate::collect::Tally;
use crate::error::TrainError;

impl PolicyLearner {
    /// The agents that improve at once, in the order of their turns.
    fn turns(&mut self) -> Vec<Turn> {
        let owners = self.policy.owners();
        let everybody = || (0..owners.len()).collect();
        if self.settings.update_order == UpdateOrder::Together {
            return vec![Turn { network: None, agents: everybody() }];
        }
        let n = owners.iter().max().map_or(0, |last| last + 1);
        let mut order: Vec<usize> = (0..n).collect();
        if self.settings.update_order == UpdateOrder::Random {
            self.minibatches.shuffle(&mut order);
        }
        let of = |k: usize| (0..owners.len()).filter(|&agent| owners[agent] == k).collect();
        order.into_iter().map(|k| Turn { network: Some(k), agents: of(k) }).collect()
    }

    fn loss(&self, t_env: u64) -> Loss {
        let eps = self.settings.eps_clip as f32;
        Loss {
            ratio_clip: self.settings.policy_clip.then_some(eps),
            value_clip: self.settings.value_clip.then_some(eps),
            huber_delta: self.settings.huber_delta as f32,
            entropy_coef: self.settings.entropy_coef_at(t_env) as f32,
            kl_coef: self.settings.kl_coef as f32,
        }
    }

    /// The items of each part of an epoch.
    fn parts(&mut self, items: usize) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..items).collect();
        let parts = self.settings.num_mini_batch;
        if parts > 1 {
            self.minibatches.shuffle(&mut order);
        }
        (0..parts)
            .map(|part| order[part * items / parts..(part + 1) * items / parts].to_vec())
            .collect()
    }

    /// Improves the policies of all turns, and the critic where it learns along with them.
    pub(super) fn improve(
        &mut self,
        experience: &mut Experience,
        tally: &mut Tally,
    ) -> Result<(), TrainError> {
        let turns = self.turns();
        for (at, turn) in turns.iter().enumerate() {
            let mut batches = Vec::new();
            for epoch in 0..self.settings.epochs {
                if epoch == 0 || self.settings.num_mini_batch > 1 {
                    let parts = self.parts(experience.items());
                    let of = |items: &Vec<usize>| self.minibatch(turn, experience, items);
                    batches = parts.iter().map(of).collect();
                }
                let mut moved = 0.0;
                for Minibatch { policy, targets, value } in &batches {
                    moved += self.policy_update(turn, policy, targets, tally)?;
                    if !value.is_empty() {
                        self.critic_update(value, tally)?;
                    }
                }
                let limit = self.settings.kl_stop;
                if limit > 0.0 && moved / batches.len() as f64 > limit {
                    break;
                }
            }
            if at + 1 < turns.len() {
                experience.account_for(turn, &self.policy.valid(), &self.device);
            }
        }
        Ok(())
    }

    fn minibatch(&self, turn: &Turn, experience: &Experience, items: &[usize]) -> Minibatch {
        // Read from the front to the back, memory is twice as fast.
        let items = &sorted(items);
        let policy = experience.policy_batches(turn, items, &self.settings, &self.device);
        let targets = match self.shared() {
            true => experience.targets(items, turn.agents.len(), &self.device),
            false => Vec::new(),
        };
        let value = match self.along() {
            true => experience.value_batches(items, &policy, &self.device),
            false => Vec::new(),
        };
        Minibatch { policy, targets, value }
    }

    /// Whether a critic of its own learns from the minibatches of the policies. Where policies take turns
    /// or may stop early, it goes through the rollout by itself.
    pub(super) fn along(&self) -> bool {
        let together = self.settings.update_order == UpdateOrder::Together;
        !self.shared() && together && self.settings.kl_stop <= 0.0
    }

    /// One step of the policies of a turn from the shards of a minibatch, and of the critic where it
    /// shares layers with them and `targets` say what it is to learn. Returns the approximate KL
    /// divergence before it.
    fn policy_update(
        &mut self,
        turn: &Turn,
        shards: &[PolicyBatch],
        targets: &[ValueTargets],
        tally: &mut Tally,
    ) -> Result<f64, TrainError> {
        let (losses, vf_coef) = (self.loss(tally.t_env), self.settings.vf_coef);
        let (lr, clip) = (self.settings.lr_at(tally.t_env), self.settings.grad_norm_clip as f32);
        let (reports, values, norm): (Vec<_>, f32, _) = if targets.is_empty() {
            let shards = shards.iter().collect();
            let (reports, gradients) =
                in_shards(&self.policy, shards, |policy: &AgentNetworks, shard: &PolicyBatch| {
                    losses.policy(turn.forward(policy, &shard.played.read).output, shard)
                });
            let policy = self.policy.clone();
            let step = self.policy_optimizer.step(lr, policy, gradients, clip);
            self.policy = step.module;
            (reports, 0.0, step.grad_norm)
        } else {
            let both = (self.policy.clone(), self.critic.clone());
            let shards = shards.iter().zip(targets).collect();
            let (reports, gradients) = in_shards(&both, shards, |(policy, critic), shard| {
                let (shard, targets): (&PolicyBatch, &ValueTargets) = shard;
                let read = &shard.played.read;
                let out = turn.forward(policy, read);
                let (loss, report) = losses.policy(out.output, shard);
                let value = critic.forward(out.features, read.hidden.clone(), None).output;
                let value_loss = losses.value(value, targets);
                let value: f32 = value_loss.clone().inner().into_scalar();
                (loss + value_loss * vf_coef, (report, value))
            });
            let step = self.policy_optimizer.step(lr, both, gradients, clip);
            (self.policy, self.critic) = step.module;
            let (reports, values): (Vec<_>, Vec<f32>) = reports.into_iter().unzip();
            (reports, values.iter().sum(), step.grad_norm)
        };
        let report: PolicyReport = reports.into_iter().sum();
        finite("pg_loss", report.pg_loss, tally)?;
        if !targets.is_empty() {
            finite("value_loss", values, tally)?;
            tally.add("value_loss", f64::from(values));
        }
        tally.updates += 1;
        tally.add("grad_norm", f64::from(norm.into_scalar::<f32>()));
        tally.add("pg_loss", f64::from(report.pg_loss));
        tally.add("entropy", f64::from(report.entropy));
        tally.add("clip_fraction", f64::from(report.clip_fraction));
        tally.add("approx_kl", f64::from(report.approx_kl));
        Ok(f64::from(report.approx_kl))
    }

    /// Whether policy and critic share layers, and are improved together.
    pub(super) fn shared(&self) -> bool {
        self.settings.critic == CriticInput::Shared
    }

    /// Fits a critic of its own, by itself.
    pub(super) fn fit(
        &mut self,
        experience: &Experience,
        tally: &mut Tally,
    ) -> Result<(), TrainError> {
        let mut batches = Vec::new();
        for epoch in 0..self.settings.epochs {
            if epoch == 0 || self.settings.num_mini_batch > 1 {
                let parts = self.parts(experience.items());
                let of = |items: &Vec<usize>| {
                    experience.value_batches(&sorted(items), &[], &self.device)
                };
                batches = parts.iter().map(of).collect();
            }
            for shards in &batches {
                self.critic_update(shards, tally)?;
            }
        }
        Ok(())
    }

    /// One step of a critic of its own from the shards of a minibatch.
    fn critic_update(
        &mut self,
        shards: &[ValueBatch],
        tally: &mut Tally,
    ) -> Result<(), TrainError> {
        let losses = self.loss(tally.t_env);
        let shards = shards.iter().collect();
        let (values, gradients) =
            in_shards(&self.critic, shards, |critic: &AgentNetworks, shard: &ValueBatch| {
                let Sequence { input, hidden, keep } = shard.read.clone();
                let value = critic.forward(input, hidden, Some(keep)).output;
                let loss = losses.value(value, &shard.targets);
                let value: f32 = loss.clone().inner().into_scalar();
                (loss, value)
            });
        let value: f32 = values.iter().sum();
        finite("value_loss", value, tally)?;
        let (lr, clip) = (self.settings.lr_at(tally.t_env), self.settings.grad_norm_clip as f32);
        let step = self.critic_optimizer.step(lr, self.critic.clone(), gradients, clip);
        self.critic = step.module;
        tally.add("critic_grad_norm", f64::from(step.grad_norm.into_scalar::<f32>()));
        tally.add("value_loss", f64::from(value));
        Ok(())
    }

    /// One step of policy and critic from some items.
    pub(crate) fn update(
        &mut self,
        experience: &Experience,
        items: &[usize],
        tally: &mut Tally,
    ) -> Result<(), TrainError> {
        let everybody = Turn { network: None, agents: (0..self.spec.n_agents()).collect() };
        let Minibatch { policy, value, .. } = self.minibatch(&everybody, experience, items);
        self.policy_update(&everybody, &policy, &[], tally)?;
        self.critic_update(&value, tally)
    }
}

/// What one update learns from, in shards.
struct Minibatch {
    policy: Vec<PolicyBatch>,
    /// For a critic that shares layers with the policies.
    targets: Vec<ValueTargets>,
    /// For a critic of its own that learns along with them.
    value: Vec<ValueBatch>,
}

fn sorted(items: &[usize]) -> Vec<usize> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items
}

fn finite(what: &'static str, value: f32, tally: &Tally) -> Result<(), TrainError> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(TrainError::NotFinite { what, value, t_env: tally.t_env })
    }
}
