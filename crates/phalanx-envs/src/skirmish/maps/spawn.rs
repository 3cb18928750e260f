//! The starting positions of the units of a team.

use super::error::{MapError, Source};
use super::file::{Group, off_the_map};
use super::{START_SCATTER, Spawn};
use crate::math::squared;
use crate::skirmish::engine::{Motion, UNITS, Unit};
use crate::skirmish::terrain::Terrain;

/// The gap between units that are created at one point.
const GAP: f32 = 0.2;

/// Places the units of one team. Units created at one point form a hexagonal lattice around it, the
/// first ones in the middle. `front` is 1 for a team that faces east, -1 for west.
///
/// The game's own placement is not documented; this packing is ours.
pub(super) fn place(
    source: Source<'_>,
    terrain: &Terrain,
    groups: &[Group],
    front: f32,
) -> Result<Vec<Spawn>, MapError> {
    let mut placed: Vec<Spawn> = Vec::new();
    let mut points: Vec<((f32, f32), usize)> = Vec::new();
    for group in groups {
        if !terrain.holds(group.at) {
            let reason = format!("`at`: {}", off_the_map(group.at.0, group.at.1, terrain));
            return Err(source.error_in_line(group.line, reason));
        }
        if !points.iter().any(|&(point, _)| point == group.at) {
            points.push((group.at, group.line));
        }
    }
    for (point, line) in points {
        let mut here = Vec::new();
        for group in groups.iter().filter(|group| group.at == point) {
            here.extend(std::iter::repeat_n((group.unit, group.type_bit), group.count));
        }
        let widest = |size: fn(&Unit) -> f32| {
            here.iter().map(|&(unit, _)| size(&UNITS[unit])).fold(0.0, f32::max)
        };
        let spacing = 2.0 * widest(|unit| unit.separation) + GAP;
        let margin = START_SCATTER + widest(margin);
        let n = here.len();
        if !terrain.admits(point.0, point.1, margin) {
            let reason = format!(
                "`at`: ({}, {}) is on a cliff, or nearer than {margin} to one or to the edge of the \
                 map: move it to open ground",
                point.0, point.1
            );
            return Err(source.error_in_line(line, reason));
        }
        let place = |(ahead, left)| (point.0 + front * spacing * ahead, point.1 + spacing * left);
        let free = |&(x, y): &(f32, f32)| {
            let apart = |other: &Spawn| {
                let (dx, dy) = (other.x - x, other.y - y);
                let touching = widest(|unit| unit.separation) + UNITS[other.unit].separation;
                dx * dx + dy * dy >= squared(touching + 2.0 * START_SCATTER)
            };
            terrain.clear(point, (x, y), margin) && placed.iter().all(apart)
        };
        let spots: Vec<_> = lattice().into_iter().map(place).filter(free).take(n).collect();
        if spots.len() < n {
            let reason = format!(
                "`at`: only {} of {n} units fit round ({}, {}): reduce `count`, or divide them \
                 over several points",
                spots.len(),
                point.0,
                point.1
            );
            return Err(source.error_in_line(line, reason));
        }
        let units = here.into_iter().zip(spots);
        placed.extend(units.map(|((unit, type_bit), (x, y))| Spawn { unit, type_bit, x, y }));
    }
    Ok(placed)
}

/// Returns the distance that a unit keeps from cliffs; zero if it can cross them.
pub(super) fn margin(unit: &Unit) -> f32 {
    match unit.motion {
        Motion::Ground => unit.inner_radius,
        Motion::OverCliffs | Motion::Flying => 0.0,
    }
}

/// Returns spots of a hexagonal lattice in ranks, sorted by distance from its centre, as (ahead, left)
/// in units of the spacing. Of equally distant spots, those of the outermost ranks come first, rear
/// before front, right before left.
fn lattice() -> Vec<(f32, f32)> {
    const RANKS: i32 = 24;
    // Ranks are half the square root of three apart, and every other rank is offset by one half.
    let rank = |ahead: i32| (-RANKS..=RANKS).map(move |i| (ahead, 2 * i + (ahead & 1)));
    let mut spots: Vec<(i32, i32)> = (-RANKS..=RANKS).flat_map(rank).collect();
    let distance = |(ahead, left): (i32, i32)| 3 * ahead * ahead + left * left;
    spots.sort_by_key(|&spot| (distance(spot), -spot.0.abs(), spot.0, spot.1));
    let depth = 3.0_f32.sqrt() / 2.0;
    spots.into_iter().map(|(ahead, left)| (ahead as f32 * depth, left as f32 / 2.0)).collect()
}
