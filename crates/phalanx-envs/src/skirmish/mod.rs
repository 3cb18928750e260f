//! StarCraft-like battles with SMAC's interface, simulated here instead of by the game.
//!
//! - [`maps`](Map) are data that define the teams, their places and the terrain.
//! - `engine` is the game: its units ([`UNITS`]), its state and its loop.
//! - `interface` is SMAC's interface to the game, element by element, and [`Skirmish`] the
//!   environment; `smacv2` adds teams and starts drawn for every episode, a cone of sight, and
//!   partial observability.
//! - `terrain` holds walkable ground, paths and reachability.
//! - `scripted` are scripted policies, which choose actions for a team or lead the enemies.
//!
//! # Published rules and our own
//!
//! Numbers of units, clock, weapons, ranges, observation, state, mask and reward follow the game
//! data and SMAC's code. That a marine waits out its backswing before it walks after a target was
//! measured on the game by others; when a unit changes its target follows Liquipedia.
//!
//! Undocumented details are our own: where units created at one point stand (on a lattice in ranks,
//! slightly scattered), how they collide and walk round each other, and in which order one game
//! loop resolves what happens in it (here: all at once). Reset does not play the two game loops that
//! pass in SMAC before the first observation.
//!
//! The rules were compared with SMAC's own scripted policy (`heuristic_ai`), for which win rates on
//! eight maps are published: see `docs/environments/skirmish_engine.md`.

mod args;
mod engine;
mod interface;
mod maps;
mod scripted;
mod smacv2;
mod terrain;

pub use args::{ARGUMENTS, SkirmishArgs};
pub use engine::{
    Attribute, Energy, Heal, LOOPS_PER_SECOND, Motion, Race, Splash, UNITS, Unit, Weapon, strike,
    unit_index,
};
pub use interface::{
    ATTACK, EAST, NO_OP, NORTH, SHOOT_RANGE, SIGHT_RANGE, SOUTH, STOP, Skirmish, WEST,
};
pub use maps::{EnemyOrder, MAPS, Map, MapError, START_SCATTER, Spawn};
pub use scripted::SCRIPTED_POLICIES;
pub use smacv2::{Generate, Weighted};
pub use terrain::{TERRAINS, Terrain, TerrainError};

use std::path::Path;

use toml::{Table, Value};

use crate::arguments::{self, Argument, ArgumentError};
use crate::registry::{EnvArgError, EnvEntry, Factory};
use interface::teams_in_words;

/// The argument of `skirmish`, the environment of maps that are not built in.
const MAP: Argument = Argument { key: "map", allowed: "the path of a map file (TOML)" };

/// The arguments of `skirmish`: the map's file, and those of all battles.
const MAP_ARGUMENTS: [Argument; ARGUMENTS.len() + 1] = {
    let mut all = [MAP; ARGUMENTS.len() + 1];
    let mut i = 0;
    while i < ARGUMENTS.len() {
        all[i + 1] = ARGUMENTS[i];
        i += 1;
    }
    all
};

/// Returns the environments of this folder: `skirmish`, for map files, and `skirmish/3m` and the
/// other built-in maps.
pub fn entries() -> Vec<EnvEntry> {
    let summary = "StarCraft-like battles on a map of your own: map=my_map.toml.";
    let own = EnvEntry::new("skirmish", summary, &MAP_ARGUMENTS, on_map_file).named_by(MAP.key);
    let built_in = MAPS.iter().map(|&(name, _)| {
        let map = Map::outline_named(name).expect("a test reads every built-in map");
        let summary = format!("StarCraft battle: {}.", teams_in_words(&map));
        EnvEntry::new(format!("skirmish/{name}"), summary, ARGUMENTS, move |args| {
            battles(&Map::named(name)?, args)
        })
    });
    std::iter::once(own).chain(built_in).collect()
}

/// Reads the map file that `args` name, and checks the other arguments.
fn on_map_file(args: &Table) -> Result<Factory, EnvArgError> {
    arguments::check_keys(args, &MAP_ARGUMENTS)?;
    let mut args = args.clone();
    let path = match args.remove(MAP.key) {
        Some(Value::String(path)) => path,
        Some(other) => return Err(arguments::wrong(&MAP, other).into()),
        None => return Err(ArgumentError::Missing { key: MAP.key, allowed: MAP.allowed }.into()),
    };
    let map = Map::read(Path::new(&path))?;
    if MAPS.iter().any(|(name, _)| *name == map.name) {
        let reason = format!(
            "{path}: `{0}` is the name of a built-in map, skirmish/{0}; give the file another `name`",
            map.name
        );
        return Err(reason.into());
    }
    battles(&map, &args)
}

/// Checks the arguments of battles on `map`.
fn battles(map: &Map, args: &Table) -> Result<Factory, EnvArgError> {
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
