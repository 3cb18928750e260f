//! Independent proximal policy optimisation.

use serde::{Deserialize, Serialize};
use toml::Table;

use super::ppo_learner::PpoLearner;
use crate::config::Problem;
use crate::learn::value::settings::unit;
use crate::learn::{Algorithm, Learner, Setup, settings};

/// Every agent learns a policy and a local value from the team's reward, with shared parameters
/// (de Witt et al. 2020, arXiv 2011.09533).
///
/// Names are EPyMARL's and PyMARL2's where they have them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ippo {
    /// The number of environments that play side by side.
    pub batch_size_run: usize,
    /// The number of steps of each environment between two updates.
    pub rollout_steps: usize,
    /// How often the collected steps are gone through.
    pub epochs: usize,
    /// Into how many parts, by environments, an epoch is divided.
    pub num_mini_batch: usize,
    /// The learning rate of policy and critic.
    pub lr: f64,
    /// Adam's epsilon.
    pub optim_eps: f64,
    /// The largest norm of all gradients of a network together.
    pub grad_norm_clip: f64,
    /// The discount.
    pub gamma: f64,
    /// The lambda of generalised advantage estimation.
    pub gae_lambda: f64,
    /// How far the probability ratio may move from one before it is clipped.
    pub eps_clip: f64,
    /// Whether the critic's change is clipped as well, to `eps_clip` at its own scale.
    pub value_clip: bool,
    /// The weight of the entropy bonus.
    pub entropy_coef: f64,
    /// Whether the critic learns normalised returns.
    pub use_value_norm: bool,
    /// Whether agents remember (GRU) or not (linear layer).
    pub use_rnn: bool,
    /// The width of the hidden layers.
    pub rnn_hidden_dim: usize,
    /// Whether agents see their last action.
    pub obs_last_action: bool,
    /// Whether agents see their number.
    pub obs_agent_id: bool,
}

impl Default for Ippo {
    fn default() -> Self {
        Self {
            batch_size_run: 32,
            rollout_steps: 64,
            epochs: 5,
            num_mini_batch: 1,
            lr: 0.001,
            optim_eps: 1e-5,
            grad_norm_clip: 0.5,
            gamma: 0.99,
            gae_lambda: 0.95,
            eps_clip: 0.2,
            value_clip: true,
            entropy_coef: 0.03,
            use_value_norm: true,
            use_rnn: true,
            rnn_hidden_dim: 64,
            obs_last_action: true,
            obs_agent_id: true,
        }
    }
}

impl Algorithm for Ippo {
    fn id(&self) -> &'static str {
        "ippo"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |holds, key, reason| Problem::unless(&mut problems, holds, key, reason);
        check(self.batch_size_run > 0, "batch_size_run", "must be at least 1");
        check(self.rollout_steps > 0, "rollout_steps", "must be at least 1");
        check(self.epochs > 0, "epochs", "must be at least 1");
        let parts = 1..=self.batch_size_run;
        check(
            parts.contains(&self.num_mini_batch),
            "num_mini_batch",
            "must lie between 1 and batch_size_run",
        );
        check(self.lr.is_finite() && self.lr > 0.0, "lr", "must be positive");
        check(self.optim_eps > 0.0, "optim_eps", "must be positive");
        check(self.grad_norm_clip > 0.0, "grad_norm_clip", "must be positive");
        check(unit(self.gamma), "gamma", "must lie in [0, 1]");
        check(unit(self.gae_lambda), "gae_lambda", "must lie in [0, 1]");
        check(self.eps_clip > 0.0, "eps_clip", "must be positive");
        check(self.entropy_coef >= 0.0, "entropy_coef", "must not be negative");
        check(self.rnn_hidden_dim > 0, "rnn_hidden_dim", "must be at least 1");
        problems
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        Box::new(PpoLearner::new(self, setup))
    }
}
