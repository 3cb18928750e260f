//! Settings of DQN.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{OptimizerConfig, OptimizerKind, Sharing};
use phalanx_core::rl::LinearSchedule;
use phalanx_core::settings::{Check, InvalidSetting, fields};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::learner::DqnLearner;
use crate::algorithms::TargetUpdate;
use crate::algorithms::planned_updates::{PlannedUpdates, grouped};

/// DQN: Q-learning from replayed transitions with a target network (Mnih et al. 2015, *Human-level
/// control through deep reinforcement learning*). Several agents learn independently, by default
/// with shared parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dqn {
    /// The settings.
    #[serde(flatten)]
    pub learning: DqnSettings,
}

/// DQN whose agents read their observation as a graph of entities, by default through graph convolutions
/// (`encoder=gcn`).
///
/// It is our reading of the agent of Niu et al. 2022, *Graph Neural Network based Agent in Google Research
/// Football*, arXiv 2204.11142, which leaves open:
///
/// - the edges of the graph: all present entities are neighbours;
/// - how the nodes become action values: the node of the agent itself is the input of two hidden layers,
///   and actions that target an entity have heads computed from its node;
/// - the discount factor, exploration, the size of the replay buffer and the target network's period: those
///   of [`DqnSettings`].
///
/// Neither an agent ID nor a last action is appended to the input, so that a policy fits any number of
/// entities. `configs/algs/gnn_dqn_paper.toml` holds the paper's other settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GnnDqn {
    /// The settings.
    #[serde(flatten)]
    pub learning: DqnSettings,
}

impl Default for GnnDqn {
    fn default() -> Self {
        Self { learning: DqnSettings { obs_agent_id: false, ..DqnSettings::default() } }
    }
}

/// Settings of DQN, with the names of [`QLearningSettings`](super::super::QLearningSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DqnSettings {
    /// The number of parallel environments. Each of them makes one step between two rounds of
    /// updates.
    pub batch_size_run: usize,
    /// The number of environment steps per update, summed over all environments.
    pub train_interval: u64,
    /// The number of environment steps before the first update.
    pub learning_starts: u64,
    /// The number of transitions in a minibatch. A transition of a team holds those of all its
    /// agents.
    pub batch_size: usize,
    /// The capacity of the replay buffer, in transitions.
    pub buffer_size: usize,
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
    /// The loss of a TD error: `squared` or `huber`.
    pub td_loss: DqnLoss,
    /// Whether agents learn from the team's reward; otherwise from their own rewards, which only
    /// some environments provide.
    pub common_reward: bool,
    /// Whether the online network selects the action that the target network evaluates (double
    /// Q-learning, van Hasselt et al. 2016, arXiv 1509.06461); otherwise the target network does
    /// both.
    pub double_q: bool,
    /// How the target network is updated: by a copy after a number of `episodes` or `updates`, or
    /// by a `soft` step after every update.
    pub target_update: TargetUpdate,
    /// The number of episodes or updates between two copies of the online network.
    pub target_update_interval: u64,
    /// The weight of the online network in a soft update.
    pub target_update_tau: f64,
    /// The initial probability of a random action.
    pub epsilon_start: f64,
    /// The final probability of a random action.
    pub epsilon_finish: f64,
    /// The number of environment steps over which this probability is annealed.
    pub epsilon_anneal_time: u64,
    /// Which agents share a network: `all`, those of a `group`, or `none`.
    pub parameter_sharing: Sharing,
    /// The width of the two hidden layers.
    pub hidden_dim: usize,
    /// Whether the agent's last action is appended to its input.
    pub obs_last_action: bool,
    /// Whether the agent's one-hot ID is appended to its input.
    pub obs_agent_id: bool,
}

/// The loss of a TD error `e`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DqnLoss {
    /// `e^2 / 2`.
    Squared,
    /// `e^2 / 2` for errors of at most one, otherwise `|e| - 1/2`: the clipped error of Mnih et al.
    /// 2015.
    Huber,
}

impl Default for DqnSettings {
    fn default() -> Self {
        Self {
            batch_size_run: 8,
            train_interval: 1,
            learning_starts: 1000,
            batch_size: 32,
            buffer_size: 50_000,
            lr: 0.0001,
            optimizer: OptimizerKind::Adam,
            optim_alpha: 0.99,
            optim_eps: 1e-8,
            grad_norm_clip: 0.7,
            gamma: 0.99,
            td_loss: DqnLoss::Squared,
            common_reward: true,
            double_q: false,
            target_update: TargetUpdate::Updates,
            target_update_interval: 1000,
            target_update_tau: 0.01,
            epsilon_start: 1.0,
            epsilon_finish: 0.05,
            epsilon_anneal_time: 100_000,
            parameter_sharing: Sharing::All,
            hidden_dim: 64,
            obs_last_action: false,
            obs_agent_id: true,
        }
    }
}

impl DqnSettings {
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

    /// Returns the number of updates that are due after `t_env` environment steps, of which `before`
    /// were made earlier: one for every multiple of `train_interval` in between, and none before
    /// `learning_starts`.
    pub fn updates_due(&self, before: u64, t_env: u64) -> u64 {
        let so_far = |steps: u64| steps.max(self.learning_starts) / self.train_interval;
        so_far(t_env) - so_far(before)
    }

    /// Estimates the number of updates in `t_max` environment steps.
    pub(super) fn planned_updates(&self, t_max: u64) -> PlannedUpdates {
        let after = match self.learning_starts {
            0 => String::new(),
            steps => format!(", after the first {}", grouped(steps)),
        };
        let every = match self.train_interval {
            1 => "every environment step".to_owned(),
            steps => format!("every {} environment steps", grouped(steps)),
        };
        PlannedUpdates {
            updates: self.updates_due(0, t_max),
            at_least: false,
            schedule: format!("one for {every}{after}"),
            remedy: "raise t_max, or lower train_interval or learning_starts",
        }
    }

    /// Returns the settings that are invalid for an environment.
    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        let reason = "must be true: this environment has no agent rewards";
        check.that(self.common_reward || spec.agent_rewards, "common_reward", reason);
        check.finish()
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: batch_size_run, batch_size, hidden_dim));
        check.at_least_one(fields!(self: train_interval, target_update_interval));
        check.positive(fields!(self: optim_eps, grad_norm_clip));
        check.unit_interval(fields!(self: optim_alpha, gamma, epsilon_start, epsilon_finish));
        check.positive_share(fields!(self: target_update_tau));
        check.that(
            self.buffer_size >= self.batch_size,
            "buffer_size",
            "must be at least batch_size",
        );
        check.that(self.lr.is_finite() && self.lr > 0.0, "lr", "must be positive");
        check.finish()
    }
}

algorithm_of_settings! {
    Dqn, "dqn", "DQN: Q-learning from replayed transitions; several agents learn independently",
    |settings, context| DqnLearner::new(settings, context),
    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec)
    }
}

algorithm_of_settings! {
    GnnDqn, "gnn_dqn", "DQN over a graph of entities: dqn with encoder=gcn by default",
    |settings, context| DqnLearner::new(settings, context),
    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec)
    }

    fn run_defaults(&self) -> Table {
        Table::from_iter([("encoder".to_owned(), "gcn".into())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_due_at_every_multiple_of_the_interval_after_learning_starts() {
        let settings = DqnSettings { train_interval: 4, learning_starts: 10, ..Default::default() };
        let due: Vec<u64> = (0..8).map(|k| settings.updates_due(3 * k, 3 * (k + 1))).collect();
        // After 12, 16, 20 and 24 steps; those at 4 and 8 come too early.
        assert_eq!(due, [0, 0, 0, 1, 0, 1, 1, 1]);
        assert_eq!(settings.updates_due(0, 24), 4);
        assert_eq!(settings.planned_updates(24).updates, 4);
        let every = DqnSettings { learning_starts: 0, ..Default::default() };
        assert_eq!(every.updates_due(8, 16), 8);
    }
}
