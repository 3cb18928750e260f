//! StarCraft-like battles with SMAC's interface, simulated here instead of by the game.
//!
//! - [`map`](Map) and `maps/` say who fights; [`UNITS`] holds the units' numbers.
//! - `liberty` is the game: its state and its loop.
//! - `smac` is SMAC's wrapper round the game, element by element, and [`Skirmish`] the
//!   environment; `smacv2` is what SMACv2 adds: teams and starts drawn for every episode, a cone of
//!   sight, and enemies that not every agent may see.
//! - `players` are scripted players, who can be asked for actions or lead the enemies.
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
//! eight maps are published. `docs/environments/skirmish_engine.md` tells how near they come, and what of that is
//! evidence.

mod args;
mod formation;
mod liberty;
mod map;
mod nearest;
mod players;
mod routes;
mod smac;
mod smacv2;
mod terrain;

pub use args::{ARGUMENTS, SkirmishArgs};
pub use liberty::{
    Attribute, Energy, Heal, LOOPS_PER_SECOND, Motion, Race, Splash, UNITS, Unit, Weapon, strike,
    unit_index,
};
pub use map::{MAPS, Map, MapError, March, Placed, START_SCATTER};
pub use players::PLAYERS;
pub use smac::{ATTACK, EAST, NO_OP, NORTH, SHOOT_RANGE, SIGHT_RANGE, SOUTH, STOP, Skirmish, WEST};
pub use smacv2::{Generate, Weighted};
pub use terrain::{TERRAINS, Terrain};

use crate::registry::{EnvArgError, EnvEntry, Factory};
use smac::sides;

/// Returns the environments of this folder: `skirmish/3m` and the other built-in maps.
pub fn entries() -> Vec<EnvEntry> {
    let entry = |&(name, text): &(&'static str, &'static str)| {
        let map = Map::parse(text).expect("a test reads every built-in map");
        let summary = summary(&map);
        EnvEntry::new(format!("skirmish/{name}"), summary, ARGUMENTS, move |args| {
            battles(&map, args)
        })
    };
    MAPS.iter().map(entry).collect()
}

/// Names the teams of a map and its source.
fn summary(map: &Map) -> String {
    let source = if map.generate.is_some() { "SMACv2" } else { "SMAC" };
    format!("{}; a battle of {source}.", sides(map))
}

/// Checks the arguments of battles on `map`.
fn battles(map: &Map, args: &toml::Table) -> Result<Factory, EnvArgError> {
    let (map, args) = (map.clone(), SkirmishArgs::for_map(map, args)?);
    Skirmish::new(map.clone(), args.clone())?;
    // Made anew each time: a clone would lack the room that is reserved for lists that grow.
    Ok(Factory::new(move || {
        let battle = Skirmish::new(map.clone(), args.clone());
        battle.expect("the same arguments were accepted before")
    }))
}

#[cfg(test)]
mod tests;
