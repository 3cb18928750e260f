//! What became of an input.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// The program used it.
    Accepted,
    /// The program returned an error.
    Refused,
    /// The program panicked.
    Panic,
    /// The process ended.
    Abort,
    /// It took more than two seconds, or never ended.
    Slow,
    /// The process wanted or held too much memory.
    Memory,
    /// A file appeared outside of the working folder.
    Outside,
}

/// All verdicts, in the order of the table.
pub(super) const VERDICTS: [Verdict; 7] = [
    Verdict::Accepted,
    Verdict::Refused,
    Verdict::Panic,
    Verdict::Abort,
    Verdict::Slow,
    Verdict::Memory,
    Verdict::Outside,
];

impl Verdict {
    /// Returns whether it breaks a promise.
    pub fn is_finding(self) -> bool {
        !matches!(self, Self::Accepted | Self::Refused)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Panic => "panic",
            Self::Abort => "abort",
            Self::Slow => "slow",
            Self::Memory => "memory",
            Self::Outside => "outside",
        })
    }
}

/// The number of inputs with each verdict, in the order of `VERDICTS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally(pub [u64; VERDICTS.len()]);

impl Tally {
    /// Counts one input.
    pub fn count(&mut self, verdict: Verdict) {
        self.0[verdict as usize] += 1;
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    /// Returns the number of inputs.
    pub fn inputs(&self) -> u64 {
        self.0.iter().sum()
    }
}
