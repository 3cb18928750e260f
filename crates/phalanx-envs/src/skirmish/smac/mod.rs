//! SMAC's wrapper round the game, element by element: what agents see and may do, and what they
//! are paid.

pub(crate) mod describe;
mod observe;
mod reward;

pub use observe::{ATTACK, EAST, NO_OP, NORTH, SHOOT_RANGE, SIGHT_RANGE, SOUTH, STOP, WEST};
pub(crate) use observe::{DIRECTIONS, Observer};
pub(crate) use reward::RewardRule;
