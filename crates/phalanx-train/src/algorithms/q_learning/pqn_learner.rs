//! The learner of parallelised Q-networks.

use burn::tensor::Tensor;
use phalanx_core::env::{EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetworks, Device, HiddenActivation, Init, Optimizer, OptimizerConfig,
    from_safetensors, in_shards, shard_count, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};

use super::super::readings::Readings;
use super::super::{Contents, Learner, SavedFile, Setup, file};
use super::pqn::Pqn;
use super::pqn_part::Part;
use crate::error::TrainError;
use crate::replay::Segment;
use crate::rollout::{InputLayout, Policy, SegmentCollector, Tally, epsilon_greedy};

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
            collector: SegmentCollector::new(spec, inputs, actor.carry_dim(), n_envs, steps),
            actor,
            exploration: (0..n_envs)
                .map(|env| Rng::stream(setup.seed, Purpose::Exploration, env as u32))
                .collect(),
            minibatches: Rng::stream(setup.seed, Purpose::Minibatch, 0),
            settings: settings.clone(),
            spec: spec.clone(),
        }
    }

    /// One update from what happened in `envs`.
    fn update(
        &mut self,
        segment: &Segment,
        envs: &[usize],
        tally: &mut Tally,
        readings: &mut Readings,
    ) {
        let rows = (segment.time + 1) * envs.len() * segment.agents;
        let n = shard_count(&self.device, rows).min(envs.len());
        let of = |shard: usize| &envs[shard * envs.len() / n..(shard + 1) * envs.len() / n];
        let valid =
            |t: usize| envs.iter().filter(move |&&env| segment.valid[t * segment.envs + env]);
        let used = (0..segment.time).map(|t| valid(t).count()).sum::<usize>().max(1);
        let (learner, shards) = (&*self, (0..n).map(of).collect());
        let (reports, gradients) =
            in_shards(&self.networks, shards, |networks: &AgentNetworks, envs: &[usize]| {
                let part =
                    Part::new(segment, envs, &learner.settings, learner.inputs, &learner.device);
                learner.loss(networks, part, used)
            });
        let (lr, clip) = (self.settings.lr_at(tally.t_env), self.settings.grad_norm_clip as f32);
        let step = self.optimizer.step(lr, self.networks.clone(), gradients, clip);
        self.networks = step.module;
        tally.updates += 1;
        let sum = reports.into_iter().reduce(|sum, part| sum + part);
        readings.add(&MEANS, sum.expect("there is at least one shard"));
        readings.add(&["grad_norm"], step.grad_norm);
    }

    /// The part of the loss that comes from one shard of a minibatch with `used` valid steps, and its part of
    /// every one of [`MEANS`], `[3]`.
    fn loss(&self, networks: &AgentNetworks, part: Part, used: usize) -> (Tensor<1>, Tensor<1>) {
        let agents = self.spec.n_agents();
        let [time, rows, _] = part.actions.dims();
        let out =
            networks.outputs(part.input.clone(), part.hidden.clone(), Some(part.keep.clone()));
        let best = part.best_values(out.clone().inner());
        let taken = out.narrow(0, 0, time).gather(2, part.actions.clone());
        let (columns, taken, best) = match self.mixing {
            Mixing::Alone => (agents, taken.reshape([time, rows]), best),
            Mixing::Sum => (
                1,
                taken.reshape([time, part.envs, agents]).sum_dim(2).reshape([time, part.envs]),
                best.reshape([time + 1, part.envs, agents])
                    .sum_dim(2)
                    .reshape([time + 1, part.envs]),
            ),
        };
        let returns = part.returns(best, columns, &self.settings);
        let weights = part.valid.clone().reshape([time, part.envs, 1]);
        let weights = weights.expand([time, part.envs, columns]).reshape(taken.dims());
        let weights = weights / (used * columns) as f32;
        let q_taken = (taken.clone().inner() * weights.clone()).sum();
        let target = (returns.clone() * weights.clone()).sum();
        let error = taken - Tensor::from_inner(returns);
        let loss = (error.square() * Tensor::from_inner(weights)).sum();
        let means = Tensor::cat(vec![loss.clone().inner(), q_taken, target], 0);
        (loss, means)
    }
}

/// What an update tells of itself.
const MEANS: [&str; 3] = ["loss_td", "q_taken_mean", "target_mean"];

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
        let mut readings = Readings::default();
        for _ in 0..self.settings.epochs {
            if parts > 1 {
                self.minibatches.shuffle(&mut order);
            }
            for at in 0..parts {
                let part = &order[at * n / parts..(at + 1) * n / parts];
                self.update(&segment, part, tally, &mut readings);
            }
        }
        let (actor, numbers) = self.networks.to_actor_with(readings.values());
        self.actor = actor;
        readings.accept(numbers, tally)
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
