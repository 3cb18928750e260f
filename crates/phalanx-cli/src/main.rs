//! `phalanx`: train, evaluate, trace and measure teams of agents.

use std::process::ExitCode;

use phalanx_cli::Program;

/// The system's allocator returns large blocks to the system at once, which costs page faults in
/// every update.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Program::builtin().main()
}
