//! Configuration errors, with their location and the closest valid name.

use std::path::PathBuf;

pub use phalanx_core::settings::InvalidSetting;

use super::origin::Origin;

/// An error in a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read the configuration file {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: std::io::Error,
    },
    /// A file of an earlier version has a new name.
    #[error("{} does not exist; it is now called {new}", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
        /// The new name: the last part of the path.
        new: &'static str,
    },
    /// A file is not TOML.
    #[error("{} is not valid TOML:\n{message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's message, with line and column.
        message: String,
    },
    /// An assignment has no equals sign.
    #[error("`{text}` is neither a configuration file (*.toml) nor an assignment `key=value`")]
    NotAnAssignment {
        /// The text.
        text: String,
    },
    /// Neither the run, the algorithm nor the environment has such a key.
    #[error("{alg} has no key `{key}` ({origin}); did you mean `{nearest}`?")]
    UnknownKey {
        /// The key.
        key: String,
        /// The algorithm.
        alg: String,
        /// Where the key was set.
        origin: Box<Origin>,
        /// The closest known key.
        nearest: String,
    },
    /// A value of the wrong type.
    #[error("`{key}` cannot be {value} ({origin}): {reason}")]
    WrongValue {
        /// The key.
        key: String,
        /// The value, as TOML.
        value: String,
        /// Where the key was set.
        origin: Box<Origin>,
        /// What is wrong, or the expected value.
        reason: String,
    },
    /// Some values have the right type but are invalid.
    #[error("invalid configuration: {}", list(invalid))]
    InvalidSettings {
        /// All invalid settings.
        invalid: Vec<InvalidSetting>,
    },
    /// There is no such algorithm.
    #[error(
        "there is no algorithm `{name}`; did you mean `{nearest}`? `phalanx list algs` shows all"
    )]
    UnknownAlgorithm {
        /// The name.
        name: String,
        /// The closest known name.
        nearest: String,
    },
    /// An algorithm to be registered has a key that every run has.
    #[error(
        "the algorithm `{name}` must rename its key `{key}`, because every run has a key of this name"
    )]
    KeyOfRuns {
        /// The algorithm.
        name: String,
        /// The key.
        key: String,
    },
    /// There is no such encoder.
    #[error(
        "there is no encoder `{name}`; did you mean `{nearest}`? `phalanx list encoders` shows all; one \
         of your own must be registered by the program that reads its name"
    )]
    UnknownEncoder {
        /// The name.
        name: String,
        /// The most similar known name.
        nearest: String,
    },
    /// The encoder lacks this setting.
    #[error("the encoder `{encoder}` has no setting `{key}` ({origin}); {help}")]
    UnknownEncoderKey {
        /// The key.
        key: String,
        /// The encoder.
        encoder: String,
        /// Where the key was set.
        origin: Box<Origin>,
        /// The most similar setting, in a sentence.
        help: String,
    },
    /// An encoder with this name is already registered.
    #[error("there is already an encoder `{name}`; register yours under another name")]
    DuplicateEncoder {
        /// The name.
        name: String,
    },
    /// An algorithm with this name is already registered.
    #[error("there is already an algorithm `{name}`; register yours under another name")]
    DuplicateAlgorithm {
        /// The name.
        name: String,
    },
}

fn list(invalid: &[InvalidSetting]) -> String {
    invalid.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
