//! Settings of parallelised Q-networks (PQN).

use phalanx_core::nn::{Normalisation, RnnKind, Sharing};
use phalanx_core::rl::LinearSchedule;
use phalanx_core::settings::{Check, InvalidSetting, fields};
use serde::{Deserialize, Serialize};

use super::learner::{Mixing, PqnLearner};

/// PQN-VDN: parallelised Q-learning of the sum of the utilities (Gallici et al. 2025, arXiv
/// 2407.04811; `pqn_vdn_rnn` in JaxMARL).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PqnVdn {
    /// The settings, the same as PQN-IQL's.
    #[serde(flatten)]
    pub learning: Pqn,
}

/// PQN-IQL: parallelised independent Q-learning (Gallici et al. 2025, arXiv 2407.04811).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PqnIql {
    /// The settings, the same as PQN-VDN's.
    #[serde(flatten)]
    pub learning: Pqn,
}

/// Settings of parallelised Q-networks, with the names of
/// [`QLearningSettings`](super::super::QLearningSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pqn {
    /// The number of parallel environments.
    pub batch_size_run: usize,
    /// The number of steps that each environment makes between two updates.
    pub rollout_steps: usize,
    /// The number of passes over a rollout.
    pub epochs: usize,
    /// The number of minibatches per epoch, which divide the environments.
    pub num_mini_batch: usize,
    /// The learning rate.
    pub lr: f64,
    /// The number of environment steps until the learning rate is zero; zero keeps it constant.
    pub lr_anneal_time: u64,
    /// The term added to RAdam's denominator (epsilon).
    pub optim_eps: f64,
    /// The largest joint norm of all gradients.
    pub grad_norm_clip: f64,
    /// The discount factor.
    pub gamma: f64,
    /// The lambda of the lambda-returns.
    pub td_lambda: f64,
    /// The initial probability of a random action.
    pub epsilon_start: f64,
    /// The final probability of a random action.
    pub epsilon_finish: f64,
    /// The number of environment steps over which it is annealed.
    pub epsilon_anneal_time: u64,
    /// Whether the agents' first layer is normalised, which stabilises learning without target
    /// networks.
    pub layer_norm: bool,
    /// Which agents share a network: `all`, those of a `group`, or `none`.
    pub parameter_sharing: Sharing,
    /// Whether agents have a recurrent hidden layer instead of a linear one.
    pub use_rnn: bool,
    /// The recurrent cell: `gru` or `lstm`.
    pub rnn: RnnKind,
    /// The width of the agents' hidden layers.
    pub rnn_hidden_dim: usize,
    /// Whether the agent's last action is appended to its input.
    pub obs_last_action: bool,
    /// Whether the agent's one-hot ID is appended to its input.
    pub obs_agent_id: bool,
}

impl Default for Pqn {
    fn default() -> Self {
        Self {
            batch_size_run: 32,
            rollout_steps: 32,
            epochs: 2,
            num_mini_batch: 4,
            lr: 0.0005,
            lr_anneal_time: 0,
            optim_eps: 1e-8,
            grad_norm_clip: 1.0,
            gamma: 0.99,
            td_lambda: 0.85,
            epsilon_start: 1.0,
            epsilon_finish: 0.05,
            epsilon_anneal_time: 50_000,
            layer_norm: true,
            parameter_sharing: Sharing::All,
            use_rnn: true,
            rnn: RnnKind::Gru,
            rnn_hidden_dim: 64,
            obs_last_action: true,
            obs_agent_id: true,
        }
    }
}

impl Pqn {
    /// Returns which layers are normalised.
    pub fn normalisation(&self) -> Normalisation {
        if self.layer_norm { Normalisation::FirstLayer } else { Normalisation::None }
    }

    /// Returns the recurrent cell of the agents, if they have one.
    pub fn recurrent(&self) -> Option<RnnKind> {
        self.use_rnn.then_some(self.rnn)
    }

    /// Returns the exploration schedule.
    pub fn epsilon(&self) -> LinearSchedule {
        LinearSchedule {
            start: self.epsilon_start,
            finish: self.epsilon_finish,
            anneal_time: self.epsilon_anneal_time,
        }
    }

    /// Returns the learning rate after `t_env` environment steps.
    pub fn lr_at(&self, t_env: u64) -> f64 {
        LinearSchedule::optional(self.lr, 0.0, self.lr_anneal_time).at(t_env)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: batch_size_run, rollout_steps, epochs, rnn_hidden_dim));
        check.positive(fields!(self: optim_eps, grad_norm_clip));
        check.unit_interval(fields!(self: gamma, td_lambda, epsilon_start, epsilon_finish));
        check.that(
            (1..=self.batch_size_run).contains(&self.num_mini_batch),
            "num_mini_batch",
            "must lie between 1 and batch_size_run",
        );
        check.that(self.lr.is_finite() && self.lr > 0.0, "lr", "must be positive");
        let recurrent = self.use_rnn || self.rnn == RnnKind::Gru;
        check.that(recurrent, "rnn", "requires use_rnn=true unless it is gru");
        check.finish()
    }
}

algorithm_of_settings! {
    PqnVdn, "pqn_vdn", "PQN-VDN: VDN from rollouts, without replay or target networks",
    |settings, context| PqnLearner::new(settings, Mixing::Sum, context),
}

algorithm_of_settings! {
    PqnIql, "pqn_iql", "PQN-IQL: IQL from rollouts, without replay or target networks",
    |settings, context| PqnLearner::new(settings, Mixing::Independent, context),
}
