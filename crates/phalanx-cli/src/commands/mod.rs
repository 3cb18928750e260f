//! The commands, one file each, and shared helpers.

pub(crate) mod bench;
pub(crate) mod describe;
pub(crate) mod eval;
pub(crate) mod list;
pub(crate) mod policy_argument;
pub(crate) mod trace;
pub(crate) mod train;

use phalanx_train::config::{ConfigError, parse_assignment};
use toml::Table;

pub(crate) use crate::output::print;

/// An invalid command line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Returns the environment arguments from assignments `env_args.key=value` or `key=value`.
pub(crate) fn env_args(assignments: &[String]) -> Result<Table, ConfigError> {
    let mut table = Table::new();
    for text in assignments {
        let (key, value) = parse_assignment(text)?;
        table.insert(key.strip_prefix("env_args.").unwrap_or(key).to_owned(), value);
    }
    Ok(table)
}
