//! The data of every unit.
//!
//! Sources, next to each number: the XML of the game data *Wings of Liberty* in version 4.10 (identical
//! in 4.6.2 and in 5.0 for these units), where `Unit` stands for `UnitData`, `Weapon` for `WeaponData`,
//! `Effect` for `EffectData` and `Mover` for `MoverData`; "default" is the inherited value of a unit
//! that states none. Times are in the data's own seconds of 16 game loops.

use super::types::Attribute::{Armored, Biological, Light, Massive, Mechanical, Structure};
use super::types::{Energy, Heal, Motion, Race, Splash, Unit, Weapon};

/// `Weapon` default Backswing.
const BACKSWING: f32 = 0.5;
/// `Weapon` default DamagePoint.
const DAMAGE_POINT: f32 = 0.167;
/// `Weapon` default RangeSlop.
const RANGE_SLOP: f32 = 1.0;

/// The defaults of a unit's row.
const BASE: Unit = Unit {
    name: "",
    race: Race::Terran,
    health: 1.0,
    shield: 0.0,       // Unit default ShieldsMax
    armour: 0.0,       // Unit default LifeArmor
    regeneration: 0.0, // Unit default LifeRegenRate
    speed: 2.25,       // the Speed of most of these units; each row states its own
    acceleration: None,
    sight: 9.0,
    radius: 0.375,
    separation: 0.375,
    inner_radius: 0.375,
    motion: Motion::Ground,
    attributes: &[],
    weapon: None,
    heal: None,
    energy: None,
    explodes: false,
    cooldown_scale: 15.0, // SMAC unit_max_cooldown, for a unit it does not name
};

/// The defaults of a weapon.
const WEAPON: Weapon = Weapon {
    damage: 0.0,
    hits: 1,
    hit_interval: 0.0,
    bonus: None,
    period: 1.0,
    range: 0.1,
    range_slop: RANGE_SLOP,
    damage_point: DAMAGE_POINT,
    backswing: BACKSWING,
    missile_speed: None,
    hits_flying: false,
    splash: Splash::None,
};

/// `Unit` LifeRegenRate of all Zerg units.
const ZERG_REGENERATION: f32 = 0.2734;

/// All units, in SMAC's order of unit types. To add a unit, add a row.
pub const UNITS: &[Unit] = &[
    Unit {
        name: "marauder",
        health: 125.0,       // Unit LifeMax
        armour: 1.0,         // Unit LifeArmor
        speed: 2.25,         // Unit Speed
        sight: 10.0,         // Unit Sight
        radius: 0.5625,      // Unit Radius
        separation: 0.5,     // Unit SeparationRadius
        inner_radius: 0.375, // Unit InnerRadius
        attributes: &[Armored, Biological],
        weapon: Some(Weapon {
            damage: 10.0,                 // Effect PunisherGrenadesU Amount
            bonus: Some((Armored, 10.0)), // Effect PunisherGrenadesU AttributeBonus
            period: 1.5,                  // Weapon Period
            range: 6.0,                   // Weapon Range
            damage_point: 0.0,            // Weapon DamagePoint
            missile_speed: Some(20.0),    // Mover Speed
            ..WEAPON
        }),
        cooldown_scale: 25.0, // SMAC unit_max_cooldown
        ..BASE
    },
    Unit {
        name: "marine",
        health: 45.0,        // Unit LifeMax
        speed: 2.25,         // Unit Speed
        sight: 9.0,          // Unit Sight
        radius: 0.375,       // Unit Radius
        separation: 0.375,   // Unit SeparationRadius
        inner_radius: 0.375, // Unit InnerRadius
        attributes: &[Light, Biological],
        weapon: Some(Weapon {
            damage: 6.0,        // Effect GuassRifle Amount
            period: 0.8608,     // Weapon Period
            range: 5.0,         // Weapon Range
            damage_point: 0.05, // Weapon DamagePoint
            backswing: 0.75,    // measured by others on the game, 4.10: 12 loops from the damage
            hits_flying: true,  // Weapon TargetFilters
            ..WEAPON
        }),
        cooldown_scale: 15.0, // SMAC unit_max_cooldown
        ..BASE
    },
    Unit {
        name: "medivac",
        health: 150.0,              // Unit LifeMax
        armour: 1.0,                // Unit LifeArmor
        speed: 2.75,                // Unit Speed
        acceleration: Some(2.3125), // Unit Acceleration
        sight: 11.0,                // Unit Sight
        radius: 0.75,               // Unit Radius
        separation: 0.75,           // Unit SeparationRadius
        inner_radius: 0.75,         // Unit InnerRadius
        motion: Motion::Flying,     // Unit Mover
        attributes: &[Armored, Mechanical],
        heal: Some(Heal {
            health_per_second: 9.0,  // Effect MedivacHeal, per second
            energy_per_health: 0.33, // Effect MedivacHeal, vital cost
            range: 4.0,              // Abil MedivacHeal Range
            acquire: 6.0,            // Abil MedivacHeal AutoCastRange
        }),
        energy: Some(Energy {
            start: 50.0,          // Unit EnergyStart
            max: 200.0,           // Unit EnergyMax
            regeneration: 0.5625, // Unit EnergyRegenRate
        }),
        cooldown_scale: 200.0, // SMAC divides the energy by it
        ..BASE
    },
    Unit {
        name: "colossus",
        race: Race::Protoss,
        health: 200.0,              // Unit LifeMax
        shield: 150.0,              // Unit ShieldsMax
        armour: 1.0,                // Unit LifeArmor
        speed: 2.25,                // Unit Speed
        sight: 10.0,                // Unit Sight
        radius: 1.0,                // Unit Radius
        separation: 0.75,           // Unit SeparationRadius
        inner_radius: 0.5625,       // Unit InnerRadius
        motion: Motion::OverCliffs, // Unit Mover Colossus
        attributes: &[Armored, Mechanical, Massive],
        weapon: Some(Weapon {
            damage: 20.0,         // Effect ThermalLances Amount
            hits: 2,              // two beams
            hit_interval: 0.125,  // the sweep lasts from 0.25 to 0.375 s
            period: 2.2,          // Weapon Period
            range: 6.0,           // Weapon Range
            range_slop: 0.0,      // Weapon RangeSlop
            damage_point: 0.0832, // Weapon DamagePoint
            splash: Splash::Line {
                half_length: 1.25, // Effect ThermalLances, outermost offsets
                radius: 0.15,      // Effect ThermalLances, radius of each of 11 points
                delay: 0.25,       // Effect ThermalLances, start of the last sweep
            },
            ..WEAPON
        }),
        cooldown_scale: 24.0, // SMAC unit_max_cooldown
        ..BASE
    },
    Unit {
        name: "stalker",
        race: Race::Protoss,
        health: 80.0,      // Unit LifeMax
        shield: 80.0,      // Unit ShieldsMax
        armour: 1.0,       // Unit LifeArmor
        speed: 2.9531,     // Unit Speed
        sight: 10.0,       // Unit Sight
        radius: 0.625,     // Unit Radius
        separation: 0.625, // Unit SeparationRadius
        inner_radius: 0.5, // Unit InnerRadius
        attributes: &[Armored, Mechanical],
        weapon: Some(Weapon {
            damage: 10.0,                // Effect ParticleDisruptorsU Amount
            bonus: Some((Armored, 4.0)), // Effect ParticleDisruptorsU AttributeBonus
            period: 1.44,                // Weapon Period
            range: 6.0,                  // Weapon Range
            damage_point: 0.167,         // Weapon DamagePoint
            missile_speed: Some(18.75),  // Mover Speed
            hits_flying: true,           // Weapon TargetFilters
            ..WEAPON
        }),
        cooldown_scale: 35.0, // SMAC unit_max_cooldown
        ..BASE
    },
    Unit {
        name: "zealot",
        race: Race::Protoss,
        health: 100.0,       // Unit LifeMax
        shield: 50.0,        // Unit ShieldsMax
        armour: 1.0,         // Unit LifeArmor
        speed: 2.25,         // Unit Speed
        sight: 9.0,          // Unit Sight
        radius: 0.5,         // Unit Radius
        separation: 0.375,   // Unit SeparationRadius
        inner_radius: 0.375, // Unit InnerRadius
        attributes: &[Light, Biological],
        weapon: Some(Weapon {
            damage: 8.0,        // Effect PsiBlades Amount
            hits: 2,            // Effect PsiBlades PeriodCount
            hit_interval: 0.28, // Effect PsiBlades Period
            period: 1.2,        // Weapon Period
            range: 0.1,         // Weapon Range
            damage_point: 0.0,  // Weapon DamagePoint
            ..WEAPON
        }),
        cooldown_scale: 22.0, // SMAC unit_max_cooldown
        ..BASE
    },
    Unit {
        name: "baneling",
        race: Race::Zerg,
        health: 30.0,                    // Unit LifeMax
        regeneration: ZERG_REGENERATION, // Unit LifeRegenRate
        speed: 2.5,                      // Unit Speed
        sight: 8.0,                      // Unit Sight
        radius: 0.375,                   // Unit Radius
        separation: 0.375,               // Unit SeparationRadius
        inner_radius: 0.375,             // Unit InnerRadius
        attributes: &[Biological],
        weapon: Some(Weapon {
            damage: 20.0,                          // Effect VolatileBurstU Amount
            bonus: Some((Light, 15.0)),            // Effect VolatileBurstU AttributeBonus
            period: 0.833,                         // Weapon Period
            range: 0.25,                           // Weapon Range
            splash: Splash::Burst { radius: 2.2 }, // Effect VolatileBurstU Radius
            ..WEAPON
        }),
        explodes: true,      // Behavior BanelingExplode
        cooldown_scale: 1.0, // SMAC unit_max_cooldown
        ..BASE
    },
    Unit {
        name: "zergling",
        race: Race::Zerg,
        health: 35.0,                    // Unit LifeMax
        regeneration: ZERG_REGENERATION, // Unit LifeRegenRate
        speed: 2.9531,                   // Unit Speed
        sight: 8.0,                      // Unit Sight
        radius: 0.375,                   // Unit Radius
        separation: 0.375,               // Unit SeparationRadius
        inner_radius: 0.375,             // Unit InnerRadius
        attributes: &[Light, Biological],
        weapon: Some(Weapon {
            damage: 5.0,   // Effect Claws Amount
            period: 0.696, // Weapon Period
            range: 0.1,    // Weapon Range
            ..WEAPON
        }),
        cooldown_scale: 11.0, // SMAC unit_max_cooldown
        ..BASE
    },
    Unit {
        name: "hydralisk",
        race: Race::Zerg,
        health: 80.0,                    // Unit LifeMax
        regeneration: ZERG_REGENERATION, // Unit LifeRegenRate
        speed: 2.25,                     // Unit Speed
        sight: 9.0,                      // Unit Sight
        radius: 0.625,                   // Unit Radius
        separation: 0.5,                 // Unit SeparationRadius
        inner_radius: 0.375,             // Unit InnerRadius
        attributes: &[Light, Biological],
        weapon: Some(Weapon {
            damage: 12.0,              // Effect NeedleSpinesDamage Amount
            period: 0.83,              // Weapon Period
            range: 5.0,                // Weapon Range
            damage_point: 0.208,       // Weapon DamagePoint
            missile_speed: Some(40.0), // Mover Speed
            hits_flying: true,         // Weapon TargetFilters
            ..WEAPON
        }),
        cooldown_scale: 10.0, // SMAC unit_max_cooldown
        ..BASE
    },
    Unit {
        name: "spine_crawler",
        race: Race::Zerg,
        health: 300.0,                   // Unit LifeMax
        armour: 2.0,                     // Unit LifeArmor
        regeneration: ZERG_REGENERATION, // Unit LifeRegenRate
        speed: 0.0,                      // rooted
        sight: 11.0,                     // Unit Sight
        radius: 0.875,                   // Unit Radius
        separation: 0.875,               // Unit SeparationRadius
        inner_radius: 0.875,             // Unit InnerRadius
        attributes: &[Armored, Biological, Structure],
        weapon: Some(Weapon {
            damage: 25.0,                // Effect ImpalerTentacleU Amount
            bonus: Some((Armored, 5.0)), // Effect ImpalerTentacleU AttributeBonus
            period: 1.6,                 // Weapon Period
            range: 7.0,                  // Weapon Range
            range_slop: 0.0,             // Weapon RangeSlop
            damage_point: 0.3332,        // Weapon DamagePoint
            missile_speed: Some(40.0),   // ours: the data used here give no speed
            ..WEAPON
        }),
        ..BASE
    },
];

/// Returns the position in [`UNITS`] of the unit called `name`.
pub fn unit_index(name: &str) -> Option<usize> {
    UNITS.iter().position(|unit| unit.name == name)
}
