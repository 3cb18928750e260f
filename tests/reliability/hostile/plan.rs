//! Which inputs are tried, in which order.

use std::path::PathBuf;

use super::target::Target;

/// A range of inputs of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) target: String,
    pub(super) first: u64,
    pub(super) end: u64,
    /// The only input, if it is that of a file.
    pub(super) input: Option<PathBuf>,
}

/// The inputs that are still to be tried.
pub(super) struct Plan {
    /// Each target with its share, its next input and the end of its inputs.
    targets: Vec<(String, u64, u64, u64)>,
    /// Seconds since the start of the Unix epoch after which no input is begun.
    pub(super) until: Option<f64>,
    input: Option<PathBuf>,
}

/// The inputs of a target with the whole share that one worker gets at a time.
const RANGE: u64 = 20_000;

impl Plan {
    /// Plans `count` inputs in all, or as many as there is time for `until` then.
    pub(super) fn new(targets: &[&dyn Target], count: Option<u64>, until: Option<f64>) -> Self {
        let shares: u64 = targets.iter().map(|target| target.share()).sum();
        let targets = targets.iter().map(|target| {
            let end =
                count.map_or(u64::MAX, |count| (count * target.share()).div_ceil(shares.max(1)));
            (target.name().to_owned(), target.share(), 0, end)
        });
        Self { targets: targets.collect(), until, input: None }
    }

    /// Plans one input of a target, that of a file if there is one.
    pub(super) fn one(target: &dyn Target, case: u64, input: Option<PathBuf>) -> Self {
        Self { targets: vec![(target.name().to_owned(), 1000, case, case + 1)], until: None, input }
    }

    /// Returns the next range: of the target that has had the least of its share.
    pub(super) fn next(&mut self) -> Option<Range> {
        if self.until.is_some_and(|until| super::system::now() >= until) {
            return None;
        }
        let open = self.targets.iter_mut().filter(|(_, _, next, end)| next < end);
        let (name, share, next, end) =
            open.min_by(|a, b| (a.2 as f64 / a.1 as f64).total_cmp(&(b.2 as f64 / b.1 as f64)))?;
        let n = (RANGE * *share / 1000).max(1);
        let range = Range {
            target: name.clone(),
            first: *next,
            end: next.saturating_add(n).min(*end),
            input: self.input.clone(),
        };
        *next = range.end;
        Some(range)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::reliability::hostile::target;

    #[test]
    fn every_target_gets_its_share_of_a_count_once() {
        let all = target::all(Path::new("runs"));
        let all: Vec<&dyn Target> = all.iter().map(|target| &**target).collect();
        assert_eq!(all.iter().map(|target| target.share()).sum::<u64>(), 1000);
        let mut plan = Plan::new(&all, Some(100_000), None);
        let mut sums = std::collections::BTreeMap::<String, u64>::new();
        while let Some(range) = plan.next() {
            let sum = sums.entry(range.target).or_default();
            assert_eq!(*sum, range.first, "ranges follow each other");
            *sum = range.end;
        }
        for target in all {
            assert_eq!(sums[target.name()], 100 * target.share(), "{}", target.name());
        }
    }
}
