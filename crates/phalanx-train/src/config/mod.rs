//! The configuration of a run: typed values built from defaults, files and assignments, with errors
//! that name the key, its location and the likely fix.
//!
//! A configuration is one flat table, as in PyMARL: the keys of [`RunConfig`], the keys of the
//! algorithm (see the structs in [`crate::algorithms`]), and a table `env_args`. Later settings
//! override earlier ones: built-in defaults come first, then files and `key=value` assignments in
//! the order given. A file may have sections for single environments, such as
//! `[env."skirmish/8m"]`, which override the rest of that file. Environment variables are not read.

pub(crate) mod bounds;
mod builder;
mod byte_size;
mod error;
mod lr_schedule;
mod origin;
pub mod renamed;
mod resolved;
mod run_config;
#[cfg(test)]
mod tests;

pub(crate) use builder::run_defaults;
pub use builder::{ConfigBuilder, parse_assignment};
pub use byte_size::ByteSize;
pub use error::{ConfigError, InvalidSetting};
pub use lr_schedule::LrSchedule;
pub use origin::Origin;
pub use resolved::{ResolvedConfig, ResolvedSetting};
pub use run_config::RunConfig;
