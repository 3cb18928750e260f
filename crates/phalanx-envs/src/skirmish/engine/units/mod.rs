//! Unit types: their definition, the table of all of them, and their constants in game loops.

mod stats;
mod table;
mod types;

pub(crate) use stats::Stats;
pub use table::{UNITS, unit_index};
pub use types::{
    Attribute, Energy, Heal, LOOPS_PER_SECOND, Motion, Race, Splash, Unit, Weapon, strike,
};
