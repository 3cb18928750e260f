//! The learner of DQN.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::env::{EnvSpec, StepRows, StepStatus, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetworks, Device, HiddenActivation, Init, Normalisation, Optimizer,
    from_safetensors, in_shards, shard_count, soft_update, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use tracing::debug_span;

use super::batch::{TransitionTensors, summed_loss};
use super::play::Play;
use super::settings::DqnSettings;
use super::transitions::{Transition, TransitionReplay, TransitionSizes};
use crate::algorithms::moments::load_optimizer;
use crate::algorithms::pending_metrics::PendingMetrics;
use crate::algorithms::{
    EXPLORATION, Learner, LearnerContext, LearningRate, LoadedParts, NamedFile, PlannedUpdates,
    SaveScope, TargetUpdate, file, same_length,
};
use crate::error::TrainError;
use crate::rollout::{
    EnvFault, InputLayout, Metrics, Moment, Policy, TeamRunner, check_limit, check_rows,
    epsilon_greedy, reset, select_each,
};

/// Makes one step in every environment, stores the transitions, and makes the updates that are due.
/// With the online network `Q` and the target network `Q'`, every agent minimises
///
/// ```text
/// L = mean loss(Q(s, a) - y)      y as computed by TransitionTensors::targets
/// ```
///
/// over the rows of a minibatch; gradients flow through `Q(s, a)` alone. As in the other algorithms,
/// dead agents are included, with their only available action.
pub(super) struct DqnLearner {
    settings: DqnSettings,
    spec: EnvSpec,
    inputs: InputLayout,
    device: Device,
    networks: AgentNetworks,
    target: AgentNetworks,
    /// The number of episodes or updates at the last copy of the target network.
    copied_at: u64,
    optimizer: Optimizer,
    learning_rate: LearningRate,
    actor: Actor,
    replay: TransitionReplay,
    play: Play,
    exploration: Vec<Rng>,
    sampling: Rng,
}

impl DqnLearner {
    pub(super) fn new(settings: &DqnSettings, context: &LearnerContext) -> Self {
        let spec = &context.spec;
        let inputs = InputLayout::new(spec, settings.obs_last_action, settings.obs_agent_id);
        let config = AgentConfig {
            input_dim: inputs.dim(),
            hidden_dim: settings.hidden_dim,
            output_dim: spec.n_actions,
            recurrent: None,
            second_hidden_dim: None,
            convolution: None,
            observation_encoder: context.observation_encoder(&inputs),
            normalisation: Normalisation::None,
            activation: HiddenActivation::Relu,
            init: Init::default(),
        };
        let owners = settings.parameter_sharing.owners(spec);
        let mut weights = Rng::stream(context.seed, Purpose::Weights, 0);
        let tracked = context.device.clone().autodiff();
        let networks = AgentNetworks::new(&config, &owners, &mut weights, &tracked);
        let n_envs = settings.batch_size_run;
        let actor = networks.to_actor();
        let sizes = TransitionSizes::new(spec, inputs);
        Self {
            target: networks.valid(),
            networks,
            copied_at: 0,
            optimizer: Optimizer::new(settings.optimizer()),
            learning_rate: context.learning_rate.clone(),
            replay: TransitionReplay::new(settings.buffer_size, sizes),
            play: Play {
                team: TeamRunner::new(inputs, actor.carry_dim(), n_envs),
                rows: StepRows::new(spec, n_envs, 1),
                views: Vec::new(),
                actions: vec![0; n_envs * spec.n_agents()],
                totals: vec![0.0; n_envs],
                lengths: vec![0; n_envs],
            },
            actor,
            exploration: context.exploration(n_envs),
            sampling: Rng::stream(context.seed, Purpose::Replay, 0),
            inputs,
            device: context.device.clone(),
            settings: settings.clone(),
            spec: spec.clone(),
        }
    }

    /// Makes one step in every environment and stores the transitions.
    fn step(&mut self, envs: &mut dyn VecEnv, metrics: &mut Metrics) -> Result<(), EnvFault> {
        let (n, agents, masks) = (envs.n_envs(), self.spec.n_agents(), self.spec.avail_len());
        let _span = debug_span!(target: "phalanx::rollout", "rollout", envs = n).entered();
        let all = vec![true; n];
        if self.play.views.is_empty() {
            reset(&self.spec, envs, &all, &mut self.play.rows, 0, metrics)?;
            self.play.encode();
            self.play.views = (0..n).map(|env| self.play.view(env)).collect();
        }
        let epsilon = self.settings.epsilon().at(metrics.t_env) as f32;
        metrics.add("epsilon", f64::from(epsilon));
        let Play { team, rows, actions, .. } = &mut self.play;
        let values = team.forward(&self.actor, &rows.obs);
        for (env, rng) in self.exploration.iter_mut().enumerate() {
            let mask = env * masks..(env + 1) * masks;
            let chosen = &mut actions[env * agents..(env + 1) * agents];
            select_each(&values[mask.clone()], &rows.avail[mask], chosen, |q, avail| {
                epsilon_greedy(q, avail, epsilon, rng)
            });
        }
        for (env, actions) in actions.chunks_exact(agents).enumerate() {
            team.record_actions(env, actions);
        }
        envs.step(actions, &all, rows.at_mut(0));
        let steps: Vec<usize> = self.play.lengths.iter().map(|length| length + 1).collect();
        let moment = Moment { episode: metrics.episodes, steps: &steps };
        check_rows(&self.spec, &self.play.rows.at_mut(0), &all, &moment)?;
        self.play.encode();
        let over: Vec<bool> = (0..n).map(|env| self.record(env, metrics)).collect();
        check_limit(&self.spec, &self.play.lengths, |_| true, metrics.episodes)?;
        if over.contains(&true) {
            reset(&self.spec, envs, &over, &mut self.play.rows, 0, metrics)?;
            let begins = || (0..n).filter(|&env| over[env]);
            begins().for_each(|env| self.play.team.reset(env));
            self.play.encode();
            begins().for_each(|env| self.play.views[env] = self.play.view(env));
        }
        Ok(())
    }

    /// Stores the last transition of an environment. Returns whether its episode is over.
    fn record(&mut self, env: usize, metrics: &mut Metrics) -> bool {
        let (play, spec) = (&mut self.play, &self.spec);
        let agents = spec.n_agents();
        let status = play.rows.status[env].with_timeout(spec.timeout_is_terminal);
        metrics.t_env += 1;
        if status == StepStatus::Crashed {
            metrics.crashes += 1;
            (play.totals[env], play.lengths[env]) = (0.0, 0);
            return true;
        }
        let own = env * agents..(env + 1) * agents;
        let rewards = match self.settings.common_reward {
            true => vec![play.rows.reward[env]; agents],
            false => play.rows.agent_rewards[own.clone()].to_vec(),
        };
        let next = (!status.is_terminal()).then(|| play.view(env));
        let after = next.clone().unwrap_or_else(|| play.views[env].clone());
        self.replay.push(Transition {
            now: std::mem::replace(&mut play.views[env], after),
            next,
            actions: play.actions[own].into(),
            rewards: rewards.into(),
        });
        play.totals[env] += f64::from(play.rows.reward[env]);
        play.lengths[env] += 1;
        if status.is_over() {
            let info = &play.rows.info[env * spec.info.len()..][..spec.info.len()];
            metrics.episode(spec, play.totals[env], play.lengths[env], info);
            (play.totals[env], play.lengths[env]) = (0.0, 0);
        }
        status.is_over()
    }

    /// Makes one update with the learning rate `lr`.
    fn update(&mut self, lr: f64, metrics: &mut Metrics, pending: &mut PendingMetrics) {
        let batch = self.replay.sample(self.settings.batch_size, &mut self.sampling);
        let rows = batch.len() * self.inputs.n_agents;
        let n = shard_count(&self.device, rows).min(batch.len());
        let of = |shard: usize| &batch[shard * batch.len() / n..(shard + 1) * batch.len() / n];
        let (learner, shards) = (&*self, (0..n).map(of).collect());
        let (reports, gradients) =
            in_shards(&self.networks, shards, |networks: &AgentNetworks, shard: &[&Transition]| {
                learner.loss(networks, shard, rows)
            });
        let clip = self.settings.grad_norm_clip as f32;
        let step = self.optimizer.step(lr, self.networks.clone(), gradients, clip);
        self.networks = step.module;
        metrics.updates += 1;
        let sum = reports.into_iter().reduce(|sum, part| sum + part);
        pending.add(&MEANS, sum.expect("there is at least one shard"));
        pending.add(&["grad_norm"], step.grad_norm);
        self.update_target(TargetUpdate::Updates, metrics.updates);
    }

    /// Computes one shard's part of the loss and of each of [`MEANS`], `[3]`, for a minibatch with
    /// `rows` rows.
    fn loss(
        &self,
        networks: &AgentNetworks,
        shard: &[&Transition],
        rows: usize,
    ) -> (Tensor<1>, Tensor<1>) {
        let (settings, device) = (&self.settings, &self.device);
        let batch = TransitionTensors::new(shard, self.inputs, settings.gamma as f32, device);
        let next = |networks: &AgentNetworks| outputs(networks, batch.next_input.clone());
        let online = settings.double_q.then(|| next(&networks.valid()));
        let targets = batch.targets(next(&self.target), online);
        let values = outputs(networks, Tensor::from_inner(batch.input.clone()));
        let taken = values.gather(2, Tensor::from_inner(batch.actions.clone()));
        let q_taken = taken.clone().inner().sum();
        let target = targets.clone().sum();
        let error = taken - Tensor::from_inner(targets);
        let loss = summed_loss(error, settings.td_loss) / rows as f32;
        let means = Tensor::cat(vec![q_taken, target], 0) / rows as f32;
        (loss.clone(), Tensor::cat(vec![loss.inner(), means], 0))
    }

    /// Updates the target network if it is due after this `event`, of which there have been `count`.
    fn update_target(&mut self, event: TargetUpdate, count: u64) {
        let mode = self.settings.target_update;
        if mode == TargetUpdate::Soft && event == TargetUpdate::Updates {
            let tau = self.settings.target_update_tau;
            self.target = soft_update(self.target.clone(), &self.networks.valid(), tau);
        } else if mode == event
            && count.saturating_sub(self.copied_at) >= self.settings.target_update_interval
        {
            self.target = self.networks.valid();
            self.copied_at = count;
        }
    }
}

/// The names of an update's metrics.
const MEANS: [&str; 3] = ["loss_td", "q_taken_mean", "target_mean"];

/// Computes the action values of inputs, `[1, row, n_actions]`.
fn outputs(networks: &AgentNetworks, input: Tensor<3>) -> Tensor<3> {
    let [_, rows, _] = input.dims();
    // The networks have no hidden state and pass on whatever they get.
    let none = Tensor::zeros([rows, 1], &input.device());
    networks.outputs(input, none, None)
}

impl Learner for DqnLearner {
    fn n_envs(&self) -> usize {
        self.settings.batch_size_run
    }

    fn train_iteration(
        &mut self,
        envs: &mut dyn VecEnv,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        let before = metrics.t_env;
        self.step(envs, metrics)?;
        self.update_target(TargetUpdate::Episodes, metrics.episodes);
        let due = self.settings.updates_due(before, metrics.t_env);
        if due == 0 || self.replay.len() < self.settings.batch_size {
            return Ok(());
        }
        let _span = debug_span!(target: "phalanx::update", "update", updates = due).entered();
        let lr = self.settings.lr * self.learning_rate.factor_at(metrics.t_env)?;
        let mut pending = PendingMetrics::default();
        for _ in 0..due {
            self.update(lr, metrics, &mut pending);
        }
        let (actor, numbers) = self.networks.to_actor_with(pending.values());
        self.actor = actor;
        pending.record(numbers, metrics)
    }

    fn startup_message(&self) -> Option<String> {
        Some(self.replay.description())
    }

    fn planned_updates(&self, t_max: u64) -> Option<PlannedUpdates> {
        Some(self.settings.planned_updates(t_max))
    }

    fn uses_agent_rewards(&self) -> bool {
        !self.settings.common_reward
    }

    fn policy(&self) -> Policy {
        Policy {
            actor: self.actor.clone(),
            inputs: self.inputs,
            recurrent: None,
            convolution: None,
            normalisation: Normalisation::None,
            activation: HiddenActivation::Relu,
            owners: self.networks.owners().to_vec(),
        }
    }

    fn save(&self, scope: SaveScope) -> Result<Vec<NamedFile>, TrainError> {
        let mut files = vec![NamedFile::new("agent.safetensors", to_safetensors(&self.networks)?)];
        if scope == SaveScope::Full {
            let (mut replay, mut episodes, mut rest) = (Vec::new(), Vec::new(), Vec::new());
            self.replay.save(&mut replay);
            self.play.save(&mut episodes);
            pack(&(&self.exploration, &self.sampling, self.copied_at), &mut rest);
            files.extend([
                NamedFile::new("target.safetensors", to_safetensors(&self.target)?),
                NamedFile::new("optimizer.bin", self.optimizer.save()?),
                NamedFile::new("replay.bin", replay),
                NamedFile::new("rollout.bin", episodes),
                NamedFile::new("learner.bin", rest),
            ]);
        }
        Ok(files)
    }

    fn init_from(&mut self, files: &[NamedFile]) -> Result<LoadedParts, TrainError> {
        let bytes = file(files, "agent.safetensors")?;
        self.networks = from_safetensors(self.networks.clone(), bytes)?;
        self.target = self.networks.valid();
        self.actor = self.networks.to_actor();
        Ok(LoadedParts::agents())
    }

    fn load(&mut self, files: &[NamedFile]) -> Result<(), TrainError> {
        let networks = from_safetensors(self.networks.clone(), file(files, "agent.safetensors")?)?;
        let target = from_safetensors(self.target.clone(), file(files, "target.safetensors")?)?;
        let (exploration, sampling, copied_at): (Vec<Rng>, _, _) =
            unpack("the learner", file(files, "learner.bin")?)?;
        same_length(EXPLORATION, exploration.len(), self.exploration.len())?;
        self.replay.load(file(files, "replay.bin")?)?;
        let sizes = TransitionSizes::new(&self.spec, self.inputs);
        self.play.load(file(files, "rollout.bin")?, &self.spec, sizes)?;
        load_optimizer(&mut self.optimizer, &networks, file(files, "optimizer.bin")?)?;
        self.actor = networks.to_actor();
        (self.networks, self.target, self.copied_at) = (networks, target, copied_at);
        (self.exploration, self.sampling) = (exploration, sampling);
        Ok(())
    }
}
