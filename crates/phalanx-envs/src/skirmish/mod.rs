//! StarCraft battles with SMAC's interface, simulated without the game.
//!
//! - [`maps`](Map) define the teams, their starting positions and the terrain as data.
//! - `engine` is the game: its units ([`UNITS`]), its state and its loop.
//! - `interface` reproduces SMAC's interface element by element, with [`Skirmish`] as the environment;
//!   `smacv2` adds generated teams and starting positions, a conic field of view, and extended partial
//!   observability.
//! - `terrain` handles walkable ground, pathfinding and reachability.
//! - `scripted` contains the scripted policies, which choose actions for a team or control the enemies.
//!
//! # Published rules and our own
//!
//! Unit data, clock, weapons, ranges, observations, state, masks and rewards follow the game data and
//! SMAC's code. The backswing that a marine waits out before it follows a target was measured by others
//! on the game; the rules by which a unit changes its target follow Liquipedia.
//!
//! Undocumented details are our own: the placement of units created at one point (a lattice in ranks,
//! slightly scattered), collision and avoidance, and the order in which a game loop resolves
//! simultaneous events (here: all at once). A reset does not play the two game loops that pass in SMAC
//! before the first observation.
//!
//! The rules were compared using SMAC's own scripted policy (`heuristic_ai`), whose win rates on eight
//! maps are published: see `docs/environments/skirmish_engine.md`.

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

/// The argument of `skirmish`, the environment of custom maps.
const MAP: Argument = Argument { key: "map", allowed: "the path of a map file (TOML)" };

/// The arguments of `skirmish`: the map file, and the arguments of all battles.
const MAP_ARGUMENTS: [Argument; ARGUMENTS.len() + 1] = {
    let mut all = [MAP; ARGUMENTS.len() + 1];
    let mut i = 0;
    while i < ARGUMENTS.len() {
        all[i + 1] = ARGUMENTS[i];
        i += 1;
    }
    all
};

/// Returns the environments of this folder: `skirmish` for map files, and `skirmish/3m` and the other
/// built-in maps.
pub fn entries() -> Vec<EnvEntry> {
    let summary = "StarCraft battle on a map of your own (map=my_map.toml).";
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
            "{path}: the name `{0}` is taken by the built-in map skirmish/{0}; change `name` in the file",
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
    // Built anew each time: a clone would lose the reserved capacity of its lists.
    Ok(Factory::new(move || {
        let battle = Skirmish::new(map.clone(), args.clone());
        battle.expect("the same arguments were accepted before")
    }))
}

#[cfg(test)]
mod tests;
