//! The whole program, in process.

use std::process::ExitCode;

use phalanx::cli::Program;

use crate::reliability::hostile::target::Answer;

/// Runs a command line.
pub(super) fn run(program: &Program, words: &[&str]) -> Answer {
    let words = std::iter::once("phalanx").chain(words.iter().copied());
    match program.clone().run(words) == ExitCode::SUCCESS {
        true => Answer::Accepted,
        false => Answer::Refused,
    }
}
