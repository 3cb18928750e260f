//! A unit's constants, converted to game loops.

use super::table::UNITS;
use super::types::{LOOPS_PER_SECOND, Motion, Unit};

/// The smallest distance (between edges) at which opponents are noticed: the game's `MinScanRange`.
const SCAN_RANGE: f32 = 5.0;

/// The constants that the game loop reads from a unit's row in [`UNITS`]; times are in game loops.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stats {
    pub(crate) unit: &'static Unit,
    /// Speed in length units per loop.
    pub(crate) pace: f32,
    /// The change of speed in one loop; infinite for a unit without acceleration.
    pub(crate) acceleration: f32,
    pub(crate) radius: f32,
    pub(crate) separation: f32,
    pub(crate) motion: Motion,
    pub(crate) armed: bool,
    pub(crate) hits_flying: bool,
    /// Zero for a unit without a weapon, as are the next four.
    pub(crate) range: f32,
    pub(crate) slop: f32,
    pub(crate) period: f32,
    pub(crate) damage_point: f32,
    pub(crate) backswing: f32,
    /// The distance at which it notices opponents or, as a healer, injured allies.
    pub(crate) scan: f32,
    /// Health regained per loop.
    pub(crate) regeneration: f32,
}

impl Stats {
    pub(crate) fn new(unit: &'static Unit) -> Self {
        let weapon = unit.weapon.as_ref();
        let loops = |seconds: f32| seconds * LOOPS_PER_SECOND;
        let range = weapon.map_or(0.0, |weapon| weapon.range);
        Self {
            unit,
            pace: unit.speed / LOOPS_PER_SECOND,
            acceleration: unit.acceleration.map_or(f32::INFINITY, |acceleration| {
                acceleration / (LOOPS_PER_SECOND * LOOPS_PER_SECOND)
            }),
            radius: unit.radius,
            separation: unit.separation,
            motion: unit.motion,
            armed: weapon.is_some(),
            hits_flying: weapon.is_some_and(|weapon| weapon.hits_flying),
            range,
            slop: weapon.map_or(0.0, |weapon| weapon.range_slop),
            period: weapon.map_or(0.0, |weapon| loops(weapon.period)),
            damage_point: weapon.map_or(0.0, |weapon| loops(weapon.damage_point)),
            backswing: weapon.map_or(0.0, |weapon| loops(weapon.backswing)),
            scan: unit.heal.map_or(SCAN_RANGE.max(range), |heal| heal.acquire),
            regeneration: unit.regeneration / LOOPS_PER_SECOND,
        }
    }

    /// Returns the constants of every row of [`UNITS`].
    pub(crate) fn table() -> Vec<Self> {
        UNITS.iter().map(Self::new).collect()
    }

    /// Returns whether this unit's weapon can be aimed at `other`.
    #[inline]
    pub(crate) fn can_aim_at(&self, other: &Self) -> bool {
        self.armed && (other.motion != Motion::Flying || self.hits_flying)
    }
}
