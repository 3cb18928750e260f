//! The program `phalanx` with an environment, a mixer and an encoder of one's own.

use std::process::ExitCode;

fn main() -> ExitCode {
    outside::program().main()
}
