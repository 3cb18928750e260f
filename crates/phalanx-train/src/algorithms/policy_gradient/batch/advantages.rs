//! Old log-probabilities, values, advantages and returns of a rollout.

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

/// Results of the estimation that are needed after the rollout.
pub(in super::super) struct Estimates {
    /// The critic's hidden states after the rollout, `[env, critic row, carry]`.
    pub(in super::super) next_critic_hidden: Vec<f32>,
    /// The fraction of the returns' variance that the values explain.
    pub(in super::super) explained_variance: f64,
}

/// Statistics of the rollout's policy, chunk by chunk.
#[derive(Default)]
struct OldPolicyStats<T> {
    log_prob: T,
    /// Log-probabilities of all actions, if the loss has a KL term.
    log_probs: T,
    /// Hidden states before each chunk except the first.
    hidden: T,
    /// Inputs of a shared critic, including the step after the rollout.
    features: T,
}

impl OldPolicyStats<Vec<Tensor<1>>> {
    /// Downloads all statistics in one transfer.
    fn download(self) -> OldPolicyStats<Vec<f32>> {
        let Self { log_prob, log_probs, hidden, features } = self;
        let [log_prob, log_probs, hidden, features] =
            download_lists([log_prob, log_probs, hidden, features]);
        OldPolicyStats { log_prob, log_probs, hidden, features }
    }
}

/// Downloads lists of tensors in one transfer; each list becomes one vector.
fn download_lists<const N: usize>(lists: [Vec<Tensor<1>>; N]) -> [Vec<f32>; N] {
    let lens = lists.each_ref().map(Vec::len);
    let numbers = download(lists.into_iter().flatten().collect());
    let mut numbers = numbers.expect("the device returns what it computed").into_iter();
    lens.map(|len| numbers.by_ref().take(len).flatten().collect())
}

/// The critic's outputs for a rollout.
pub(in super::super) struct CriticOutputs {
    /// `[time + 1, env, critic row]`.
    values: Vec<f32>,
    /// Hidden states before each chunk except the first.
    hidden: Vec<f32>,
    /// Hidden states after the last step.
    last_hidden: Vec<f32>,
}

impl RolloutBatch<'_> {
    /// Evaluates policy and critic on the rollout, in parallel unless the critic reads the policy's
    /// features.
    pub(in super::super) fn evaluate_rollout(
        &mut self,
        policy: &AgentNetworks,
        critic: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) -> CriticOutputs {
        if settings.critic == CriticInput::Shared {
            self.evaluate_policy(policy, settings, device);
            return self.values(critic, device);
        }
        let this = &*self;
        let (stats, values) = rayon::join(
            || this.policy_stats(policy, settings, device),
            || this.values(critic, device),
        );
        self.set_policy_stats(stats);
        values
    }

    /// Stores the statistics of the rollout's policy: hidden states before each chunk,
    /// log-probabilities, and the features that a shared critic reads.
    pub(super) fn evaluate_policy(
        &mut self,
        policy: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) {
        let stats = self.policy_stats(policy, settings, device);
        self.set_policy_stats(stats);
    }

    fn set_policy_stats(&mut self, stats: OldPolicyStats<Vec<f32>>) {
        self.log_prob = stats.log_prob;
        self.log_probs = stats.log_probs;
        self.policy_hidden.extend(stats.hidden);
        self.critic_input.extend(stats.features);
    }

    fn policy_stats(
        &self,
        policy: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) -> OldPolicyStats<Vec<f32>> {
        let mut stats: OldPolicyStats<Vec<Tensor<1>>> = OldPolicyStats::default();
        let shared = settings.critic == CriticInput::Shared;
        let all_agents = UpdateGroup { network: None, agents: (0..self.agents).collect() };
        let rows = self.envs * self.agents;
        let mut hidden = None;
        for chunk in 0..self.chunks {
            let items: Vec<usize> = (0..self.envs).map(|env| chunk * self.envs + env).collect();
            let inputs = self.policy_inputs(hidden.take(), &all_agents, &items, device);
            let out = all_agents.forward(policy, &inputs.read);
            stats.log_prob.push(flat(inputs.evaluate_actions(out.output.clone()).log_prob));
            if settings.kl_coef > 0.0 {
                stats.log_probs.push(flat(inputs.log_probs(out.output)));
            }
            if shared {
                stats.features.push(flat(out.features));
            }
            if chunk + 1 < self.chunks {
                stats.hidden.push(flat(out.hidden.clone()));
                hidden = Some(out.hidden);
            } else if shared {
                // The step after the rollout, whose value is a bootstrap value.
                let last = self.chunks * self.chunk * rows;
                let input = self.input[last * self.inputs.dim()..].to_vec();
                let not_reset = &self.not_reset[self.chunks * self.chunk * self.envs..];
                let not_reset =
                    not_reset.iter().flat_map(|&k| std::iter::repeat_n(k, self.agents)).collect();
                let ([input, not_reset], []) = upload([input, not_reset], [], device);
                let next_step = Sequence {
                    input: input.reshape([1, rows, self.inputs.dim()]),
                    hidden: out.hidden,
                    not_reset: not_reset.reshape([1, rows]),
                };
                let out = all_agents.forward(policy, &next_step);
                stats.features.push(flat(out.features));
            }
        }
        stats.download()
    }

    /// Estimates the advantages and returns of the rollout from the critic's values.
    ///
    /// With a `norm`, the critic predicts normalised returns: its values are denormalised with the
    /// moments from before this rollout, and the returns are normalised with moments that include
    /// it.
    pub(in super::super) fn estimate(
        &mut self,
        rollout: &Rollout,
        CriticOutputs { mut values, hidden, last_hidden }: CriticOutputs,
        norm: Option<&mut ValueNorm>,
        settings: &PolicyGradient,
    ) -> Estimates {
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
            let active = returns.iter().zip(&self.critic_active);
            norm.update(active.filter(|(_, on)| **on).map(|(value, _)| *value));
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
        Estimates { next_critic_hidden: last_hidden, explained_variance }
    }

    fn values(&self, critic: &AgentNetworks, device: &Device) -> CriticOutputs {
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
        let [values, mut hidden] = download_lists([values, hiddens]);
        let last_hidden = hidden.split_off((self.chunks - 1) * rows * self.carry_dim);
        CriticOutputs { values, hidden, last_hidden }
    }

    /// Multiplies the advantages of the remaining groups by the probability ratio of the actions of
    /// `group` under the updated `policy` (HAPPO's factor): `M <- M prod_i pi_i(a_i) / pi_old_i(a_i)`.
    pub(in super::super) fn apply_importance_ratio(
        &mut self,
        group: &UpdateGroup,
        policy: &AgentNetworks,
        device: &Device,
    ) {
        let n = group.agents.len();
        let all_items: Vec<usize> = (0..self.items()).collect();
        let inputs = self.policy_inputs(None, group, &all_items, device);
        let new = inputs.evaluate_actions(group.forward(policy, &inputs.read).output).log_prob;
        let old = self.part(&self.log_prob, (self.agents, 1), &all_items, &group.agents);
        let change: Vec<f32> = to_vec(new).iter().zip(old).map(|(new, old)| new - old).collect();
        for (at, change) in change.chunks_exact(n).enumerate() {
            let (t, item) = (at / self.items(), at % self.items());
            let (chunk, env) = (item / self.envs, item % self.envs);
            let place = (chunk * self.chunk + t) * self.envs + env;
            self.importance_ratio[place] *= change.iter().sum::<f32>().exp();
        }
    }
}

/// Returns `1 - Var(return - value) / Var(return)` over the active entries, or zero if the returns
/// are constant.
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
