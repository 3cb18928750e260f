//! The configuration of a run: typed values, layers of files and assignments, and errors that name
//! the key, the place and the likely fix.
//!
//! A configuration is one flat table, as in PyMARL: the keys of [`RunConfig`], the keys of the
//! algorithm (see the structs in [`crate::algorithms`]), and a table `env_args`. Later layers win:
//! built-in defaults, then files in the order given, then `key=value` assignments; a file may have sections
//! for single environments (`[env."skirmish/8m"]`), which win over the rest of it. Nothing else
//! has an influence, no environment variable in particular.

mod error;
mod layers;
mod run_config;

pub use error::{ConfigError, Place};
pub use layers::{Layers, parse_assignment};
pub use phalanx_core::settings::InvalidSetting;
pub use run_config::RunConfig;
