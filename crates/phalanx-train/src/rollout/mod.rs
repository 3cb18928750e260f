//! Rollouts: agents act in a batch of environments.

mod data;
mod env_fault;
mod episode_collector;
mod inputs;
mod metrics;
mod policy;
mod rollout_collector;
mod scripted_policy;
mod select;
mod team_runner;

pub use data::Rollout;
pub use env_fault::EnvFault;
pub(crate) use env_fault::{Moment, check_limit, check_rows, check_saved_rows, reset};
pub use episode_collector::EpisodeCollector;
pub use inputs::InputLayout;
pub use metrics::Metrics;
pub use policy::Policy;
pub use rollout_collector::RolloutCollector;
pub use scripted_policy::ScriptedPolicy;
pub(crate) use select::select_each;
pub use select::{epsilon_greedy, greedy, sample};
pub use team_runner::TeamRunner;
