//! The learner of all value factorisations.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::env::{EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{Actor, Device, Optimizer, from_safetensors, soft_update, to_safetensors};
use phalanx_core::rl::RewardNorm;
use phalanx_core::rng::{Purpose, Rng};

use super::super::host::to_vec;
use super::super::{Contents, Learner, SavedFile, Setup, file};
use super::experience::Experience;
use super::factorisation::{Factorisation, Plan};
use super::settings::{QLearning, TargetUpdate};
use crate::collect::{EpisodeCollector, InputLayout, Policy, Tally, epsilon_greedy};
use crate::error::TrainError;
use crate::store::{EpisodeBatch, EpisodeReplay, ReplaySize};

/// Collects episodes, replays them, and learns by the loss of a factorisation.
pub struct ReplayLearner<F: Factorisation> {
    factorisation: F,
    learning: QLearning,
    spec: EnvSpec,
    inputs: InputLayout,
    device: Device,
    networks: F::Networks,
    target: F::Networks,
    optimizer: Optimizer,
    actor: Actor,
    collector: EpisodeCollector,
    replay: EpisodeReplay,
    reward_norm: RewardNorm,
    exploration: Vec<Rng>,
    sampling: Rng,
    /// The number of episodes or updates at the last copy of the target networks.
    copied_at: u64,
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
        let hidden_dim = learning.rnn_hidden_dim;
        Self {
            inputs,
            device: setup.device.clone(),
            target: networks.valid(),
            actor: factorisation.acting(&networks).to_actor(),
            networks,
            optimizer: Optimizer::new(learning.optimizer()),
            collector: EpisodeCollector::new(spec, inputs, hidden_dim, n_envs),
            replay: EpisodeReplay::new(learning.replay()),
            reward_norm: RewardNorm::default(),
            exploration: (0..n_envs)
                .map(|env| Rng::stream(setup.seed, Purpose::Exploration, env as u32))
                .collect(),
            sampling: Rng::stream(setup.seed, Purpose::Replay, 0),
            copied_at: 0,
            learning: learning.clone(),
            spec: spec.clone(),
            factorisation,
        }
    }

    /// One update from the parts of a batch, which counts every step alike. Returns the mean absolute
    /// error of every episode, part by part.
    ///
    /// # Errors
    ///
    /// When the loss is not finite.
    pub fn update(
        &mut self,
        mut parts: Vec<EpisodeBatch>,
        tally: &mut Tally,
    ) -> Result<Vec<f32>, TrainError> {
        if self.learning.standardise_rewards {
            parts.iter_mut().for_each(|part| self.standardise(part));
        }
        let hidden_dim = self.learning.rnn_hidden_dim;
        let used = |part: &EpisodeBatch| part.steps.iter().filter(|step| step.valid).count();
        let all: usize = parts.iter().map(used).sum();
        let (mut total, mut errors) = (None, Vec::new());
        let mut means: Vec<(&'static str, f64)> = Vec::new();
        for part in parts {
            let share = used(&part) as f64 / all as f64;
            let batch = Experience::new(part, self.inputs, hidden_dim, &self.device);
            let loss =
                self.factorisation.loss(&self.networks, &self.target, &batch, &self.learning);
            let own = loss.total * share as f32;
            total = Some(total.map_or(own.clone(), |others| others + own));
            for (what, value) in loss.means {
                match means.iter_mut().find(|(name, _)| *name == what) {
                    Some((_, mean)) => *mean += share * value,
                    None => means.push((what, share * value)),
                }
            }
            errors.extend(loss.errors);
        }
        for (what, value) in means {
            if !value.is_finite() {
                let value = value as f32;
                return Err(TrainError::NotFinite { what, value, t_env: tally.t_env });
            }
            tally.add(what, value);
        }
        let total: Tensor<1> = total.expect("a batch has at least one part");
        let clip = self.learning.grad_norm_clip as f32;
        let step =
            self.optimizer.step(self.learning.lr, self.networks.clone(), total.backward(), clip);
        self.networks = step.module;
        tally.updates += 1;
        tally.add("grad_norm", f64::from(step.grad_norm.into_scalar::<f32>()));
        self.follow(TargetUpdate::Updates, tally.updates);
        Ok(errors)
    }

    /// Takes the rewards of a batch into account and brings them to mean zero and deviation one.
    fn standardise(&mut self, batch: &mut EpisodeBatch) {
        let agents = self.inputs.n_agents;
        if self.learning.common_reward {
            let valid = batch.steps.iter().filter(|step| step.valid);
            self.reward_norm.update(valid.map(|step| step.reward));
        } else {
            let rows = batch.agent_reward.chunks_exact(agents).zip(&batch.steps);
            let valid = rows.filter(|(_, step)| step.valid);
            self.reward_norm.update(valid.flat_map(|(rewards, _)| rewards.iter().copied()));
        }
        let own = batch.agent_reward.iter_mut();
        for reward in batch.steps.iter_mut().map(|step| &mut step.reward).chain(own) {
            *reward = self.reward_norm.standardise(*reward);
        }
    }

    /// Lets the target networks follow, if they do so after `what`, of which there were `count`.
    fn follow(&mut self, what: TargetUpdate, count: u64) {
        let mode = self.learning.target_update;
        if mode == TargetUpdate::Soft && what == TargetUpdate::Updates {
            let tau = self.learning.target_update_tau;
            self.target = soft_update(self.target.clone(), &self.networks.valid(), tau);
        } else if mode == what && count - self.copied_at >= self.learning.target_update_interval {
            self.target = self.networks.valid();
            self.copied_at = count;
        }
    }
}

impl<F: Factorisation> Learner for ReplayLearner<F> {
    fn n_envs(&self) -> usize {
        self.learning.batch_size_run
    }

    fn iterate(&mut self, envs: &mut dyn VecEnv, tally: &mut Tally) -> Result<(), TrainError> {
        let epsilon = self.learning.epsilon().at(tally.t_env) as f32;
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
        for _ in 0..self.learning.updates_per_rollout {
            let Some(sample) = self.replay.sample(self.learning.batch_size, &mut self.sampling)
            else {
                break;
            };
            let parts: Vec<_> =
                sample.parts().iter().map(|part| EpisodeBatch::new(part, self.inputs)).collect();
            let indices: Vec<u64> = parts.iter().flat_map(|part| &part.indices).copied().collect();
            let errors = self.update(parts, tally)?;
            self.replay.update_priorities(&indices, &errors);
        }
        self.actor = self.factorisation.acting(&self.networks).to_actor();
        self.follow(TargetUpdate::Episodes, tally.episodes);
        Ok(())
    }

    fn joint_values(&self, obs: &[f32], state: &[f32], actions: &[u16]) -> Option<Vec<f32>> {
        let hidden_dim = self.learning.rnn_hidden_dim;
        let batch =
            Experience::first_steps(obs, state, actions, self.inputs, hidden_dim, &self.device);
        let values = self.factorisation.joint(&self.networks.valid(), &batch);
        (values.dims()[1] == 1).then(|| to_vec(values))
    }

    fn notice(&self) -> Option<String> {
        Some(ReplaySize::new(&self.spec, &self.learning.replay()).to_string())
    }

    fn policy(&self) -> Policy {
        Policy {
            actor: self.actor.clone(),
            inputs: self.inputs,
            recurrent: self.learning.use_rnn,
            convolution: None,
            layer_norm: false,
            owners: self.factorisation.acting(&self.networks).owners().to_vec(),
        }
    }

    fn save(&self, contents: Contents) -> Result<Vec<SavedFile>, TrainError> {
        let acting = self.factorisation.acting(&self.networks);
        let mut files = vec![
            SavedFile::new("networks.safetensors", to_safetensors(&self.networks)?),
            SavedFile::new("agent.safetensors", to_safetensors(acting)?),
        ];
        if contents == Contents::Everything {
            let (mut replay, mut own, mut rest) = (Vec::new(), Vec::new(), Vec::new());
            self.replay.save(&mut replay);
            self.factorisation.save(&mut own);
            let streams = (&self.exploration, &self.sampling);
            pack(&(streams, self.copied_at, &self.reward_norm), &mut rest);
            files.extend([
                SavedFile::new("target.safetensors", to_safetensors(&self.target)?),
                SavedFile::new("optimizer.bin", self.optimizer.save()?),
                SavedFile::new("replay.bin", replay),
                SavedFile::new("factorisation.bin", own),
                SavedFile::new("learner.bin", rest),
            ]);
        }
        Ok(files)
    }

    fn load(&mut self, files: &[SavedFile]) -> Result<(), TrainError> {
        let networks =
            from_safetensors(self.networks.clone(), file(files, "networks.safetensors")?)?;
        let target = from_safetensors(self.target.clone(), file(files, "target.safetensors")?)?;
        let replay = EpisodeReplay::load(file(files, "replay.bin")?)?;
        let (streams, copied_at, reward_norm) = unpack("the learner", file(files, "learner.bin")?)?;
        self.factorisation.load(file(files, "factorisation.bin")?)?;
        self.optimizer.load(file(files, "optimizer.bin")?)?;
        self.actor = self.factorisation.acting(&networks).to_actor();
        (self.networks, self.target, self.replay) = (networks, target, replay);
        (self.exploration, self.sampling) = streams;
        (self.copied_at, self.reward_norm) = (copied_at, reward_norm);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use phalanx_core::env::ParallelEnvs;
    use phalanx_core::nn::{MixerConfig, QmixConfig, device};

    use super::*;
    use crate::learn::value::mixed::{Mixed, MixedNetworks};

    /// The weights after one update from twelve battles of different lengths.
    fn learned(parted: bool) -> Vec<f32> {
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
        let setup = Setup { spec: envs.spec().clone(), seed: 3, device };
        let mixer = Mixed(MixerConfig::Qmix(QmixConfig::default()));
        let mut learner = ReplayLearner::new(mixer, &learning, &setup);
        let mut tally = Tally::default();
        learner.iterate(&mut envs, &mut tally).expect("nothing is learned");
        let sample = learner.replay.sample(12, &mut learner.sampling).expect("there are twelve");
        let parts = if parted { sample.parts() } else { vec![sample] };
        assert_eq!(parts.len(), if parted { 4 } else { 1 });
        let parts = parts.iter().map(|part| EpisodeBatch::new(part, learner.inputs)).collect();
        learner.update(parts, &mut tally).expect("the loss is finite");
        let bytes = to_safetensors::<MixedNetworks>(&learner.networks).expect("readable");
        // Behind the header, whose length comes first, are the numbers of all tensors.
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        let (numbers, _) = bytes[8 + header..].as_chunks::<4>();
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
    }

    #[test]
    fn parts_of_alike_lengths_teach_what_one_padded_batch_teaches() {
        let (whole, parted) = (learned(false), learned(true));
        assert_eq!(whole.len(), parted.len());
        for (whole, parted) in whole.iter().zip(&parted) {
            assert!((whole - parted).abs() < 2e-6, "{whole} is not {parted}");
        }
    }
}
