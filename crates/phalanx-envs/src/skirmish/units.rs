//! The unit table of the rule set `liberty`.
//!
//! SMAC's maps depend on the game data *Wings of Liberty* alone, so the numbers are those of that
//! data, in its own unit of time: a "Normal" second of 16 game loops.

use serde::{Deserialize, Serialize};

/// Game loops in one second.
pub const LOOPS_PER_SECOND: f32 = 16.0;

/// A race. Protoss units have a shield, which gives the observation one more column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Race {
    /// No shields.
    Terran,
    /// Every unit has a shield.
    Protoss,
    /// No shields.
    Zerg,
}

/// What a weapon may have a bonus against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// Small.
    Light,
    /// Heavily built.
    Armored,
    /// Alive.
    Biological,
    /// Built.
    Mechanical,
}

/// How a unit does damage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weapon {
    /// Damage of one hit before armour.
    pub damage: f32,
    /// Hits of one volley, each reduced by armour.
    pub hits: u32,
    /// Extra damage of each hit against units with the attribute.
    pub bonus: Option<(Attribute, f32)>,
    /// Seconds from the start of one attack to the start of the next.
    pub period: f32,
    /// Largest distance between the edges of attacker and target when an attack starts.
    pub range: f32,
    /// How much further away the target may be when the damage point is reached.
    pub range_slop: f32,
    /// Seconds from the start of an attack to its damage.
    pub damage_point: f32,
    /// Seconds after the damage before the unit walks after a target; a new order cuts it short.
    pub backswing: f32,
}

/// A kind of unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// The name in map files.
    pub name: &'static str,
    /// Health when new.
    pub health: f32,
    /// Shield when new.
    pub shield: f32,
    /// Subtracted from every hit on the health.
    pub armour: f32,
    /// Length units per second.
    pub speed: f32,
    /// The radius subtracted from distances when a range is tested.
    pub radius: f32,
    /// The radius that keeps units apart.
    pub separation: f32,
    /// The distance a unit keeps from cliffs.
    pub inner_radius: f32,
    /// What weapons may have a bonus against.
    pub attributes: &'static [Attribute],
    /// `None` for a unit that cannot attack.
    pub weapon: Option<Weapon>,
    /// By what SMAC divides the cooldown (in game loops) in the state.
    pub cooldown_scale: f32,
}

/// Every unit. A further one is one more row here.
///
/// Sources: `UnitData`, `WeaponData` and `EffectData` of the Liberty module of the game, 4.10
/// (equal in 4.6.2); `cooldown_scale` is SMAC's `unit_max_cooldown`.
pub const UNITS: &[Unit] = &[Unit {
    name: "marine",
    health: 45.0,        // UnitData LifeMax
    shield: 0.0,         // no ShieldsMax
    armour: 0.0,         // no LifeArmor
    speed: 2.25,         // UnitData Speed
    radius: 0.375,       // UnitData Radius
    separation: 0.375,   // UnitData SeparationRadius
    inner_radius: 0.375, // UnitData InnerRadius
    attributes: &[Attribute::Light, Attribute::Biological],
    weapon: Some(Weapon {
        damage: 6.0, // EffectData GuassRifle Amount
        hits: 1,
        bonus: None,
        period: 0.8608,     // WeaponData Period
        range: 5.0,         // WeaponData Range
        range_slop: 1.0,    // WeaponData default RangeSlop
        damage_point: 0.05, // WeaponData DamagePoint
        backswing: 0.75,    // measured by others on the game, 4.10: 12 loops from the damage
    }),
    cooldown_scale: 15.0, // SMAC unit_max_cooldown
}];

/// The position in [`UNITS`] of the unit called `name`.
pub fn unit_index(name: &str) -> Option<usize> {
    UNITS.iter().position(|unit| unit.name == name)
}

/// Health and shield after one volley of `weapon` on a `target`.
///
/// Each hit does `damage + bonus`. The shield takes it first, without armour; what is left over,
/// minus armour but at least 0.5, goes to the health. Health at or below zero is death.
pub fn volley(weapon: &Weapon, target: &Unit, health: f32, shield: f32) -> (f32, f32) {
    let bonus = match weapon.bonus {
        Some((attribute, bonus)) if target.attributes.contains(&attribute) => bonus,
        _ => 0.0,
    };
    let (mut health, mut shield) = (health, shield);
    for _ in 0..weapon.hits {
        let hit = weapon.damage + bonus;
        let absorbed = hit.min(shield);
        shield -= absorbed;
        let rest = hit - absorbed;
        if rest > 0.0 {
            health -= (rest - target.armour).max(0.5);
        }
    }
    (health.max(0.0), shield)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marine() -> Unit {
        UNITS[unit_index("marine").expect("the table has marines")]
    }

    #[test]
    fn a_marine_kills_a_marine_with_eight_shots() {
        let weapon = marine().weapon.expect("a marine is armed");
        let (mut health, mut shots) = (45.0, 0);
        while health > 0.0 {
            (health, _) = volley(&weapon, &marine(), health, 0.0);
            shots += 1;
        }
        assert_eq!(shots, 8);
    }

    #[test]
    fn a_shield_takes_damage_first_and_without_armour() {
        let weapon = marine().weapon.expect("a marine is armed");
        let target = Unit { armour: 1.0, ..marine() };
        assert_eq!(volley(&weapon, &target, 100.0, 50.0), (100.0, 44.0));
        // Two points of shield are left; four of the six go on, less one of armour.
        assert_eq!(volley(&weapon, &target, 100.0, 2.0), (97.0, 0.0));
        assert_eq!(volley(&weapon, &target, 100.0, 0.0), (95.0, 0.0));
    }

    #[test]
    fn armour_leaves_half_a_point_of_every_hit() {
        let weapon = Weapon { hits: 2, ..marine().weapon.expect("a marine is armed") };
        let target = Unit { armour: 9.0, ..marine() };
        assert_eq!(volley(&weapon, &target, 45.0, 0.0), (44.0, 0.0));
    }

    #[test]
    fn a_bonus_counts_against_its_attribute_only() {
        let plain = marine().weapon.expect("a marine is armed");
        let light = Weapon { bonus: Some((Attribute::Light, 4.0)), ..plain };
        let armored = Weapon { bonus: Some((Attribute::Armored, 4.0)), ..plain };
        assert_eq!(volley(&light, &marine(), 45.0, 0.0), (35.0, 0.0));
        assert_eq!(volley(&armored, &marine(), 45.0, 0.0), (39.0, 0.0));
    }
}
