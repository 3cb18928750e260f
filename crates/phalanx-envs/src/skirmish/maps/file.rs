//! The format of map files, and their conversion to a [`Map`].

use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::{Spanned, Table};

use super::error::{MapError, Source};
use super::generate::{self, GenerateSection};
use super::spawn::place;
use super::{EnemyOrder, MAPS, Map, Outline, Spawn};
use crate::skirmish::args::SkirmishArgs;
use crate::skirmish::engine::{Race, UNITS, unit_index};
use crate::skirmish::smacv2::{Generate, Weighted};
use crate::skirmish::terrain::{TERRAINS, Terrain};

/// The largest size of a file, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The largest number of units of a team.
pub(super) const MAX_TEAM: usize = 512;
/// The smallest and largest extent of a map, in cells.
const SIDES: std::ops::RangeInclusive<usize> = 4..=256;
/// The largest fraction of a map that generated units may occupy.
const MAX_CROWDING: f32 = 0.5;
/// The largest number of steps of an episode.
const MAX_LIMIT: usize = 1_000_000;

/// A map file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MapFile {
    name: Option<Spanned<String>>,
    limit: Spanned<usize>,
    terrain: Spanned<String>,
    ally_race: Option<Race>,
    enemy_race: Option<Race>,
    unit_type_bits: Option<Spanned<usize>>,
    enemy_order: Option<Spanned<EnemyOrder>>,
    #[serde(default)]
    allies: Vec<GroupEntry>,
    #[serde(default)]
    enemies: Vec<GroupEntry>,
    generate: Option<Spanned<GenerateSection>>,
    defaults: Option<Spanned<Table>>,
}

/// Units of one type created at one point, as in a map file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    unit: Spanned<String>,
    count: Spanned<usize>,
    at: Spanned<(f32, f32)>,
    type_bit: Option<Spanned<usize>>,
}

/// Units of one type created at one point.
pub(super) struct Group {
    /// The row of [`UNITS`].
    pub(super) unit: usize,
    pub(super) type_bit: usize,
    pub(super) count: usize,
    pub(super) at: (f32, f32),
    /// The line of `at`.
    pub(super) line: usize,
}

/// Reads a map file.
pub(super) fn read(path: &Path) -> Result<Map, MapError> {
    let unreadable = |reason: String| MapError::Unreadable { path: path.to_owned(), reason };
    let about = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !about.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    if about.len() > MAX_BYTES {
        return Err(unreadable(format!("it has {} bytes, more than {MAX_BYTES}", about.len())));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    parse(&text, &path.display().to_string(), &name)
}

/// Reads the `text` of a map, which is called `name` unless it has a key `name`. `origin` names the
/// text in errors.
pub(super) fn parse(text: &str, origin: &str, name: &str) -> Result<Map, MapError> {
    let source = Source { origin, text };
    let file: MapFile = toml::from_str(text).map_err(|error| source.syntax(&error))?;
    let name = file.name(source, name)?;
    if !(1..=MAX_LIMIT).contains(file.limit.get_ref()) {
        let allowed = format!("a number of steps from 1 to {MAX_LIMIT}");
        return Err(source.wrong("limit", &file.limit, &allowed));
    }
    file.check_defaults(source)?;
    let columns = file.type_columns(source)?;
    let Teams { ally_groups, enemy_groups, generate } = file.teams(source, &columns)?;
    let terrain = file.terrain(source)?;
    let (allies, enemies) = match &generate {
        Some(generate) => {
            if !terrain.is_flat() {
                let reason = "generated teams start anywhere: `terrain` must be without cliffs";
                return Err(source.error(file.terrain.span(), reason));
            }
            let (width, height) = (terrain.width() as f32, terrain.height() as f32);
            let side = |kind: &Weighted| 2.0 * UNITS[kind.unit].separation;
            let side = generate.kinds.iter().map(side).fold(0.0, f32::max);
            let n = generate.n_allies + generate.n_enemies;
            if n as f32 * side * side > MAX_CROWDING * width * height {
                let reason = format!("the map is too small for {n} units: draw a larger `terrain`");
                return Err(source.error(file.terrain.span(), reason));
            }
            let (x, y) = (width / 2.0, height / 2.0);
            let placeholder = Spawn { unit: generate.kinds[0].unit, type_bit: 0, x, y };
            (vec![placeholder; generate.n_allies], vec![placeholder; generate.n_enemies])
        }
        None => {
            // Both teams have the same picture: that of the enemies is mirrored from west to east.
            let mut allies = place(source, &terrain, &ally_groups, 1.0)?;
            let enemies = place(source, &terrain, &enemy_groups, -1.0)?;
            allies.sort_by(|a, b| {
                a.unit.cmp(&b.unit).then(a.x.total_cmp(&b.x)).then(a.y.total_cmp(&b.y))
            });
            (allies, enemies)
        }
    };
    let kinds: Vec<usize> = generate.iter().flat_map(|g| &g.kinds).map(|kind| kind.unit).collect();
    Ok(Map {
        ally_race: file.ally_race.unwrap_or_else(|| race_of(&allies, &kinds)),
        enemy_race: file.enemy_race.unwrap_or_else(|| race_of(&enemies, &kinds)),
        enemy_order: file.enemy_order(source, &terrain)?,
        defaults: file.defaults.map(Spanned::into_inner).unwrap_or_default(),
        limit: file.limit.into_inner(),
        unit_type_bits: columns.n,
        name,
        terrain,
        allies,
        enemies,
        generate,
    })
}

/// Reads only the teams of a map.
pub(super) fn outline(text: &str, origin: &str) -> Result<Outline, MapError> {
    let source = Source { origin, text };
    let file: MapFile = toml::from_str(text).map_err(|error| source.syntax(&error))?;
    let columns = file.type_columns(source)?;
    let Teams { ally_groups, enemy_groups, generate } = file.teams(source, &columns)?;
    let units = |groups: &[Group]| -> Vec<usize> {
        groups.iter().flat_map(|group| std::iter::repeat_n(group.unit, group.count)).collect()
    };
    let mut allies = units(&ally_groups);
    allies.sort_unstable();
    Ok(Outline { allies, enemies: units(&enemy_groups), generate })
}

/// The teams of a map before they are placed.
struct Teams {
    ally_groups: Vec<Group>,
    enemy_groups: Vec<Group>,
    generate: Option<Generate>,
}

/// The columns of the one-hot unit type.
struct TypeColumns {
    /// The number of columns.
    n: usize,
    /// The types in the order of their columns, if the file does not assign the columns.
    derived: Option<Vec<usize>>,
}

impl MapFile {
    fn name(&self, source: Source<'_>, default: &str) -> Result<String, MapError> {
        let name = self.name.as_ref().map_or(default, |name| name.get_ref());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(plain) {
            return Ok(name.to_owned());
        }
        let reason = format!(
            "`name` cannot be {name:?}: it must be 1 to 64 letters, digits, `_`, `-` and `.`, and \
             not start with `.`"
        );
        Err(source.error(self.name.as_ref().map_or(0..0, Spanned::span), reason))
    }

    fn check_defaults(&self, source: Source<'_>) -> Result<(), MapError> {
        let Some(defaults) = &self.defaults else { return Ok(()) };
        let args = SkirmishArgs::from_table(defaults.get_ref());
        args.map(|_| ())
            .map_err(|error| source.error(defaults.span(), format!("`defaults`: {error}")))
    }

    /// Returns the columns of the unit type. If the file does not state their number, every unit type
    /// has one, in the order of [`UNITS`]; none is needed if no team has several types.
    fn type_columns(&self, source: Source<'_>) -> Result<TypeColumns, MapError> {
        if let Some(bits) = &self.unit_type_bits {
            let n = *bits.get_ref();
            if n > UNITS.len() {
                let allowed = format!("a number of columns from 0 to {}", UNITS.len());
                return Err(source.wrong("unit_type_bits", bits, &allowed));
            }
            return Ok(TypeColumns { n, derived: None });
        }
        if let Some(section) = &self.generate {
            return Ok(TypeColumns { n: section.get_ref().n_kinds(), derived: None });
        }
        let (mut kinds, mut mixed) = (Vec::new(), false);
        for team in [&self.allies, &self.enemies] {
            for group in team {
                kinds.push(unit_named(source, &group.unit)?);
                mixed |= group.unit.get_ref() != team[0].unit.get_ref();
            }
        }
        if !mixed {
            kinds.clear();
        }
        kinds.sort_unstable();
        kinds.dedup();
        Ok(TypeColumns { n: kinds.len(), derived: Some(kinds) })
    }

    fn teams(&self, source: Source<'_>, columns: &TypeColumns) -> Result<Teams, MapError> {
        let ally_groups = groups(source, "allies", &self.allies, columns)?;
        let enemy_groups = groups(source, "enemies", &self.enemies, columns)?;
        let placed = !(ally_groups.is_empty() && enemy_groups.is_empty());
        let generate = match &self.generate {
            Some(section) if placed => {
                let reason =
                    "teams are either placed (`allies`, `enemies`) or generated: remove one";
                return Err(source.error(section.span(), reason));
            }
            Some(section) => Some(generate::check(source, section.get_ref(), columns.n)?),
            None => {
                for (team, groups) in [("allies", &ally_groups), ("enemies", &enemy_groups)] {
                    if groups.is_empty() {
                        let reason = format!("there are no `{team}`: add a table [[{team}]]");
                        return Err(source.error_in_line(1, reason));
                    }
                }
                None
            }
        };
        Ok(Teams { ally_groups, enemy_groups, generate })
    }

    fn terrain(&self, source: Source<'_>) -> Result<Terrain, MapError> {
        let text = self.terrain.get_ref();
        if !text.contains('\n') {
            let names = TERRAINS.iter().chain(MAPS).map(|&(name, _)| name);
            let drawing = drawing_named(text);
            let drawing = drawing.ok_or_else(|| source.unknown("terrain", &self.terrain, names))?;
            let terrain = Terrain::parse(drawing.trim());
            return terrain.map_err(|error| source.error(self.terrain.span(), error.reason));
        }
        let drawing = text.trim();
        let width = drawing.lines().map(str::len).max().unwrap_or(0);
        let height = drawing.lines().count();
        if !SIDES.contains(&width) || !SIDES.contains(&height) {
            let reason = format!(
                "`terrain` has {width} by {height} cells: each side must have {} to {}",
                SIDES.start(),
                SIDES.end()
            );
            return Err(source.error(self.terrain.span(), reason));
        }
        Terrain::parse(drawing).map_err(|error| {
            let span = self.terrain.span();
            let reason = format!("`terrain`: {}", error.reason);
            let Some(row) = error.row else { return source.error(span, reason) };
            // TOML ignores a line break after the opening quotes.
            let opening = source.text[span.clone()].trim_start_matches(['"', '\'']);
            let skipped = usize::from(opening.starts_with(['\n', '\r']));
            let blank = text[..text.len() - text.trim_start().len()].matches('\n').count();
            source.error_in_line(source.line(span.start) + skipped + blank + row, reason)
        })
    }

    fn enemy_order(&self, source: Source<'_>, terrain: &Terrain) -> Result<EnemyOrder, MapError> {
        let Some(order) = &self.enemy_order else { return Ok(EnemyOrder::AttackAllies) };
        let points = match *order.get_ref() {
            EnemyOrder::AttackMove(x, y) => vec![(x, y)],
            EnemyOrder::AttackMoveBetween(a, b) => vec![a, b],
            EnemyOrder::AttackAllies | EnemyOrder::Hold => Vec::new(),
        };
        match points.into_iter().find(|&point| !terrain.holds(point)) {
            None => Ok(*order.get_ref()),
            Some((x, y)) => {
                let reason = format!("`enemy_order`: {}", off_the_map(x, y, terrain));
                Err(source.error(order.span(), reason))
            }
        }
    }
}

/// Returns the drawing of a named terrain, or that of a built-in map.
fn drawing_named(name: &str) -> Option<String> {
    let named = |name: &str| TERRAINS.iter().find(|(known, _)| *known == name);
    if let Some((_, drawing)) = named(name) {
        return Some((*drawing).to_owned());
    }
    let (_, text) = MAPS.iter().find(|(known, _)| *known == name)?;
    let map: MapFile = toml::from_str(text).ok()?;
    let terrain = map.terrain.into_inner();
    Some(named(&terrain).map_or(terrain, |(_, drawing)| (*drawing).to_owned()))
}

/// Returns the error text for a point outside the map.
pub(super) fn off_the_map(x: f32, y: f32, terrain: &Terrain) -> String {
    let (width, height) = (terrain.width(), terrain.height());
    format!("({x}, {y}) is not on the map, which extends from (0, 0) to ({width}, {height})")
}

/// Returns the row of [`UNITS`] that a file names.
pub(super) fn unit_named(source: Source<'_>, name: &Spanned<String>) -> Result<usize, MapError> {
    unit_index(name.get_ref())
        .ok_or_else(|| source.unknown("unit", name, UNITS.iter().map(|unit| unit.name)))
}

/// Checks the groups of a team.
fn groups(
    source: Source<'_>,
    team: &str,
    entries: &[GroupEntry],
    columns: &TypeColumns,
) -> Result<Vec<Group>, MapError> {
    let mut total = 0;
    let mut groups = Vec::new();
    for entry in entries {
        let unit = unit_named(source, &entry.unit)?;
        let count = *entry.count.get_ref();
        if !(1..=MAX_TEAM).contains(&count) {
            let allowed = format!("a number of units from 1 to {MAX_TEAM}");
            return Err(source.wrong("count", &entry.count, &allowed));
        }
        total += count;
        if total > MAX_TEAM {
            let reason = format!("`{team}` has more than {MAX_TEAM} units");
            return Err(source.error(entry.count.span(), reason));
        }
        let type_bit = match (&columns.derived, &entry.type_bit) {
            (None, None) => 0,
            (None, Some(bit)) if *bit.get_ref() < columns.n.max(1) => *bit.get_ref(),
            (None, Some(bit)) => {
                let allowed = format!("below `unit_type_bits`, which is {}", columns.n);
                return Err(source.wrong("type_bit", bit, &allowed));
            }
            (Some(kinds), None) => kinds.iter().position(|&kind| kind == unit).unwrap_or(0),
            (Some(_), Some(bit)) => {
                let reason = "`type_bit` needs `unit_type_bits`: state both or neither";
                return Err(source.error(bit.span(), reason));
            }
        };
        let (at, line) = (*entry.at.get_ref(), source.line(entry.at.span().start));
        groups.push(Group { unit, type_bit, count, at, line });
    }
    Ok(groups)
}

/// Returns the race that determines whether a team has shields: Protoss if any of its units has one.
fn race_of(team: &[Spawn], kinds: &[usize]) -> Race {
    let placed = team.iter().map(|spawn| spawn.unit);
    let mut units: Vec<_> = if kinds.is_empty() { placed.collect() } else { kinds.to_vec() };
    units.sort_by_key(|&unit| UNITS[unit].race != Race::Protoss);
    units.first().map_or(Race::Terran, |&unit| UNITS[unit].race)
}
