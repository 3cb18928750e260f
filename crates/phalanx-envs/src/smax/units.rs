//! The units of SMAX: StarCraft's names with JaxMARL's values, shields counted as health.

/// The constants of a unit type. Lengths are in cells of the map, times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitType {
    /// The name, as in [`UNIT_TYPES`].
    pub name: &'static str,
    /// Health at the start, shields included.
    pub health: f32,
    /// Damage of one shot.
    pub attack: f32,
    /// Time between two shots, before its random term.
    pub cooldown: f32,
    /// The weapon range, between centres.
    pub range: f32,
    /// The sight range, between centres.
    pub sight: f32,
    /// Cells per second.
    pub speed: f32,
    /// Units nearer than the sum of their radii are pushed apart.
    pub radius: f32,
}

const fn unit(
    name: &'static str,
    [health, attack, cooldown]: [f32; 3],
    [range, sight]: [f32; 2],
    [speed, radius]: [f32; 2],
) -> UnitType {
    UnitType { name, health, attack, cooldown, range, sight, speed, radius }
}

/// All types; the index is the position in the one-hot code of observations.
pub const UNIT_TYPES: [UnitType; 6] = [
    unit("marine", [45.0, 9.0, 0.61], [5.0, 9.0], [3.15, 0.375]),
    unit("marauder", [125.0, 10.0, 1.07], [6.0, 10.0], [2.25, 0.5625]),
    unit("stalker", [160.0, 13.0, 1.87], [6.0, 10.0], [4.13, 0.625]),
    unit("zealot", [150.0, 8.0, 0.86], [2.0, 9.0], [3.15, 0.5]),
    unit("zergling", [35.0, 5.0, 0.5], [2.0, 8.0], [4.13, 0.375]),
    unit("hydralisk", [80.0, 12.0, 0.59], [5.0, 9.0], [3.15, 0.625]),
];

/// The length of the one-hot code of a unit's type.
pub(crate) const TYPE_BITS: usize = UNIT_TYPES.len();

/// The length of a step in one of the four directions.
///
/// JaxMARL rotates a diagonal by 45 degrees in single precision, which gives slightly less than one.
pub(crate) const STRIDE: f32 = 0.999_999_94;

/// A unit type with the constants that the game loop derives from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Combatant {
    pub(crate) unit: UnitType,
    /// Cells per game loop.
    pub(crate) pace: f32,
    /// A squared distance is within range when it is below this.
    pub(crate) range_limit: f32,
    /// A squared distance is within sight when it is below this.
    pub(crate) sight_limit: f32,
}

impl Combatant {
    /// Returns all types, for game loops of `seconds`.
    pub(crate) fn all(seconds: f32) -> [Self; TYPE_BITS] {
        UNIT_TYPES.map(|unit| Self {
            unit,
            pace: STRIDE * unit.speed * seconds,
            range_limit: squared_limit(unit.range),
            sight_limit: squared_limit(unit.sight),
        })
    }
}

/// Returns the smallest number whose rounded square root is not below `limit`.
///
/// Hence `squared < squared_limit(limit)` is exactly `squared.sqrt() < limit`.
pub(crate) fn squared_limit(limit: f32) -> f32 {
    let mut squared = limit * limit;
    while squared.sqrt() >= limit {
        squared = squared.next_down();
    }
    while squared.sqrt() < limit {
        squared = squared.next_up();
    }
    squared
}
