//! What policy and critic think of a segment.

use burn::tensor::Tensor;
use phalanx_core::nn::{AgentNetworks, Device, download};
use phalanx_core::rl::{Step, ValueNorm, generalised_advantages, n_step_advantages, normalise};

use super::super::losses::Sequence;
use super::super::settings::{CriticInput, NormaliseAdvantage, PolicyGradient};
use super::super::turn::Turn;
use super::Experience;
use crate::algorithms::host::{flat, tensor, to_vec, upload};
use crate::replay::Segment;

/// What is behind a segment.
pub(in super::super) struct Behind {
    /// The critic's memory, `[env, valuer, memory]`.
    pub(in super::super) critic_hidden: Vec<f32>,
    /// The share of the returns' variance that the critic explained.
    pub(in super::super) explained_variance: f64,
}

/// What the policy of a rollout thinks of it, chunk by chunk.
#[derive(Default)]
struct Recalled<T> {
    log_prob: T,
    /// Of all actions, where a KL divergence is asked for.
    log_probs: T,
    /// Memories before each chunk but the first.
    hidden: T,
    /// What a shared critic reads, and the step behind the segment.
    features: T,
}

impl Recalled<Vec<Tensor<1>>> {
    /// The numbers, in one transfer.
    fn read(self) -> Recalled<Vec<f32>> {
        let Self { log_prob, log_probs, hidden, features } = self;
        let [log_prob, log_probs, hidden, features] =
            joined([log_prob, log_probs, hidden, features]);
        Recalled { log_prob, log_probs, hidden, features }
    }
}

/// The numbers of some lists of tensors, each list in one vector, in one transfer.
fn joined<const N: usize>(lists: [Vec<Tensor<1>>; N]) -> [Vec<f32>; N] {
    let lens = lists.each_ref().map(Vec::len);
    let numbers = download(lists.into_iter().flatten().collect());
    let mut numbers = numbers.expect("the device hands out what it computed").into_iter();
    lens.map(|len| numbers.by_ref().take(len).flatten().collect())
}

/// What the critic thinks of a segment.
pub(in super::super) struct Values {
    /// `[time + 1, env, valuer]`.
    values: Vec<f32>,
    /// Memories before each chunk but the first.
    hidden: Vec<f32>,
    /// The memory behind the last step.
    behind: Vec<f32>,
}

impl Experience<'_> {
    /// Notes what policy and critic of the rollout think of it; where the critic does not read what the policy
    /// computes, both at the same time.
    pub(in super::super) fn look_back(
        &mut self,
        policy: &AgentNetworks,
        critic: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) -> Values {
        if settings.critic == CriticInput::Shared {
            self.recall(policy, settings, device);
            return self.values(critic, device);
        }
        let this = &*self;
        let (recalled, values) =
            rayon::join(|| this.recalled(policy, settings, device), || this.values(critic, device));
        self.accept(recalled);
        values
    }

    /// Notes what the policy of the rollout thinks of it: memories before each chunk,
    /// probabilities, and the features that a shared critic reads.
    pub(super) fn recall(
        &mut self,
        policy: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) {
        let recalled = self.recalled(policy, settings, device);
        self.accept(recalled);
    }

    fn accept(&mut self, recalled: Recalled<Vec<f32>>) {
        self.log_prob = recalled.log_prob;
        self.log_probs = recalled.log_probs;
        self.policy_hidden.extend(recalled.hidden);
        self.critic_input.extend(recalled.features);
    }

    fn recalled(
        &self,
        policy: &AgentNetworks,
        settings: &PolicyGradient,
        device: &Device,
    ) -> Recalled<Vec<f32>> {
        let mut found: Recalled<Vec<Tensor<1>>> = Recalled::default();
        let shared = settings.critic == CriticInput::Shared;
        let everybody = Turn { network: None, agents: (0..self.agents).collect() };
        let rows = self.envs * self.agents;
        let mut hidden = None;
        for chunk in 0..self.chunks {
            let items: Vec<usize> = (0..self.envs).map(|env| chunk * self.envs + env).collect();
            let played = self.played(hidden.take(), &everybody, &items, device);
            let out = everybody.forward(policy, &played.read);
            found.log_prob.push(flat(played.taken(out.output.clone()).log_prob));
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
                // The step behind the segment, from which its last one is valued.
                let played = self.chunks * self.chunk * rows;
                let input = self.input[played * self.inputs.dim()..].to_vec();
                let keep = &self.keep[self.chunks * self.chunk * self.envs..];
                let keep = keep.iter().flat_map(|&k| std::iter::repeat_n(k, self.agents)).collect();
                let ([input, keep], []) = upload([input, keep], [], device);
                let behind = Sequence {
                    input: input.reshape([1, rows, self.inputs.dim()]),
                    hidden: out.hidden,
                    keep: keep.reshape([1, rows]),
                };
                let out = everybody.forward(policy, &behind);
                found.features.push(flat(out.features));
            }
        }
        found.read()
    }

    /// Values the segment and estimates advantages and returns.
    ///
    /// With a `norm`, the critic's scale is that of normalised returns: values are brought to the
    /// scale of rewards by the moments they were learned under, and returns to the critic's scale
    /// by the moments that include this segment.
    pub(in super::super) fn estimate(
        &mut self,
        segment: &Segment,
        Values { mut values, hidden, behind: critic_hidden }: Values,
        norm: Option<&mut ValueNorm>,
        settings: &PolicyGradient,
    ) -> Behind {
        self.critic_hidden.extend(hidden);
        let mut advantage = vec![0.0; self.valued.len()];
        if let Some(norm) = &norm {
            values.iter_mut().for_each(|value| *value = norm.denormalise(*value));
        }
        let ends = |step: &Step| match step {
            Step::Truncated if !settings.use_proper_time_limits => Step::Terminated,
            step => *step,
        };
        let step: Vec<Step> = segment.step.iter().map(ends).collect();
        let (reward, step): (&[f32], &[Step]) = (&segment.reward, &step);
        let (rows, gamma) = ((self.envs, self.valuers), settings.gamma as f32);
        if settings.n_step > 0 {
            n_step_advantages(reward, step, &values, rows, gamma, settings.n_step, &mut advantage);
        } else {
            let lambda = settings.gae_lambda as f32;
            generalised_advantages(reward, step, &values, rows, gamma, lambda, &mut advantage);
        }
        values.truncate(advantage.len());
        let mut returns: Vec<f32> = advantage.iter().zip(&values).map(|(a, v)| a + v).collect();
        let explained_variance = explained_variance(&values, &returns, &self.valued);
        if let Some(norm) = norm {
            let valued = returns.iter().zip(&self.valued);
            norm.update(valued.filter(|(_, on)| **on).map(|(value, _)| *value));
            for scaled in [&mut returns, &mut values] {
                scaled.iter_mut().for_each(|value| *value = norm.normalise(*value));
            }
        }
        if self.valuers < self.agents {
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
        let (rows, dim) = (self.envs * self.valuers, self.critic_dim);
        let mut hidden = tensor(self.critic_hidden.clone(), [rows, self.carry_dim], device);
        let (mut values, mut hiddens) = (Vec::new(), Vec::new());
        for chunk in 0..=self.chunks {
            let steps = if chunk < self.chunks { self.chunk } else { 1 };
            let from = chunk * self.chunk;
            let input = &self.critic_input()[from * rows * dim..(from + steps) * rows * dim];
            let keep = &self.keep[from * self.envs..(from + steps) * self.envs];
            let keep = keep.iter().flat_map(|&k| std::iter::repeat_n(k, self.valuers)).collect();
            let ([input, keep], []) = upload([input.to_vec(), keep], [], device);
            let (input, keep) = (input.reshape([steps, rows, dim]), keep.reshape([steps, rows]));
            let out = critic.forward(input, hidden, Some(keep));
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

    /// Multiplies the advantages of the agents whose turn is still to come by how much likelier the
    /// improved `policy` makes what the agents of `turn` did (HAPPO's factor):
    /// `M <- M prod_i pi_i(a_i) / pi_old_i(a_i)`.
    pub(in super::super) fn account_for(
        &mut self,
        turn: &Turn,
        policy: &AgentNetworks,
        device: &Device,
    ) {
        let n = turn.agents.len();
        let everything: Vec<usize> = (0..self.items()).collect();
        let played = self.played(None, turn, &everything, device);
        let new = played.taken(turn.forward(policy, &played.read).output).log_prob;
        let old = self.part(&self.log_prob, (self.agents, 1), &everything, &turn.agents);
        let change: Vec<f32> = to_vec(new).iter().zip(old).map(|(new, old)| new - old).collect();
        for (at, change) in change.chunks_exact(n).enumerate() {
            let (t, item) = (at / self.items(), at % self.items());
            let (chunk, env) = (item / self.envs, item % self.envs);
            let place = (chunk * self.chunk + t) * self.envs + env;
            self.factor[place] *= change.iter().sum::<f32>().exp();
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
