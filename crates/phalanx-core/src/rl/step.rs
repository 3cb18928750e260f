//! Steps, the input of estimators of returns and advantages.

use crate::env::StepStatus;

/// One step of an episode, or padding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpisodeStep {
    /// The reward of the step.
    pub reward: f32,
    /// How the step ended.
    pub status: StepStatus,
    /// Whether this is a real step; `false` in padding.
    pub filled: bool,
}

impl EpisodeStep {
    /// A step of padding.
    pub const PADDING: Self = Self { reward: 0.0, status: StepStatus::Running, filled: false };

    /// Returns a step after which the episode continues.
    #[cfg(test)]
    pub(super) fn running(reward: f32) -> Self {
        Self { reward, status: StepStatus::Running, filled: true }
    }

    /// Returns whether learners use the step: it is no padding and did not crash.
    pub fn is_learned(&self) -> bool {
        self.filled && self.status != StepStatus::Crashed
    }
}

/// Asserts that `out` has an entry per step and column, and `values`, `[time + 1, env, column]`,
/// one more time step than `steps`, `[time, env]`.
pub(super) fn assert_lengths(steps: usize, values: usize, rows: usize, columns: usize, out: usize) {
    assert_eq!(out, steps * columns, "one result per step and column");
    assert_eq!(values, out + rows, "values hold one more time step");
}
