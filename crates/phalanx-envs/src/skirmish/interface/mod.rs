//! SMAC's wrapper round the game, element by element: what agents see and may do, what they are
//! paid, and when a battle is over. What SMACv2 adds is here too, apart from what stands in
//! [`smacv2`](super::smacv2) for itself.

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
