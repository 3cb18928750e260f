//! SMAC's interface to the game, reproduced element by element: observations, masks, rewards and
//! termination, with the additions of SMACv2 that are not in [`smacv2`](super::smacv2).

mod actions;
mod env;
mod history;
mod mask;
mod observation;
mod reward;
mod scripted;
mod skirmish;
mod spec;
mod state;
mod termination;

pub(crate) use actions::DIRECTIONS;
pub use actions::{ATTACK, EAST, NO_OP, NORTH, SHOOT_RANGE, SIGHT_RANGE, SOUTH, STOP, WEST};
pub(crate) use scripted::ATTACK_MOVE;
pub use skirmish::Skirmish;
pub(crate) use spec::teams_in_words;
