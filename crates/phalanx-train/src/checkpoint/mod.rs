//! Checkpoints: folders that are either whole or not there.

mod directory;
mod policy;
mod run_checkpoints;

pub use directory::{read, write};
pub use policy::{load_policy, policy_file};
pub use run_checkpoints::{Choice, Index, RunCheckpoints};
