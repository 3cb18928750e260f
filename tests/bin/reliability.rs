//! Tries the program on real trouble, one subcommand per kind of trouble.
//!
//! ```sh
//! cargo run --release --example reliability -- hostile --seconds 120
//! ```

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use phalanx_tests::reliability::hostile::Hostile;

/// Try the program on real trouble.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    trouble: Trouble,
}

#[derive(Subcommand)]
enum Trouble {
    Hostile(Hostile),
}

fn main() -> ExitCode {
    match CommandLine::parse().trouble {
        Trouble::Hostile(hostile) => hostile.run(),
    }
}
