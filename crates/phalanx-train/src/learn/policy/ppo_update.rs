//! The clipped losses of proximal policy optimisation over segments of sequences.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::nn::{AgentNetworks, Critic, Device};
use phalanx_core::rl::{Step, ValueNorm, generalised_advantages, normalise};

use crate::collect::InputLayout;
use crate::learn::host::{tensor, to_vec};
use crate::store::Segment;

/// Added to the logit of an action that is not available.
const CLOSED: f32 = -1e9;

/// A segment with everything an update needs, `[time, env, agent, …]` on the host.
pub(super) struct Experience {
    time: usize,
    envs: usize,
    agents: usize,
    inputs: InputLayout,
    hidden_dim: usize,
    /// One time step longer than the rest.
    input: Vec<f32>,
    /// One time step longer than the rest.
    keep: Vec<f32>,
    closed: Vec<f32>,
    actions: Vec<i32>,
    /// Weight of the policy loss: alive, and acting.
    active: Vec<bool>,
    /// Weight of the value loss: acting. The dead are included, since the value behind an agent's
    /// death is bootstrapped (MAPPO trains them on what the dead observe).
    valued: Vec<bool>,
    policy_hidden: Vec<f32>,
    critic_hidden: Vec<f32>,
    /// Of the actions taken, under the policy that took them.
    pub(super) log_prob: Vec<f32>,
    /// Of the critic, at its own scale.
    value: Vec<f32>,
    /// At the critic's scale.
    returns: Vec<f32>,
    advantage: Vec<f32>,
}

impl Experience {
    pub(super) fn new(segment: &Segment, inputs: InputLayout, critic_hidden: &[f32]) -> Self {
        let (time, envs, agents) = (segment.time, segment.envs, segment.agents);
        let rows = envs * agents;
        let per_agent = |flags: &[bool]| -> Vec<bool> {
            flags.iter().flat_map(|&flag| std::iter::repeat_n(flag, agents)).collect()
        };
        let valued = per_agent(&segment.valid);
        let alive = &segment.rows.alive[..time * rows];
        let avail = &segment.rows.avail[..time * rows * inputs.n_actions];
        Self {
            time,
            envs,
            agents,
            inputs,
            hidden_dim: critic_hidden.len() / rows,
            input: segment.input.clone(),
            keep: segment.keep.iter().flat_map(|&k| std::iter::repeat_n(k, agents)).collect(),
            closed: avail.iter().map(|&open| if open { 0.0 } else { CLOSED }).collect(),
            actions: segment.actions.iter().map(|&action| i32::from(action)).collect(),
            active: valued.iter().zip(alive).map(|(&valued, &alive)| valued && alive).collect(),
            valued,
            policy_hidden: segment.hidden.clone(),
            critic_hidden: critic_hidden.to_vec(),
            log_prob: Vec::new(),
            value: Vec::new(),
            returns: Vec::new(),
            advantage: Vec::new(),
        }
    }

    /// Advantages and returns from the critic's values `[time + 1, env, agent]`.
    ///
    /// With a `norm`, the critic's scale is that of normalised returns: values are brought to the
    /// scale of rewards by the moments they were learned under, and returns to the critic's scale
    /// by the moments that include this segment.
    pub(super) fn estimate(
        &mut self,
        segment: &Segment,
        mut values: Vec<f32>,
        norm: Option<&mut ValueNorm>,
        gamma: f32,
        lambda: f32,
    ) {
        let mut advantage = vec![0.0; self.active.len()];
        if let Some(norm) = &norm {
            values.iter_mut().for_each(|value| *value = norm.denormalise(*value));
        }
        let (reward, step): (&[f32], &[Step]) = (&segment.reward, &segment.step);
        let rows = (self.envs, self.agents);
        generalised_advantages(reward, step, &values, rows, gamma, lambda, &mut advantage);
        values.truncate(advantage.len());
        let mut returns: Vec<f32> = advantage.iter().zip(&values).map(|(a, v)| a + v).collect();
        if let Some(norm) = norm {
            let valued = returns.iter().zip(&self.valued);
            norm.update(valued.filter(|(_, on)| **on).map(|(value, _)| *value));
            for scaled in [&mut returns, &mut values] {
                scaled.iter_mut().for_each(|value| *value = norm.normalise(*value));
            }
        }
        normalise(&mut advantage, &self.active);
        (self.value, self.returns, self.advantage) = (values, returns, advantage);
    }

    /// The whole segment, before advantages are known.
    pub(super) fn whole(&self, device: &Device) -> Whole {
        let rows = self.envs * self.agents;
        let (time, dim) = (self.time, self.inputs.dim());
        Whole {
            input: tensor(self.input.clone(), [time + 1, rows, dim], device),
            keep: tensor(self.keep.clone(), [time + 1, rows], device),
            closed: tensor(self.closed.clone(), [time, rows, self.inputs.n_actions], device),
            actions: Tensor::from_data(
                TensorData::new(self.actions.clone(), [time, rows, 1]),
                device,
            ),
            policy_hidden: tensor(self.policy_hidden.clone(), [rows, self.hidden_dim], device),
            critic_hidden: tensor(self.critic_hidden.clone(), [rows, self.hidden_dim], device),
        }
    }

    /// The steps of some environments, as constants of an update.
    pub(super) fn minibatch(&self, envs: &[usize], device: &Device) -> Minibatch {
        let rows = envs.len() * self.agents;
        let (time, h) = (self.time, self.hidden_dim);
        let (dim, n_actions) = (self.inputs.dim(), self.inputs.n_actions);
        let device = &device.clone().autodiff();
        let weight = |flags: &[bool]| -> Tensor<2> {
            let flags = self.part(flags, 1, time, envs);
            let n = flags.iter().filter(|&&on| on).count().max(1) as f32;
            let weights = flags.iter().map(|&on| if on { 1.0 / n } else { 0.0 }).collect();
            tensor(weights, [time, rows], device)
        };
        let flat = |values: &[f32]| tensor(self.part(values, 1, time, envs), [time, rows], device);
        let deep = |values: &[f32], size: usize| {
            tensor(self.part(values, size, time, envs), [time, rows, size], device)
        };
        let memory = |values: &[f32]| tensor(self.part(values, h, 1, envs), [rows, h], device);
        let actions = self.part(&self.actions, 1, time, envs);
        Minibatch {
            input: deep(&self.input, dim),
            keep: flat(&self.keep),
            closed: deep(&self.closed, n_actions),
            actions: Tensor::from_data(TensorData::new(actions, [time, rows, 1]), device),
            policy_hidden: memory(&self.policy_hidden),
            critic_hidden: memory(&self.critic_hidden),
            log_prob: flat(&self.log_prob),
            value: flat(&self.value),
            returns: flat(&self.returns),
            advantage: flat(&self.advantage),
            active: weight(&self.active),
            valued: weight(&self.valued),
        }
    }

    /// The rows of some environments from the first `time` steps of `[time, env, agent, size]`.
    fn part<T: Copy>(&self, all: &[T], size: usize, time: usize, envs: &[usize]) -> Vec<T> {
        let width = self.agents * size;
        let mut out = Vec::with_capacity(time * envs.len() * width);
        for t in 0..time {
            for env in envs {
                out.extend_from_slice(&all[(t * self.envs + env) * width..][..width]);
            }
        }
        out
    }
}

/// A whole segment on the device, for the networks as they were when it was played.
pub(super) struct Whole {
    input: Tensor<3>,
    keep: Tensor<2>,
    closed: Tensor<3>,
    actions: Tensor<3, Int>,
    policy_hidden: Tensor<2>,
    critic_hidden: Tensor<2>,
}

impl Whole {
    /// The log-probability of the actions taken, `[time, row]`.
    pub(super) fn log_prob(&self, policy: &AgentNetworks) -> Tensor<2> {
        let [time, rows, _] = self.closed.dims();
        let input = self.input.clone().narrow(0, 0, time);
        let keep = self.keep.clone().narrow(0, 0, time);
        let logits = policy.forward(input, self.policy_hidden.clone(), Some(keep)).output;
        let log_prob = log_softmax(logits + self.closed.clone(), 2);
        log_prob.gather(2, self.actions.clone()).reshape([time, rows])
    }

    /// The values `[time + 1, row]`, and the critic's memory behind the last step.
    pub(super) fn values(&self, critic: &Critic) -> (Tensor<2>, Tensor<2>) {
        let [time, _, _] = self.closed.dims();
        let part = |from: usize, steps: usize, hidden: Tensor<2>| {
            let input = self.input.clone().narrow(0, from, steps);
            critic.forward(input, hidden, Some(self.keep.clone().narrow(0, from, steps)))
        };
        let played = part(0, time, self.critic_hidden.clone());
        let last = part(time, 1, played.hidden.clone());
        (Tensor::cat(vec![played.value, last.value], 0), played.hidden)
    }
}

/// Some environments' steps on the device.
pub(super) struct Minibatch {
    input: Tensor<3>,
    keep: Tensor<2>,
    closed: Tensor<3>,
    actions: Tensor<3, Int>,
    policy_hidden: Tensor<2>,
    critic_hidden: Tensor<2>,
    log_prob: Tensor<2>,
    value: Tensor<2>,
    returns: Tensor<2>,
    advantage: Tensor<2>,
    /// Weights that sum to one over living, acting agent steps.
    active: Tensor<2>,
    /// Weights that sum to one over acting agent steps.
    valued: Tensor<2>,
}

/// The constants of the losses.
pub(super) struct Loss {
    pub(super) eps_clip: f32,
    pub(super) value_clip: bool,
    pub(super) entropy_coef: f32,
}

/// What a policy update did.
pub(super) struct PolicyReport {
    pub(super) pg_loss: f32,
    pub(super) entropy: f32,
    pub(super) clip_fraction: f32,
    pub(super) approx_kl: f32,
}

impl Loss {
    /// The clipped policy loss with entropy bonus, over living agents:
    ///
    /// ```text
    /// rho = pi(a|z) / pi_old(a|z)
    /// L   = -mean[ min(rho A, clip(rho, 1 - eps, 1 + eps) A) ] - entropy_coef mean[ H(pi) ]
    /// ```
    pub(super) fn policy(
        &self,
        policy: &AgentNetworks,
        batch: &Minibatch,
    ) -> (Tensor<1>, PolicyReport) {
        let [time, rows, _] = batch.closed.dims();
        let Minibatch { input, policy_hidden, keep, .. } = batch;
        let logits =
            policy.forward(input.clone(), policy_hidden.clone(), Some(keep.clone())).output;
        let log_probs = log_softmax(logits + batch.closed.clone(), 2);
        let log_prob = log_probs.clone().gather(2, batch.actions.clone()).reshape([time, rows]);
        let ratio = (log_prob - batch.log_prob.clone()).exp();
        let (advantage, active) = (batch.advantage.clone(), batch.active.clone());
        let (low, high) = (1.0 - self.eps_clip, 1.0 + self.eps_clip);
        let clipped = ratio.clone().clamp(low, high) * advantage.clone();
        let gain = (ratio.clone() * advantage).min_pair(clipped);
        let pg_loss = -(gain * active.clone()).sum();
        let entropy = -(log_probs.clone().exp() * log_probs).sum_dim(2).reshape([time, rows]);
        let entropy = (entropy * active.clone()).sum();
        let report = PolicyReport {
            pg_loss: pg_loss.clone().inner().into_scalar(),
            entropy: entropy.clone().inner().into_scalar(),
            ..self.movement(&to_vec(ratio.inner()), &to_vec(active.inner()))
        };
        (pg_loss - entropy * self.entropy_coef, report)
    }

    /// How far the policy moved: the share of clipped ratios, and the mean of `rho - 1 - ln rho`.
    fn movement(&self, ratio: &[f32], weight: &[f32]) -> PolicyReport {
        let (mut clip_fraction, mut approx_kl) = (0.0, 0.0);
        for (ratio, weight) in ratio.iter().zip(weight).filter(|(_, weight)| **weight > 0.0) {
            if (ratio - 1.0).abs() > self.eps_clip {
                clip_fraction += weight;
            }
            approx_kl += weight * (ratio - 1.0 - ratio.ln());
        }
        PolicyReport { pg_loss: 0.0, entropy: 0.0, clip_fraction, approx_kl }
    }

    /// Half the squared error of the critic; with value clipping, the larger of that of the value
    /// and that of the old value moved by at most `eps_clip`.
    pub(super) fn value(&self, critic: &Critic, batch: &Minibatch) -> Tensor<1> {
        let Minibatch { input, critic_hidden, keep, returns, value: old, .. } = batch;
        let value = critic.forward(input.clone(), critic_hidden.clone(), Some(keep.clone())).value;
        let mut error = (value.clone() - returns.clone()).square();
        if self.value_clip {
            let moved = (value - old.clone()).clamp(-self.eps_clip, self.eps_clip) + old.clone();
            error = error.max_pair((moved - returns.clone()).square());
        }
        (error * batch.valued.clone()).sum() * 0.5
    }
}
