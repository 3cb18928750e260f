//! Experience: episodes for replay, segments for on-policy learning.

mod batch;
mod bits;
mod episode;
mod packed_episode;
mod packed_floats;
mod priorities;
mod replay;
mod replay_config;
mod sample;
mod saved_replay;
mod segment;
mod size;
mod sum_tree;

pub use batch::EpisodeBatch;
pub use episode::Episode;
pub use packed_episode::PackedEpisode;
pub use packed_floats::Precision;
pub use priorities::Prioritised;
pub use replay::EpisodeReplay;
pub use replay_config::{ReplayConfig, ReplayError};
pub use sample::{Sample, Window};
pub use segment::Segment;
pub use size::ReplaySize;
