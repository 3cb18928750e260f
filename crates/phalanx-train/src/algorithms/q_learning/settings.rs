//! The settings that all Q-learning algorithms share.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{OptimizerConfig, OptimizerKind, RnnKind, Sharing};
use phalanx_core::rl::LinearSchedule;
use phalanx_core::settings::{Check, InvalidSetting, fields};
use serde::{Deserialize, Serialize};

use super::bootstrap::BootstrapRule;
use crate::algorithms::planned_updates::{PlannedUpdates, grouped};
use crate::config::ByteSize;
use crate::replay::{Precision, Prioritised, ReplayConfig, ReplaySizeBound};

/// Settings of Q-learning from whole episodes. Names are PyMARL's; defaults are PyMARL2's tuned
/// values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QLearningSettings {
    /// The number of parallel environments. A rollout ends, and the networks are updated, when each
    /// of them has finished an episode.
    pub batch_size_run: usize,
    /// The number of updates after each rollout.
    pub updates_per_rollout: usize,
    /// When the next rollout is collected with the previous weights while the device trains: on a
    /// `gpu`, `always` or `never`.
    pub overlap_rollouts: Overlap,
    /// The number of episodes in a minibatch.
    pub batch_size: usize,
    /// The number of consecutive steps per episode in a minibatch, starting at a random step; zero
    /// uses whole episodes. Recurrent agents start a window with a zero hidden state.
    pub batch_steps: usize,
    /// The capacity of the replay buffer, in episodes.
    pub buffer_size: usize,
    /// The largest memory of the replay buffer, such as `"2 GiB"`; zero means unlimited.
    pub buffer_mem: ByteSize,
    /// The precision of observations and states in the replay buffer: `f32` or `f16`.
    pub buffer_precision: Precision,
    /// Whether episodes with large TD errors are replayed more often.
    pub prioritised_replay: bool,
    /// The exponent of the TD error in an episode's sampling probability.
    pub priority_alpha: f64,
    /// The initial importance-sampling exponent, annealed to one over `priority_beta_anneal_time`
    /// steps.
    pub priority_beta: f64,
    /// The number of environment steps until the importance-sampling exponent is one.
    pub priority_beta_anneal_time: u64,
    /// The learning rate.
    pub lr: f64,
    /// The optimizer: `adam`, `radam` or `rmsprop`.
    pub optimizer: OptimizerKind,
    /// RMSprop's decay of the mean square.
    pub optim_alpha: f64,
    /// The term added to the optimizer's denominator (epsilon).
    pub optim_eps: f64,
    /// The largest joint norm of all gradients.
    pub grad_norm_clip: f64,
    /// The discount factor.
    pub gamma: f64,
    /// The lambda of TD(lambda) targets; zero gives one-step targets.
    pub td_lambda: f64,
    /// Whether targets are corrected for exploratory actions (Q(lambda)).
    pub q_lambda: bool,
    /// The number of rewards in a target; above one only if `td_lambda` is zero.
    pub n_step: usize,
    /// The weight of the mean squared TD error.
    pub td_loss_scale: f64,
    /// Whether rewards are standardised by their running mean and variance.
    pub standardise_rewards: bool,
    /// Whether agents learn from the team's reward; otherwise from their own rewards, which only
    /// some environments provide.
    pub common_reward: bool,
    /// Whether the online networks select the joint action that the target networks evaluate
    /// (double Q-learning); otherwise the target networks do both.
    pub double_q: bool,
    /// Whether targets bootstrap from the smaller of the online and the target networks' values
    /// (MINTO); requires `double_q=false`.
    pub minto: bool,
    /// How target networks are updated: by a copy after a number of `episodes` or `updates`, or by a
    /// `soft` step after every update.
    pub target_update: TargetUpdate,
    /// The number of episodes or updates between two copies of the online networks.
    pub target_update_interval: u64,
    /// The weight of the online networks in a soft update.
    pub target_update_tau: f64,
    /// The initial probability of a random action.
    pub epsilon_start: f64,
    /// The final probability of a random action.
    pub epsilon_finish: f64,
    /// The number of environment steps over which this probability is annealed.
    pub epsilon_anneal_time: u64,
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

/// How target networks are updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetUpdate {
    /// Copies the online networks after a number of episodes (PyMARL).
    Episodes,
    /// Copies the online networks after a number of updates (EPyMARL with an interval above one).
    Updates,
    /// Moves the target networks towards the online networks after every update (EPyMARL with an
    /// interval of at most one).
    Soft,
}

/// When rollouts are collected while the device trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// On devices other than the CPU.
    Gpu,
    /// On every device. The CPU gains nothing; use this to compare devices.
    Always,
    /// Never: every rollout is collected with the newest weights.
    Never,
}

impl Default for QLearningSettings {
    fn default() -> Self {
        Self {
            batch_size_run: 8,
            updates_per_rollout: 1,
            overlap_rollouts: Overlap::Gpu,
            batch_size: 128,
            batch_steps: 0,
            buffer_size: 5000,
            buffer_mem: ByteSize(0),
            buffer_precision: Precision::F32,
            prioritised_replay: false,
            priority_alpha: 0.6,
            priority_beta: 0.4,
            priority_beta_anneal_time: 1_000_000,
            lr: 0.001,
            optimizer: OptimizerKind::Adam,
            optim_alpha: 0.99,
            optim_eps: 1e-8,
            grad_norm_clip: 10.0,
            gamma: 0.99,
            td_lambda: 0.6,
            q_lambda: false,
            n_step: 1,
            td_loss_scale: 0.5,
            standardise_rewards: false,
            common_reward: true,
            double_q: true,
            minto: false,
            target_update: TargetUpdate::Episodes,
            target_update_interval: 200,
            target_update_tau: 0.01,
            epsilon_start: 1.0,
            epsilon_finish: 0.05,
            epsilon_anneal_time: 100_000,
            parameter_sharing: Sharing::All,
            use_rnn: true,
            rnn: RnnKind::Gru,
            rnn_hidden_dim: 64,
            obs_last_action: true,
            obs_agent_id: true,
        }
    }
}

impl QLearningSettings {
    /// Returns the settings that PyMARL2 uses for independent learners: a smaller batch and learning
    /// rate, and one-step targets.
    pub fn independent() -> Self {
        Self { batch_size: 32, lr: 0.0005, td_lambda: 0.0, ..Self::default() }
    }

    /// Returns the bootstrap rule of the targets.
    pub fn bootstrap_rule(&self) -> BootstrapRule {
        match (self.minto, self.double_q) {
            (true, _) => BootstrapRule::Minto,
            (false, true) => BootstrapRule::DoubleQ,
            (false, false) => BootstrapRule::Target,
        }
    }

    /// Returns the exploration schedule.
    pub fn epsilon(&self) -> LinearSchedule {
        LinearSchedule {
            start: self.epsilon_start,
            finish: self.epsilon_finish,
            anneal_time: self.epsilon_anneal_time,
        }
    }

    /// Returns the optimizer.
    pub fn optimizer(&self) -> OptimizerConfig {
        OptimizerConfig {
            kind: self.optimizer,
            alpha: self.optim_alpha as f32,
            eps: self.optim_eps as f32,
        }
    }

    /// Returns the recurrent cell of the agents, if they have one.
    pub fn recurrent(&self) -> Option<RnnKind> {
        self.use_rnn.then_some(self.rnn)
    }

    /// Returns the configuration of the replay buffer.
    pub fn replay(&self) -> ReplayConfig {
        let beta = LinearSchedule {
            start: self.priority_beta,
            finish: 1.0,
            anneal_time: self.priority_beta_anneal_time,
        };
        ReplayConfig {
            capacity: self.buffer_size,
            bytes: (self.buffer_mem.0 > 0).then_some(self.buffer_mem.0),
            precision: self.buffer_precision,
            prioritised: self
                .prioritised_replay
                .then_some(Prioritised { alpha: self.priority_alpha, beta }),
            batch_steps: (self.batch_steps > 0).then_some(self.batch_steps),
        }
    }

    /// Estimates the number of updates in `t_max` environment steps with episodes of at most
    /// `episode_limit` steps.
    pub(super) fn planned_updates(&self, t_max: u64, episode_limit: usize) -> PlannedUpdates {
        let (n, limit) = (self.batch_size_run as u64, episode_limit as u64);
        let rollouts = t_max.div_ceil(n.saturating_mul(limit).max(1));
        // The buffer must hold a batch first.
        let without = (self.batch_size as u64).div_ceil(n).saturating_sub(1);
        let updates = self.updates_per_rollout as u64;
        PlannedUpdates {
            updates: rollouts.saturating_sub(without).saturating_mul(updates),
            at_least: true,
            schedule: format!(
                "{updates} after every {n} episodes, once there are {}; an episode has at most {} \
                 steps",
                self.batch_size.max(self.batch_size_run),
                grouped(limit)
            ),
            remedy: "raise t_max or updates_per_rollout, or lower batch_size_run or batch_size",
        }
    }

    /// Returns the settings that are invalid for an environment. `mixes` states whether a mixer
    /// combines the utilities into one value of the team.
    pub fn validate_for(&self, spec: &EnvSpec, mixes: bool) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        let of_team = self.common_reward;
        let reason = "must be true for this algorithm: its mixer learns from the team's reward";
        check.that(of_team || !mixes, "common_reward", reason);
        let reason = "must be true: this environment has no agent rewards";
        check.that(of_team || spec.agent_rewards, "common_reward", reason);
        let largest = ReplaySizeBound::new(spec, &self.replay()).episode;
        let fits = self.buffer_mem.0 == 0 || self.buffer_mem.0 >= largest;
        let reason = format!(
            "must be at least {largest} bytes ({}), which the longest episode may take",
            ByteSize(largest)
        );
        check.that(fits, "buffer_mem", &reason);
        check.finish()
    }

    /// Returns the invalid settings.
    pub fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self:
            batch_size_run, updates_per_rollout, batch_size, n_step, rnn_hidden_dim
        ));
        check.at_least_one(fields!(self: target_update_interval));
        check.positive(fields!(self: optim_eps, grad_norm_clip, td_loss_scale));
        check.not_negative(fields!(self: priority_alpha));
        check.unit_interval(fields!(self:
            optim_alpha, gamma, td_lambda, priority_beta, epsilon_start, epsilon_finish
        ));
        check.that(
            self.buffer_size >= self.batch_size,
            "buffer_size",
            "must be at least batch_size",
        );
        check.that(self.lr.is_finite() && self.lr > 0.0, "lr", "must be positive");
        check.that(
            self.n_step == 1 || self.td_lambda == 0.0,
            "n_step",
            "must be 1 unless td_lambda=0: TD(lambda) and n-step targets exclude each other",
        );
        check.that(
            !self.q_lambda || self.n_step == 1,
            "q_lambda",
            "requires n_step=1: it corrects TD(lambda) targets only",
        );
        check.that(
            !(self.minto && self.double_q),
            "minto",
            "requires double_q=false: the two bootstrap rules exclude each other",
        );
        check.positive_share(fields!(self: target_update_tau));
        let recurrent = self.use_rnn || self.rnn == RnnKind::Gru;
        check.that(recurrent, "rnn", "requires use_rnn=true unless it is gru");
        check.finish()
    }
}
