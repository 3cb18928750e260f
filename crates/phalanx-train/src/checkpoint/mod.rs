//! Checkpoints: folders that are either whole or not there.

mod directory;
mod policy;
mod run_checkpoints;
mod run_state;

pub use directory::{read, write};
pub use policy::{load_policy, policy_file};
pub use run_checkpoints::{Choice, Index, RunCheckpoints};
pub use run_state::RunState;
