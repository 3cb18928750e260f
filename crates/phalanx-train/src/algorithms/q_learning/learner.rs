//! The learner of all value factorisations.

use burn::module::Module;
use phalanx_core::env::{EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentNetworks, HiddenActivation, Normalisation, from_safetensors, is_cpu,
    padding_multiple, shard_count, to_safetensors,
};
use phalanx_core::rl::RewardNorm;
use phalanx_core::rng::{Purpose, Rng};

use super::super::host::to_vec;
use super::super::readings::Readings;
use super::super::{Contents, Learner, SavedFile, Setup, file};
use super::experience::Experience;
use super::factorisation::{Factorisation, Plan};
use super::on_the_way::OnTheWay;
use super::settings::{Overlap, QLearning, TargetUpdate};
use super::update::Update;
use crate::error::TrainError;
use crate::replay::{EpisodeBatch, EpisodeReplay, ReplaySize, Sample};
use crate::rollout::{EpisodeCollector, InputLayout, Policy, Tally, epsilon_greedy};

/// Collects episodes, replays them, and learns by the loss of a factorisation.
pub struct ReplayLearner<F: Factorisation> {
    update: Update<F>,
    spec: EnvSpec,
    inputs: InputLayout,
    actor: Actor,
    collector: EpisodeCollector,
    replay: EpisodeReplay,
    reward_norm: RewardNorm,
    exploration: Vec<Rng>,
    sampling: Rng,
    /// Seeds of the streams that losses draw from.
    selection: Rng,
    /// Where actors play while the device learns.
    on_the_way: Option<OnTheWay>,
}

impl<F: Factorisation> ReplayLearner<F> {
    /// A learner with fresh networks and an empty memory.
    pub fn new(factorisation: F, learning: &QLearning, setup: &Setup) -> Self {
        let spec = &setup.spec;
        let inputs = InputLayout::new(spec, learning.obs_last_action, learning.obs_agent_id);
        let plan = Plan { spec: spec.clone(), inputs, learning: learning.clone() };
        let mut weights = Rng::stream(setup.seed, Purpose::Weights, 0);
        let tracked = setup.device.clone().autodiff();
        let networks = factorisation.networks(&plan, &mut weights, &tracked);
        let n_envs = learning.batch_size_run;
        let acting = factorisation.acting(&networks).clone();
        let actor = acting.to_actor();
        let overlaps = match learning.overlap_rollouts {
            Overlap::Gpu => !is_cpu(&setup.device),
            Overlap::Always => true,
            Overlap::Never => false,
        };
        Self {
            on_the_way: overlaps.then(|| OnTheWay::new(acting)),
            inputs,
            update: Update::new(factorisation, learning, networks, &setup.device),
            collector: EpisodeCollector::new(spec, inputs, actor.carry_dim(), n_envs),
            actor,
            replay: EpisodeReplay::new(learning.replay()),
            reward_norm: RewardNorm::default(),
            exploration: (0..n_envs)
                .map(|env| Rng::stream(setup.seed, Purpose::Exploration, env as u32))
                .collect(),
            sampling: Rng::stream(setup.seed, Purpose::Replay, 0),
            selection: Rng::stream(setup.seed, Purpose::Selection, 0),
            spec: spec.clone(),
        }
    }

    /// One update from the shards of a batch, which counts every step alike. Returns the mean absolute
    /// error of every episode, shard by shard, where replay is prioritised.
    ///
    /// # Errors
    ///
    /// When the loss is not finite.
    pub fn update(
        &mut self,
        shards: &[Experience],
        tally: &mut Tally,
    ) -> Result<Vec<f32>, TrainError> {
        let steps = |shard: &Experience| shard.steps.iter().filter(|step| step.valid).count();
        let shards = shards.iter().map(|shard| (steps(shard), shard)).collect();
        let mut readings = Readings::default();
        let errors = self.update.run(shards, |shard| shard, tally, &mut readings);
        readings.settle(tally)?;
        Ok(errors)
    }

    fn acting(&self) -> &AgentNetworks {
        self.update.factorisation.acting(&self.update.networks)
    }

    /// Learns from episodes of the memory. Returns `false` where there are not yet enough.
    fn learn(&mut self, tally: &mut Tally, readings: &mut Readings) -> bool {
        let learning = &self.update.learning;
        let Some(sample) = self.replay.sample(learning.batch_size, &mut self.sampling) else {
            return false;
        };
        let standardise = learning.standardise_rewards.then(|| {
            self.reward_norm.update(sample.rewards(!learning.common_reward));
            self.reward_norm.clone()
        });
        let rows = sample.steps() * self.inputs.n_agents;
        let shards = sample.shards(shard_count(&self.update.device, rows));
        let indices: Vec<u64> = shards.iter().flat_map(|shard| &shard.indices).copied().collect();
        let (seed, inputs) = (self.selection.next_u64(), self.inputs);
        let (carry_dim, device) = (self.actor.carry_dim(), self.update.device.clone());
        let learning = &learning.clone();
        let batch = |(at, shard): (usize, Sample<'_>)| {
            let mut batch = EpisodeBatch::padded(&shard, inputs, padding_multiple(&device));
            if let Some(norm) = &standardise {
                let own = batch.agent_reward.iter_mut();
                for reward in batch.steps.iter_mut().map(|step| &mut step.reward).chain(own) {
                    *reward = norm.standardise(*reward);
                }
            }
            let rng = Rng::stream(seed, Purpose::Selection, at as u32);
            Experience::new(batch, inputs, learning, carry_dim, rng, &device)
        };
        let shards = shards.into_iter().enumerate().map(|(at, shard)| (shard.steps(), (at, shard)));
        let errors = self.update.run(shards.collect(), batch, tally, readings);
        // A loss that is not finite ends the run when it is read.
        if !errors.is_empty() && errors.iter().all(|error| error.is_finite()) {
            self.replay.update_priorities(&indices, &errors);
        }
        true
    }
}

impl<F: Factorisation> Learner for ReplayLearner<F> {
    fn n_envs(&self) -> usize {
        self.update.learning.batch_size_run
    }

    fn iterate(&mut self, envs: &mut dyn VecEnv, tally: &mut Tally) -> Result<(), TrainError> {
        let epsilon = self.update.learning.epsilon().at(tally.t_env) as f32;
        let n_actions = self.spec.n_actions;
        let exploration = &mut self.exploration;
        let select = |env: usize, q: &[f32], avail: &[bool], chosen: &mut [u16]| {
            let agents = q.chunks_exact(n_actions).zip(avail.chunks_exact(n_actions));
            for (action, (q, avail)) in chosen.iter_mut().zip(agents) {
                *action = epsilon_greedy(q, avail, epsilon, &mut exploration[env]);
            }
        };
        for episode in self.collector.collect(envs, &self.actor, select, tally) {
            self.replay.push(&episode)?;
        }
        tally.add("epsilon", f64::from(epsilon));
        if let Some(on_the_way) = &mut self.on_the_way
            && let Some(actor) = on_the_way.receive(tally)?
        {
            self.actor = actor;
        }
        let mut readings = Readings::default();
        for _ in 0..self.update.learning.updates_per_rollout {
            if !self.learn(tally, &mut readings) {
                break;
            }
        }
        self.update.follow(TargetUpdate::Episodes, tally.episodes);
        let learned = self.update.factorisation.acting(&self.update.networks);
        if let Some(on_the_way) = &mut self.on_the_way {
            on_the_way.send(learned.clone(), readings);
            return Ok(());
        }
        let (actor, numbers) = learned.to_actor_with(readings.values());
        self.actor = actor;
        readings.accept(numbers, tally)
    }

    fn settle(&mut self, tally: &mut Tally) -> Result<(), TrainError> {
        self.on_the_way.as_mut().map_or(Ok(()), |on_the_way| on_the_way.settle(tally))
    }

    fn joint_values(&self, obs: &[f32], state: &[f32], actions: &[u16]) -> Option<Vec<f32>> {
        let batch = Experience::first_steps(
            obs,
            state,
            actions,
            self.inputs,
            self.actor.carry_dim(),
            &self.update.device,
        );
        let values = self.update.factorisation.joint(&self.update.networks.valid(), &batch);
        (values.dims()[1] == 1).then(|| to_vec(values))
    }

    fn notice(&self) -> Option<String> {
        Some(ReplaySize::new(&self.spec, &self.update.learning.replay()).to_string())
    }

    fn policy(&self) -> Policy {
        let newest = || self.acting().to_actor();
        Policy {
            actor: if self.on_the_way.is_some() { newest() } else { self.actor.clone() },
            inputs: self.inputs,
            recurrent: self.update.learning.recurrent(),
            convolution: None,
            normalisation: Normalisation::None,
            activation: HiddenActivation::Relu,
            owners: self.acting().owners().to_vec(),
        }
    }

    fn save(&self, contents: Contents) -> Result<Vec<SavedFile>, TrainError> {
        let mut files = vec![
            SavedFile::new("networks.safetensors", to_safetensors(&self.update.networks)?),
            SavedFile::new("agent.safetensors", to_safetensors(self.acting())?),
        ];
        if contents == Contents::Everything {
            let (mut replay, mut rest) = (Vec::new(), Vec::new());
            self.replay.save(&mut replay);
            let streams = (&self.exploration, &self.sampling, &self.selection);
            pack(&(streams, self.update.copied_at, &self.reward_norm), &mut rest);
            files.extend([
                SavedFile::new("target.safetensors", to_safetensors(&self.update.target)?),
                SavedFile::new("optimizer.bin", self.update.optimizer.save()?),
                SavedFile::new("replay.bin", replay),
                SavedFile::new("learner.bin", rest),
            ]);
            if let Some(on_the_way) = &self.on_the_way {
                let acting = to_safetensors(&on_the_way.acting)?;
                files.push(SavedFile::new("acting.safetensors", acting));
            }
        }
        Ok(files)
    }

    fn load(&mut self, files: &[SavedFile]) -> Result<(), TrainError> {
        let update = &mut self.update;
        let networks =
            from_safetensors(update.networks.clone(), file(files, "networks.safetensors")?)?;
        let target = from_safetensors(update.target.clone(), file(files, "target.safetensors")?)?;
        let replay = EpisodeReplay::load(file(files, "replay.bin")?)?;
        let (streams, copied_at, reward_norm) = unpack("the learner", file(files, "learner.bin")?)?;
        update.optimizer.load(file(files, "optimizer.bin")?)?;
        let learned = update.factorisation.acting(&networks).clone();
        self.actor = learned.to_actor();
        if self.on_the_way.is_some() {
            // A run that was saved on the CPU has no other networks than the newest.
            let acting = match file(files, "acting.safetensors") {
                Ok(bytes) => from_safetensors(learned.clone(), bytes)?,
                Err(_) => learned.clone(),
            };
            self.actor = acting.to_actor();
            let mut on_the_way = OnTheWay::new(acting);
            on_the_way.send(learned, Readings::default());
            self.on_the_way = Some(on_the_way);
        }
        (update.networks, update.target, update.copied_at) = (networks, target, copied_at);
        (self.replay, self.reward_norm) = (replay, reward_norm);
        (self.exploration, self.sampling, self.selection) = streams;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use phalanx_core::env::ParallelEnvs;
    use phalanx_core::nn::{MixerConfig, QmixConfig, device};

    use super::*;
    use crate::algorithms::q_learning::mixed::{Mixed, MixedNetworks};

    /// The weights after one update from twelve battles of different lengths.
    fn learned(n: usize, multiple: usize) -> Vec<f32> {
        let make = phalanx_envs::registry::factory("skirmish/3m", &Default::default());
        let make = make.expect("it is registered");
        let mut envs = ParallelEnvs::new(12, 3, Purpose::Environment, make);
        let learning = QLearning {
            batch_size_run: 12,
            // More than there are, so that nothing is learned yet.
            batch_size: 100,
            optim_eps: 0.01,
            ..QLearning::default()
        };
        let device = device("cpu").expect("the CPU is always there");
        let setup = Setup { spec: envs.spec().clone(), seed: 3, device: device.clone() };
        let mixer = Mixed(MixerConfig::Qmix(QmixConfig::default()));
        let mut learner = ReplayLearner::new(mixer, &learning, &setup);
        let mut tally = Tally::default();
        learner.iterate(&mut envs, &mut tally).expect("nothing is learned");
        let sample = learner.replay.sample(12, &mut learner.sampling).expect("there are twelve");
        let shards = sample.shards(n);
        assert_eq!(shards.len(), n);
        let shards: Vec<Experience> = shards
            .iter()
            .map(|shard| {
                let rng = Rng::stream(0, Purpose::Check, 0);
                let batch = EpisodeBatch::padded(shard, learner.inputs, multiple);
                let carry_dim = learner.actor.carry_dim();
                Experience::new(batch, learner.inputs, &learning, carry_dim, rng, &device)
            })
            .collect();
        learner.update(&shards, &mut tally).expect("the loss is finite");
        let bytes = to_safetensors::<MixedNetworks>(&learner.update.networks).expect("readable");
        // Behind the header, whose length comes first, are the numbers of all tensors.
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        let (numbers, _) = bytes[8 + header..].as_chunks::<4>();
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
    }

    #[test]
    fn overlapped_rollouts_are_played_with_the_weights_from_before_the_last_updates() {
        let make = phalanx_envs::registry::factory("two_step", &Default::default());
        let mut envs =
            ParallelEnvs::new(4, 3, Purpose::Environment, make.expect("it is registered"));
        let learning = QLearning {
            batch_size_run: 4,
            batch_size: 4,
            overlap_rollouts: Overlap::Always,
            ..QLearning::default()
        };
        let device = device("cpu").expect("the CPU is always there");
        let setup = Setup { spec: envs.spec().clone(), seed: 3, device };
        let mut learner = ReplayLearner::new(Mixed(MixerConfig::Vdn), &learning, &setup);
        let decides = |actor: &Actor| {
            let (mut hidden, mut utilities) =
                (vec![0.0; actor.carry_dim()], vec![0.0; actor.output_dim()]);
            let input = vec![0.5; actor.input_dim()];
            actor.step(&input, &mut hidden, &mut utilities, &mut Default::default());
            utilities
        };
        let mut tally = Tally::default();
        let mut newest = vec![decides(&learner.actor)];
        for iteration in 1..5 {
            learner.iterate(&mut envs, &mut tally).expect("the loss is finite");
            newest.push(decides(&learner.policy().actor));
            assert_ne!(newest[iteration], newest[iteration - 1], "every iteration learns");
            // What acts now was the newest before these updates.
            assert_eq!(decides(&learner.actor), newest[iteration - 1]);
            // When it is asked how learning goes makes no difference.
            if iteration % 2 == 0 {
                learner.settle(&mut tally).expect("the loss is finite");
                assert!(tally.take_means().contains_key("loss_td"));
            }
        }
    }

    #[test]
    fn a_loss_that_is_not_finite_is_an_error_where_replay_is_prioritised_too() {
        let make = phalanx_envs::registry::factory("two_step", &Default::default());
        let mut envs =
            ParallelEnvs::new(4, 3, Purpose::Environment, make.expect("it is registered"));
        let learning = QLearning {
            batch_size_run: 4,
            batch_size: 4,
            lr: 1e30,
            prioritised_replay: true,
            ..QLearning::default()
        };
        let device = device("cpu").expect("the CPU is always there");
        let setup = Setup { spec: envs.spec().clone(), seed: 3, device };
        let mut learner = ReplayLearner::new(Mixed(MixerConfig::Vdn), &learning, &setup);
        let mut tally = Tally::default();
        let error = (0..10).find_map(|_| learner.iterate(&mut envs, &mut tally).err());
        assert!(matches!(error, Some(TrainError::NotFinite { .. })), "{error:?}");
    }

    #[test]
    fn shards_teach_what_one_padded_batch_teaches() {
        assert_alike(&learned(1, 1), &learned(4, 1));
    }

    #[test]
    fn further_padding_teaches_nothing() {
        assert_alike(&learned(1, 1), &learned(1, 64));
    }

    fn assert_alike(ours: &[f32], others: &[f32]) {
        assert_eq!(ours.len(), others.len());
        for (ours, other) in ours.iter().zip(others) {
            assert!((ours - other).abs() < 2e-6, "{ours} is not {other}");
        }
    }
}
