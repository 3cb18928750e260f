//! Updates of policies and critics from a rollout.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::nn::{
    AgentNetworks, Optimizer, ParameterGradients, gradients_in_shards, in_shards,
};

use super::batch::{Minibatch, RolloutBatch, Shard};
use super::learner::PolicyLearner;
use super::losses::{POLICY_MEANS, PolicyBatch, PpoLoss, Sequence, ValueBatch};
use super::settings::{CriticInput, UpdateOrder};
use super::update_group::UpdateGroup;
use crate::algorithms::pending_metrics::PendingMetrics;
use crate::algorithms::transfer::to_vec;
use crate::error::TrainError;
use crate::rollout::Metrics;

impl PolicyLearner {
    /// Returns the groups of agents that are updated together, in the order of their updates.
    fn groups(&mut self) -> Vec<UpdateGroup> {
        let owners = self.policy.owners();
        let all_agents = || (0..owners.len()).collect();
        if self.settings.update_order == UpdateOrder::Together {
            return vec![UpdateGroup { network: None, agents: all_agents() }];
        }
        let n = owners.iter().max().map_or(0, |last| last + 1);
        let mut order: Vec<usize> = (0..n).collect();
        if self.settings.update_order == UpdateOrder::Random {
            self.minibatches.shuffle(&mut order);
        }
        let of = |k: usize| (0..owners.len()).filter(|&agent| owners[agent] == k).collect();
        order.into_iter().map(|k| UpdateGroup { network: Some(k), agents: of(k) }).collect()
    }

    fn loss(&self, t_env: u64) -> PpoLoss {
        let eps = self.settings.eps_clip as f32;
        let delta = self.settings.huber_delta;
        PpoLoss {
            ratio_clip: self.settings.policy_clip.then_some(eps),
            value_clip: self.settings.value_clip.then_some(eps),
            huber_delta: (delta > 0.0).then_some(delta as f32),
            entropy_coef: self.settings.entropy_coef_at(t_env) as f32,
            kl_coef: self.settings.kl_coef as f32,
        }
    }

    /// Returns the items of each minibatch of an epoch.
    fn minibatch_indices(&mut self, items: usize) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..items).collect();
        let n = self.settings.num_mini_batch;
        if n > 1 {
            self.minibatches.shuffle(&mut order);
        }
        (0..n).map(|k| order[k * items / n..(k + 1) * items / n].to_vec()).collect()
    }

    /// Updates the policies of all groups, and the critic if it shares their minibatches.
    pub(super) fn update_policies(
        &mut self,
        rollout_batch: &mut RolloutBatch<'_>,
        lr: f64,
        metrics: &mut Metrics,
        pending: &mut PendingMetrics,
    ) {
        let groups = self.groups();
        for (at, group) in groups.iter().enumerate() {
            let mut batches = Vec::new();
            for epoch in 0..self.settings.epochs {
                if epoch == 0 || self.settings.num_mini_batch > 1 {
                    let parts = self.minibatch_indices(rollout_batch.items());
                    let of = |items: &Vec<usize>| {
                        rollout_batch.minibatch(group, items, &self.settings, &self.device)
                    };
                    batches = parts.iter().map(of).collect();
                }
                let mut approx_kls = Vec::new();
                for batch in &batches {
                    approx_kls.push(self.minibatch_step(
                        group,
                        rollout_batch,
                        batch,
                        lr,
                        metrics,
                        pending,
                    ));
                }
                let limit = self.settings.kl_stop;
                if limit > 0.0 && mean_of(approx_kls) > limit {
                    break;
                }
            }
            if at + 1 < groups.len() {
                rollout_batch.apply_importance_ratio(group, &self.policy.valid(), &self.device);
            }
        }
    }

    /// Returns whether a separate critic learns from the minibatches of the policies. If agents are
    /// updated one after another or may stop early, the critic has its own epochs.
    pub(super) fn critic_shares_minibatches(&self) -> bool {
        let together = self.settings.update_order == UpdateOrder::Together;
        !self.shared() && together && self.settings.kl_stop <= 0.0
    }

    /// Takes one optimizer step of a group's policies on a minibatch, and of the critic if it
    /// shares the minibatches. Returns the approximate KL divergence before the step, `[1]`.
    fn minibatch_step(
        &mut self,
        group: &UpdateGroup,
        rollout_batch: &RolloutBatch<'_>,
        batch: &Minibatch,
        lr: f64,
        metrics: &mut Metrics,
        pending: &mut PendingMetrics,
    ) -> Tensor<1> {
        let (losses, vf_coef, device) =
            (self.loss(metrics.t_env), self.settings.vf_coef, &self.device);
        let clip = self.settings.grad_norm_clip as f32;
        let shards = batch.shards.iter().collect();
        let policy_batch = |shard: &Shard| rollout_batch.policy_batch(group, batch, shard, device);
        let policy_loss = |policy: &AgentNetworks, batch: &PolicyBatch| {
            losses.policy(group.logits(policy, &batch.read), batch)
        };
        let shared = self.shared();
        let (means, values): (Vec<_>, Vec<_>) = if shared || self.settings.clip_jointly {
            let both = (self.policy.clone(), self.critic.clone());
            let (means, gradients) = in_shards(&both, shards, |(policy, critic), shard| {
                let inputs = policy_batch(shard);
                let out = group.forward(policy, &inputs.read);
                let (loss, means) = losses.policy(out.output, &inputs);
                let value = if shared {
                    let value = critic.outputs(out.features, inputs.read.hidden, None);
                    losses.value(value, &rollout_batch.value_targets(batch, shard, device))
                } else {
                    let read = rollout_batch.value_batch(batch, shard, Some(&inputs), device);
                    value_of(critic, &read, losses)
                };
                (loss + value.clone() * vf_coef, (means, Some(value.inner())))
            });
            let step = self.policy_optimizer.step(lr, both, gradients, clip);
            (self.policy, self.critic) = step.module;
            pending.add(&["grad_norm"], step.grad_norm);
            means.into_iter().unzip()
        } else if self.critic_shares_minibatches() {
            let both = (self.policy.clone(), self.critic.clone());
            let (means, [policy, critic]) =
                gradients_in_shards(&both, shards, |(policy, critic), shard: &Shard| {
                    let inputs = policy_batch(shard);
                    let (loss, means) = policy_loss(policy, &inputs);
                    let improved = ParameterGradients::of(policy, loss.backward());
                    let shard = rollout_batch.value_batch(batch, shard, Some(&inputs), device);
                    let loss = value_of(critic, &shard, losses);
                    let value = loss.clone().inner();
                    let fitted = ParameterGradients::of(critic, loss.backward());
                    ([improved, fitted], (means, Some(value)))
                });
            let norm = descend(&mut self.policy_optimizer, &mut self.policy, lr, policy, clip);
            pending.add(&["grad_norm"], norm);
            let norm = descend(&mut self.critic_optimizer, &mut self.critic, lr, critic, clip);
            pending.add(&["critic_grad_norm"], norm);
            means.into_iter().unzip()
        } else {
            let (means, gradients) = in_shards(&self.policy, shards, |policy, shard| {
                policy_loss(policy, &policy_batch(shard))
            });
            let norm = descend(&mut self.policy_optimizer, &mut self.policy, lr, gradients, clip);
            pending.add(&["grad_norm"], norm);
            means.into_iter().map(|means| (means, None)).unzip()
        };
        metrics.updates += 1;
        let means = sum_of(means);
        pending.add(&POLICY_MEANS, means.clone());
        let values: Vec<_> = values.into_iter().flatten().collect();
        if !values.is_empty() {
            pending.add(&["value_loss"], sum_of(values));
        }
        means.narrow(0, 3, 1)
    }

    /// Returns whether policy and critic share layers.
    pub(super) fn shared(&self) -> bool {
        self.settings.critic == CriticInput::Shared
    }

    /// Fits a separate critic in its own epochs.
    pub(super) fn fit_critic(
        &mut self,
        rollout_batch: &RolloutBatch<'_>,
        lr: f64,
        t_env: u64,
        pending: &mut PendingMetrics,
    ) {
        let mut batches = Vec::new();
        for epoch in 0..self.settings.epochs {
            if epoch == 0 || self.settings.num_mini_batch > 1 {
                let parts = self.minibatch_indices(rollout_batch.items());
                let rows = self.critic_layout.rows();
                let of =
                    |items: &Vec<usize>| rollout_batch.critic_minibatch(items, rows, &self.device);
                batches = parts.iter().map(of).collect();
            }
            for batch in &batches {
                let (losses, device) = (self.loss(t_env), &self.device);
                let shards = batch.shards.iter().collect();
                let (values, gradients) =
                    in_shards(&self.critic, shards, |critic: &AgentNetworks, shard| {
                        let shard = rollout_batch.value_batch(batch, shard, None, device);
                        let loss = value_of(critic, &shard, losses);
                        (loss.clone(), loss.inner())
                    });
                let clip = self.settings.grad_norm_clip as f32;
                let optimizer = &mut self.critic_optimizer;
                let norm = descend(optimizer, &mut self.critic, lr, gradients, clip);
                pending.add(&["critic_grad_norm"], norm);
                pending.add(&["value_loss"], sum_of(values));
            }
        }
    }

    /// Takes one optimizer step of policy and critic on a minibatch of `items` and adds its
    /// metrics.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss or the norm of a gradient is not finite, or if the learning rate's
    /// factor is invalid.
    pub fn update(
        &mut self,
        rollout_batch: &RolloutBatch<'_>,
        items: &[usize],
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        let all_agents = UpdateGroup { network: None, agents: (0..self.spec.n_agents()).collect() };
        let batch = rollout_batch.minibatch(&all_agents, items, &self.settings, &self.device);
        let mut pending = PendingMetrics::default();
        let lr = self.lr(metrics.t_env)?;
        self.minibatch_step(&all_agents, rollout_batch, &batch, lr, metrics, &mut pending);
        pending.flush(metrics)
    }
}

/// Returns the loss of a separate critic on a shard.
fn value_of(critic: &AgentNetworks, shard: &ValueBatch, losses: PpoLoss) -> Tensor<1> {
    let Sequence { input, hidden, not_reset } = shard.read.clone();
    losses.value(critic.outputs(input, hidden, Some(not_reset)), &shard.valued)
}

/// Takes an optimizer step of `networks`. Returns the norm of the gradients before clipping to
/// `clip`, `[1]`.
fn descend(
    optimizer: &mut Optimizer,
    networks: &mut AgentNetworks,
    lr: f64,
    gradients: ParameterGradients,
    clip: f32,
) -> Tensor<1> {
    let step = optimizer.step(lr, networks.clone(), gradients, clip);
    *networks = step.module;
    step.grad_norm
}

/// Returns the sum over all shards.
fn sum_of(shards: Vec<Tensor<1>>) -> Tensor<1> {
    let sum = shards.into_iter().reduce(|sum, part| sum + part);
    sum.expect("there is at least one shard")
}

/// Returns the mean of scalars, downloaded to the host.
fn mean_of(numbers: Vec<Tensor<1>>) -> f64 {
    let n = numbers.len() as f64;
    to_vec(Tensor::cat(numbers, 0)).into_iter().map(f64::from).sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use phalanx_core::env::EnvSpec;
    use phalanx_core::nn::device;
    use phalanx_core::rng::{Purpose, Rng};

    use super::super::critic_input::CriticLayout;
    use super::super::settings::PolicyGradient;
    use super::*;
    use crate::algorithms::LearnerContext;
    use crate::rollout::InputLayout;
    use crate::rollout::Rollout;

    const STEPS: usize = 6;

    /// Returns the metrics of the first update from a fixed rollout.
    fn first_update(settings: PolicyGradient) -> BTreeMap<String, f64> {
        let settings = PolicyGradient {
            rollout_steps: STEPS,
            batch_size_run: 1,
            obs_last_action: false,
            obs_agent_id: false,
            use_rnn: false,
            ..settings
        };
        let spec = EnvSpec { n_actions: 3, obs_dim: 4, ..EnvSpec::new("test", 2) };
        let inputs = InputLayout::new(&spec, false, false);
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        let mut rollout = Rollout::new(&spec, inputs, 0, 1, STEPS);
        rollout.input.iter_mut().for_each(|x| *x = rng.range(-1.0, 1.0));
        rollout.actions.iter_mut().for_each(|action| *action = rng.below(3) as u16);
        rollout.rows.avail.fill(true);
        rollout.rows.alive.fill(true);
        let layout = CriticLayout::new(&settings, &spec, inputs);
        let mut numbers = || (0..STEPS * 2).map(|_| rng.range(-1.0, 1.0)).collect::<Vec<f32>>();
        let estimates = [vec![-1.1; STEPS * 2], numbers(), numbers(), numbers()];
        let rollout_batch = RolloutBatch::new(&rollout, &settings, inputs, &layout, &[0.0; 2]);
        let rollout_batch = rollout_batch.with_estimates(estimates);
        let cpu = device("cpu").expect("the CPU is always available");
        let setup = LearnerContext::new(spec, 1, cpu);
        let mut metrics = Metrics::default();
        let mut learner = PolicyLearner::new(&settings, &setup);
        learner.update(&rollout_batch, &[0], &mut metrics).expect("losses are finite");
        metrics.take_means()
    }

    #[test]
    fn gradients_clipped_jointly_have_one_norm_in_which_the_critic_counts_by_its_weight() {
        let apart = first_update(PolicyGradient::default());
        let jointly = PolicyGradient { clip_jointly: true, vf_coef: 0.3, ..Default::default() };
        let joint = first_update(jointly);
        let expected = apart["grad_norm"].hypot(0.3 * apart["critic_grad_norm"]);
        assert!(apart["critic_grad_norm"] > 0.1, "the critic has a gradient: {apart:?}");
        assert!((joint["grad_norm"] - expected).abs() < 1e-5, "{apart:?}, {joint:?}");
        assert!(!joint.contains_key("critic_grad_norm"));
        assert_eq!(joint["value_loss"], apart["value_loss"]);
    }
}
