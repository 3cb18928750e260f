//! The table of what became of all inputs, and the findings.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use super::target::{self, Target};
use super::verdict::{Tally, VERDICTS, Verdict};

/// An input that breaks a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The target.
    pub target: String,
    /// The index of the input.
    pub case: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// What the program, or the harness, says about it.
    pub message: String,
}

/// What became of all inputs.
#[derive(Clone, Debug)]
pub struct Report {
    seed: u64,
    tallies: BTreeMap<String, Tally>,
    /// The findings.
    pub findings: Vec<Finding>,
}

/// The findings of one kind that are shown and written to files.
const SHOWN: usize = 3;

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, tallies: BTreeMap::new(), findings: Vec::new() }
    }

    pub(super) fn add(&mut self, target: &str, tally: &Tally) {
        self.tallies.entry(target.to_owned()).or_default().add(tally);
    }

    pub(super) fn count(&mut self, target: &str, verdict: Verdict) {
        self.tallies.entry(target.to_owned()).or_default().count(verdict);
    }

    pub(super) fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Returns the number of inputs.
    pub fn inputs(&self) -> u64 {
        self.tallies.values().map(Tally::inputs).sum()
    }

    /// Returns the number of inputs of a target that the program accepted.
    pub fn accepted(&self, target: &str) -> u64 {
        self.tallies.get(target).map_or(0, |tally| tally.0[Verdict::Accepted as usize])
    }

    /// Writes some inputs of every kind of finding into `folder`, and returns a text about them.
    ///
    /// # Panics
    ///
    /// Panics if a file cannot be written.
    pub fn write_findings(&self, targets: &[&dyn Target], folder: &Path) -> String {
        let mut kinds: BTreeMap<(&str, Verdict, String), Vec<&Finding>> = BTreeMap::new();
        for finding in &self.findings {
            let kind =
                (finding.target.as_str(), finding.verdict, without_numbers(&finding.message));
            kinds.entry(kind).or_default().push(finding);
        }
        let mut text = String::new();
        for ((name, verdict, _), findings) in kinds {
            let message = findings[0].message.replace('\n', " ");
            text += &format!("\n{verdict} of {name}, {} times: {message}\n", findings.len());
            let target = targets.iter().find(|target| target.name() == name);
            let target = *target.expect("it was found with this target");
            let corpus: Vec<Vec<u8>> = target::corpus(name).into_iter().map(|(_, it)| it).collect();
            for case in findings.iter().take(SHOWN).map(|finding| finding.case) {
                let input = target::input(target, &corpus, self.seed, case);
                let path = folder.join(format!("{name}_{}_{case}", self.seed));
                fs::create_dir_all(folder).expect("a folder for findings");
                fs::write(&path, &input).expect("a file for a finding");
                let seed = self.seed;
                text += &format!("  {}\n", path.display());
                text += &format!(
                    "    reliability hostile --target {name} --seed {seed} --case {case}\n"
                );
            }
        }
        text
    }
}

/// Returns a message whose numbers before the place in the code are gone.
fn without_numbers(message: &str) -> String {
    let (said, place) = message.rsplit_once(" at ").unwrap_or((message, ""));
    let said: String = said.chars().filter(|symbol| !symbol.is_ascii_digit()).collect();
    said + place
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}{:>10}", "target", "inputs")?;
        for verdict in VERDICTS {
            write!(f, "{verdict:>10}")?;
        }
        let mut sum = Tally::default();
        self.tallies.values().for_each(|tally| sum.add(tally));
        let rows = self.tallies.iter().map(|(name, tally)| (name.as_str(), tally));
        for (name, tally) in rows.chain([("all", &sum)]) {
            write!(f, "\n{name:<12}{:>10}", tally.inputs())?;
            for count in tally.0 {
                write!(f, "{count:>10}")?;
            }
        }
        Ok(())
    }
}
