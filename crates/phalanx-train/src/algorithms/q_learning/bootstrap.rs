//! What targets bootstrap from: the next joint action and its value.

use burn::tensor::{Int, Tensor};

use super::batch::EpisodeTensors;

/// How the value of the next joint action is estimated.
///
/// A further rule is a variant here, a key in `settings.rs` and in `configs/q_learning.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootstrapRule {
    /// The target networks choose each agent's action and value the joint action (DQN).
    Target,
    /// The online networks choose, and the target networks value (van Hasselt et al. 2016, Double
    /// DQN, arXiv 1509.06461).
    DoubleQ,
    /// The smaller of the online and the target networks' utilities chooses, and the smaller of
    /// their joint action values counts (MINTO, arXiv 2510.02590):
    ///
    /// ```text
    /// u_i* = argmax_a min(Q_i^-(a), Q_i(a))      y = r + gamma min(Q_tot^-(u*), Q_tot(u*))
    /// ```
    Minto,
}

impl BootstrapRule {
    /// Returns the available actions that targets bootstrap from, `[times, episode * agent, 1]`,
    /// given the utilities of the `online` and the `target` networks,
    /// `[times, episode * agent, n_actions]`, without gradients.
    pub fn joint_action(
        self,
        batch: &EpisodeTensors,
        online: Tensor<3>,
        target: Tensor<3>,
    ) -> Tensor<3, Int> {
        batch.argmax_available(match self {
            Self::Target => target,
            Self::DoubleQ => online,
            Self::Minto => online.min_pair(target),
        })
    }

    /// Computes the value of a joint action, `[row, column]`, from those of the target and of the
    /// online networks, neither with gradients.
    pub fn value(
        self,
        joint_action: Tensor<3, Int>,
        target_value: impl Fn(Tensor<3, Int>) -> Tensor<2>,
        online_value: impl Fn(Tensor<3, Int>) -> Tensor<2>,
    ) -> Tensor<2> {
        match self {
            Self::Target | Self::DoubleQ => target_value(joint_action),
            Self::Minto => target_value(joint_action.clone()).min_pair(online_value(joint_action)),
        }
    }
}
