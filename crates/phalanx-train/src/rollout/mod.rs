//! Rollouts: a team of agents plays in a batch of environments.

mod episodes;
mod inputs;
mod script;
mod segments;
mod select;
mod tally;
mod team;

pub use episodes::EpisodeCollector;
pub use inputs::InputLayout;
pub use script::Script;
pub use segments::SegmentCollector;
pub use select::{epsilon_greedy, greedy, sample};
pub use tally::Tally;
pub use team::{Policy, Team};
