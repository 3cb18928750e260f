//! What the program reads, one target for each kind of input.

use std::fs;
use std::path::Path;

use super::chance::Chance;
use super::targets;

/// What the program did with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It used it.
    Accepted,
    /// It returned an error.
    Refused,
}

impl<T, E> From<&Result<T, E>> for Answer {
    fn from(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Accepted } else { Self::Refused }
    }
}

/// One kind of input. An input is a string of bytes; how it is to be read is the target's own affair.
pub trait Target {
    /// The name, also that of the folder of the corpus.
    fn name(&self) -> &'static str;

    /// The share of the inputs, in thousandths; costly targets have small ones.
    fn share(&self) -> u64;

    /// Makes an input, from chances alone or from one of the `corpus`.
    fn generate(&self, chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8>;

    /// Feeds the program with an input. The current folder is empty and for its files.
    fn answer(&self, input: &[u8]) -> Answer;
}

/// Returns all targets. `runs` is the folder of the runs that are damaged.
pub fn all(runs: &Path) -> Vec<Box<dyn Target>> {
    vec![
        Box::new(targets::Config::default()),
        Box::new(targets::Assignments::default()),
        Box::new(targets::Words::default()),
        Box::new(targets::Actions::default()),
        Box::new(targets::Maps::default()),
        Box::new(targets::Damage::policy(runs)),
        Box::new(targets::Damage::run_folder(runs)),
        Box::new(targets::Damage::metrics(runs)),
    ]
}

/// Returns the committed inputs of a target with their names, in order.
///
/// # Panics
///
/// Panics if a file of the corpus cannot be read.
pub fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("reliability/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let entry = entry.expect("an entry of the corpus");
            let bytes = fs::read(entry.path()).expect("a file of the corpus");
            (entry.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    inputs.sort();
    inputs
}

/// Returns the input number `case` of a target. The first ones are those of the corpus.
pub fn input(target: &dyn Target, corpus: &[Vec<u8>], seed: u64, case: u64) -> Vec<u8> {
    if let Some(input) = usize::try_from(case).ok().and_then(|case| corpus.get(case)) {
        return input.clone();
    }
    target.generate(&mut Chance::of(seed, target.name(), case), corpus)
}
