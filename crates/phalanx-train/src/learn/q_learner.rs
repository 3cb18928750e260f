//! The learner of IQL, VDN and QMIX.

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::env::{EnvSpec, VecEnv, pack, unpack};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetwork, Device, Mixer, MixerConfig, Optimizer, from_safetensors,
    to_safetensors,
};
use phalanx_core::rl::{EpisodeStep, td_lambda_targets};
use phalanx_core::rng::{Purpose, Rng};

use super::host::{tensor, to_vec};
use super::q_learning::QLearning;
use super::{Contents, Learner, SavedFile, Setup, file};
use crate::collect::{EpisodeCollector, InputLayout, Policy, Tally, epsilon_greedy};
use crate::error::TrainError;
use crate::store::{EpisodeBatch, EpisodeReplay, ReplayConfig};

/// Added to the value of an action that is not available.
const CLOSED: f32 = -1e9;

/// The agents' network and the mixer, which learn together.
#[derive(Module, Debug)]
struct Networks {
    agent: AgentNetwork,
    mixer: Mixer,
}

/// Learns utilities from replayed episodes, mixed into the joint action value.
///
/// With `Q_tot(s, u) = mixer(Q_1(tau_1, u_1), …, Q_n(tau_n, u_n); s)`, one update minimises
///
/// ```text
/// L = 1/2 sum_t mask_t (Q_tot(s_t, u_t) - G_t)^2 / sum_t mask_t
/// ```
///
/// where `G` are the TD(lambda) targets ([`td_lambda_targets`]) of
/// `Q_tot^-(s_t, u'_t)`, the target networks at the greedy available actions `u'_t` of the online
/// network (double Q) or of the target network. As in PyMARL, dead agents take part with the only
/// action they have.
pub(super) struct QLearner {
    learning: QLearning,
    spec: EnvSpec,
    inputs: InputLayout,
    device: Device,
    networks: Networks,
    target: Networks,
    optimizer: Optimizer,
    actor: Actor,
    collector: EpisodeCollector,
    replay: EpisodeReplay,
    exploration: Vec<Rng>,
    sampling: Rng,
    /// The number of episodes at the last copy of the target networks.
    copied_at: u64,
}

impl QLearner {
    pub(super) fn new(learning: &QLearning, mixer: &MixerConfig, setup: &Setup) -> Self {
        let spec = &setup.spec;
        let inputs = InputLayout::new(spec, learning.obs_last_action, learning.obs_agent_id);
        let agent = AgentConfig {
            input_dim: inputs.dim(),
            hidden_dim: learning.rnn_hidden_dim,
            output_dim: spec.n_actions,
            recurrent: learning.use_rnn,
            head_scale: 1.0,
        };
        let tracked = setup.device.clone().autodiff();
        let mut weights = Rng::stream(setup.seed, Purpose::Weights, 0);
        let networks = Networks {
            agent: agent.init(&mut weights, &tracked),
            mixer: mixer.init(spec.n_agents(), spec.state_dim, &mut weights, &tracked),
        };
        let n_envs = learning.batch_size_run;
        Self {
            inputs,
            device: setup.device.clone(),
            target: networks.valid(),
            actor: networks.agent.to_actor(),
            networks,
            optimizer: Optimizer::new(learning.optimizer()),
            collector: EpisodeCollector::new(spec, inputs, agent.hidden_dim, n_envs),
            replay: EpisodeReplay::new(ReplayConfig {
                capacity: learning.buffer_size,
                ..ReplayConfig::default()
            }),
            exploration: (0..n_envs)
                .map(|env| Rng::stream(setup.seed, Purpose::Exploration, env as u32))
                .collect(),
            sampling: Rng::stream(setup.seed, Purpose::Replay, 0),
            copied_at: 0,
            learning: learning.clone(),
            spec: spec.clone(),
        }
    }

    fn update(&mut self, batch: EpisodeBatch, tally: &mut Tally) -> Result<(), TrainError> {
        let (times, episodes) = (batch.time + 1, batch.episodes);
        let (agents, n_actions) = (self.spec.n_agents(), self.spec.n_actions);
        let rows = episodes * agents;
        let device = &self.device;
        let input: Tensor<3> = tensor(batch.input, [times, rows, self.inputs.dim()], device);
        let state: Tensor<2> = tensor(batch.state, [times * episodes, self.spec.state_dim], device);
        let hidden: Tensor<2> = Tensor::zeros([rows, self.learning.rnn_hidden_dim], device);
        let closed: Vec<f32> =
            batch.avail.iter().map(|&open| if open { 0.0 } else { CLOSED }).collect();
        let closed: Tensor<3> = tensor(closed, [times, rows, n_actions], device);
        let actions = TensorData::new(batch.actions, [times, rows, 1]);
        let actions: Tensor<3, Int> = Tensor::from_data(actions, &device.clone().autodiff());

        let online = self.networks.agent.forward(
            Tensor::from_inner(input.clone()),
            Tensor::from_inner(hidden.clone()),
            None,
        );
        let bootstrap = self.bootstrap(
            online.output.clone().inner(),
            self.target.agent.forward(input, hidden, None).output,
            closed,
            state.clone(),
        );
        let shape = bootstrap.dims();
        let (targets, mask) = self.targets(&batch.steps, &to_vec(bootstrap), episodes, shape[1]);
        let taken = online.output.gather(2, actions).reshape([times * episodes, agents]);
        let total = self.networks.mixer.forward(taken, Tensor::from_inner(state));
        let used: f32 = mask.iter().sum();
        let taken_mean = mean(&to_vec(total.clone().inner()), &mask);
        let target_mean = mean(&targets, &mask);
        let targets: Tensor<2> = tensor(targets, shape, device);
        let mask: Tensor<2> = tensor(mask, shape, device);
        let error = (total - Tensor::from_inner(targets)) * Tensor::from_inner(mask);
        let loss = error.square().sum() * (0.5 / used);
        let loss_td: f32 = loss.clone().inner().into_scalar();
        if !loss_td.is_finite() {
            return Err(TrainError::NotFinite {
                what: "loss_td",
                value: loss_td,
                t_env: tally.t_env,
            });
        }
        let clip = self.learning.grad_norm_clip as f32;
        let gradients = loss.backward();
        let step = self.optimizer.step(self.learning.lr, self.networks.clone(), gradients, clip);
        self.networks = step.module;
        self.actor = self.networks.agent.to_actor();
        tally.updates += 1;
        tally.add("loss_td", f64::from(loss_td));
        tally.add("grad_norm", f64::from(step.grad_norm.into_scalar::<f32>()));
        tally.add("q_taken_mean", taken_mean);
        tally.add("target_mean", target_mean);
        Ok(())
    }

    /// What the target networks expect of the greedy available actions, `[row, 1]`, or
    /// `[row, agent]` where nothing is mixed; a row is a time of an episode.
    ///
    /// `online` and `target` are the utilities `[time, episode * agent, n_actions]`; `closed` is
    /// added to those of actions that are not available.
    fn bootstrap(
        &self,
        online: Tensor<3>,
        target: Tensor<3>,
        closed: Tensor<3>,
        state: Tensor<2>,
    ) -> Tensor<2> {
        let judge = if self.learning.double_q { online } else { target.clone() };
        let greedy = (judge + closed).argmax(2);
        let agents = self.spec.n_agents();
        let rows = state.dims()[0];
        self.target.mixer.forward(target.gather(2, greedy).reshape([rows, agents]), state)
    }

    /// Targets and masks, `[(time + 1) * episode, column]`; a column is the team, or an agent
    /// where nothing is mixed. The last time has mask zero.
    fn targets(
        &self,
        steps: &[EpisodeStep],
        values: &[f32],
        episodes: usize,
        columns: usize,
    ) -> (Vec<f32>, Vec<f32>) {
        let steps: Vec<EpisodeStep> =
            steps.iter().flat_map(|&step| std::iter::repeat_n(step, columns)).collect();
        let mut targets = vec![0.0; values.len()];
        let mut mask = vec![0.0; values.len()];
        let (gamma, lambda) = (self.learning.gamma as f32, self.learning.td_lambda as f32);
        let taken = &mut targets[..steps.len()];
        td_lambda_targets(&steps, values, episodes * columns, gamma, lambda, taken);
        for (mask, step) in mask.iter_mut().zip(&steps) {
            *mask = f32::from(u8::from(step.valid));
        }
        (targets, mask)
    }
}

impl Learner for QLearner {
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
        if let Some(sample) = self.replay.sample(self.learning.batch_size, &mut self.sampling) {
            let batch = EpisodeBatch::new(&sample, self.inputs);
            self.update(batch, tally)?;
        }
        if tally.episodes - self.copied_at >= self.learning.target_update_interval {
            self.target = self.networks.valid();
            self.copied_at = tally.episodes;
        }
        Ok(())
    }

    fn policy(&self) -> Policy {
        Policy { actor: self.actor.clone(), inputs: self.inputs, recurrent: self.learning.use_rnn }
    }

    fn save(&self, contents: Contents) -> Result<Vec<SavedFile>, TrainError> {
        let mut files = vec![
            SavedFile::new("agent.safetensors", to_safetensors(&self.networks.agent)?),
            SavedFile::new("mixer.safetensors", to_safetensors(&self.networks.mixer)?),
        ];
        if contents == Contents::Everything {
            let mut replay = Vec::new();
            self.replay.save(&mut replay);
            let mut streams = Vec::new();
            pack(&(&self.exploration, &self.sampling, self.copied_at), &mut streams);
            files.extend([
                SavedFile::new("target.safetensors", to_safetensors(&self.target)?),
                SavedFile::new("optimizer.bin", self.optimizer.save()?),
                SavedFile::new("replay.bin", replay),
                SavedFile::new("learner.bin", streams),
            ]);
        }
        Ok(files)
    }

    fn load(&mut self, files: &[SavedFile]) -> Result<(), TrainError> {
        let networks = Networks {
            agent: from_safetensors(
                self.networks.agent.clone(),
                file(files, "agent.safetensors")?,
            )?,
            mixer: from_safetensors(
                self.networks.mixer.clone(),
                file(files, "mixer.safetensors")?,
            )?,
        };
        let target = from_safetensors(self.target.clone(), file(files, "target.safetensors")?)?;
        let replay = EpisodeReplay::load(file(files, "replay.bin")?)?;
        let (exploration, sampling, copied_at) =
            unpack("the learner", file(files, "learner.bin")?)?;
        self.optimizer.load(file(files, "optimizer.bin")?)?;
        self.actor = networks.agent.to_actor();
        (self.networks, self.target, self.replay) = (networks, target, replay);
        (self.exploration, self.sampling, self.copied_at) = (exploration, sampling, copied_at);
        Ok(())
    }
}

/// The mean of the entries with mask one.
fn mean(values: &[f32], mask: &[f32]) -> f64 {
    let sum: f64 = values.iter().zip(mask).map(|(v, m)| f64::from(v * m)).sum();
    sum / mask.iter().map(|&m| f64::from(m)).sum::<f64>().max(1.0)
}
