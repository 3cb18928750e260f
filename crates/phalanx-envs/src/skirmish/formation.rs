//! Where the units of a team stand at the start.

use super::liberty::{Motion, UNITS, Unit, unit_index};
use super::map::{Group, MapError, Placed, START_SCATTER, unknown};
use super::terrain::Terrain;

/// How far apart, beyond touching, units created at one point stand.
const GAP: f32 = 0.2;

/// Places the units of one team: all that are created at one point stand around it on a hexagonal
/// lattice, the first ones in the middle. `front` is 1 for a team that looks east, -1 for west.
///
/// The places the game itself chooses are not documented; this packing is ours.
pub(super) fn place(
    map: &str,
    terrain: &Terrain,
    groups: &[Group],
    front: f32,
) -> Result<Vec<Placed>, MapError> {
    let mut placed: Vec<Placed> = Vec::new();
    let mut points: Vec<(f32, f32)> = Vec::new();
    for group in groups {
        if !points.contains(&group.at) {
            points.push(group.at);
        }
    }
    for point in points {
        let mut here = Vec::new();
        for group in groups.iter().filter(|group| group.at == point) {
            let unit = unit_index(&group.unit).ok_or_else(|| {
                unknown(map, "unit", &group.unit, UNITS.iter().map(|unit| unit.name))
            })?;
            here.extend(std::iter::repeat_n((unit, group.type_bit), group.count));
        }
        let widest = |size: fn(&Unit) -> f32| {
            here.iter().map(|&(unit, _)| size(&UNITS[unit])).fold(0.0, f32::max)
        };
        let spacing = 2.0 * widest(|unit| unit.separation) + GAP;
        let margin = START_SCATTER + widest(margin);
        let n = here.len();
        let place = |(ahead, left)| (point.0 + front * spacing * ahead, point.1 + spacing * left);
        let free = |&(x, y): &(f32, f32)| {
            let apart = |other: &Placed| {
                let (dx, dy) = (other.x - x, other.y - y);
                let touching = widest(|unit| unit.separation) + UNITS[other.unit].separation;
                dx * dx + dy * dy >= (touching + 2.0 * START_SCATTER).powi(2)
            };
            terrain.clear(point, (x, y), margin) && placed.iter().all(apart)
        };
        let spots: Vec<_> = lattice().into_iter().map(place).filter(free).take(n).collect();
        if spots.len() < n {
            return Err(MapError::Invalid {
                map: map.to_owned(),
                reason: format!("{n} units do not fit round ({}, {})", point.0, point.1),
            });
        }
        let units = here.into_iter().zip(spots);
        placed.extend(units.map(|((unit, type_bit), (x, y))| Placed { unit, type_bit, x, y }));
    }
    Ok(placed)
}

/// The distance a unit keeps from cliffs; zero for one that crosses them.
pub(super) fn margin(unit: &Unit) -> f32 {
    match unit.motion {
        Motion::Ground => unit.inner_radius,
        Motion::OverCliffs | Motion::Flying => 0.0,
    }
}

/// Spots of a hexagonal lattice in ranks, the nearest to its centre first, as (ahead, left) in
/// units of one spacing. Of spots equally near, those of the outermost ranks come first, behind
/// before ahead, right before left.
fn lattice() -> Vec<(f32, f32)> {
    const RANKS: i32 = 24;
    // Ranks are half the square root of three apart, and every other one is moved by one half.
    let rank = |ahead: i32| (-RANKS..=RANKS).map(move |i| (ahead, 2 * i + (ahead & 1)));
    let mut spots: Vec<(i32, i32)> = (-RANKS..=RANKS).flat_map(rank).collect();
    let distance = |(ahead, left): (i32, i32)| 3 * ahead * ahead + left * left;
    spots.sort_by_key(|&spot| (distance(spot), -spot.0.abs(), spot.0, spot.1));
    let depth = 3.0_f32.sqrt() / 2.0;
    spots.into_iter().map(|(ahead, left)| (ahead as f32 * depth, left as f32 / 2.0)).collect()
}
