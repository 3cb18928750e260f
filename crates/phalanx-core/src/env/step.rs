//! The result of a step, and how it ends.

use serde::{Deserialize, Serialize};

/// How a step ends, in Gymnasium's words.
///
/// Environments report it, and return and advantage estimators read it. Where arrays are padded, a
/// separate mask `filled` marks the steps that were played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepStatus {
    /// The episode continues.
    #[default]
    Running,
    /// The task ended: the state after the step has no value.
    Terminated,
    /// The time limit cut the episode short: the state after the step still has a value, unless
    /// [`EnvSpec::timeout_is_terminal`](super::EnvSpec::timeout_is_terminal).
    Truncated,
    /// The environment panicked and was rebuilt. The step has no meaningful observation, and nothing
    /// is learned from it.
    Crashed,
}

impl StepStatus {
    /// Returns whether the episode is over.
    pub fn is_over(self) -> bool {
        self != Self::Running
    }

    /// Returns whether the state after the step has no value to bootstrap from.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Terminated | Self::Crashed)
    }

    /// Returns the status with a truncation replaced by a termination if `timeout_is_terminal`.
    pub fn with_timeout(self, timeout_is_terminal: bool) -> Self {
        if self == Self::Truncated && timeout_is_terminal { Self::Terminated } else { self }
    }
}

/// The result of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// The reward of the team.
    pub reward: f32,
    /// How the step ended.
    pub status: StepStatus,
}
