//! Where the value of a key comes from.

use std::fmt;
use std::path::PathBuf;

use phalanx_envs::arguments::shortened;

/// Where the value of a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The built-in default.
    Default,
    /// A configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line number, from one.
        line: usize,
        /// The environment whose section `[env."…"]` sets the key, if any.
        section: Option<String>,
    },
    /// An assignment `key=value`.
    Assignment(String),
}

impl Origin {
    /// Returns a short form of the origin: `default`, `FILE:LINE`, `FILE:LINE [env."…"]` or
    /// `command line`.
    pub fn label(&self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::File { path, line, section: None } => format!("{}:{line}", path.display()),
            Self::File { path, line, section: Some(env) } => {
                format!("{}:{line} [env.\"{env}\"]", path.display())
            }
            Self::Assignment(_) => "command line".to_owned(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File { path, line, .. } => write!(f, "in {}, line {line}", path.display()),
            Self::Assignment(text) => write!(f, "in the assignment `{}`", shortened(text)),
        }
    }
}
