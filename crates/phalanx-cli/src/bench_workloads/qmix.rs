//! QMIX updates: the preset `qmix`.

use std::ops::Range;

use phalanx_core::env::StepStatus;
use phalanx_core::nn::{AnyEncoder, Device, QmixMixer, shard_count, with_weights};
use phalanx_core::rl::EpisodeStep;
use phalanx_core::rng::{Purpose, Rng};
use phalanx_train::TrainError;
use phalanx_train::algorithms::{
    EpisodeTensors, LearnerContext, QLearningSettings, Qmix, ReplayLearner,
};
use phalanx_train::replay::EpisodeBatch;
use phalanx_train::rollout::{InputLayout, Metrics};

use super::sizes::{ACTIONS, AGENTS, HIDDEN, OBS, STATE};
use super::{agent_weights, layer, numbers};

const EPISODES: usize = 32;
const STEPS: usize = 60;
const EMBED: usize = 32;
const HYPERNET: usize = 64;
/// The length of every second episode.
const SHORT: usize = 50;

/// QMIX updates from 32 fixed episodes of 60 steps: five recurrent agents (observations of 80 numbers, 64
/// hidden units, 14 actions), a state of 120, PyMARL's mixer (32 and 64), double Q, the global gradient
/// norm clipped at 10, Adam.
pub struct QmixUpdate {
    learner: ReplayLearner<Qmix>,
    shards: Vec<EpisodeTensors>,
}

impl QmixUpdate {
    /// Creates the networks and episodes before the first update.
    pub fn new(device: &Device) -> Self {
        let Self { learner, shards } = Self::random(device, None);
        let learner = learner.with_networks(|networks| {
            with_weights(networks, |name, shape| {
                agent_weights(name, shape).unwrap_or_else(|| mixer_weights(name, shape))
            })
        });
        Self { learner, shards }
    }

    /// Creates the same with an encoder of the entities in the observations and random weights.
    pub fn with_encoder(device: &Device, encoder: AnyEncoder) -> Self {
        Self::random(device, Some(encoder))
    }

    /// Creates networks with random weights.
    fn random(device: &Device, encoder: Option<AnyEncoder>) -> Self {
        let spec = super::spec("preset", AGENTS, STEPS);
        let context = LearnerContext { encoder, ..LearnerContext::new(spec, 1, device.clone()) };
        let learning = QLearningSettings {
            batch_size: EPISODES,
            lr: 0.0005,
            optim_eps: 1e-5,
            grad_norm_clip: 10.0,
            gamma: 0.99,
            td_lambda: 0.0,
            td_loss_scale: 1.0,
            double_q: true,
            rnn_hidden_dim: HIDDEN,
            obs_last_action: false,
            obs_agent_id: false,
            ..QLearningSettings::default()
        };
        let mixer =
            QmixMixer { mixing_embed_dim: EMBED, hypernet_embed: HYPERNET, ..QmixMixer::default() };
        let algorithm = Qmix { learning: learning.clone(), mixer };
        let inputs = InputLayout::new(&context.spec, false, false);
        let n = shard_count(device, EPISODES * STEPS * AGENTS);
        let of = |shard: usize| shard * EPISODES / n..(shard + 1) * EPISODES / n;
        let shards = (0..n).map(|shard| {
            let rng = Rng::stream(1, Purpose::Selection, 0);
            EpisodeTensors::new(batch(of(shard)), inputs, &learning, HIDDEN, rng, device)
        });
        Self { shards: shards.collect(), learner: ReplayLearner::new(algorithm, &context) }
    }

    /// Runs one update. Returns its loss and its gradient norm before clipping.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss or the norm of a gradient is not finite.
    pub fn run(&mut self) -> Result<(f64, f64), TrainError> {
        let mut metrics = Metrics::default();
        self.learner.update(&self.shards, &mut metrics)?;
        let means = metrics.take_means();
        Ok((means["loss_td"], means["grad_norm"]))
    }

    /// Returns the minimum number of multiply-adds of an update: two networks forward, and one backward
    /// with two products per layer, except for the first layers, whose inputs need no gradient.
    pub fn multiply_adds(&self) -> f64 {
        let rows = (EPISODES * AGENTS * (STEPS + 1)) as f64;
        let encoder = (OBS * HIDDEN) as f64;
        let others = (2 * HIDDEN * 3 * HIDDEN + HIDDEN * ACTIONS) as f64;
        let agents = rows * (3.0 * encoder + 4.0 * others);
        let first = (STATE * (2 * HYPERNET + 2 * EMBED)) as f64;
        let second = (HYPERNET * EMBED * (AGENTS + 1) + EMBED) as f64;
        let mixers = (EPISODES * STEPS) as f64 * (3.0 * first + 4.0 * second);
        agents + mixers
    }
}

/// Returns some of the episodes; every second one ends after 50 steps.
fn batch(episodes: Range<usize>) -> EpisodeBatch {
    let rows = EPISODES * AGENTS;
    let n = episodes.len();
    let mut actions: Vec<i32> = numbers(STEPS * rows, 103, 1.0)
        .iter()
        .map(|x| ((x + 1.0) * 0.5 * ACTIONS as f32) as i32)
        .map(|action| action.clamp(0, ACTIONS as i32 - 1))
        .collect();
    actions.resize((STEPS + 1) * rows, 0);
    let steps: Vec<EpisodeStep> = numbers(STEPS * EPISODES, 102, 1.0)
        .into_iter()
        .enumerate()
        .map(|(i, reward)| {
            let (t, short) = (i / EPISODES, i % 2 == 0);
            let status = match short && t + 1 == SHORT {
                true => StepStatus::Terminated,
                false => StepStatus::Running,
            };
            EpisodeStep { reward, status, filled: !short || t < SHORT }
        })
        .collect();
    EpisodeBatch {
        time: STEPS,
        episodes: n,
        input: columns(&numbers((STEPS + 1) * rows * OBS, 100, 1.0), STEPS + 1, &episodes),
        state: columns(&numbers((STEPS + 1) * EPISODES * STATE, 101, 1.0), STEPS + 1, &episodes),
        avail: vec![true; (STEPS + 1) * n * AGENTS * ACTIONS],
        actions: columns(&actions, STEPS + 1, &episodes),
        steps: columns(&steps, STEPS, &episodes),
        agent_reward: Vec::new(),
        indices: episodes.map(|episode| episode as u64).collect(),
        weights: vec![1.0; n],
    }
}

/// Returns the columns of some episodes of `[time, episode, …]`.
fn columns<T: Copy>(all: &[T], times: usize, episodes: &Range<usize>) -> Vec<T> {
    let width = all.len() / times / EPISODES;
    let time = all.chunks_exact(width * EPISODES);
    time.flat_map(|row| &row[episodes.start * width..episodes.end * width]).copied().collect()
}

fn mixer_weights(name: &str, shape: &[usize]) -> Vec<f32> {
    let (seed, inputs) = match name.trim_start_matches("mixer.") {
        "weight_1.hidden.weight" => (50, STATE),
        "weight_1.hidden.bias" => (51, STATE),
        "weight_1.output.weight" => (52, HYPERNET),
        "weight_1.output.bias" => (53, HYPERNET),
        "weight_2.hidden.weight" => (54, STATE),
        "weight_2.hidden.bias" => (55, STATE),
        "weight_2.output.weight" => (56, HYPERNET),
        "weight_2.output.bias" => (57, HYPERNET),
        "bias_1.weight" => (58, STATE),
        "bias_1.bias" => (59, STATE),
        "value_hidden.weight" => (60, STATE),
        "value_hidden.bias" => (61, STATE),
        "value_output.weight" => (62, EMBED),
        "value_output.bias" => (63, EMBED),
        other => panic!("`{other}` is a parameter neither of the agents nor of the mixer"),
    };
    layer(seed, inputs, shape)
}

#[cfg(test)]
mod tests {
    use phalanx_core::nn::device;

    use super::*;

    /// The results of JAX and PyTorch for the same weights and episodes.
    const LOSS: f64 = 0.801_07;
    const NORM: f64 = 1.899_18;

    #[test]
    fn the_first_loss_and_gradient_norm_are_those_of_other_libraries() {
        let cpu = device("cpu").expect("the CPU is always available");
        let (loss, norm) = QmixUpdate::new(&cpu).run().expect("loss and norm are finite");
        assert!((loss - LOSS).abs() < 1e-5, "{loss}");
        assert!((norm - NORM).abs() < 1e-5, "{norm}");
    }
}
