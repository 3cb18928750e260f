//! The conic observation: the units in each of 32 sectors around an agent.

use super::battle::Battle;
use super::observation::{OTHER, ObservationWriter};
use super::simd::CAPACITY;

/// The number of sectors of the full circle.
pub(crate) const SECTIONS: usize = 32;
/// The number of units shown per sector.
pub(crate) const PER_SECTION: usize = 2;

/// Tangents of the seven sector boundaries inside a quadrant, at multiples of 11.25 degrees.
const TANGENTS: [f32; 7] =
    [0.198_912_37, 0.414_213_57, 0.668_178_6, 1.0, 1.496_605_8, 2.414_213_5, 5.027_339_5];

/// Returns the sector of a direction, counted counter-clockwise from west. A direction exactly on a
/// boundary between quadrants has none, except that due north is in sector 24.
///
/// JaxMARL compares angles in single precision, so almost due west counts as due west.
pub(crate) fn section(dx: f32, dy: f32) -> Option<usize> {
    if dx == 0.0 {
        return (dy > 0.0).then_some(3 * SECTIONS / 4);
    }
    if dy == 0.0 {
        return None;
    }
    let (across, up) = (dx.abs(), dy.abs());
    if dx < 0.0 && up < across * f32::EPSILON {
        return None;
    }
    let within = TANGENTS.iter().filter(|&&tangent| up > across * tangent).count();
    Some(match (dx > 0.0, dy > 0.0) {
        (false, false) => within,
        (true, false) => SECTIONS / 2 - 1 - within,
        (true, true) => SECTIONS / 2 + within,
        (false, true) => SECTIONS - 1 - within,
    })
}

/// Writes the sectors, `[sector, unit, feature]`, of a living agent.
///
/// Two apparent bugs of JaxMARL are kept: dead units are shown, with zero health, and the first ally is
/// never visible.
pub(crate) fn write(writer: &ObservationWriter, battle: &Battle, agent: usize, out: &mut [f32]) {
    out.fill(0.0);
    let stats = battle.stats(agent);
    let (rows, _) = out.as_chunks_mut::<OTHER>();
    let mut taken = [0; SECTIONS];
    for other in (1..battle.n_units.min(CAPACITY)).filter(|&other| other != agent) {
        let dx = (battle.x[other] - battle.x[agent]) / stats.unit.sight;
        let dy = (battle.y[other] - battle.y[agent]) / stats.unit.sight;
        if (dx * dx + dy * dy).sqrt() >= 1.0 {
            continue;
        }
        let Some(section) = section(dx, dy) else { continue };
        if taken[section] < PER_SECTION {
            let row = &mut rows[section * PER_SECTION + taken[section]];
            writer.write_other(battle, agent, other, row);
            taken[section] += 1;
        }
    }
}
