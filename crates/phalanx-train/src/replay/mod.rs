//! The replay buffer: whole episodes, packed, and the batches drawn from them.

mod batch;
mod bits;
mod episode;
mod episode_replay;
mod packed_episode;
mod packed_floats;
mod priorities;
mod replay_config;
mod sample;
mod serialize;
mod size_bound;
mod sum_tree;

pub use batch::EpisodeBatch;
pub use episode::Episode;
pub use episode_replay::EpisodeReplay;
pub use packed_episode::PackedEpisode;
pub use packed_floats::Precision;
pub use priorities::Prioritised;
pub use replay_config::{ReplayConfig, ReplayError};
pub use sample::{Sample, Window};
pub use size_bound::ReplaySizeBound;
