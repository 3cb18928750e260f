//! PPO updates: the presets `ppo` and `ppo-relu`.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{Device, HiddenActivation};
use phalanx_train::TrainError;
use phalanx_train::algorithms::{
    CriticInput, LearnerContext, NormaliseAdvantage, PolicyGradient, PolicyLearner, RolloutBatch,
};
use phalanx_train::rollout::{InputLayout, Metrics, Rollout};

use super::sizes::{ACTIONS, HIDDEN, OBS};
use super::{layer, numbers};

/// Five agents in 128 environments for 128 steps.
const SAMPLES: usize = 128 * 128 * 5;
const EPOCHS: usize = 4;
const MINIBATCHES: usize = 4;
const ENTROPY_COEF: f64 = 0.01;
/// The weight of the value loss in the reported loss.
const VALUE_COEF: f64 = 0.5;

/// PPO updates from 81 920 fixed samples: observations of 80 numbers, 14 actions, policy and critic with
/// two hidden layers of 64, four epochs of four minibatches, advantages normalised per minibatch, clipped
/// policy and value, gradient norms clipped at 0.5, Adam.
pub struct PpoUpdate {
    learner: PolicyLearner,
    rollout_batch: RolloutBatch<'static>,
    order: Vec<usize>,
}

impl PpoUpdate {
    /// Creates the networks and samples before the first update.
    pub fn new(activation: HiddenActivation, device: &Device) -> Self {
        let spec = EnvSpec { n_actions: ACTIONS, obs_dim: OBS, ..EnvSpec::new("preset", 1) };
        let settings = PolicyGradient {
            lr: 0.0005,
            optim_eps: 1e-5,
            grad_norm_clip: 0.5,
            eps_clip: 0.2,
            huber_delta: 0.0,
            entropy_coef: ENTROPY_COEF,
            normalise_advantage: NormaliseAdvantage::Minibatch,
            critic: CriticInput::Observation,
            use_rnn: false,
            rnn_hidden_dim: HIDDEN,
            data_chunk_length: 0,
            rollout_steps: 1,
            batch_size_run: SAMPLES,
            activation,
            obs_last_action: false,
            obs_agent_id: false,
            ..PolicyGradient::default()
        };
        let inputs = InputLayout::new(&spec, false, false);
        let mut rollout = Rollout::new(&spec, inputs, 0, SAMPLES, 1);
        rollout.rows.alive.fill(true);
        rollout.rows.avail.fill(true);
        rollout.input[..SAMPLES * OBS].copy_from_slice(&numbers(SAMPLES * OBS, 300, 1.0));
        for (action, x) in rollout.actions.iter_mut().zip(numbers(SAMPLES, 305, 1.0)) {
            let drawn = ((x + 1.0) * 0.5 * ACTIONS as f32) as i32;
            *action = drawn.clamp(0, ACTIONS as i32 - 1) as u16;
        }
        let log_prob = numbers(SAMPLES, 304, 1.0).into_iter().map(|x| x * 0.2 - 2.64).collect();
        let [advantage, returns, value] = [301, 302, 303].map(|seed| numbers(SAMPLES, seed, 1.0));
        let setup = LearnerContext::new(spec, 1, device.clone());
        let learner = PolicyLearner::new(&settings, &setup).with_weights(
            |name, shape| weights(200, name, shape),
            |name, shape| weights(210, name, shape),
        );
        let rollout_batch = learner
            .batch(&rollout)
            .into_owned()
            .with_estimates([log_prob, value, returns, advantage]);
        let order = (0..SAMPLES).map(|i| (i * 7919 + 13) % SAMPLES).collect();
        Self { learner, rollout_batch, order }
    }

    /// Runs all epochs. Returns the loss of the first minibatch, `pg_loss + value_loss / 2 - entropy / 100`,
    /// and the norm of its gradient before clipping.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss or the norm of a gradient is not finite.
    pub fn run(&mut self) -> Result<(f64, f64), TrainError> {
        let mut first = None;
        for _ in 0..EPOCHS {
            for items in self.order.chunks(SAMPLES / MINIBATCHES) {
                let mut metrics = Metrics::default();
                self.learner.update(&self.rollout_batch, items, &mut metrics)?;
                first.get_or_insert_with(|| {
                    let means = metrics.take_means();
                    let of = |name: &str| means[name];
                    let value = VALUE_COEF * of("value_loss");
                    let loss = of("pg_loss") + value - ENTROPY_COEF * of("entropy");
                    (loss, of("grad_norm").hypot(VALUE_COEF * of("critic_grad_norm")))
                });
            }
        }
        Ok(first.expect("there is an epoch"))
    }

    /// Returns the minimum number of multiply-adds of all epochs: both networks forward, and backward with
    /// two products per layer, except for the first layers, whose inputs need no gradient.
    pub fn multiply_adds(&self) -> f64 {
        let of = |outputs: usize| 2 * OBS * HIDDEN + 3 * (HIDDEN * HIDDEN + HIDDEN * outputs);
        (EPOCHS * SAMPLES * (of(ACTIONS) + of(1))) as f64
    }
}

/// Returns a parameter of a network whose layers have consecutive seeds from `seed`.
fn weights(seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
    let (seed, inputs) = match name.trim_start_matches("networks.0.") {
        "encoder.weight" => (seed, OBS),
        "encoder.bias" => (seed + 1, OBS),
        "core.weight" => (seed + 2, HIDDEN),
        "core.bias" => (seed + 3, HIDDEN),
        "head.weight" => (seed + 4, HIDDEN),
        "head.bias" => (seed + 5, HIDDEN),
        other => panic!("`{other}` is not a parameter of the workload"),
    };
    layer(seed, inputs, shape)
}

#[cfg(test)]
mod tests {
    use phalanx_core::nn::device;

    use super::*;

    #[test]
    fn the_first_losses_are_those_of_jax_and_pytorch() {
        let cpu = device("cpu").expect("the CPU is always available");
        for (activation, expected) in
            [(HiddenActivation::Tanh, 0.1385), (HiddenActivation::Relu, 0.1315)]
        {
            let mut update = PpoUpdate::new(activation, &cpu);
            let (loss, _) = update.run().expect("losses are finite");
            assert!((loss - expected).abs() < 6e-5, "{activation:?}: {loss}");
        }
    }
}
