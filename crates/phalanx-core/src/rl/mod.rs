//! Returns, advantages and schedules, on plain slices laid out `[time, row]`.
//!
//! A row is an environment, or an agent of an environment. Everything here is a pure function of
//! decoded scalars: which network, mixer or value head produced them does not matter.

mod advantage;
mod returns;
mod schedule;
mod value_norm;

pub use advantage::{Step, generalised_advantages, normalise};
pub use returns::{EpisodeStep, td_lambda_targets};
pub use schedule::Linear;
pub use value_norm::ValueNorm;
