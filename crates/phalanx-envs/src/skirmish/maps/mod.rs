//! Battle maps: teams, starting positions, terrain and episode limit, as data.
//!
//! Built-in and custom maps are TOML files of one [format](`Map::parse`), documented in
//! `docs/environments/skirmish_maps.md`.

mod error;
mod file;
mod generate;
mod spawn;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use error::MapError;

use super::engine::Race;
use super::smacv2::Generate;
use super::terrain::Terrain;
use crate::arguments::closest_match;

/// The built-in maps, as `(name, text)`. To add a map, add a file and a line here.
pub const MAPS: &[(&str, &str)] = &[
    ("3m", include_str!("3m.toml")),
    ("8m", include_str!("8m.toml")),
    ("25m", include_str!("25m.toml")),
    ("5m_vs_6m", include_str!("5m_vs_6m.toml")),
    ("8m_vs_9m", include_str!("8m_vs_9m.toml")),
    ("10m_vs_11m", include_str!("10m_vs_11m.toml")),
    ("27m_vs_30m", include_str!("27m_vs_30m.toml")),
    ("MMM", include_str!("MMM.toml")),
    ("MMM2", include_str!("MMM2.toml")),
    ("2s3z", include_str!("2s3z.toml")),
    ("3s5z", include_str!("3s5z.toml")),
    ("3s5z_vs_3s6z", include_str!("3s5z_vs_3s6z.toml")),
    ("1c3s5z", include_str!("1c3s5z.toml")),
    ("3s_vs_3z", include_str!("3s_vs_3z.toml")),
    ("3s_vs_4z", include_str!("3s_vs_4z.toml")),
    ("3s_vs_5z", include_str!("3s_vs_5z.toml")),
    ("2m_vs_1z", include_str!("2m_vs_1z.toml")),
    ("corridor", include_str!("corridor.toml")),
    ("6h_vs_8z", include_str!("6h_vs_8z.toml")),
    ("2s_vs_1sc", include_str!("2s_vs_1sc.toml")),
    ("so_many_baneling", include_str!("so_many_baneling.toml")),
    ("bane_vs_bane", include_str!("bane_vs_bane.toml")),
    ("2c_vs_64zg", include_str!("2c_vs_64zg.toml")),
    ("protoss_5_vs_5", include_str!("protoss_5_vs_5.toml")),
    ("protoss_10_vs_10", include_str!("protoss_10_vs_10.toml")),
    ("protoss_20_vs_20", include_str!("protoss_20_vs_20.toml")),
    ("protoss_10_vs_11", include_str!("protoss_10_vs_11.toml")),
    ("protoss_20_vs_23", include_str!("protoss_20_vs_23.toml")),
    ("terran_5_vs_5", include_str!("terran_5_vs_5.toml")),
    ("terran_10_vs_10", include_str!("terran_10_vs_10.toml")),
    ("terran_20_vs_20", include_str!("terran_20_vs_20.toml")),
    ("terran_10_vs_11", include_str!("terran_10_vs_11.toml")),
    ("terran_20_vs_23", include_str!("terran_20_vs_23.toml")),
    ("zerg_5_vs_5", include_str!("zerg_5_vs_5.toml")),
    ("zerg_10_vs_10", include_str!("zerg_10_vs_10.toml")),
    ("zerg_20_vs_20", include_str!("zerg_20_vs_20.toml")),
    ("zerg_10_vs_11", include_str!("zerg_10_vs_11.toml")),
    ("zerg_20_vs_23", include_str!("zerg_20_vs_23.toml")),
];

/// The largest random offset of a unit from its starting position on the map, in each coordinate.
///
/// The game's own starting positions are not documented. On an exact grid, distances tie and single
/// rounding errors decide battles; this scatter prevents that.
pub const START_SCATTER: f32 = 0.05;

/// A validated map with its units placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The name, the last part of the identifier.
    pub name: String,
    /// The largest number of steps of an episode.
    pub limit: usize,
    /// Where units can walk.
    pub terrain: Terrain,
    /// The race that determines whether allies have a shield column.
    pub ally_race: Race,
    /// The race that determines whether enemies have a shield column.
    pub enemy_race: Race,
    /// The length of the one-hot unit type in observation and state.
    pub unit_type_bits: usize,
    /// The order of the enemies at the start of an episode.
    pub enemy_order: EnemyOrder,
    /// The agents, sorted by unit type, x and y, as in SMAC.
    pub allies: Vec<Spawn>,
    /// The enemies, in order of creation.
    pub enemies: Vec<Spawn>,
    /// The rule by which the teams of each episode are drawn. The units above are then placeholders.
    pub generate: Option<Generate>,
    /// The arguments whose defaults differ on this map.
    pub defaults: toml::Table,
}

/// The order that the enemies get at the start of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnemyOrder {
    /// Attack-move to a point.
    AttackMove(f32, f32),
    /// Attack-move to a point drawn from the line between two points.
    AttackMoveBetween((f32, f32), (f32, f32)),
    /// Attack the allies: each enemy attacks the nearest ally, wherever it is.
    AttackAllies,
    /// No order: stay in place and attack opponents that come near.
    Hold,
}

/// One unit at the start of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spawn {
    /// The row of [`UNITS`](super::UNITS).
    pub unit: usize,
    /// The column in the one-hot unit type; unused without such columns.
    pub type_bit: usize,
    /// Its position.
    pub x: f32,
    /// Its position.
    pub y: f32,
}

/// Both teams at the start of an episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rosters {
    pub(crate) allies: Vec<Spawn>,
    pub(crate) enemies: Vec<Spawn>,
}

impl Rosters {
    /// Returns all units, allies first.
    pub(crate) fn units(&self) -> impl Iterator<Item = &Spawn> {
        self.allies.iter().chain(&self.enemies)
    }
}

/// The unit types of both teams, as rows of [`UNITS`](super::UNITS), without positions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outline {
    /// The allies in the order of the agents; empty if teams are drawn.
    pub(crate) allies: Vec<usize>,
    /// The enemies in the order of creation; empty if teams are drawn.
    pub(crate) enemies: Vec<usize>,
    pub(crate) generate: Option<Generate>,
}

impl Map {
    /// Parses a map file. A map without a name is called `map`.
    ///
    /// # Errors
    ///
    /// Returns the first error, with its line: the text is not valid TOML, a key is unknown, missing
    /// or invalid, or units cannot stand at their positions.
    pub fn parse(text: &str) -> Result<Self, MapError> {
        file::parse(text, "map", "map")
    }

    /// Reads a map file. A map without a name is named after its file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is larger than 1 MiB, and those of
    /// [`Map::parse`].
    pub fn read(path: &Path) -> Result<Self, MapError> {
        file::read(path)
    }

    /// Returns a built-in map.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no map called `name`; the error suggests the most similar name.
    pub fn named(name: &str) -> Result<Self, MapError> {
        match MAPS.iter().find(|(other, _)| *other == name) {
            Some((name, text)) => file::parse(text, &format!("maps/{name}.toml"), name),
            None => {
                let closest = closest_match(name, MAPS.iter().map(|&(name, _)| name));
                let closest = closest.unwrap_or_default();
                Err(MapError::UnknownMap { name: name.to_owned(), closest })
            }
        }
    }

    /// Returns the outline of a built-in map, which is much cheaper than reading the map.
    pub(crate) fn outline_named(name: &str) -> Result<Outline, MapError> {
        let text = MAPS.iter().find(|(other, _)| *other == name).map_or("", |(_, text)| *text);
        file::outline(text, name)
    }

    pub(crate) fn outline(&self) -> Outline {
        let drawn = self.generate.is_some();
        let units = |team: &[Spawn]| team.iter().map(|spawn| spawn.unit).collect();
        let team = |team: &[Spawn]| if drawn { Vec::new() } else { units(team) };
        Outline {
            allies: team(&self.allies),
            enemies: team(&self.enemies),
            generate: self.generate.clone(),
        }
    }

    /// Returns the unit types that can take part, as rows of [`UNITS`](super::UNITS), with repetitions.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = usize> {
        let placed = self.allies.iter().chain(&self.enemies).map(|spawn| spawn.unit);
        let drawn = self.generate.iter().flat_map(|generate| &generate.kinds);
        placed.chain(drawn.map(|kind| kind.unit))
    }

    /// Returns the teams at their positions on the map.
    pub(crate) fn rosters(&self) -> Rosters {
        Rosters { allies: self.allies.clone(), enemies: self.enemies.clone() }
    }
}

#[cfg(test)]
mod tests;
