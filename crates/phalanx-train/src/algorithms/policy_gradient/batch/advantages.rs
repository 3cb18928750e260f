//! What policy and critic think of a rollout.

use burn::tensor::Tensor;
use phalanx_core::nn::{AgentNetworks, Device, download};
use phalanx_core::rl::{
    EpisodeStep, ValueNorm, generalised_advantages, n_step_advantages, normalise,
};

use super::super::losses::Sequence;
use super::super::settings::{CriticInput, NormaliseAdvantage, PolicyGradient};
use super::super::update_group::UpdateGroup;
use super::RolloutBatch;
use crate::algorithms::transfer::{flat, tensor, to_vec, upload};
use crate::rollout::Rollout;

/// What is behind a rollout.
pub(in super::super) struct Behind {
    /// The critic's memory, `[env, critic row, memory]`.
    pub(in super::super) critic_hidden: Vec<f32>,
    /// The share of the returns' variance that the critic explained.
    pub(in super::super) explained_variance: f64,
}

/// What the policy of a rollout thinks of it, chunk by chunk.
#[derive(Default)]
struct OldPolicyStats<T> {
    log_prob: T,
    /// Of all actions, where a KL divergence is asked for.
    log_probs: T,
    /// Memories before each chunk but the first.
    hidden: T,
    /// What a shared critic reads, and the step behind the rollout.
    features: T,
}

impl OldPolicyStats<Vec<Tensor<1>>> {
    /// The numbers, in one transfer.
    fn read(self) -> OldPolicyStats<Vec<f32>> {
        let Self { log_prob, log_probs, hidden, features } = self;
        let [log_prob, log_probs, hidden, features] =
            joined([log_prob, log_probs, hidden, features]);
        OldPolicyStats { log_prob, log_probs, hidden, features }
    }
}

/// The numbers of some lists of tensors, each list in one vector, in one transfer.
fn joined<const N: usize>(lists: [Vec<Tensor<1>>; N]) -> [Vec<f32>; N] {
    let lens = lists.each_ref().map(Vec::len);
    let numbers = download(lists.into_iter().flatten().collect());
    let mut numbers = numbers.expect("the device hands out what it computed").into_iter();
    lens.map(|len| numbers.by_ref().take(len).flatten().collect())
}

/// What the critic thinks of a rollout.
pub(in super::super) struct Values {
    /// `[time + 1, env, critic row]`.
    values: Vec<f32>,
    /// Memories before each chunk but the first.
    hidden: Vec<f32>,
    /// The memory behind the last step.
    behind: Vec<f32>,
}

impl RolloutBatch<'_> {
    /// Notes what policy and critic of the rollout think of it; where the critic does not read what the policy
    /// computes, both at the same time.
    pub(in super::super) fn evaluate_rollout(
        &mut self,
        policy: &AgentNetworks,
        critic: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) -> Values {
        if settings.critic == CriticInput::Shared {
            self.evaluate_policy(policy, settings, device);
            return self.values(critic, device);
        }
        let this = &*self;
        let (recalled, values) = rayon::join(
            || this.policy_stats(policy, settings, device),
            || this.values(critic, device),
        );
        self.set_policy_stats(recalled);
        values
    }

    /// Notes what the policy of the rollout thinks of it: memories before each chunk,
    /// probabilities, and the features that a shared critic reads.
    pub(super) fn evaluate_policy(
        &mut self,
        policy: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) {
        let recalled = self.policy_stats(policy, settings, device);
        self.set_policy_stats(recalled);
    }

    fn set_policy_stats(&mut self, recalled: OldPolicyStats<Vec<f32>>) {
        self.log_prob = recalled.log_prob;
        self.log_probs = recalled.log_probs;
        self.policy_hidden.extend(recalled.hidden);
        self.critic_input.extend(recalled.features);
    }

    fn policy_stats(
        &self,
        policy: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) -> OldPolicyStats<Vec<f32>> {
        let mut found: OldPolicyStats<Vec<Tensor<1>>> = OldPolicyStats::default();
        let shared = settings.critic == CriticInput::Shared;
        let all_agents = UpdateGroup { network: None, agents: (0..self.agents).collect() };
        let rows = self.envs * self.agents;
        let mut hidden = None;
        for chunk in 0..self.chunks {
            let items: Vec<usize> = (0..self.envs).map(|env| chunk * self.envs + env).collect();
            let played = self.policy_inputs(hidden.take(), &all_agents, &items, device);
            let out = all_agents.forward(policy, &played.read);
            found.log_prob.push(flat(played.evaluate_actions(out.output.clone()).log_prob));
            if settings.kl_coef > 0.0 {
                found.log_probs.push(flat(played.log_probs(out.output)));
            }
            if shared {
                found.features.push(flat(out.features));
            }
            if chunk + 1 < self.chunks {
                found.hidden.push(flat(out.hidden.clone()));
                hidden = Some(out.hidden);
            } else if shared {
                // The step behind the rollout, from which its last one is valued.
                let played = self.chunks * self.chunk * rows;
                let input = self.input[played * self.inputs.dim()..].to_vec();
                let not_reset = &self.not_reset[self.chunks * self.chunk * self.envs..];
                let not_reset =
                    not_reset.iter().flat_map(|&k| std::iter::repeat_n(k, self.agents)).collect();
                let ([input, not_reset], []) = upload([input, not_reset], [], device);
                let behind = Sequence {
                    input: input.reshape([1, rows, self.inputs.dim()]),
                    hidden: out.hidden,
                    not_reset: not_reset.reshape([1, rows]),
                };
                let out = all_agents.forward(policy, &behind);
                found.features.push(flat(out.features));
            }
        }
        found.read()
    }

    /// Values the rollout and estimates advantages and returns.
    ///
    /// With a `norm`, the critic's scale is that of normalised returns: values are brought to the
    /// scale of rewards by the moments they were learned under, and returns to the critic's scale
    /// by the moments that include this rollout.
    pub(in super::super) fn estimate(
        &mut self,
        rollout: &Rollout,
        Values { mut values, hidden, behind: critic_hidden }: Values,
        norm: Option<&mut ValueNorm>,
        settings: &PolicyGradient,
    ) -> Behind {
        self.critic_hidden.extend(hidden);
        let mut advantage = vec![0.0; self.critic_active.len()];
        if let Some(norm) = &norm {
            values.iter_mut().for_each(|value| *value = norm.denormalise(*value));
        }
        let steps: Vec<EpisodeStep> = rollout
            .steps
            .iter()
            .map(|step| EpisodeStep {
                status: step.status.with_timeout(!settings.use_proper_time_limits),
                ..*step
            })
            .collect();
        let (rows, gamma) = ((self.envs, self.critic_rows), settings.gamma as f32);
        if settings.n_step > 0 {
            n_step_advantages(&steps, &values, rows, gamma, settings.n_step, &mut advantage);
        } else {
            let lambda = settings.gae_lambda as f32;
            generalised_advantages(&steps, &values, rows, gamma, lambda, &mut advantage);
        }
        values.truncate(advantage.len());
        let mut returns: Vec<f32> = advantage.iter().zip(&values).map(|(a, v)| a + v).collect();
        let explained_variance = explained_variance(&values, &returns, &self.critic_active);
        if let Some(norm) = norm {
            let valued = returns.iter().zip(&self.critic_active);
            norm.update(valued.filter(|(_, on)| **on).map(|(value, _)| *value));
            for scaled in [&mut returns, &mut values] {
                scaled.iter_mut().for_each(|value| *value = norm.normalise(*value));
            }
        }
        if self.critic_rows < self.agents {
            let n = self.agents;
            advantage = advantage.iter().flat_map(|&a| std::iter::repeat_n(a, n)).collect();
        }
        if settings.normalise_advantage == NormaliseAdvantage::Batch {
            normalise(&mut advantage, &self.active);
        }
        (self.value, self.returns, self.advantage) = (values, returns, advantage);
        Behind { critic_hidden, explained_variance }
    }

    fn values(&self, critic: &AgentNetworks, device: &Device) -> Values {
        let (rows, dim) = (self.envs * self.critic_rows, self.critic_dim);
        let mut hidden = tensor(self.critic_hidden.clone(), [rows, self.carry_dim], device);
        let (mut values, mut hiddens) = (Vec::new(), Vec::new());
        for chunk in 0..=self.chunks {
            let steps = if chunk < self.chunks { self.chunk } else { 1 };
            let from = chunk * self.chunk;
            let input = &self.critic_input()[from * rows * dim..(from + steps) * rows * dim];
            let not_reset = &self.not_reset[from * self.envs..(from + steps) * self.envs];
            let not_reset =
                not_reset.iter().flat_map(|&k| std::iter::repeat_n(k, self.critic_rows)).collect();
            let ([input, not_reset], []) = upload([input.to_vec(), not_reset], [], device);
            let (input, not_reset) =
                (input.reshape([steps, rows, dim]), not_reset.reshape([steps, rows]));
            let out = critic.forward(input, hidden, Some(not_reset));
            values.push(flat(out.output));
            hidden = out.hidden;
            if chunk < self.chunks {
                hiddens.push(flat(hidden.clone()));
            }
        }
        let [values, mut hidden] = joined([values, hiddens]);
        let behind = hidden.split_off((self.chunks - 1) * rows * self.carry_dim);
        Values { values, hidden, behind }
    }

    /// Multiplies the advantages of the agents whose group is still to come by how much likelier the
    /// improved `policy` makes what the agents of `group` did (HAPPO's factor):
    /// `M <- M prod_i pi_i(a_i) / pi_old_i(a_i)`.
    pub(in super::super) fn apply_importance_ratio(
        &mut self,
        group: &UpdateGroup,
        policy: &AgentNetworks,
        device: &Device,
    ) {
        let n = group.agents.len();
        let everything: Vec<usize> = (0..self.items()).collect();
        let played = self.policy_inputs(None, group, &everything, device);
        let new = played.evaluate_actions(group.forward(policy, &played.read).output).log_prob;
        let old = self.part(&self.log_prob, (self.agents, 1), &everything, &group.agents);
        let change: Vec<f32> = to_vec(new).iter().zip(old).map(|(new, old)| new - old).collect();
        for (at, change) in change.chunks_exact(n).enumerate() {
            let (t, item) = (at / self.items(), at % self.items());
            let (chunk, env) = (item / self.envs, item % self.envs);
            let place = (chunk * self.chunk + t) * self.envs + env;
            self.importance_ratio[place] *= change.iter().sum::<f32>().exp();
        }
    }
}

/// `1 - Var(return - value) / Var(return)` over the places that are on; zero where returns do not
/// vary.
pub(super) fn explained_variance(values: &[f32], returns: &[f32], on: &[bool]) -> f64 {
    let variance = |of: &dyn Fn(usize) -> f64| {
        let used = || (0..on.len()).filter(|&i| on[i]).map(of);
        let n = used().count().max(1) as f64;
        let mean = used().sum::<f64>() / n;
        used().map(|x| (x - mean).powi(2)).sum::<f64>() / n
    };
    let all = variance(&|i| f64::from(returns[i]));
    let left = variance(&|i| f64::from(returns[i] - values[i]));
    if all > 0.0 { 1.0 - left / all } else { 0.0 }
}
