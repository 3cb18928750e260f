//! The rule set `liberty`: the units and the game loop of *Wings of Liberty*, which SMAC's maps
//! run.
//!
//! [`UNITS`] holds the units' numbers; `battle` the state and the game loop, whose parts are
//! `enemy` (choosing targets), `combat` (weapons), `movement` and `crowd` (walking and collision).

mod battle;
mod combat;
mod crowd;
mod enemy;
mod living;
mod movement;
mod recovery;
mod stats;
mod unit_table;
mod units;

#[cfg(test)]
pub(crate) use battle::Hit;
pub(crate) use battle::{Battle, NOBODY, Order, Units};
pub use unit_table::UNITS;
pub use units::{
    Attribute, Energy, Heal, LOOPS_PER_SECOND, Motion, Race, Splash, Unit, Weapon, strike,
    unit_index,
};
