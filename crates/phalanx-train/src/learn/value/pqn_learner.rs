//! The learner of parallelised Q-networks.

use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::env::{EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetworks, Device, HiddenActivation, Init, Optimizer, OptimizerConfig,
    from_safetensors, in_shards, shard_count, to_safetensors,
};
use phalanx_core::rl::{Step, generalised_advantages};
use phalanx_core::rng::{Purpose, Rng};

use super::super::host::{tensor, to_vec};
use super::super::{Contents, Learner, SavedFile, Setup, file};
use super::pqn::Pqn;
use crate::collect::{InputLayout, Policy, SegmentCollector, Tally, epsilon_greedy, greedy};
use crate::error::TrainError;
use crate::store::Segment;

/// What a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mixing {
    /// The team: the utilities add up.
    Sum,
    /// Every agent for itself.
    Alone,
}

/// Collects segments and goes through each of them for some epochs. With `Q` the sum of utilities, or
/// the utility of an agent, under the networks as they are in each update:
///
/// ```text
/// V_t = max_u Q(tau_t, u)
/// G_t = r_t + gamma ((1 - lambda) V_{t+1} + lambda G_{t+1})     V alone behind the last step
/// L   = mean (Q(tau_t, u_t) - G_t)^2
/// ```
///
/// where gradients flow through `Q(tau_t, u_t)` alone. Recurrent agents begin a segment with the
/// memory they had in the rollout.
pub(super) struct PqnLearner {
    settings: Pqn,
    mixing: Mixing,
    spec: EnvSpec,
    inputs: InputLayout,
    device: Device,
    networks: AgentNetworks,
    optimizer: Optimizer,
    actor: Actor,
    collector: SegmentCollector,
    exploration: Vec<Rng>,
    minibatches: Rng,
}

/// Some environments' part of a segment.
struct Part {
    envs: usize,
    input: Tensor<3>,
    hidden: Tensor<2>,
    keep: Tensor<2>,
    actions: Tensor<3, Int>,
    /// `[time + 1, env, agent, action]`.
    avail: Vec<bool>,
    /// `[time, env]`.
    reward: Vec<f32>,
    step: Vec<Step>,
    valid: Vec<bool>,
}

impl PqnLearner {
    pub(super) fn new(settings: &Pqn, mixing: Mixing, setup: &Setup) -> Self {
        let spec = &setup.spec;
        let inputs = InputLayout::new(spec, settings.obs_last_action, settings.obs_agent_id);
        let config = AgentConfig {
            input_dim: inputs.dim(),
            hidden_dim: settings.rnn_hidden_dim,
            output_dim: spec.n_actions,
            recurrent: settings.recurrent(),
            second_hidden_dim: None,
            convolution: None,
            normalisation: settings.normalisation(),
            activation: HiddenActivation::Relu,
            init: Init::default(),
        };
        let owners = settings.parameter_sharing.owners(spec);
        let mut weights = Rng::stream(setup.seed, Purpose::Weights, 0);
        let tracked = setup.device.clone().autodiff();
        let networks = AgentNetworks::new(&config, &owners, &mut weights, &tracked);
        let (n_envs, steps) = (settings.batch_size_run, settings.rollout_steps);
        let actor = networks.to_actor();
        Self {
            mixing,
            inputs,
            device: setup.device.clone(),
            networks,
            optimizer: Optimizer::new(OptimizerConfig::RAdam { eps: settings.optim_eps as f32 }),
            collector: SegmentCollector::new(spec, inputs, actor.memory_dim(), n_envs, steps),
            actor,
            exploration: (0..n_envs)
                .map(|env| Rng::stream(setup.seed, Purpose::Exploration, env as u32))
                .collect(),
            minibatches: Rng::stream(setup.seed, Purpose::Minibatch, 0),
            settings: settings.clone(),
            spec: spec.clone(),
        }
    }

    fn part(&self, segment: &Segment, envs: &[usize]) -> Part {
        let (time, agents, h) = (segment.time, segment.agents, self.actor.memory_dim());
        let (rows, dim) = (envs.len() * agents, self.inputs.dim());
        let device = self.device.clone().autodiff();
        let input = gather(&segment.input, time + 1, agents * dim, segment.envs, envs);
        let keep = gather(&segment.keep, time + 1, 1, segment.envs, envs);
        let keep = keep.iter().flat_map(|&k| std::iter::repeat_n(k, agents)).collect();
        let hidden = gather(&segment.hidden, 1, agents * h, segment.envs, envs);
        let actions: Vec<i32> = gather(&segment.actions, time, agents, segment.envs, envs)
            .into_iter()
            .map(i32::from)
            .collect();
        let masks = self.spec.avail_len();
        Part {
            envs: envs.len(),
            input: tensor(input, [time + 1, rows, dim], &device),
            hidden: tensor(hidden, [rows, h], &device),
            keep: tensor(keep, [time + 1, rows], &device),
            actions: Tensor::from_data(TensorData::new(actions, [time, rows, 1]), &device),
            avail: gather(&segment.rows.avail, time + 1, masks, segment.envs, envs),
            reward: gather(&segment.reward, time, 1, segment.envs, envs),
            step: gather(&segment.step, time, 1, segment.envs, envs),
            valid: gather(&segment.valid, time, 1, segment.envs, envs),
        }
    }

    /// One update from what happened in `envs`.
    fn update(
        &mut self,
        segment: &Segment,
        envs: &[usize],
        tally: &mut Tally,
    ) -> Result<(), TrainError> {
        let rows = (segment.time + 1) * envs.len() * segment.agents;
        let n = shard_count(&self.device, rows).min(envs.len());
        let of = |shard: usize| &envs[shard * envs.len() / n..(shard + 1) * envs.len() / n];
        let valid =
            |t: usize| envs.iter().filter(move |&&env| segment.valid[t * segment.envs + env]);
        let used = (0..segment.time).map(|t| valid(t).count()).sum::<usize>().max(1);
        let (learner, shards) = (&*self, (0..n).map(of).collect());
        let (reports, gradients) =
            in_shards(&self.networks, shards, |networks: &AgentNetworks, envs: &[usize]| {
                learner.loss(networks, learner.part(segment, envs), used)
            });
        let sum = |of: fn(&Report) -> f64| reports.iter().map(of).sum::<f64>();
        let loss = sum(|report| report.loss);
        if !loss.is_finite() {
            let value = loss as f32;
            return Err(TrainError::NotFinite { what: "loss_td", value, t_env: tally.t_env });
        }
        let (lr, clip) = (self.settings.lr_at(tally.t_env), self.settings.grad_norm_clip as f32);
        let step = self.optimizer.step(lr, self.networks.clone(), gradients, clip);
        self.networks = step.module;
        tally.updates += 1;
        tally.add("loss_td", loss);
        tally.add("q_taken_mean", sum(|report| report.q_taken));
        tally.add("target_mean", sum(|report| report.target));
        tally.add("grad_norm", f64::from(step.grad_norm.into_scalar::<f32>()));
        Ok(())
    }

    /// The part of the loss that comes from one shard of a minibatch with `used` valid steps.
    fn loss(&self, networks: &AgentNetworks, part: Part, used: usize) -> (Tensor<1>, Report) {
        let (agents, n_actions) = (self.spec.n_agents(), self.spec.n_actions);
        let [time, rows, _] = part.actions.dims();
        let out = networks.outputs(part.input, part.hidden, Some(part.keep));
        let best = best_values(&to_vec(out.clone().inner()), &part.avail, n_actions);
        let taken = out.narrow(0, 0, time).gather(2, part.actions);
        let (columns, taken, best) = match self.mixing {
            Mixing::Alone => (agents, taken.reshape([time, rows]), best),
            Mixing::Sum => (
                1,
                taken.reshape([time, part.envs, agents]).sum_dim(2).reshape([time, part.envs]),
                best.chunks_exact(agents).map(|team| team.iter().sum()).collect(),
            ),
        };
        let (gamma, lambda) = (self.settings.gamma as f32, self.settings.td_lambda as f32);
        let returns =
            lambda_returns(&part.reward, &part.step, &best, (part.envs, columns), gamma, lambda);
        let weight = 1.0 / (used * columns) as f32;
        let weights: Vec<f32> = part
            .valid
            .iter()
            .flat_map(|&on| std::iter::repeat_n(if on { weight } else { 0.0 }, columns))
            .collect();
        let mean = |values: &[f32]| -> f64 {
            values.iter().zip(&weights).map(|(v, w)| f64::from(v * w)).sum()
        };
        let (q_taken, target) = (mean(&to_vec(taken.clone().inner())), mean(&returns));
        let (shape, device) = (taken.dims(), taken.device().inner());
        let constant = |values| Tensor::from_inner(tensor(values, shape, &device));
        let loss = ((taken - constant(returns)).square() * constant(weights)).sum();
        let value = f64::from(loss.clone().inner().into_scalar::<f32>());
        (loss, Report { loss: value, q_taken, target })
    }
}

/// What an update did; a shard has its part of every sum.
struct Report {
    loss: f64,
    q_taken: f64,
    target: f64,
}

/// The rows of some environments from `[time, env, size]`.
fn gather<T: Copy>(all: &[T], time: usize, size: usize, n: usize, envs: &[usize]) -> Vec<T> {
    let mut out = Vec::with_capacity(time * envs.len() * size);
    for t in 0..time {
        for env in envs {
            out.extend_from_slice(&all[(t * n + env) * size..][..size]);
        }
    }
    out
}

/// The largest value of an available action in every row.
fn best_values(values: &[f32], avail: &[bool], n_actions: usize) -> Vec<f32> {
    let rows = values.chunks_exact(n_actions).zip(avail.chunks_exact(n_actions));
    rows.map(|(values, avail)| values[usize::from(greedy(values, avail))]).collect()
}

/// The lambda-returns of a segment, `[time, row]`: the generalised advantage of the bootstrapped
/// values, plus the values.
fn lambda_returns(
    reward: &[f32],
    step: &[Step],
    best: &[f32],
    (envs, columns): (usize, usize),
    gamma: f32,
    lambda: f32,
) -> Vec<f32> {
    let mut returns = vec![0.0; best.len() - envs * columns];
    generalised_advantages(reward, step, best, (envs, columns), gamma, lambda, &mut returns);
    returns.iter_mut().zip(best).for_each(|(advantage, value)| *advantage += value);
    returns
}

impl Learner for PqnLearner {
    fn n_envs(&self) -> usize {
        self.settings.batch_size_run
    }

    fn iterate(&mut self, envs: &mut dyn VecEnv, tally: &mut Tally) -> Result<(), TrainError> {
        let n_actions = self.spec.n_actions;
        let epsilon = self.settings.epsilon().at(tally.t_env) as f32;
        tally.add("epsilon", f64::from(epsilon));
        let exploration = &mut self.exploration;
        let select = |env: usize, values: &[f32], avail: &[bool], chosen: &mut [u16]| {
            let agents = values.chunks_exact(n_actions).zip(avail.chunks_exact(n_actions));
            for (action, (values, avail)) in chosen.iter_mut().zip(agents) {
                *action = epsilon_greedy(values, avail, epsilon, &mut exploration[env]);
            }
        };
        let segment = self.collector.collect(envs, &self.actor, select, tally);
        let (n, parts) = (self.settings.batch_size_run, self.settings.num_mini_batch);
        let mut order: Vec<usize> = (0..n).collect();
        for _ in 0..self.settings.epochs {
            if parts > 1 {
                self.minibatches.shuffle(&mut order);
            }
            for at in 0..parts {
                self.update(&segment, &order[at * n / parts..(at + 1) * n / parts], tally)?;
            }
        }
        self.actor = self.networks.to_actor();
        Ok(())
    }

    fn policy(&self) -> Policy {
        Policy {
            actor: self.actor.clone(),
            inputs: self.inputs,
            recurrent: self.settings.recurrent(),
            convolution: None,
            normalisation: self.settings.normalisation(),
            activation: HiddenActivation::Relu,
            owners: self.networks.owners().to_vec(),
        }
    }

    fn save(&self, contents: Contents) -> Result<Vec<SavedFile>, TrainError> {
        let mut files = vec![SavedFile::new("agent.safetensors", to_safetensors(&self.networks)?)];
        if contents == Contents::Everything {
            let mut rollout = Vec::new();
            self.collector.save(&mut rollout);
            let mut rest = Vec::new();
            pack(&(&self.exploration, &self.minibatches), &mut rest);
            files.extend([
                SavedFile::new("optimizer.bin", self.optimizer.save()?),
                SavedFile::new("rollout.bin", rollout),
                SavedFile::new("learner.bin", rest),
            ]);
        }
        Ok(files)
    }

    fn load(&mut self, files: &[SavedFile]) -> Result<(), TrainError> {
        let networks = from_safetensors(self.networks.clone(), file(files, "agent.safetensors")?)?;
        let (exploration, minibatches) = unpack("the learner", file(files, "learner.bin")?)?;
        self.collector.load(file(files, "rollout.bin")?)?;
        self.optimizer.load(file(files, "optimizer.bin")?)?;
        self.actor = networks.to_actor();
        self.networks = networks;
        (self.exploration, self.minibatches) = (exploration, minibatches);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(ours: &[f32], expected: &[f32]) {
        assert_eq!(ours.len(), expected.len());
        for (a, b) in ours.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{ours:?} is not {expected:?}");
        }
    }

    #[test]
    fn lambda_returns_are_those_of_the_authors_recursion() {
        let step = [Step::Running; 3];
        let best = [0.5, 1.5, 0.8, 0.7];
        let ours = lambda_returns(&[1.0, 0.0, 2.0], &step, &best, (1, 1), 0.9, 0.5);
        assert_close(&ours, &[2.369575, 1.5435, 2.63]);
    }

    #[test]
    fn nothing_is_bootstrapped_behind_an_end_and_one_value_behind_a_truncation() {
        let step = [Step::Running, Step::Terminated, Step::Truncated, Step::Idle];
        let best = [1.0, 2.0, 3.0, 4.0, 5.0];
        let ours = lambda_returns(&[1.0, 10.0, 100.0, 0.0], &step, &best, (1, 1), 0.5, 0.5);
        let first = 1.0 + 0.5 * (0.5 * 2.0 + 0.5 * 10.0);
        assert_close(&ours[..3], &[first, 10.0, 100.0 + 0.5 * 4.0]);
    }

    #[test]
    fn only_available_actions_are_bootstrapped() {
        let avail = [true, false, true, false, true, true];
        assert_eq!(best_values(&[1.0, 9.0, 2.0, 5.0, -1.0, -2.0], &avail, 3), [2.0, -1.0]);
    }
}
