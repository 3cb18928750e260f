//! A map: who fights whom, where, and for how long. Pure data, read from TOML.

use serde::{Deserialize, Serialize};

use super::formation::place;
use super::liberty::Race;
use super::smacv2::{Generate, Teams};
use super::terrain::{TERRAINS, Terrain};
use crate::arguments::closest_match;

/// The maps that come with the crate, as `(name, text)`. A further map is one file and one line.
pub const MAPS: &[(&str, &str)] = &[
    ("3m", include_str!("maps/3m.toml")),
    ("8m", include_str!("maps/8m.toml")),
    ("25m", include_str!("maps/25m.toml")),
    ("5m_vs_6m", include_str!("maps/5m_vs_6m.toml")),
    ("8m_vs_9m", include_str!("maps/8m_vs_9m.toml")),
    ("10m_vs_11m", include_str!("maps/10m_vs_11m.toml")),
    ("27m_vs_30m", include_str!("maps/27m_vs_30m.toml")),
    ("MMM", include_str!("maps/MMM.toml")),
    ("MMM2", include_str!("maps/MMM2.toml")),
    ("2s3z", include_str!("maps/2s3z.toml")),
    ("3s5z", include_str!("maps/3s5z.toml")),
    ("3s5z_vs_3s6z", include_str!("maps/3s5z_vs_3s6z.toml")),
    ("1c3s5z", include_str!("maps/1c3s5z.toml")),
    ("3s_vs_3z", include_str!("maps/3s_vs_3z.toml")),
    ("3s_vs_4z", include_str!("maps/3s_vs_4z.toml")),
    ("3s_vs_5z", include_str!("maps/3s_vs_5z.toml")),
    ("2m_vs_1z", include_str!("maps/2m_vs_1z.toml")),
    ("corridor", include_str!("maps/corridor.toml")),
    ("6h_vs_8z", include_str!("maps/6h_vs_8z.toml")),
    ("2s_vs_1sc", include_str!("maps/2s_vs_1sc.toml")),
    ("so_many_baneling", include_str!("maps/so_many_baneling.toml")),
    ("bane_vs_bane", include_str!("maps/bane_vs_bane.toml")),
    ("2c_vs_64zg", include_str!("maps/2c_vs_64zg.toml")),
    ("protoss_5_vs_5", include_str!("maps/protoss_5_vs_5.toml")),
    ("protoss_10_vs_10", include_str!("maps/protoss_10_vs_10.toml")),
    ("protoss_20_vs_20", include_str!("maps/protoss_20_vs_20.toml")),
    ("protoss_10_vs_11", include_str!("maps/protoss_10_vs_11.toml")),
    ("protoss_20_vs_23", include_str!("maps/protoss_20_vs_23.toml")),
    ("terran_5_vs_5", include_str!("maps/terran_5_vs_5.toml")),
    ("terran_10_vs_10", include_str!("maps/terran_10_vs_10.toml")),
    ("terran_20_vs_20", include_str!("maps/terran_20_vs_20.toml")),
    ("terran_10_vs_11", include_str!("maps/terran_10_vs_11.toml")),
    ("terran_20_vs_23", include_str!("maps/terran_20_vs_23.toml")),
    ("zerg_5_vs_5", include_str!("maps/zerg_5_vs_5.toml")),
    ("zerg_10_vs_10", include_str!("maps/zerg_10_vs_10.toml")),
    ("zerg_20_vs_20", include_str!("maps/zerg_20_vs_20.toml")),
    ("zerg_10_vs_11", include_str!("maps/zerg_10_vs_11.toml")),
    ("zerg_20_vs_23", include_str!("maps/zerg_20_vs_23.toml")),
];

/// How far, at most, a unit starts from its place on the map, in each coordinate.
///
/// Which places the game chooses is not documented. On an exact grid, distances tie and single
/// roundings decide battles; this scatter lets no such accident prevail.
pub const START_SCATTER: f32 = 0.05;

/// A map, checked and with its units placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The name, the last part of the identifier.
    pub name: String,
    /// The largest number of steps of an episode.
    pub limit: usize,
    /// Where units can walk.
    pub terrain: Terrain,
    /// The race that decides whether allies have a shield column.
    pub ally_race: Race,
    /// The race that decides whether enemies have a shield column.
    pub enemy_race: Race,
    /// The length of the one-hot unit type in observation and state.
    pub unit_type_bits: usize,
    /// Where the enemies march.
    pub march: March,
    /// The agents, sorted by unit type, x and y, as SMAC does.
    pub allies: Vec<Placed>,
    /// The enemies, in order of creation.
    pub enemies: Vec<Placed>,
    /// How the teams of each episode are drawn. The units above are then placeholders.
    pub generate: Option<Generate>,
    /// The arguments whose defaults differ on this map.
    pub defaults: toml::Table,
}

/// The one order that the enemies get at the start of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum March {
    /// To attack-move to a point.
    Point(f32, f32),
    /// To attack-move to a point drawn from the line between two.
    Between((f32, f32), (f32, f32)),
    /// To attack the allies, each the one nearest to it, wherever they are.
    Allies,
    /// None: they attack whom they meet where they stand.
    Stay,
}

/// One unit at the start of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Its row of [`UNITS`](super::UNITS).
    pub unit: usize,
    /// Its column in the one-hot unit type; meaningless without such columns.
    pub type_bit: usize,
    /// Where it stands.
    pub x: f32,
    /// Where it stands.
    pub y: f32,
}

/// Both teams at the start of an episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Roster {
    pub(crate) allies: Vec<Placed>,
    pub(crate) enemies: Vec<Placed>,
}

impl Roster {
    /// All units, allies first.
    pub(crate) fn units(&self) -> impl Iterator<Item = &Placed> {
        self.allies.iter().chain(&self.enemies)
    }
}

/// What is wrong with a map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The text is not TOML, or a key is missing, unknown or of the wrong type.
    #[error("the map cannot be read: {reason}")]
    Syntax {
        /// What the parser says, with line and column.
        reason: String,
    },
    /// The map names a thing that does not exist.
    #[error("map `{map}`: there is no {what} `{name}`; did you mean `{nearest}`?")]
    UnknownName {
        /// The map.
        map: String,
        /// `unit` or `terrain`.
        what: &'static str,
        /// What was written.
        name: String,
        /// The existing name most like it.
        nearest: &'static str,
    },
    /// The values contradict each other.
    #[error("map `{map}`: {reason}")]
    Invalid {
        /// The map.
        map: String,
        /// The contradiction.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    limit: usize,
    terrain: String,
    ally_race: Race,
    enemy_race: Race,
    unit_type_bits: usize,
    march: March,
    #[serde(default)]
    allies: Vec<Group>,
    #[serde(default)]
    enemies: Vec<Group>,
    generate: Option<Teams>,
    #[serde(default)]
    defaults: toml::Table,
}

/// Units of one kind created at one point.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) unit: String,
    pub(super) count: usize,
    pub(super) at: (f32, f32),
    #[serde(default)]
    pub(super) type_bit: usize,
}

impl Map {
    /// Reads a map. Its terrain is the name of one of [`TERRAINS`] or, in several lines, a drawing
    /// of its own.
    ///
    /// # Errors
    ///
    /// When the text is malformed, names something unknown, or places a unit where it cannot
    /// stand.
    pub fn parse(text: &str) -> Result<Self, MapError> {
        let file: File =
            toml::from_str(text).map_err(|error| MapError::Syntax { reason: error.to_string() })?;
        let map = file.name.clone();
        let invalid = |reason: String| MapError::Invalid { map: map.clone(), reason };
        let drawing = if file.terrain.contains('\n') {
            file.terrain.trim()
        } else {
            let known = TERRAINS.iter().find(|(name, _)| *name == file.terrain);
            let names = TERRAINS.iter().map(|&(name, _)| name);
            known.ok_or_else(|| unknown(&map, "terrain", &file.terrain, names))?.1
        };
        let terrain = Terrain::parse(drawing).map_err(&invalid)?;
        if file.limit == 0 {
            return Err(invalid("the limit is zero".to_owned()));
        }
        // Both teams see the same picture: the enemies' is mirrored from west to east.
        let mut allies = place(&file.name, &terrain, &file.allies, 1.0)?;
        let mut enemies = place(&file.name, &terrain, &file.enemies, -1.0)?;
        let bits = file.unit_type_bits;
        let generate = file.generate.as_ref().map(|teams| teams.check(&map, bits)).transpose()?;
        if let Some(generate) = &generate {
            if !allies.is_empty() || !enemies.is_empty() {
                return Err(invalid("teams are either placed or generated".to_owned()));
            }
            let (x, y) = (terrain.width() as f32 / 2.0, terrain.height() as f32 / 2.0);
            let placeholder = Placed { unit: generate.kinds[0].unit, type_bit: 0, x, y };
            allies = vec![placeholder; generate.n_allies];
            enemies = vec![placeholder; generate.n_enemies];
        }
        allies.sort_by(|a, b| {
            a.unit.cmp(&b.unit).then(a.x.total_cmp(&b.x)).then(a.y.total_cmp(&b.y))
        });
        if allies.is_empty() || enemies.is_empty() {
            return Err(invalid("a team is empty".to_owned()));
        }
        for unit in allies.iter().chain(&enemies) {
            if unit.type_bit >= file.unit_type_bits.max(1) {
                let bits = file.unit_type_bits;
                return Err(invalid(format!("type bit {} is not below {bits}", unit.type_bit)));
            }
        }
        Ok(Self {
            name: file.name,
            limit: file.limit,
            terrain,
            ally_race: file.ally_race,
            enemy_race: file.enemy_race,
            unit_type_bits: file.unit_type_bits,
            march: file.march,
            allies,
            enemies,
            generate,
            defaults: file.defaults,
        })
    }

    /// Reads a map that comes with the crate.
    ///
    /// # Errors
    ///
    /// When there is no map called `name`; the error names the map most like it.
    pub fn named(name: &str) -> Result<Self, MapError> {
        let found = MAPS.iter().find(|(other, _)| *other == name);
        let (_, text) =
            found.ok_or_else(|| unknown(name, "map", name, MAPS.iter().map(|&(name, _)| name)))?;
        Self::parse(text)
    }

    /// The kinds of units that may take part, as rows of [`UNITS`], with repetitions.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = usize> {
        let placed = self.allies.iter().chain(&self.enemies).map(|placed| placed.unit);
        let drawn = self.generate.iter().flat_map(|generate| &generate.kinds);
        placed.chain(drawn.map(|kind| kind.unit))
    }

    /// The teams as the map places them.
    pub(crate) fn roster(&self) -> Roster {
        Roster { allies: self.allies.clone(), enemies: self.enemies.clone() }
    }
}

/// The error of a name that is none of the `candidates`.
pub(super) fn unknown(
    map: &str,
    what: &'static str,
    name: &str,
    candidates: impl Iterator<Item = &'static str>,
) -> MapError {
    let nearest = closest_match(name, candidates).expect("the table of names is not empty");
    MapError::UnknownName { map: map.to_owned(), what, name: name.to_owned(), nearest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skirmish::formation::margin;
    use crate::skirmish::liberty::UNITS;

    #[test]
    fn units_stand_apart_on_ground_they_can_stand_on() {
        for (name, _) in MAPS {
            let map = Map::named(name).expect("our map is well formed");
            if map.generate.is_some() {
                continue;
            }
            for team in [&map.allies, &map.enemies] {
                for (i, a) in team.iter().enumerate() {
                    let unit = &UNITS[a.unit];
                    let margin = margin(unit) + START_SCATTER;
                    assert!(map.terrain.admits(a.x, a.y, margin), "{name}: {}", unit.name);
                    for b in &team[i + 1..] {
                        let apart = unit.separation + UNITS[b.unit].separation;
                        let apart = apart + 2.0 * START_SCATTER - 1e-5;
                        assert!((a.x - b.x).hypot(a.y - b.y) >= apart, "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_maps_of_smac_have_its_points_and_unit_types() {
        let at = |map: &str, n: usize, x: f32, y: f32| {
            let map = Map::named(map).expect("our map is well formed");
            let team = &map.enemies[map.enemies.len() - n..];
            let mean = |place: fn(&Placed) -> f32| team.iter().map(place).sum::<f32>() / n as f32;
            let (x, y) = (mean(|unit| unit.x) - x, mean(|unit| unit.y) - y);
            // Where cliffs cut the block it stands a little off its point.
            assert!(x.abs() < 1.25 && y.abs() < 1.25, "{}: off by ({x}, {y})", map.name);
        };
        at("2c_vs_64zg", 64, 16.0, 9.0);
        at("so_many_baneling", 32, 27.91, 28.24);
        at("corridor", 24, 27.91, 28.24);
        at("6h_vs_8z", 8, 14.41, 16.7597);
        at("2s_vs_1sc", 1, 13.92, 20.0397);
        let map = Map::named("2s3z").expect("our map is well formed");
        let bits = |team: &[Placed]| -> Vec<_> {
            team.iter().map(|unit| (UNITS[unit.unit].name, unit.type_bit)).collect()
        };
        let (stalker, zealot) = ("stalker", "zealot");
        let allies = [(stalker, 0), (stalker, 0), (zealot, 1), (zealot, 1), (zealot, 1)];
        assert_eq!(bits(&map.allies), allies);
        let enemies = [(stalker, 1), (stalker, 1), (zealot, 0), (zealot, 0), (zealot, 0)];
        assert_eq!(bits(&map.enemies), enemies);
    }

    #[test]
    fn the_teams_can_walk_to_each_other_and_to_the_point_of_the_march() {
        for (name, _) in MAPS {
            let map = Map::named(name).expect("our map is well formed");
            let from = (map.enemies[0].x, map.enemies[0].y);
            let mut goals = vec![(map.allies[0].x, map.allies[0].y)];
            match map.march {
                March::Point(x, y) => goals.push((x, y)),
                March::Between(a, b) => goals.extend([a, b]),
                March::Allies | March::Stay => {}
            }
            for goal in goals {
                let (mut at, mut legs) = (from, 0);
                while at != goal && legs < 32 {
                    let next = map.terrain.waypoint(at, goal, 0.375);
                    assert!(map.terrain.clear(at, next, 0.375), "{name}: {at:?} to {next:?}");
                    (at, legs) = (next, legs + 1);
                }
                assert_eq!(at, goal, "{name}");
            }
        }
    }

    #[test]
    fn allies_are_sorted_by_place_and_enemies_mirror_them() {
        let map = Map::named("8m").expect("our map is well formed");
        assert!(map.allies.is_sorted_by(|a, b| (a.x, a.y) < (b.x, b.y)));
        for ally in &map.allies {
            let mirrored =
                |enemy: &Placed| (enemy.x - 32.0 + ally.x).abs() < 1e-5 && enemy.y == ally.y;
            assert_eq!(map.enemies.iter().filter(|enemy| mirrored(enemy)).count(), 1);
        }
    }

    #[test]
    fn a_map_may_draw_its_own_terrain() {
        let mut drawing = vec![".".repeat(40); 20];
        drawing[0] = "#".repeat(40);
        let drawing = format!("\"\"\"\n{}\n\"\"\"", drawing.join("\n"));
        let map = Map::parse(&MAPS[0].1.replace("\"strip\"", &drawing)).expect("well formed");
        assert_eq!((map.terrain.width(), map.terrain.height()), (40, 20));
        assert!(!map.terrain.pathable(5, 19) && map.terrain.pathable(5, 18));
    }

    #[test]
    fn a_wrong_name_in_a_map_is_answered_with_the_nearest() {
        let text = MAPS[0].1.replace("\"marine\"", "\"marin\"");
        let error = Map::parse(&text).expect_err("there are no marins");
        assert_eq!(error.to_string(), "map `3m`: there is no unit `marin`; did you mean `marine`?");
    }

    #[test]
    fn an_unknown_key_and_a_unit_on_a_cliff_are_refused() {
        let unknown_key = format!("colour = 1\n{}", MAPS[0].1);
        assert!(matches!(Map::parse(&unknown_key), Err(MapError::Syntax { .. })));
        let cliff = MAPS[0].1.replace("at = [9.0, 16.0]", "at = [9.0, 3.0]");
        assert!(matches!(Map::parse(&cliff), Err(MapError::Invalid { .. })));
    }
}
