//! The interface of Google Research Football, reproduced element by element.
//!
//! - `args` are the arguments, `actions` the actions under the original's numbers.
//! - `view` is what the original shows of a match; `observation` writes it in four forms, `mask`
//!   masks actions.
//! - `reward` computes goals, checkpoints and CDS's reward; `ending` ends episodes in the
//!   original's order.
//! - `start` puts a scenario's players in place, `football` and `env` are the environment.
//! - `scripted` are the scripted policies.

mod actions;
mod args;
mod describe;
mod ending;
mod env;
mod football;
mod mask;
mod observation;
mod reward;
mod scripted;
mod start;
mod view;

#[cfg(test)]
mod tests;

pub use actions::{
    BOTTOM_LEFT, BUILTIN_AI, DIRECTIONS, DRIBBLE, HIGH_PASS, IDLE, LEFT, LONG_PASS,
    RELEASE_DIRECTION, RELEASE_DRIBBLE, RELEASE_SPRINT, SHORT_PASS, SHOT, SLIDING, SPRINT,
};
pub use args::{
    ARGUMENTS, ActionSet, ControlMode, FootballArgs, Masks, Observe, Reward, TeamReward,
};
pub use football::Football;
pub use scripted::SCRIPTED_POLICIES;
