//! Returns, advantages and schedules, on plain slices laid out `[time, row]`.
//!
//! A row is an environment, or an agent in an environment. All functions are pure functions of
//! numbers, independent of the network, mixer or value head that computed them.

mod advantage;
mod n_step;
mod returns;
mod reward_norm;
mod schedule;
mod step;
mod value_norm;

pub use advantage::{generalised_advantages, n_step_advantages, normalise};
pub use n_step::n_step_targets;
pub use returns::td_lambda_targets;
pub use reward_norm::RewardNorm;
pub use schedule::LinearSchedule;
pub use step::EpisodeStep;
pub use value_norm::ValueNorm;
