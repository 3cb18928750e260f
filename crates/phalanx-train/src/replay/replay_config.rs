//! The settings of the replay memory, and what it refuses.

use serde::{Deserialize, Serialize};

use super::packed_floats::Precision;
use super::priorities::Prioritised;

/// How much is remembered, how exactly, and what is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayConfig {
    /// The largest number of episodes.
    pub capacity: usize,
    /// The largest number of bytes they occupy together; `None` sets no limit.
    pub bytes: Option<u64>,
    /// How observations and states are kept.
    pub precision: Precision,
    /// Whether some episodes are replayed more often.
    pub prioritised: Option<Prioritised>,
    /// At most how many consecutive steps of each drawn episode are learned from; `None` takes
    /// whole episodes, which agents with a memory need.
    pub batch_steps: Option<usize>,
}

impl Default for ReplayConfig {
    /// PyMARL's 5000 episodes, drawn uniformly as a whole, every bit of them.
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

/// Why an episode cannot be remembered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// One episode is larger than the whole memory may be.
    #[error(
        "an episode of {steps} steps occupies {bytes} bytes, more than the {limit} bytes the \
         replay memory may have; a larger limit (buffer_mem) is needed"
    )]
    EpisodeTooLarge {
        /// The length of the episode.
        steps: usize,
        /// What it occupies.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
}
