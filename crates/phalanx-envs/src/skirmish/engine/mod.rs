//! The engine: the units and the game loop of *StarCraft II: Wings of Liberty*, on which SMAC's maps
//! run.
//!
//! [`UNITS`] holds the unit data; `battle` the state and the game loop, whose parts are `targeting`,
//! `combat` (weapons), `movement`, `steering` (collision avoidance) and `regeneration`.

mod alive;
mod battle;
mod combat;
mod movement;
mod regeneration;
mod steering;
mod targeting;
mod units;

#[cfg(test)]
pub(crate) use battle::Hit;
pub(crate) use battle::{Battle, NO_UNIT, Order, Units};
pub use units::{
    Attribute, Energy, Heal, LOOPS_PER_SECOND, Motion, Race, Splash, UNITS, Unit, Weapon, strike,
    unit_index,
};
