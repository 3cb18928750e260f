//! Returns, advantages and schedules, on plain slices laid out `[time, row]`.
//!
//! A row is an environment, or an agent of an environment. Everything here is a pure function of
//! decoded scalars: which network, mixer or value head produced them does not matter.

mod advantage;
mod localised;
mod n_step;
mod returns;
mod reward_norm;
mod schedule;
mod value_norm;

pub use advantage::{Step, generalised_advantages, n_step_advantages, normalise};
pub use localised::{LaterAgents, LocalisedUpdate, pessimistic_payoffs};
pub use n_step::n_step_targets;
pub use returns::{EpisodeStep, td_lambda_targets};
pub use reward_norm::RewardNorm;
pub use schedule::Linear;
pub use value_norm::ValueNorm;
