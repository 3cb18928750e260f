//! What can be wrong with a configuration, said so that it can be mended.

use std::fmt;
use std::path::PathBuf;

use phalanx_core::settings::InvalidSetting;

/// Where a key was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file, at a line counted from one.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// In an assignment `key=value`.
    Assignment(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "in {}, line {line}", path.display()),
            Self::Assignment(text) => write!(f, "in the assignment `{text}`"),
        }
    }
}

/// What can be wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
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
    /// No such key.
    #[error("there is no key `{key}` ({place}); did you mean `{nearest}`?")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it was set.
        place: Place,
        /// The known key most like it.
        nearest: String,
    },
    /// A value has the wrong type.
    #[error("`{key}` cannot be {value} ({place}): {reason}")]
    WrongValue {
        /// The key.
        key: String,
        /// The value, as TOML.
        value: String,
        /// Where it was set.
        place: Place,
        /// What was expected.
        reason: String,
    },
    /// Values that make no sense.
    #[error("the configuration makes no sense: {}", list(problems))]
    Senseless {
        /// All of them.
        problems: Vec<InvalidSetting>,
    },
    /// No such algorithm.
    #[error(
        "there is no algorithm `{name}`; did you mean `{nearest}`? `phalanx list algs` shows all"
    )]
    UnknownAlgorithm {
        /// The name.
        name: String,
        /// The name most like it.
        nearest: String,
    },
}

fn list(problems: &[InvalidSetting]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
