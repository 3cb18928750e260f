//! The settings all value-learning algorithms share.

use phalanx_core::nn::OptimizerConfig;
use phalanx_core::rl::Linear;
use serde::{Deserialize, Serialize};

use crate::config::Problem;

/// Q-learning from whole episodes, with PyMARL's names and PyMARL2's tuned values as defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QLearning {
    /// The number of environments that play side by side; after each of them finished an episode,
    /// the networks are updated once.
    pub batch_size_run: usize,
    /// The number of episodes in an update.
    pub batch_size: usize,
    /// The number of episodes the replay memory holds.
    pub buffer_size: usize,
    /// The learning rate.
    pub lr: f64,
    /// `adam` or `rmsprop`.
    pub optimizer: OptimizerName,
    /// RMSprop's decay of the mean square.
    pub optim_alpha: f64,
    /// Added to the denominator of the update.
    pub optim_eps: f64,
    /// The largest norm of all gradients together.
    pub grad_norm_clip: f64,
    /// The discount.
    pub gamma: f64,
    /// The lambda of the TD(lambda) targets; zero gives one-step targets.
    pub td_lambda: f64,
    /// Whether the online network chooses the action that the target network values.
    pub double_q: bool,
    /// After how many episodes the target network is copied from the online network.
    pub target_update_interval: u64,
    /// Exploration at the start: the probability of a random action.
    pub epsilon_start: f64,
    /// Exploration in the end.
    pub epsilon_finish: f64,
    /// The number of environment steps between the two.
    pub epsilon_anneal_time: u64,
    /// Whether agents remember (GRU) or not (linear layer).
    pub use_rnn: bool,
    /// The width of the agent's hidden layers.
    pub rnn_hidden_dim: usize,
    /// Whether agents see their last action.
    pub obs_last_action: bool,
    /// Whether agents see their number.
    pub obs_agent_id: bool,
}

/// An update rule, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// Adam.
    Adam,
    /// RMSprop without momentum.
    Rmsprop,
}

impl Default for QLearning {
    fn default() -> Self {
        Self {
            batch_size_run: 8,
            batch_size: 128,
            buffer_size: 5000,
            lr: 0.001,
            optimizer: OptimizerName::Adam,
            optim_alpha: 0.99,
            optim_eps: 1e-8,
            grad_norm_clip: 10.0,
            gamma: 0.99,
            td_lambda: 0.6,
            double_q: true,
            target_update_interval: 200,
            epsilon_start: 1.0,
            epsilon_finish: 0.05,
            epsilon_anneal_time: 100_000,
            use_rnn: true,
            rnn_hidden_dim: 64,
            obs_last_action: true,
            obs_agent_id: true,
        }
    }
}

impl QLearning {
    /// The exploration schedule.
    pub fn epsilon(&self) -> Linear {
        Linear {
            start: self.epsilon_start,
            finish: self.epsilon_finish,
            anneal_time: self.epsilon_anneal_time,
        }
    }

    /// The update rule.
    pub fn optimizer(&self) -> OptimizerConfig {
        let eps = self.optim_eps as f32;
        match self.optimizer {
            OptimizerName::Adam => OptimizerConfig::Adam { eps },
            OptimizerName::Rmsprop => {
                OptimizerConfig::RmsProp { alpha: self.optim_alpha as f32, eps }
            }
        }
    }

    /// Settings that make no sense.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |holds, key, reason| Problem::unless(&mut problems, holds, key, reason);
        check(self.batch_size_run > 0, "batch_size_run", "must be at least 1");
        check(self.batch_size > 0, "batch_size", "must be at least 1");
        check(self.buffer_size >= self.batch_size, "buffer_size", "must hold at least batch_size");
        check(self.lr.is_finite() && self.lr > 0.0, "lr", "must be positive");
        check(unit(self.optim_alpha), "optim_alpha", "must lie in [0, 1]");
        check(self.optim_eps > 0.0, "optim_eps", "must be positive");
        check(self.grad_norm_clip > 0.0, "grad_norm_clip", "must be positive");
        check(unit(self.gamma), "gamma", "must lie in [0, 1]");
        check(unit(self.td_lambda), "td_lambda", "must lie in [0, 1]");
        check(self.target_update_interval > 0, "target_update_interval", "must be at least 1");
        check(unit(self.epsilon_start), "epsilon_start", "must lie in [0, 1]");
        check(unit(self.epsilon_finish), "epsilon_finish", "must lie in [0, 1]");
        check(self.rnn_hidden_dim > 0, "rnn_hidden_dim", "must be at least 1");
        problems
    }
}

/// Whether a number lies in `[0, 1]`.
pub(super) fn unit(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}
