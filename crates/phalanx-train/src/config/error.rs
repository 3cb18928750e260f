//! Configuration errors, with their location and the nearest valid name.

use std::path::PathBuf;

pub use phalanx_core::settings::InvalidSetting;

use super::origin::Origin;

/// An invalid configuration.
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
    /// A file that came with an earlier version has another name now.
    #[error("there is no file {}; it is called {new} now", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
        /// The end of its path now.
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
    /// A key that neither the run nor the algorithm has.
    #[error("{alg} has no key `{key}` ({origin}); did you mean `{nearest}`?")]
    UnknownKey {
        /// The key.
        key: String,
        /// The algorithm.
        alg: String,
        /// Where the key was set.
        origin: Box<Origin>,
        /// The most similar known key.
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
        /// What was expected.
        reason: String,
    },
    /// Values of the right type that are invalid.
    #[error("invalid configuration: {}", list(invalid))]
    InvalidSettings {
        /// All invalid settings.
        invalid: Vec<InvalidSetting>,
    },
    /// No such algorithm.
    #[error(
        "there is no algorithm `{name}`; did you mean `{nearest}`? `phalanx list algs` shows all"
    )]
    UnknownAlgorithm {
        /// The name.
        name: String,
        /// The most similar known name.
        nearest: String,
    },
    /// An algorithm has a key that every run has.
    #[error("the algorithm `{name}` needs another name for its key `{key}`, which every run has")]
    KeyOfRuns {
        /// The algorithm.
        name: String,
        /// The key.
        key: String,
    },
    /// No such encoder.
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
    /// A setting that the encoder lacks.
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
    /// An encoder with this name is registered already.
    #[error("there is already an encoder `{name}`")]
    DuplicateEncoder {
        /// The name.
        name: String,
    },
    /// An algorithm with this name is registered already.
    #[error("there is already an algorithm `{name}`")]
    DuplicateAlgorithm {
        /// The name.
        name: String,
    },
}

fn list(invalid: &[InvalidSetting]) -> String {
    invalid.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
