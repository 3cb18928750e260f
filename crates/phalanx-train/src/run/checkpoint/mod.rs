//! Checkpoints and training states: folders that are written atomically.

mod checkpoint_index;
mod directory;
mod identity;
mod policy;
mod run_checkpoints;
mod run_state;
mod step_folders;

pub use checkpoint_index::CheckpointIndex;
pub use directory::{read, write};
pub use identity::trained_with;
pub(in crate::run) use identity::{StateIdentity, configuration_file};
pub(crate) use policy::input_norm;
pub(in crate::run) use policy::{EncoderFile, PolicyFile};
pub use policy::{load_policy, load_policy_for, load_policy_with, policy_file};
pub use run_checkpoints::{CheckpointId, RunCheckpoints};
pub use run_state::RunState;
