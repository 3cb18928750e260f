//! Errors of training.

use std::path::{Path, PathBuf};

use phalanx_core::env::EnvError;
use phalanx_core::nn::{DeviceError, WeightsError};

use crate::config::ConfigError;
use crate::memory::MemoryError;
use crate::replay::ReplayError;
use crate::rollout::EnvFault;
use crate::run::TransferError;

/// An error of training, of evaluation, or of a run's folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The environment is unknown or its arguments are invalid.
    #[error(transparent)]
    Registry(#[from] phalanx_envs::registry::RegistryError),
    /// The device does not exist on this machine or in this build.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Weights cannot be read or do not match the network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A policy does not fit another environment or run.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The initial weights of a run cannot be loaded from another run.
    #[error("init_from={}: {cause}", run.display())]
    InitFrom {
        /// The other run.
        run: PathBuf,
        /// The cause.
        cause: Box<TrainError>,
    },
    /// A saved state cannot be read.
    #[error(transparent)]
    State(#[from] EnvError),
    /// An episode does not fit into the replay buffer.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// The attempted action: `write`, `read`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        cause: std::io::Error,
    },
    /// The folder already holds a run.
    #[error(
        "{} already holds a run; {}choose another seed or results_dir, or replace it with --overwrite",
        path.display(),
        if *resumable {
            format!("continue it with `phalanx train --resume {}`, ", shell_word(path))
        } else {
            String::new()
        }
    )]
    RunExists {
        /// The folder.
        path: PathBuf,
        /// Whether it has a saved state, from which it can be resumed.
        resumable: bool,
    },
    /// Another process is writing to the run's folder.
    #[error(
        "{} is in use by another process, perhaps this same run; end that process first, or choose \
         another seed or results_dir",
        path.display()
    )]
    RunBusy {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is not that of a run, or one of its files is damaged.
    #[error("{} is not a run, or it is damaged: {reason}", path.display())]
    NotARun {
        /// The folder or file.
        path: PathBuf,
        /// What is missing or damaged.
        reason: String,
    },
    /// A run was stopped on request; its state is saved.
    #[error("stopped after {t_env} environment steps; {} can be resumed", path.display())]
    Stopped {
        /// The folder of the run.
        path: PathBuf,
        /// The environment steps so far.
        t_env: u64,
    },
    /// A run cannot be resumed.
    #[error("{} cannot be resumed: {reason}", path.display())]
    NothingToResume {
        /// The folder of the run.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The run has already finished.
    #[error(
        "{} has finished after {t_env} environment steps{}",
        path.display(),
        if *state_kept {
            "; a larger t_max continues it"
        } else {
            ", and its state was not kept; a run with keep_state=true can be continued with a larger t_max"
        }
    )]
    Finished {
        /// The folder of the run.
        path: PathBuf,
        /// The environment steps at its end.
        t_env: u64,
        /// Whether its state was kept, so that it can be extended.
        state_kept: bool,
    },
    /// Two metrics have the same name.
    #[error("there is already a metric `{name}`; choose another name")]
    DuplicateMetric {
        /// The name.
        name: String,
    },
    /// A loss or the norm of a gradient is infinite or not a number.
    #[error(
        "the {what} became {value} after {t_env} environment steps; a smaller lr usually helps{}",
        last_states(states)
    )]
    NotFinite {
        /// The quantity.
        what: &'static str,
        /// Its value.
        value: f32,
        /// The environment steps so far.
        t_env: u64,
        /// The folders of the run's saved states, the latest last.
        states: Vec<PathBuf>,
    },
    /// An environment broke its contract.
    #[error(transparent)]
    Environment(#[from] EnvFault),
    /// The environment has agents of several teams, which would learn as one.
    #[error(
        "{env} has agents of {teams} teams, and all would learn from the reward of the first one;          training needs one team (env_args.self_play=false)"
    )]
    SeveralTeams {
        /// The environment.
        env: String,
        /// The number of teams.
        teams: usize,
    },
    /// The run needs more memory than the machine has.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The schedule of the learning rate returned an invalid factor.
    #[error(
        "the learning rate's factor is {factor} at progress {progress}; it must be finite and not negative"
    )]
    LearningRate {
        /// The factor.
        factor: f64,
        /// The progress of training, in `[0, 1]`.
        progress: f64,
    },
    /// The thread pool cannot be started.
    #[error("cannot start {threads} threads: {reason}; a smaller `threads` may help")]
    Threads {
        /// The number of threads.
        threads: usize,
        /// The cause.
        reason: String,
    },
}

impl TrainError {
    /// Returns a function that adds the action and the path to an I/O error.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { action, path, cause }
    }
}

/// Ends the message about a divergence with the states to which the run can return.
fn last_states(states: &[PathBuf]) -> String {
    match states {
        [] => String::new(),
        [only] => format!("; the last saved state is {}", only.display()),
        [.., before, last] => format!(
            "; the last saved state is {}: if its weights had already grown, move it away, and --resume \
             continues from {}",
            last.display(),
            before.display()
        ),
    }
}

/// Returns a path as one word of a shell's command line, in single quotes where it needs them.
pub fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./=:,@%+".contains(&byte);
    match !text.is_empty() && text.bytes().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_split_or_expand_it() {
        for (path, word) in [
            ("results/qmix/seed_1", "results/qmix/seed_1"),
            ("my runs/a", "'my runs/a'"),
            ("$HOME", "'$HOME'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(Path::new(path)), word);
        }
    }
}
