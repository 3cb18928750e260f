//! The learner of all value factorisations.

use burn::module::Module;
use phalanx_core::env::{EnvError, EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentNetworks, HiddenActivation, Normalisation, from_safetensors, is_cpu,
    padding_multiple, part_from_safetensors, shard_count, to_safetensors,
};
use phalanx_core::rl::RewardNorm;
use phalanx_core::rng::{Purpose, Rng};
use tracing::debug_span;

use super::super::moments::load_optimizer;
use super::super::pending_metrics::PendingMetrics;
use super::super::transfer::to_vec;
use super::super::{
    EXPLORATION, Learner, LearnerContext, LoadedParts, NamedFile, PlannedUpdates, SaveScope, file,
    same_length,
};
use super::batch::EpisodeTensors;
use super::factorisation::{ModelContext, ValueFactorisation};
use super::pipelined::PipelinedWeights;
use super::settings::{Overlap, TargetUpdate};
use super::train_state::TrainState;
use crate::error::TrainError;
use crate::replay::{EpisodeBatch, EpisodeReplay, ReplaySizeBound, Sample};
use crate::rollout::{EpisodeCollector, InputLayout, Metrics, Policy, epsilon_greedy, select_each};

/// Collects episodes, replays them and minimises the loss of a value factorisation.
pub struct ReplayLearner<F: ValueFactorisation> {
    state: TrainState<F>,
    spec: EnvSpec,
    inputs: InputLayout,
    actor: Actor,
    collector: EpisodeCollector,
    replay: EpisodeReplay,
    reward_norm: RewardNorm,
    exploration: Vec<Rng>,
    sampling: Rng,
    /// Draws the seeds of the random streams of batches.
    selection: Rng,
    /// The pipelined weights, if rollouts are collected while the device trains.
    pipelined: Option<PipelinedWeights>,
}

impl<F: ValueFactorisation> ReplayLearner<F> {
    /// Creates a learner with initial weights and an empty replay buffer.
    pub fn new(factorisation: F, context: &LearnerContext) -> Self {
        let LearnerContext { spec, seed, device, learning_rate, .. } = context;
        let learning = factorisation.learning().clone();
        let inputs = InputLayout::new(spec, learning.obs_last_action, learning.obs_agent_id);
        let model = ModelContext {
            spec: spec.clone(),
            inputs,
            learning: learning.clone(),
            encoder: context.observation_encoder(&inputs),
        };
        let mut weights = Rng::stream(*seed, Purpose::Weights, 0);
        let networks = factorisation.networks(&model, &mut weights, &device.clone().autodiff());
        let n_envs = learning.batch_size_run;
        let acting = factorisation.agent_networks(&networks).clone();
        let actor = acting.to_actor();
        let overlaps = match learning.overlap_rollouts {
            Overlap::Gpu => !is_cpu(device),
            Overlap::Always => true,
            Overlap::Never => false,
        };
        Self {
            pipelined: overlaps.then(|| PipelinedWeights::new(acting)),
            inputs,
            state: TrainState::new(factorisation, networks, device, learning_rate.clone()),
            collector: EpisodeCollector::new(spec, inputs, actor.carry_dim(), n_envs),
            actor,
            replay: EpisodeReplay::new(learning.replay()),
            reward_norm: RewardNorm::default(),
            exploration: context.exploration(n_envs),
            sampling: Rng::stream(*seed, Purpose::Replay, 0),
            selection: Rng::stream(*seed, Purpose::Selection, 0),
            spec: spec.clone(),
        }
    }

    /// Replaces the networks by the result of `change`, and the target networks by a copy of it.
    #[must_use]
    pub fn with_networks(mut self, change: impl FnOnce(F::Networks) -> F::Networks) -> Self {
        let networks = self.state.networks.clone();
        self.replace_networks(change(networks));
        self
    }

    /// Replaces the networks, and the target networks by a copy of them.
    fn replace_networks(&mut self, networks: F::Networks) {
        self.state.networks = networks;
        self.state.target = self.state.networks.valid();
        let acting = self.agent_networks().clone();
        self.actor = acting.to_actor();
        self.pipelined = self.pipelined.take().map(|_| PipelinedWeights::new(acting));
    }

    /// Makes one update from the shards of a batch; every step has the same weight. Returns the
    /// mean absolute TD error of every episode, shard by shard, if replay is prioritised, and
    /// nothing otherwise.
    ///
    /// # Errors
    ///
    /// Returns an error if the loss is not finite or the learning rate's factor is invalid.
    pub fn update(
        &mut self,
        shards: &[EpisodeTensors],
        metrics: &mut Metrics,
    ) -> Result<Vec<f32>, TrainError> {
        let steps = |shard: &EpisodeTensors| shard.steps.iter().filter(|step| step.filled).count();
        let shards = shards.iter().map(|shard| (steps(shard), shard)).collect();
        let mut pending = PendingMetrics::default();
        let errors = self.state.update(shards, |shard| shard, metrics, &mut pending)?;
        pending.flush(metrics)?;
        Ok(errors)
    }

    fn agent_networks(&self) -> &AgentNetworks {
        self.state.factorisation.agent_networks(&self.state.networks)
    }

    /// Makes one update from replayed episodes. Returns `false` if the buffer holds too few.
    fn learn(
        &mut self,
        metrics: &mut Metrics,
        pending: &mut PendingMetrics,
    ) -> Result<bool, TrainError> {
        let learning = self.state.factorisation.learning();
        let Some(sample) = self.replay.sample(learning.batch_size, &mut self.sampling) else {
            return Ok(false);
        };
        let standardise = learning.standardise_rewards.then(|| {
            self.reward_norm.update(sample.rewards(!learning.common_reward));
            self.reward_norm.clone()
        });
        let rows = sample.steps() * self.inputs.n_agents;
        let shards = sample.shards(shard_count(&self.state.device, rows));
        let indices: Vec<u64> = shards.iter().flat_map(|shard| &shard.indices).copied().collect();
        let (seed, inputs) = (self.selection.next_u64(), self.inputs);
        let (carry_dim, device) = (self.actor.carry_dim(), self.state.device.clone());
        let learning = &learning.clone();
        let batch = |(index, shard): (usize, Sample<'_>)| {
            let mut batch = EpisodeBatch::padded(&shard, inputs, padding_multiple(&device));
            if let Some(norm) = &standardise {
                let own = batch.agent_reward.iter_mut();
                for reward in batch.steps.iter_mut().map(|step| &mut step.reward).chain(own) {
                    *reward = norm.standardise(*reward);
                }
            }
            let rng = Rng::stream(seed, Purpose::Selection, index as u32);
            EpisodeTensors::new(batch, inputs, learning, carry_dim, rng, &device)
        };
        let shards =
            shards.into_iter().enumerate().map(|(index, shard)| (shard.steps(), (index, shard)));
        let errors = self.state.update(shards.collect(), batch, metrics, pending)?;
        // If an error is not finite, neither is the loss, and the run ends when it is read.
        if !errors.is_empty() && errors.iter().all(|error| error.is_finite()) {
            self.replay.update_priorities(&indices, &errors);
        }
        Ok(true)
    }
}

impl<F: ValueFactorisation> Learner for ReplayLearner<F> {
    fn n_envs(&self) -> usize {
        self.state.factorisation.learning().batch_size_run
    }

    fn train_iteration(
        &mut self,
        envs: &mut dyn VecEnv,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        let learning = self.state.factorisation.learning();
        let (updates, schedule) = (learning.updates_per_rollout, learning.epsilon());
        let epsilon = schedule.at(metrics.t_env) as f32;
        let exploration = &mut self.exploration;
        let select = |env: usize, q: &[f32], avail: &[bool], chosen: &mut [u16]| {
            let rng = &mut exploration[env];
            select_each(q, avail, chosen, |q, avail| epsilon_greedy(q, avail, epsilon, rng));
        };
        for episode in self.collector.collect(envs, &self.actor, select, metrics)? {
            self.replay.push(&episode)?;
        }
        metrics.add("epsilon", f64::from(epsilon));
        let _span = debug_span!(target: "phalanx::update", "update", updates).entered();
        if let Some(pipelined) = &mut self.pipelined
            && let Some(actor) = pipelined.receive(metrics)?
        {
            self.actor = actor;
        }
        let mut pending = PendingMetrics::default();
        for _ in 0..updates {
            if !self.learn(metrics, &mut pending)? {
                break;
            }
        }
        self.state.update_targets(TargetUpdate::Episodes, metrics.episodes);
        let learned = self.state.factorisation.agent_networks(&self.state.networks);
        if let Some(pipelined) = &mut self.pipelined {
            pipelined.send(learned.clone(), pending);
            return Ok(());
        }
        let (actor, numbers) = learned.to_actor_with(pending.values());
        self.actor = actor;
        pending.record(numbers, metrics)
    }

    fn flush(&mut self, metrics: &mut Metrics) -> Result<(), TrainError> {
        self.pipelined.as_mut().map_or(Ok(()), |pipelined| pipelined.flush(metrics))
    }

    fn joint_q_values(&self, obs: &[f32], state: &[f32], actions: &[u16]) -> Option<Vec<f32>> {
        let batch = EpisodeTensors::first_steps(
            obs,
            state,
            actions,
            self.inputs,
            self.actor.carry_dim(),
            &self.state.device,
        );
        let values = self.state.factorisation.q_tot(&self.state.networks.valid(), &batch);
        (values.dims()[1] == 1).then(|| to_vec(values))
    }

    fn startup_message(&self) -> Option<String> {
        let replay = self.state.factorisation.learning().replay();
        Some(ReplaySizeBound::new(&self.spec, &replay).to_string())
    }

    fn planned_updates(&self, t_max: u64) -> Option<PlannedUpdates> {
        Some(self.state.factorisation.learning().planned_updates(t_max, self.spec.episode_limit))
    }

    fn uses_agent_rewards(&self) -> bool {
        !self.state.factorisation.learning().common_reward
    }

    fn policy(&self) -> Policy {
        let newest = || self.agent_networks().to_actor();
        Policy {
            actor: if self.pipelined.is_some() { newest() } else { self.actor.clone() },
            inputs: self.inputs,
            recurrent: self.state.factorisation.learning().recurrent(),
            convolution: None,
            normalisation: Normalisation::None,
            activation: HiddenActivation::Relu,
            owners: self.agent_networks().owners().to_vec(),
        }
    }

    fn save(&self, scope: SaveScope) -> Result<Vec<NamedFile>, TrainError> {
        let mut files = vec![
            NamedFile::new("networks.safetensors", to_safetensors(&self.state.networks)?),
            NamedFile::new("agent.safetensors", to_safetensors(self.agent_networks())?),
        ];
        if scope == SaveScope::Full {
            let (mut replay, mut rest) = (Vec::new(), Vec::new());
            self.replay.save(&mut replay);
            let streams = (&self.exploration, &self.sampling, &self.selection);
            pack(&(streams, self.state.copied_at, &self.reward_norm), &mut rest);
            files.extend([
                NamedFile::new("target.safetensors", to_safetensors(&self.state.target)?),
                NamedFile::new("optimizer.bin", self.state.optimizer.save()?),
                NamedFile::new("replay.bin", replay),
                NamedFile::new("learner.bin", rest),
            ]);
            if let Some(pipelined) = &self.pipelined {
                let acting = to_safetensors(&pipelined.acting)?;
                files.push(NamedFile::new("acting.safetensors", acting));
            }
        }
        Ok(files)
    }

    fn init_from(&mut self, files: &[NamedFile]) -> Result<LoadedParts, TrainError> {
        let networks = self.state.networks.clone();
        let all = file(files, "networks.safetensors")
            .ok()
            .and_then(|bytes| from_safetensors(networks.clone(), bytes).ok());
        let parts = LoadedParts::agents();
        let parts = if F::MIXES { parts.and("mixer", all.is_some()) } else { parts };
        let loaded = match all {
            Some(all) => all,
            None => {
                let agents = self.state.factorisation.agent_networks(&networks).clone();
                part_from_safetensors(networks, &agents, file(files, "agent.safetensors")?)?
            }
        };
        self.replace_networks(loaded);
        Ok(parts)
    }

    fn load(&mut self, files: &[NamedFile]) -> Result<(), TrainError> {
        let state = &mut self.state;
        let networks =
            from_safetensors(state.networks.clone(), file(files, "networks.safetensors")?)?;
        let target = from_safetensors(state.target.clone(), file(files, "target.safetensors")?)?;
        let replay = EpisodeReplay::load(file(files, "replay.bin")?)?;
        if !replay.belongs_to(self.replay.config(), &self.spec) {
            let what = "the replay buffer".to_owned();
            let reason = "it belongs to another environment or to other settings".to_owned();
            return Err(EnvError::BadState { what, reason }.into());
        }
        type Saved = ((Vec<Rng>, Rng, Rng), u64, RewardNorm);
        let (streams, copied_at, reward_norm): Saved =
            unpack("the learner", file(files, "learner.bin")?)?;
        same_length(EXPLORATION, streams.0.len(), self.exploration.len())?;
        load_optimizer(&mut state.optimizer, &networks, file(files, "optimizer.bin")?)?;
        let learned = state.factorisation.agent_networks(&networks).clone();
        self.actor = learned.to_actor();
        if self.pipelined.is_some() {
            // A run saved on the CPU has no separate acting weights.
            let acting = match file(files, "acting.safetensors") {
                Ok(bytes) => from_safetensors(learned.clone(), bytes)?,
                Err(_) => learned.clone(),
            };
            self.actor = acting.to_actor();
            let mut pipelined = PipelinedWeights::new(acting);
            pipelined.send(learned, PendingMetrics::default());
            self.pipelined = Some(pipelined);
        }
        (state.networks, state.target, state.copied_at) = (networks, target, copied_at);
        (self.replay, self.reward_norm) = (replay, reward_norm);
        (self.exploration, self.sampling, self.selection) = streams;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use phalanx_core::env::ParallelEnvs;
    use phalanx_core::nn::device;

    use super::*;
    use crate::algorithms::{QLearningSettings, Qmix, Vdn};

    /// Returns the weights after one update from twelve battles of different lengths.
    fn learned(n: usize, multiple: usize) -> Vec<f32> {
        let make = phalanx_envs::registry::factory("skirmish/3m", &Default::default());
        let make = make.expect("the environment is registered");
        let mut envs = ParallelEnvs::new(12, 3, Purpose::Environment, make);
        let learning = QLearningSettings {
            batch_size_run: 12,
            // Larger than the number of episodes, so that no update is made yet.
            batch_size: 100,
            optim_eps: 0.01,
            ..QLearningSettings::default()
        };
        let device = device("cpu").expect("the CPU is always available");
        let context = LearnerContext::new(envs.spec().clone(), 3, device.clone());
        let algorithm = Qmix::new(learning.clone());
        let mut learner = ReplayLearner::new(algorithm, &context);
        let mut metrics = Metrics::default();
        learner.train_iteration(&mut envs, &mut metrics).expect("no update is made");
        let sample = learner.replay.sample(12, &mut learner.sampling).expect("there are twelve");
        let shards = sample.shards(n);
        assert_eq!(shards.len(), n);
        let shards: Vec<EpisodeTensors> = shards
            .iter()
            .map(|shard| {
                let rng = Rng::stream(0, Purpose::Check, 0);
                let batch = EpisodeBatch::padded(shard, learner.inputs, multiple);
                let carry_dim = learner.actor.carry_dim();
                EpisodeTensors::new(batch, learner.inputs, &learning, carry_dim, rng, &device)
            })
            .collect();
        learner.update(&shards, &mut metrics).expect("the loss is finite");
        let bytes = to_safetensors(&learner.state.networks).expect("readable");
        // The file starts with the length of the header and the header; the weights follow.
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        let (numbers, _) = bytes[8 + header..].as_chunks::<4>();
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
    }

    /// Returns a VDN learner that updates from the episodes of one rollout, and four two-step
    /// games.
    fn two_step(settings: QLearningSettings) -> (ReplayLearner<Vdn>, impl VecEnv) {
        let make = phalanx_envs::registry::factory("two_step", &Default::default());
        let envs = ParallelEnvs::new(4, 3, Purpose::Environment, make.expect("it is registered"));
        let device = device("cpu").expect("the CPU is always there");
        let context = LearnerContext::new(envs.spec().clone(), 3, device);
        let learning = QLearningSettings { batch_size_run: 4, batch_size: 4, ..settings };
        (ReplayLearner::new(Vdn::new(learning), &context), envs)
    }

    #[test]
    fn overlapped_rollouts_use_the_weights_from_before_the_last_updates() {
        let overlap_rollouts = Overlap::Always;
        let settings = QLearningSettings { overlap_rollouts, ..QLearningSettings::default() };
        let (mut learner, mut envs) = two_step(settings);
        let decides = |actor: &Actor| {
            let (mut hidden, mut utilities) =
                (vec![0.0; actor.carry_dim()], vec![0.0; actor.output_dim()]);
            let input = vec![0.5; actor.input_dim()];
            actor.step(&input, &mut hidden, &mut utilities, &mut Default::default());
            utilities
        };
        let mut metrics = Metrics::default();
        let mut newest = vec![decides(&learner.actor)];
        for iteration in 1..5 {
            learner.train_iteration(&mut envs, &mut metrics).expect("the loss is finite");
            newest.push(decides(&learner.policy().actor));
            assert_ne!(newest[iteration], newest[iteration - 1], "every iteration makes an update");
            // The actors use the weights from before these updates.
            assert_eq!(decides(&learner.actor), newest[iteration - 1]);
            // When a flush happens makes no difference.
            if iteration % 2 == 0 {
                learner.flush(&mut metrics).expect("the loss is finite");
                assert!(metrics.take_means().contains_key("loss_td"));
            }
        }
    }

    #[test]
    fn a_loss_that_is_not_finite_is_an_error_with_prioritised_replay_too() {
        let settings = QLearningSettings {
            lr: 1e30,
            prioritised_replay: true,
            ..QLearningSettings::default()
        };
        let (mut learner, mut envs) = two_step(settings);
        let mut metrics = Metrics::default();
        let error = (0..10).find_map(|_| learner.train_iteration(&mut envs, &mut metrics).err());
        assert!(matches!(error, Some(TrainError::NotFinite { .. })), "{error:?}");
    }

    #[test]
    fn shards_give_the_same_update_as_one_padded_batch() {
        assert_alike(&learned(1, 1), &learned(4, 1));
    }

    #[test]
    fn further_padding_does_not_change_an_update() {
        assert_alike(&learned(1, 1), &learned(1, 64));
    }

    fn assert_alike(ours: &[f32], others: &[f32]) {
        assert_eq!(ours.len(), others.len());
        for (ours, other) in ours.iter().zip(others) {
            assert!((ours - other).abs() < 2e-6, "{ours} is not {other}");
        }
    }
}
