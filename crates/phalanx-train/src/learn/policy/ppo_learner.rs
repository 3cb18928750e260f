//! The learner of IPPO.

use burn::module::Module;
use phalanx_core::env::{EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetworks, Critic, CriticConfig, Device, Optimizer, OptimizerConfig,
    Sharing, from_safetensors, to_safetensors,
};
use phalanx_core::rl::ValueNorm;
use phalanx_core::rng::{Purpose, Rng};

use super::ippo::Ippo;
use super::ppo_update::{Experience, Loss, Minibatch};
use crate::collect::{InputLayout, Policy, SegmentCollector, Tally, sample};
use crate::error::TrainError;
use crate::learn::host::to_vec;
use crate::learn::{Contents, Learner, SavedFile, Setup, file};

/// Collects segments and goes through each of them for some epochs.
pub(super) struct PpoLearner {
    settings: Ippo,
    spec: EnvSpec,
    inputs: InputLayout,
    device: Device,
    policy: AgentNetworks,
    critic: Critic,
    policy_optimizer: Optimizer,
    critic_optimizer: Optimizer,
    value_norm: ValueNorm,
    actor: Actor,
    collector: SegmentCollector,
    /// The critic's memory before the next segment, `[env, agent, hidden]`.
    critic_hidden: Vec<f32>,
    exploration: Vec<Rng>,
    minibatches: Rng,
}

impl PpoLearner {
    pub(super) fn new(settings: &Ippo, setup: &Setup) -> Self {
        let spec = &setup.spec;
        let inputs = InputLayout::new(spec, settings.obs_last_action, settings.obs_agent_id);
        let hidden_dim = settings.rnn_hidden_dim;
        let tracked = setup.device.clone().autodiff();
        let policy = AgentConfig {
            input_dim: inputs.dim(),
            hidden_dim,
            output_dim: spec.n_actions,
            recurrent: settings.use_rnn,
            // Nearly uniform at first, so that early advantages are not thrown away (MAPPO).
            head_scale: 0.01,
        };
        let owners = Sharing::All.owners(spec);
        let mut weights = Rng::stream(setup.seed, Purpose::Weights, 0);
        let policy = AgentNetworks::new(&policy, &owners, &mut weights, &tracked);
        let critic =
            CriticConfig { input_dim: inputs.dim(), hidden_dim, recurrent: settings.use_rnn }
                .init(&mut Rng::stream(setup.seed, Purpose::Weights, 1), &tracked);
        let n_envs = settings.batch_size_run;
        let adam = OptimizerConfig::Adam { eps: settings.optim_eps as f32 };
        let steps = settings.rollout_steps;
        Self {
            inputs,
            device: setup.device.clone(),
            actor: policy.to_actor(),
            policy,
            critic,
            policy_optimizer: Optimizer::new(adam),
            critic_optimizer: Optimizer::new(adam),
            value_norm: ValueNorm::default(),
            collector: SegmentCollector::new(spec, inputs, hidden_dim, n_envs, steps),
            critic_hidden: vec![0.0; n_envs * spec.n_agents() * hidden_dim],
            exploration: (0..n_envs)
                .map(|env| Rng::stream(setup.seed, Purpose::Exploration, env as u32))
                .collect(),
            minibatches: Rng::stream(setup.seed, Purpose::Minibatch, 0),
            settings: settings.clone(),
            spec: spec.clone(),
        }
    }

    /// Goes through the collected steps for some epochs, each in `num_mini_batch` parts.
    fn learn(&mut self, experience: &Experience, tally: &mut Tally) -> Result<(), TrainError> {
        let (n, parts) = (self.settings.batch_size_run, self.settings.num_mini_batch);
        let mut order: Vec<usize> = (0..n).collect();
        if parts == 1 {
            let whole = experience.minibatch(&order, &self.device);
            return (0..self.settings.epochs).try_for_each(|_| self.update(&whole, tally));
        }
        for _ in 0..self.settings.epochs {
            self.minibatches.shuffle(&mut order);
            for part in 0..parts {
                let envs = &order[part * n / parts..(part + 1) * n / parts];
                self.update(&experience.minibatch(envs, &self.device), tally)?;
            }
        }
        Ok(())
    }

    fn update(&mut self, batch: &Minibatch, tally: &mut Tally) -> Result<(), TrainError> {
        let loss = Loss {
            eps_clip: self.settings.eps_clip as f32,
            value_clip: self.settings.value_clip,
            entropy_coef: self.settings.entropy_coef as f32,
        };
        let (lr, clip) = (self.settings.lr, self.settings.grad_norm_clip as f32);
        let finite = |what, value: f32, t_env| {
            if value.is_finite() {
                Ok(())
            } else {
                Err(TrainError::NotFinite { what, value, t_env })
            }
        };

        let (policy_loss, report) = loss.policy(&self.policy, batch);
        finite("pg_loss", report.pg_loss, tally.t_env)?;
        let gradients = policy_loss.backward();
        let step = self.policy_optimizer.step(lr, self.policy.clone(), gradients, clip);
        self.policy = step.module;
        tally.add("grad_norm", f64::from(step.grad_norm.into_scalar::<f32>()));

        let value_loss = loss.value(&self.critic, batch);
        let value: f32 = value_loss.clone().inner().into_scalar();
        finite("value_loss", value, tally.t_env)?;
        let gradients = value_loss.backward();
        let step = self.critic_optimizer.step(lr, self.critic.clone(), gradients, clip);
        self.critic = step.module;
        tally.add("critic_grad_norm", f64::from(step.grad_norm.into_scalar::<f32>()));

        tally.updates += 1;
        tally.add("value_loss", f64::from(value));
        tally.add("pg_loss", f64::from(report.pg_loss));
        tally.add("entropy", f64::from(report.entropy));
        tally.add("clip_fraction", f64::from(report.clip_fraction));
        tally.add("approx_kl", f64::from(report.approx_kl));
        Ok(())
    }
}

impl Learner for PpoLearner {
    fn n_envs(&self) -> usize {
        self.settings.batch_size_run
    }

    fn iterate(&mut self, envs: &mut dyn VecEnv, tally: &mut Tally) -> Result<(), TrainError> {
        let n_actions = self.spec.n_actions;
        let exploration = &mut self.exploration;
        let select = |env: usize, logits: &[f32], avail: &[bool], chosen: &mut [u16]| {
            let agents = logits.chunks_exact(n_actions).zip(avail.chunks_exact(n_actions));
            for (action, (logits, avail)) in chosen.iter_mut().zip(agents) {
                *action = sample(logits, avail, &mut exploration[env]);
            }
        };
        let segment = self.collector.collect(envs, &self.actor, select, tally);
        let mut experience = Experience::new(segment, self.inputs, &self.critic_hidden);
        let whole = experience.whole(&self.device);
        experience.log_prob = to_vec(whole.log_prob(&self.policy.valid()));
        let (values, hidden) = whole.values(&self.critic.valid());
        self.critic_hidden = to_vec(hidden);
        let (gamma, lambda) = (self.settings.gamma as f32, self.settings.gae_lambda as f32);
        let norm = self.settings.use_value_norm.then_some(&mut self.value_norm);
        experience.estimate(segment, to_vec(values), norm, gamma, lambda);
        self.learn(&experience, tally)?;
        self.actor = self.policy.to_actor();
        Ok(())
    }

    fn policy(&self) -> Policy {
        Policy {
            actor: self.actor.clone(),
            inputs: self.inputs,
            recurrent: self.settings.use_rnn,
            owners: self.policy.owners().to_vec(),
        }
    }

    fn save(&self, contents: Contents) -> Result<Vec<SavedFile>, TrainError> {
        let mut files = vec![
            SavedFile::new("agent.safetensors", to_safetensors(&self.policy)?),
            SavedFile::new("critic.safetensors", to_safetensors(&self.critic)?),
        ];
        if contents == Contents::Everything {
            let mut rollout = Vec::new();
            self.collector.save(&mut rollout);
            let mut rest = Vec::new();
            let streams = (&self.exploration, &self.minibatches);
            pack(&(&self.value_norm, &self.critic_hidden, streams), &mut rest);
            files.extend([
                SavedFile::new("optimizer.bin", self.policy_optimizer.save()?),
                SavedFile::new("critic_optimizer.bin", self.critic_optimizer.save()?),
                SavedFile::new("rollout.bin", rollout),
                SavedFile::new("learner.bin", rest),
            ]);
        }
        Ok(files)
    }

    fn load(&mut self, files: &[SavedFile]) -> Result<(), TrainError> {
        let policy = from_safetensors(self.policy.clone(), file(files, "agent.safetensors")?)?;
        let critic = from_safetensors(self.critic.clone(), file(files, "critic.safetensors")?)?;
        let (value_norm, critic_hidden, (exploration, minibatches)) =
            unpack("the learner", file(files, "learner.bin")?)?;
        self.collector.load(file(files, "rollout.bin")?)?;
        self.policy_optimizer.load(file(files, "optimizer.bin")?)?;
        self.critic_optimizer.load(file(files, "critic_optimizer.bin")?)?;
        self.actor = policy.to_actor();
        (self.policy, self.critic) = (policy, critic);
        (self.value_norm, self.critic_hidden) = (value_norm, critic_hidden);
        (self.exploration, self.minibatches) = (exploration, minibatches);
        Ok(())
    }
}
