//! The program: its command line, and its registered algorithms and environments.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use phalanx_core::nn::{DeviceError, Encoder};
use phalanx_envs::registry::{EnvEntry, Environments, RegistryError};
use phalanx_train::algorithms::{Algorithm, Algorithms};
use phalanx_train::{Encoders, TrainError, note, shell_word};
use serde::de::DeserializeOwned;
use tracing_subscriber::filter::Targets;

use crate::commands::{self, UsageError};
use crate::logging::{self, parse_filter};
use crate::output;

/// The exit status of a run that a signal stopped, which is what shells report for an interrupted
/// command.
pub(crate) const STOPPED: u8 = 130;

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
struct CommandLine {
    /// Log to standard error: off, error, warn, info, debug, trace, or levels by target, such as
    /// warn,phalanx::update=debug. At debug, every rollout, update, evaluation and checkpoint is logged with
    /// its duration. The default is the value of the variable RUST_LOG.
    #[arg(long, global = true, value_name = "LEVEL", value_parser = parse_filter)]
    log_level: Option<Targets>,
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

/// The program `phalanx` with the algorithms, encoders and environments that it knows by name.
#[derive(Clone, Debug)]
pub struct Program {
    /// The algorithms.
    pub algorithms: Algorithms,
    /// The encoders of observations.
    pub encoders: Encoders,
    /// The environments.
    pub environments: Environments,
}

impl Program {
    /// Returns the program with the built-in algorithms, encoders and environments.
    pub fn builtin() -> Self {
        Self {
            algorithms: Algorithms::builtin(),
            encoders: Encoders::builtin(),
            environments: Environments::builtin(),
        }
    }

    /// Adds the algorithm `A`, for example [`QLearning`](phalanx_train::algorithms::QLearning) with
    /// a mixer.
    ///
    /// # Panics
    ///
    /// Panics if an algorithm has the same name already.
    #[must_use]
    pub fn algorithm<A: Algorithm + Default + DeserializeOwned + 'static>(mut self) -> Self {
        self.algorithms.register::<A>().unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Adds the encoder `E`, which every algorithm can then use: `encoder=ID`.
    ///
    /// # Panics
    ///
    /// Panics if another encoder has the same name.
    #[must_use]
    pub fn encoder<E: Encoder>(mut self) -> Self {
        self.encoders.register::<E>().unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Adds an environment.
    ///
    /// # Panics
    ///
    /// Panics if an environment has the same identifier already.
    #[must_use]
    pub fn environment(mut self, entry: EnvEntry) -> Self {
        self.environments.register(entry).unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Runs the command line of this process. Returns 0 on success, 2 for a usage or configuration
    /// error, 130 for a run that a signal stopped, and 1 for any other failure.
    pub fn main(self) -> ExitCode {
        self.run(std::env::args_os())
    }

    /// Runs a command line given as words, of which the first is the name of the program, as
    /// [`Program::main`] does with that of the process.
    pub fn run(self, words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
        let line = match CommandLine::try_parse_from(words) {
            Ok(line) => line,
            Err(error) => return show_help_or_misuse(&error),
        };
        logging::start(line.log_level);
        let result = match line.command {
            Command::Train(command) => command.run(&self),
            Command::Eval(command) => command.run(&self),
            Command::List(command) => command.run(&self),
            Command::Describe(command) => command.run(&self),
            Command::Trace(command) => command.run(&self),
            Command::Bench(command) => command.run(&self),
        };
        let Err(error) = result else { return printed() };
        if let Some(TrainError::Stopped { path, t_env }) = error.downcast_ref() {
            let resume = format!("phalanx train --resume {}", shell_word(path));
            note(format!("stopped after {t_env} environment steps; resume with:\n  {resume}"));
            return ExitCode::from(STOPPED);
        }
        note(format!("error: {}", without_middle(&format!("{error:#}"))));
        ExitCode::from(if is_usage_error(&error) { 2 } else { 1 })
    }
}

/// Returns the exit status of a command that did its work: a failure if what it printed is lost.
fn printed() -> ExitCode {
    match output::lost() {
        None => ExitCode::SUCCESS,
        Some(error) => {
            note(format!("error: cannot write to standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints the help or the version on standard output, and misuse on standard error.
fn show_help_or_misuse(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let _ = error.print();
        return ExitCode::from(2);
    }
    output::write(|_| error.print());
    printed()
}

/// The longest error message that is printed whole, in characters.
const LONGEST_MESSAGE: usize = 4000;

/// Returns a message without its middle, if it is too long to be read.
fn without_middle(message: &str) -> String {
    let n = message.chars().count();
    if n <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let half = LONGEST_MESSAGE / 2;
    let (begin, end): (String, String) =
        (message.chars().take(half).collect(), message.chars().skip(n - half).collect());
    format!("{begin} … {end}")
}

/// Returns whether another command line or configuration would avoid the error.
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
                | TrainError::Transfer(_)
                | TrainError::InitFrom { .. }
                | TrainError::Memory(_)
                | TrainError::SeveralTeams { .. }
                | TrainError::RunExists { .. }
                | TrainError::RunBusy { .. }
                | TrainError::NotARun { .. }
                | TrainError::NothingToResume { .. }
                | TrainError::Finished { .. }
        )
    });
    train || error.is::<RegistryError>() || error.is::<UsageError>()
}
