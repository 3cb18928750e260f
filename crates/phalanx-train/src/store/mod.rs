//! Experience: episodes for replay, segments for on-policy learning.

mod batch;
mod episode;
mod replay;
mod segment;

pub use batch::EpisodeBatch;
pub use episode::Episode;
pub use replay::EpisodeReplay;
pub use segment::Segment;
