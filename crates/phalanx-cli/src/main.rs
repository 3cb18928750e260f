//! `phalanx`: train, evaluate, trace and measure teams of agents.

mod commands;
mod console;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use phalanx_core::nn::DeviceError;
use phalanx_train::TrainError;

/// The system's allocator returns large blocks to the system at once, which costs page faults in
/// every update.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit status of a run that a signal stopped, which is what shells give to an interrupted command.
const STOPPED: u8 = 130;

/// Train teams: cooperative multi-agent reinforcement learning on any machine.
#[derive(Parser)]
#[command(
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        phalanx train qmix skirmish/3m\n  \
        phalanx train ippo skirmish/8m seed=2 t_max=500000\n  \
        phalanx eval results/qmix/skirmish/3m/seed_1\n  \
        phalanx eval skirmish/3m --policy focus_fire\n  \
        phalanx describe skirmish/3m"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(commands::train::Train),
    Eval(commands::eval::Eval),
    List(commands::list::List),
    Describe(commands::describe::Describe),
    Trace(commands::trace::Trace),
    Bench(commands::bench::Bench),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Train(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Describe(command) => command.run(),
        Command::Trace(command) => command.run(),
        Command::Bench(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(TrainError::Stopped { path, t_env }) = error.downcast_ref() {
                let go_on = format!("phalanx train --resume {}", path.display());
                eprintln!(
                    "stopped after {t_env} environment steps; this goes on from there:\n  {go_on}"
                );
                return ExitCode::from(STOPPED);
            }
            eprintln!("error: {error:#}");
            ExitCode::from(if is_usage_error(&error) { 2 } else { 1 })
        }
    }
}

/// Whether the user can mend it by another command line or configuration.
fn is_usage_error(error: &anyhow::Error) -> bool {
    let train = error.downcast_ref::<TrainError>().is_some_and(|error| {
        matches!(
            error,
            TrainError::Config(_)
                | TrainError::Registry(_)
                | TrainError::Device(
                    DeviceError::NotBuilt { .. }
                        | DeviceError::Unusable { .. }
                        | DeviceError::Unknown { .. }
                )
                | TrainError::RunExists { .. }
                | TrainError::RunBusy { .. }
                | TrainError::NotARun { .. }
                | TrainError::NothingToResume { .. }
        )
    });
    train || error.is::<phalanx_envs::registry::RegistryError>() || error.is::<commands::Misuse>()
}
