//! Whatever the program reads, it answers with a result or an error: the committed corpus, and thousands of inputs
//! made from it.
//!
//! It has a main function of its own, because the inputs are tried by other processes: this program again.

use std::process::ExitCode;

use phalanx_tests::reliability::hostile::Hostile;

fn main() -> ExitCode {
    Hostile { count: Some(20_000), ..Hostile::default() }.run()
}
