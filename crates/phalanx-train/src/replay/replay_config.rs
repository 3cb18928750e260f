//! Settings and errors of the replay buffer.

use serde::{Deserialize, Serialize};

use super::packed_floats::Precision;
use super::priorities::Prioritised;

/// Settings of the replay buffer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayConfig {
    /// The maximum number of episodes.
    pub capacity: usize,
    /// The maximum size in bytes; `None` means unlimited.
    pub bytes: Option<u64>,
    /// The precision of stored observations and states.
    pub precision: Precision,
    /// The prioritisation, if any.
    pub prioritised: Option<Prioritised>,
    /// The number of consecutive steps drawn from an episode; `None` draws whole episodes, which
    /// recurrent agents need.
    pub batch_steps: Option<usize>,
}

impl Default for ReplayConfig {
    /// Returns PyMARL's settings: 5000 whole episodes, drawn uniformly, stored without loss.
    fn default() -> Self {
        Self {
            capacity: 5000,
            bytes: None,
            precision: Precision::F32,
            prioritised: None,
            batch_steps: None,
        }
    }
}

/// An error of adding an episode to the replay buffer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The episode is larger than the limit of the whole buffer.
    #[error(
        "an episode of {steps} steps needs {bytes} bytes, more than the replay buffer's limit of \
         {limit} bytes; raise the limit (buffer_mem)"
    )]
    EpisodeTooLarge {
        /// The length of the episode in steps.
        steps: usize,
        /// The size of the episode in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
}
