//! The learner of parallelised Q-networks (PQN).

use burn::tensor::Tensor;
use phalanx_core::env::{EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetworks, Device, HiddenActivation, Init, Optimizer, OptimizerConfig,
    OptimizerKind, from_safetensors, in_shards, shard_count, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use tracing::debug_span;

use super::super::moments::load_optimizer;
use super::super::pending_metrics::PendingMetrics;
use super::super::{
    EXPLORATION, Learner, LearnerContext, LearningRate, LoadedParts, NamedFile, PlannedUpdates,
    SaveScope, file, same_length,
};
use super::minibatch::Minibatch;
use super::settings::Pqn;
use crate::error::TrainError;
use crate::rollout::{
    InputLayout, Metrics, Policy, Rollout, RolloutCollector, epsilon_greedy, select_each,
};

/// The value that is learned from the utilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mixing {
    /// The team's value is the sum of the utilities.
    Sum,
    /// Each utility is the value of its agent.
    Independent,
}

/// Collects rollouts and learns from each of them for several epochs. With `Q` the sum of the
/// utilities, or the utility of an agent, under the current networks:
///
/// ```text
/// V_t = max_u Q(tau_t, u)
/// G_t = r_t + gamma ((1 - lambda) V_{t+1} + lambda G_{t+1})     V alone after the last step
/// L   = mean (Q(tau_t, u_t) - G_t)^2
/// ```
///
/// where gradients flow through `Q(tau_t, u_t)` alone. Recurrent agents start with the hidden
/// states of the rollout.
pub(super) struct PqnLearner {
    settings: Pqn,
    mixing: Mixing,
    spec: EnvSpec,
    inputs: InputLayout,
    device: Device,
    networks: AgentNetworks,
    optimizer: Optimizer,
    learning_rate: LearningRate,
    actor: Actor,
    collector: RolloutCollector,
    exploration: Vec<Rng>,
    minibatches: Rng,
}

impl PqnLearner {
    pub(super) fn new(settings: &Pqn, mixing: Mixing, context: &LearnerContext) -> Self {
        let spec = &context.spec;
        let inputs = InputLayout::new(spec, settings.obs_last_action, settings.obs_agent_id);
        let config = AgentConfig {
            input_dim: inputs.dim(),
            hidden_dim: settings.rnn_hidden_dim,
            output_dim: spec.n_actions,
            recurrent: settings.recurrent(),
            second_hidden_dim: None,
            convolution: None,
            observation_encoder: context.observation_encoder(&inputs),
            normalisation: settings.normalisation(),
            activation: HiddenActivation::Relu,
            init: Init::default(),
        };
        let owners = settings.parameter_sharing.owners(spec);
        let mut weights = Rng::stream(context.seed, Purpose::Weights, 0);
        let tracked = context.device.clone().autodiff();
        let networks = AgentNetworks::new(&config, &owners, &mut weights, &tracked);
        let (n_envs, steps) = (settings.batch_size_run, settings.rollout_steps);
        let actor = networks.to_actor();
        Self {
            mixing,
            inputs,
            device: context.device.clone(),
            networks,
            optimizer: Optimizer::new(OptimizerConfig {
                kind: OptimizerKind::RAdam,
                alpha: 0.0,
                eps: settings.optim_eps as f32,
            }),
            learning_rate: context.learning_rate.clone(),
            collector: RolloutCollector::new(spec, inputs, actor.carry_dim(), n_envs, steps),
            actor,
            exploration: context.exploration(n_envs),
            minibatches: Rng::stream(context.seed, Purpose::Minibatch, 0),
            settings: settings.clone(),
            spec: spec.clone(),
        }
    }

    /// Makes one update with the learning rate `lr` from the environments `envs` of a rollout.
    fn update(
        &mut self,
        rollout: &Rollout,
        envs: &[usize],
        lr: f64,
        metrics: &mut Metrics,
        pending: &mut PendingMetrics,
    ) {
        let rows = (rollout.time + 1) * envs.len() * rollout.agents;
        let n = shard_count(&self.device, rows).min(envs.len());
        let of = |shard: usize| &envs[shard * envs.len() / n..(shard + 1) * envs.len() / n];
        let valid = |t: usize| {
            envs.iter().filter(move |&&env| rollout.steps[t * rollout.envs + env].is_learned())
        };
        let used = (0..rollout.time).map(|t| valid(t).count()).sum::<usize>().max(1);
        let (learner, shards) = (&*self, (0..n).map(of).collect());
        let (reports, gradients) =
            in_shards(&self.networks, shards, |networks: &AgentNetworks, envs: &[usize]| {
                let part = Minibatch::new(
                    rollout,
                    envs,
                    &learner.settings,
                    learner.inputs,
                    &learner.device,
                );
                learner.loss(networks, part, used)
            });
        let clip = self.settings.grad_norm_clip as f32;
        let step = self.optimizer.step(lr, self.networks.clone(), gradients, clip);
        self.networks = step.module;
        metrics.updates += 1;
        let sum = reports.into_iter().reduce(|sum, part| sum + part);
        pending.add(&MEANS, sum.expect("there is at least one shard"));
        pending.add(&["grad_norm"], step.grad_norm);
    }

    /// Computes one shard's part of the loss and of each of [`MEANS`], `[3]`, for a minibatch with
    /// `used` valid steps.
    fn loss(
        &self,
        networks: &AgentNetworks,
        part: Minibatch,
        used: usize,
    ) -> (Tensor<1>, Tensor<1>) {
        let agents = self.spec.n_agents();
        let [time, rows, _] = part.actions.dims();
        let out =
            networks.outputs(part.input.clone(), part.hidden.clone(), Some(part.keep.clone()));
        let best = part.best_values(out.clone().inner());
        let taken = out.narrow(0, 0, time).gather(2, part.actions.clone());
        let (columns, taken, best) = match self.mixing {
            Mixing::Independent => (agents, taken.reshape([time, rows]), best),
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

/// The names of an update's metrics.
const MEANS: [&str; 3] = ["loss_td", "q_taken_mean", "target_mean"];

impl Learner for PqnLearner {
    fn n_envs(&self) -> usize {
        self.settings.batch_size_run
    }

    fn train_iteration(
        &mut self,
        envs: &mut dyn VecEnv,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        let epsilon = self.settings.epsilon().at(metrics.t_env) as f32;
        metrics.add("epsilon", f64::from(epsilon));
        let exploration = &mut self.exploration;
        let select = |env: usize, values: &[f32], avail: &[bool], chosen: &mut [u16]| {
            let rng = &mut exploration[env];
            select_each(values, avail, chosen, |q, avail| epsilon_greedy(q, avail, epsilon, rng));
        };
        let rollout = self.collector.collect(envs, &self.actor, select, metrics)?;
        let _span = debug_span!(target: "phalanx::update", "update").entered();
        let t_env = metrics.t_env;
        let lr = self.settings.lr_at(t_env) * self.learning_rate.factor_at(t_env)?;
        let (n, parts) = (self.settings.batch_size_run, self.settings.num_mini_batch);
        let mut order: Vec<usize> = (0..n).collect();
        let mut pending = PendingMetrics::default();
        for _ in 0..self.settings.epochs {
            if parts > 1 {
                self.minibatches.shuffle(&mut order);
            }
            for at in 0..parts {
                let part = &order[at * n / parts..(at + 1) * n / parts];
                self.update(&rollout, part, lr, metrics, &mut pending);
            }
        }
        let (actor, numbers) = self.networks.to_actor_with(pending.values());
        self.actor = actor;
        pending.record(numbers, metrics)
    }

    fn planned_updates(&self, t_max: u64) -> Option<PlannedUpdates> {
        let (epochs, parts) = (self.settings.epochs as u64, self.settings.num_mini_batch as u64);
        let steps = self.settings.batch_size_run as u64 * self.settings.rollout_steps as u64;
        Some(PlannedUpdates::from_rollouts(t_max, steps, epochs * parts))
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

    fn save(&self, scope: SaveScope) -> Result<Vec<NamedFile>, TrainError> {
        let mut files = vec![NamedFile::new("agent.safetensors", to_safetensors(&self.networks)?)];
        if scope == SaveScope::Full {
            let mut rollout = Vec::new();
            self.collector.save(&mut rollout);
            let mut rest = Vec::new();
            pack(&(&self.exploration, &self.minibatches), &mut rest);
            files.extend([
                NamedFile::new("optimizer.bin", self.optimizer.save()?),
                NamedFile::new("rollout.bin", rollout),
                NamedFile::new("learner.bin", rest),
            ]);
        }
        Ok(files)
    }

    fn init_from(&mut self, files: &[NamedFile]) -> Result<LoadedParts, TrainError> {
        let bytes = file(files, "agent.safetensors")?;
        self.networks = from_safetensors(self.networks.clone(), bytes)?;
        self.actor = self.networks.to_actor();
        Ok(LoadedParts::agents())
    }

    fn load(&mut self, files: &[NamedFile]) -> Result<(), TrainError> {
        let networks = from_safetensors(self.networks.clone(), file(files, "agent.safetensors")?)?;
        let (exploration, minibatches): (Vec<Rng>, _) =
            unpack("the learner", file(files, "learner.bin")?)?;
        same_length(EXPLORATION, exploration.len(), self.exploration.len())?;
        self.collector.load(file(files, "rollout.bin")?)?;
        load_optimizer(&mut self.optimizer, &networks, file(files, "optimizer.bin")?)?;
        self.actor = networks.to_actor();
        self.networks = networks;
        (self.exploration, self.minibatches) = (exploration, minibatches);
        Ok(())
    }
}
