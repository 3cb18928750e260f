//! The number of updates that a run will make.

use std::fmt;

/// An estimate of the updates of a run, made before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedUpdates {
    /// The number of updates. It is a lower bound if episodes may end early.
    pub updates: u64,
    /// Whether the number is a lower bound.
    pub at_least: bool,
    /// How often updates are made, such as "5 after every rollout of 2 048 steps".
    pub schedule: String,
    /// How to get more updates, such as "raise t_max or lower batch_size_run".
    pub remedy: &'static str,
}

impl PlannedUpdates {
    /// Estimates the updates in `t_max` environment steps: `updates` after every rollout of `steps`.
    pub(super) fn from_rollouts(t_max: u64, steps: u64, updates: u64) -> Self {
        Self {
            updates: t_max.div_ceil(steps.max(1)).saturating_mul(updates),
            at_least: false,
            schedule: format!("{updates} after every rollout of {} steps", grouped(steps)),
            remedy: "raise t_max, epochs or num_mini_batch, or lower batch_size_run or rollout_steps",
        }
    }

    /// Returns a warning that the run makes few updates.
    pub fn warning(&self) -> String {
        let makes = if self.at_least { "may make as few as" } else { "makes about" };
        let (updates, remedy) = (grouped(self.updates), self.remedy);
        format!(
            "this run {makes} {updates} updates, which is often too few to learn; for more, {remedy}"
        )
    }
}

impl fmt::Display for PlannedUpdates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.at_least { "at least" } else { "about" };
        write!(f, "{about} {} updates: {}", grouped(self.updates), self.schedule)
    }
}

/// Formats a number with spaces between groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_threes() {
        assert_eq!([7, 999, 1000, 1_234_567].map(grouped), ["7", "999", "1 000", "1 234 567"]);
    }
}
