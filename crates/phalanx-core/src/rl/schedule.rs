//! Schedules over environment steps.

use serde::{Deserialize, Serialize};

/// A value that changes linearly from `start` to `finish` over `anneal_time` environment steps and
/// then stays constant.
///
/// ```
/// let epsilon = phalanx_core::rl::LinearSchedule { start: 1.0, finish: 0.05, anneal_time: 100_000 };
/// assert_eq!(epsilon.at(0), 1.0);
/// assert_eq!(epsilon.at(50_000), 0.525);
/// assert_eq!(epsilon.at(1_000_000), 0.05);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearSchedule {
    /// The value at step zero.
    pub start: f64,
    /// The value after `anneal_time` steps.
    pub finish: f64,
    /// The duration of the change, in environment steps; if zero, the value is always `finish`.
    pub anneal_time: u64,
}

impl LinearSchedule {
    /// Creates a schedule from `start` to `finish`, or a constant `start` if `anneal_time` is zero.
    pub fn optional(start: f64, finish: f64, anneal_time: u64) -> Self {
        let finish = if anneal_time == 0 { start } else { finish };
        Self { start, finish, anneal_time }
    }

    /// Returns the value after `t_env` environment steps.
    pub fn at(&self, t_env: u64) -> f64 {
        if t_env >= self.anneal_time {
            return self.finish;
        }
        let done = t_env as f64 / self.anneal_time as f64;
        self.start + (self.finish - self.start) * done
    }
}
