//! StarCraft-like battles with SMAC's interface, simulated here instead of by the game.
//!
//! - [`map`](Map) and `maps/` say who fights; [`UNITS`] holds the units' numbers.
//! - `liberty` is the game: its state and its loop.
//! - `smac` is SMAC's wrapper round the game, element by element, and [`Skirmish`] the
//!   environment; `smacv2` is what SMACv2 adds: teams and starts drawn for every episode, a cone of
//!   sight, and enemies that not every agent may see.
//! - `players` are scripted players, who can be asked for actions or lead the enemies.
//! - [`smax`] is another game with battles of the same names: JaxMARL's.
//!
//! # What is known and what is ours
//!
//! Numbers of units, clock, weapons, ranges, observation, state, mask and reward follow the game
//! data and SMAC's code. That a marine waits out its backswing before it walks after a target was
//! measured on the game by others; when a unit changes its target follows Liquipedia.
//!
//! What nobody documents is a choice of our own: where units created at one point stand (on a
//! lattice in ranks, slightly scattered), how they collide and flow round each other, and in which
//! order one game loop resolves what happens in it (here: all at once). Reset does not play the two
//! game loops that pass in SMAC before the first observation.
//!
//! The rules have been held against SMAC's own scripted player (`heuristic_ai`), whose win rates on
//! eight maps are published. `docs/rules/liberty.md` tells how near they come, and what of that is
//! evidence.

mod args;
#[cfg(test)]
mod field;
mod formation;
mod liberty;
mod map;
mod nearest;
mod players;
mod routes;
mod smac;
mod smacv2;
pub mod smax;
mod terrain;

pub use args::{ARGUMENTS, Rules, SkirmishArgs};
pub use liberty::{
    Attribute, Energy, Heal, LOOPS_PER_SECOND, Motion, Race, Splash, UNITS, Unit, Weapon, strike,
    unit_index,
};
pub use map::{MAPS, Map, MapError, March, Placed, START_SCATTER};
pub use players::PLAYERS;
pub(crate) use smac::sides;
pub use smac::{ATTACK, EAST, NO_OP, NORTH, SHOOT_RANGE, SIGHT_RANGE, SOUTH, STOP, Skirmish, WEST};
pub use smacv2::{Generate, Weighted};
pub use terrain::{TERRAINS, Terrain};

#[cfg(test)]
mod tests;
