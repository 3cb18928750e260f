//! What a harness counts and finds.

use std::collections::BTreeMap;
use std::fmt;

/// Counts of what happened, and descriptions of what must not happen.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    counts: BTreeMap<String, u64>,
    faults: BTreeMap<String, u64>,
}

impl Findings {
    /// Counts something that is as it should be.
    pub fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    /// Counts a broken promise.
    pub fn fault(&mut self, what: impl Into<String>) {
        *self.faults.entry(what.into()).or_default() += 1;
    }

    /// Returns how often something happened.
    pub fn counted(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// Returns the number of broken promises.
    pub fn faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Adds the counts of another part of the work.
    pub fn add(&mut self, other: Self) {
        let add = |to: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>| {
            from.into_iter().for_each(|(what, count)| *to.entry(what).or_default() += count);
        };
        add(&mut self.counts, other.counts);
        add(&mut self.faults, other.faults);
    }
}

/// One line for each count, then one for each kind of fault.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.counts {
            writeln!(f, "{count:>9}  {what}")?;
        }
        for (what, count) in &self.faults {
            writeln!(f, "{count:>9}  FAULT: {what}")?;
        }
        write!(f, "{:>9}  faults", self.faults())
    }
}
