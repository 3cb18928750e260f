//! The learner of all policy-gradient algorithms.

use std::sync::Arc;

use burn::module::Module;
use phalanx_core::env::{EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetworks, Device, Init, InputNorm, ObservationEncoder, Optimizer,
    OptimizerConfig, from_safetensors, to_safetensors, with_weights,
};
use phalanx_core::rl::ValueNorm;
use phalanx_core::rng::{Purpose, Rng};
use tracing::debug_span;

use super::batch::RolloutBatch;
use super::critic_input::CriticLayout;
use super::settings::{CriticInput, PolicyGradient, UpdateOrder};
use crate::algorithms::moments::load_optimizer;
use crate::algorithms::pending_metrics::PendingMetrics;
use crate::algorithms::{
    EXPLORATION, Learner, LearnerContext, LearningRate, LoadedParts, NamedFile, PlannedUpdates,
    SaveScope, file, same_length,
};
use crate::error::TrainError;
use crate::rollout::{
    InputLayout, Metrics, Policy, Rollout, RolloutCollector, sample, select_each,
};
use crate::run::checkpoint::input_norm;

/// Collects rollouts and learns from each of them for several epochs.
///
/// As a [`Learner`] it does both. Benchmarks and experiments on fixed data can call the parts:
/// [`PolicyLearner::batch`] prepares a given rollout, and [`PolicyLearner::update`] takes one
/// optimizer step.
pub struct PolicyLearner {
    pub(super) settings: PolicyGradient,
    pub(super) spec: EnvSpec,
    pub(super) critic_layout: CriticLayout,
    pub(super) device: Device,
    pub(super) policy: AgentNetworks,
    pub(super) critic: AgentNetworks,
    pub(super) policy_optimizer: Optimizer,
    pub(super) critic_optimizer: Optimizer,
    learning_rate: LearningRate,
    inputs: InputLayout,
    value_norm: ValueNorm,
    input_norm: Option<InputNorm>,
    actor: Actor,
    collector: RolloutCollector,
    /// The critic's hidden states before the next rollout, `[env, critic row, carry]`.
    critic_hidden: Vec<f32>,
    exploration: Vec<Rng>,
    pub(super) minibatches: Rng,
}

impl PolicyLearner {
    /// Creates a learner with new networks.
    pub fn new(settings: &PolicyGradient, setup: &LearnerContext) -> Self {
        let spec = &setup.spec;
        let inputs = InputLayout::new(spec, settings.obs_last_action, settings.obs_agent_id)
            .stacked(settings.obs_frames);
        let critic_layout = CriticLayout::new(settings, spec, inputs);
        let hidden_dim = settings.rnn_hidden_dim;
        let tracked = setup.device.clone().autodiff();
        let init = |gain: f32| match settings {
            PolicyGradient { use_orthogonal: true, .. } => Init::Orthogonal { head_gain: gain },
            PolicyGradient { use_variance_scaling: true, .. } => {
                Init::VarianceScaling { head_gain: gain }
            }
            _ => Init::Uniform { head_scale: gain },
        };
        let policy = AgentConfig {
            input_dim: inputs.dim(),
            hidden_dim,
            output_dim: spec.n_actions,
            recurrent: settings.recurrent(),
            second_hidden_dim: settings.second_hidden_dim(),
            convolution: settings.convolution(spec),
            observation_encoder: setup.observation_encoder(&inputs),
            normalisation: settings.normalisation(),
            activation: settings.activation,
            init: init(settings.policy_gain as f32),
        };
        let sees_observations = settings.critic == CriticInput::Observation;
        let critic = AgentConfig {
            input_dim: critic_layout.dim(),
            recurrent: settings.recurrent().filter(|_| settings.critic != CriticInput::Shared),
            output_dim: 1,
            convolution: policy.convolution.filter(|_| sees_observations),
            observation_encoder: (policy.observation_encoder.clone())
                .filter(|_| sees_observations)
                .map(ObservationEncoder::without_actions),
            init: init(1.0),
            ..policy
        };
        let owners = settings.parameter_sharing.owners(spec);
        let critic_rows = if critic_layout.rows() == 1 { vec![0] } else { owners.clone() };
        let stream = |index| Rng::stream(setup.seed, Purpose::Weights, index);
        let policy = AgentNetworks::new(&policy, &owners, &mut stream(0), &tracked);
        let critic = AgentNetworks::new(&critic, &critic_rows, &mut stream(1), &tracked);
        let n_envs = settings.batch_size_run;
        let adam = OptimizerConfig::adam(settings.optim_eps as f32);
        let steps = settings.rollout_steps;
        let input_norm = settings.normalise_input.then(|| InputNorm::new(inputs.dim()));
        let actor = with_input_norm(policy.to_actor(), input_norm.as_ref());
        Self {
            inputs,
            device: setup.device.clone(),
            policy,
            critic,
            policy_optimizer: Optimizer::new(adam),
            critic_optimizer: Optimizer::new(adam),
            learning_rate: setup.learning_rate.clone(),
            value_norm: ValueNorm::default(),
            input_norm,
            collector: RolloutCollector::new(spec, inputs, actor.carry_dim(), n_envs, steps),
            actor,
            critic_hidden: vec![0.0; n_envs * critic_layout.rows() * settings.carry_dim()],
            critic_layout,
            exploration: setup.exploration(n_envs),
            minibatches: Rng::stream(setup.seed, Purpose::Minibatch, 0),
            settings: settings.clone(),
            spec: spec.clone(),
        }
    }

    /// Replaces the parameters of policy and critic by the results of two functions, which get the
    /// name and the shape of each parameter.
    #[must_use]
    pub fn with_weights(
        self,
        policy: impl FnMut(&str, &[usize]) -> Vec<f32>,
        critic: impl FnMut(&str, &[usize]) -> Vec<f32>,
    ) -> Self {
        Self {
            policy: with_weights(self.policy, policy),
            critic: with_weights(self.critic, critic),
            ..self
        }
    }

    /// Returns the learning rate of policy and critic after `t_env` environment steps.
    ///
    /// # Errors
    ///
    /// Returns an error if the factor of the schedule is invalid.
    pub(super) fn lr(&self, t_env: u64) -> Result<f64, TrainError> {
        Ok(self.settings.lr_at(t_env) * self.learning_rate.factor_at(t_env)?)
    }

    /// Prepares a rollout for updates, with the critic's current hidden states.
    pub fn batch<'a>(&self, rollout: &'a Rollout) -> RolloutBatch<'a> {
        let layout = &self.critic_layout;
        RolloutBatch::new(rollout, &self.settings, self.inputs, layout, &self.critic_hidden)
    }
}

impl Learner for PolicyLearner {
    fn n_envs(&self) -> usize {
        self.settings.batch_size_run
    }

    fn train_iteration(
        &mut self,
        envs: &mut dyn VecEnv,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        let exploration = &mut self.exploration;
        let select = |env: usize, logits: &[f32], avail: &[bool], chosen: &mut [u16]| {
            let rng = &mut exploration[env];
            select_each(logits, avail, chosen, |logits, avail| sample(logits, avail, rng));
        };
        let played = self.collector.collect(envs, &self.actor, select, metrics)?;
        let _span = debug_span!(target: "phalanx::update", "update").entered();
        // Updates use the same inputs as the actors did: normalised by the moments before the
        // rollout.
        let rollout = match self.actor.input_norm() {
            None => played.clone(),
            Some(norm) => {
                let mut read = Rollout::clone(&played);
                norm.normalise(&mut read.input);
                Arc::new(read)
            }
        };
        let mut rollout_batch = self.batch(&rollout);
        let (policy, critic) = (self.policy.valid(), self.critic.valid());
        let values = rollout_batch.evaluate_rollout(&policy, &critic, &self.settings, &self.device);
        let norm = self.settings.use_value_norm.then_some(&mut self.value_norm);
        let estimates = rollout_batch.estimate(&rollout, values, norm, &self.settings);
        self.critic_hidden = estimates.next_critic_hidden;
        metrics.add("explained_variance", estimates.explained_variance);
        let mut pending = PendingMetrics::default();
        let lr = self.lr(metrics.t_env)?;
        self.update_policies(&mut rollout_batch, lr, metrics, &mut pending);
        if !self.shared() && !self.critic_shares_minibatches() {
            self.fit_critic(&rollout_batch, lr, metrics.t_env, &mut pending);
        }
        let (actor, scalars) = self.policy.to_actor_with(pending.values());
        if let Some(norm) = &mut self.input_norm {
            let width = played.agents * self.inputs.dim();
            let steps = played.input.chunks_exact(width).zip(&played.steps);
            let steps = steps.filter(|(_, step)| step.is_learned());
            norm.update(&steps.flat_map(|(row, _)| row).copied().collect::<Vec<_>>());
        }
        self.actor = with_input_norm(actor, self.input_norm.as_ref());
        pending.record(scalars, metrics)
    }

    fn planned_updates(&self, t_max: u64) -> Option<PlannedUpdates> {
        let settings = &self.settings;
        let networks = self.policy.owners().iter().max().map_or(0, |last| last + 1);
        let groups = if settings.update_order == UpdateOrder::Together { 1 } else { networks };
        let updates = settings.epochs * settings.num_mini_batch * groups;
        let steps = settings.batch_size_run as u64 * settings.rollout_steps as u64;
        Some(PlannedUpdates::from_rollouts(t_max, steps, updates as u64))
    }

    fn policy(&self) -> Policy {
        Policy {
            actor: self.actor.clone(),
            inputs: self.inputs,
            recurrent: self.settings.recurrent(),
            convolution: self.settings.convolution(&self.spec),
            normalisation: self.settings.normalisation(),
            activation: self.settings.activation,
            owners: self.policy.owners().to_vec(),
        }
    }

    fn save(&self, contents: SaveScope) -> Result<Vec<NamedFile>, TrainError> {
        let mut files = vec![
            NamedFile::new("agent.safetensors", to_safetensors(&self.policy)?),
            NamedFile::new("critic.safetensors", to_safetensors(&self.critic)?),
        ];
        if contents == SaveScope::Full {
            let mut rollout = Vec::new();
            self.collector.save(&mut rollout);
            let mut rest = Vec::new();
            let streams = (&self.exploration, &self.minibatches);
            pack(&(&self.value_norm, &self.critic_hidden, streams), &mut rest);
            files.extend([
                NamedFile::new("optimizer.bin", self.policy_optimizer.save()?),
                NamedFile::new("critic_optimizer.bin", self.critic_optimizer.save()?),
                NamedFile::new("rollout.bin", rollout),
                NamedFile::new("learner.bin", rest),
            ]);
            if let Some(norm) = &self.input_norm {
                let mut bytes = Vec::new();
                pack(norm, &mut bytes);
                files.push(NamedFile::new("input_norm.bin", bytes));
            }
        }
        Ok(files)
    }

    fn init_from(&mut self, files: &[NamedFile]) -> Result<LoadedParts, TrainError> {
        let bytes = file(files, "agent.safetensors")?;
        let policy = from_safetensors(self.policy.clone(), bytes)?;
        if let Some(norm) = &mut self.input_norm {
            *norm = input_norm(files)?.unwrap_or_else(|| norm.clone());
        }
        let critic = file(files, "critic.safetensors")
            .ok()
            .and_then(|bytes| from_safetensors(self.critic.clone(), bytes).ok());
        let parts = LoadedParts::agents().and("critic", critic.is_some());
        self.actor = with_input_norm(policy.to_actor(), self.input_norm.as_ref());
        self.policy = policy;
        self.critic = critic.unwrap_or_else(|| self.critic.clone());
        Ok(parts)
    }

    fn load(&mut self, files: &[NamedFile]) -> Result<(), TrainError> {
        let policy = from_safetensors(self.policy.clone(), file(files, "agent.safetensors")?)?;
        let critic = from_safetensors(self.critic.clone(), file(files, "critic.safetensors")?)?;
        type Saved = (ValueNorm, Vec<f32>, (Vec<Rng>, Rng));
        let (value_norm, critic_hidden, (exploration, minibatches)): Saved =
            unpack("the learner", file(files, "learner.bin")?)?;
        same_length(EXPLORATION, exploration.len(), self.exploration.len())?;
        let hidden = "the hidden states of the critic";
        same_length(hidden, critic_hidden.len(), self.critic_hidden.len())?;
        self.collector.load(file(files, "rollout.bin")?)?;
        let bytes = file(files, "optimizer.bin")?;
        if self.shared() || self.settings.clip_jointly {
            let both = (policy.clone(), critic.clone());
            load_optimizer(&mut self.policy_optimizer, &both, bytes)?;
        } else {
            load_optimizer(&mut self.policy_optimizer, &policy, bytes)?;
        }
        let bytes = file(files, "critic_optimizer.bin")?;
        load_optimizer(&mut self.critic_optimizer, &critic, bytes)?;
        if let Some(norm) = &mut self.input_norm {
            const WHAT: &str = "the moments of inputs";
            let saved: InputNorm = unpack(WHAT, file(files, "input_norm.bin")?)?;
            same_length(WHAT, saved.dim(), norm.dim())?;
            *norm = saved;
        }
        self.actor = with_input_norm(policy.to_actor(), self.input_norm.as_ref());
        (self.policy, self.critic) = (policy, critic);
        (self.value_norm, self.critic_hidden) = (value_norm, critic_hidden);
        (self.exploration, self.minibatches) = (exploration, minibatches);
        Ok(())
    }
}

/// Returns an actor that normalises its inputs, if there is a `norm`.
fn with_input_norm(actor: Actor, norm: Option<&InputNorm>) -> Actor {
    match norm {
        Some(norm) => actor.with_input_norm(norm.clone()),
        None => actor,
    }
}
