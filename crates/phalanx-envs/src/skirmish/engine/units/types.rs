//! The definition of units and weapons, and the effect of a hit.
//!
//! SMAC's maps depend on the game data *Wings of Liberty* alone, so the numbers are those of that
//! data, in its own unit of time: a "Normal" second of 16 game loops. They are in
//! [`UNITS`](super::UNITS).

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

/// An attribute of a unit, against which a weapon can have a bonus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// Small.
    Light,
    /// Heavily built.
    Armored,
    /// Living tissue; a medivac heals nothing else.
    Biological,
    /// Mechanical.
    Mechanical,
    /// Very large.
    Massive,
    /// A building.
    Structure,
}

/// The kind of motion: the terrain that a unit can cross and the units with which it collides, namely
/// those of the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Motion {
    /// Walks around cliffs.
    Ground,
    /// Walks over cliffs and over units on the ground; weapons against ground and air can both hit it.
    OverCliffs,
    /// Flies; only weapons with [`hits_flying`](Weapon::hits_flying) can hit it.
    Flying,
}

/// The units that a hit damages besides its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Splash {
    /// None.
    None,
    /// All opponents on a line through the target's position, perpendicular to the direction of aim:
    /// those whose edge is within `radius` of a point at most `half_length` from the middle. The
    /// position is that at the damage point; the first hit falls `delay` seconds later.
    Line {
        /// Half the length of the line.
        half_length: f32,
        /// Half its width.
        radius: f32,
        /// Seconds from the damage point to the first hit.
        delay: f32,
    },
    /// All opponents whose edge is within `radius` of the attacker, which dies.
    Burst {
        /// The radius of the burst.
        radius: f32,
    },
}

/// A weapon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weapon {
    /// Damage of one hit before armour.
    pub damage: f32,
    /// Hits per volley, each reduced by armour.
    pub hits: u32,
    /// Seconds between the hits of a volley.
    pub hit_interval: f32,
    /// Extra damage of each hit against units with the attribute.
    pub bonus: Option<(Attribute, f32)>,
    /// Seconds from the start of one attack to the start of the next.
    pub period: f32,
    /// Largest distance between the edges of attacker and target when an attack starts.
    pub range: f32,
    /// The additional distance allowed at the damage point.
    pub range_slop: f32,
    /// Seconds from the start of an attack to its damage, or to the launch of its missile.
    pub damage_point: f32,
    /// Seconds after the damage before the unit follows a target; a new order cuts the wait short.
    pub backswing: f32,
    /// Speed of the missile in length units per second; `None` for a weapon that hits at once.
    pub missile_speed: Option<f32>,
    /// Whether it can be aimed at units with [`Motion::Flying`].
    pub hits_flying: bool,
    /// The units that a hit damages besides its target.
    pub splash: Splash,
}

/// The ability to heal allies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heal {
    /// Health restored per second.
    pub health_per_second: f32,
    /// Energy spent per point of health.
    pub energy_per_health: f32,
    /// Largest distance between edges.
    pub range: f32,
    /// The distance (between edges) at which it looks for injured units without an order.
    pub acquire: f32,
}

/// The energy of a unit, which abilities consume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Energy {
    /// At the start of an episode.
    pub start: f32,
    /// The maximum.
    pub max: f32,
    /// Regeneration per second.
    pub regeneration: f32,
}

/// A unit type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// The name in map files.
    pub name: &'static str,
    /// The race it belongs to.
    pub race: Race,
    /// Health at the start.
    pub health: f32,
    /// Shield at the start. It regenerates by 2 per second after 10 seconds without damage.
    pub shield: f32,
    /// The damage subtracted from every hit on health.
    pub armour: f32,
    /// Health regained per second.
    pub regeneration: f32,
    /// Speed in length units per second.
    pub speed: f32,
    /// Acceleration in length units per second squared; `None` for a unit that reaches its speed at
    /// once. All units turn and stop at once.
    pub acceleration: Option<f32>,
    /// The sight range, as in SMACv2.
    pub sight: f32,
    /// The radius subtracted from distances when a range is tested.
    pub radius: f32,
    /// The radius that keeps units apart.
    pub separation: f32,
    /// The distance that a unit keeps from cliffs.
    pub inner_radius: f32,
    /// The kind of motion.
    pub motion: Motion,
    /// The attributes against which weapons can have a bonus.
    pub attributes: &'static [Attribute],
    /// `None` for a unit that cannot attack.
    pub weapon: Option<Weapon>,
    /// `None` for a unit that cannot heal.
    pub heal: Option<Heal>,
    /// `None` for a unit without energy.
    pub energy: Option<Energy>,
    /// Whether its weapon fires when it is killed.
    pub explodes: bool,
    /// The divisor of the cooldown (in game loops) in SMAC's state.
    pub cooldown_scale: f32,
}

impl Unit {
    /// Returns the name as words: `spine crawler`.
    pub(crate) fn words(&self) -> String {
        self.name.replace('_', " ")
    }

    /// Returns the plural of the name: `colossi`, `spine crawlers`.
    pub(crate) fn plural(&self) -> String {
        match self.name {
            "colossus" => "colossi".to_owned(),
            _ => format!("{}s", self.words()),
        }
    }
}

/// Returns the health and shield of a `target` after one hit of `weapon`.
///
/// The hit deals `damage + bonus`. The shield absorbs it first, without armour; the rest, minus armour
/// but at least 0.5, reduces the health. A unit with zero health is dead.
pub fn strike(weapon: &Weapon, target: &Unit, health: f32, shield: f32) -> (f32, f32) {
    let bonus = match weapon.bonus {
        Some((attribute, bonus)) if target.attributes.contains(&attribute) => bonus,
        _ => 0.0,
    };
    let hit = weapon.damage + bonus;
    let absorbed = hit.min(shield);
    let rest = hit - absorbed;
    let lost = if rest > 0.0 { (rest - target.armour).max(0.5) } else { 0.0 };
    ((health - lost).max(0.0), shield - absorbed)
}

#[cfg(test)]
mod tests {
    use super::super::table::{UNITS, unit_index};
    use super::*;

    fn marine() -> Unit {
        UNITS[unit_index("marine").expect("the table has marines")]
    }

    #[test]
    fn names_read_as_words_in_either_number() {
        let of = |name| UNITS[unit_index(name).expect("the unit exists")];
        assert_eq!(of("colossus").plural(), "colossi");
        assert_eq!(of("spine_crawler").words(), "spine crawler");
        assert_eq!(of("spine_crawler").plural(), "spine crawlers");
        assert_eq!(of("zergling").plural(), "zerglings");
    }

    #[test]
    fn a_marine_kills_a_marine_with_eight_shots() {
        let weapon = marine().weapon.expect("a marine has a weapon");
        let (mut health, mut shots) = (45.0, 0);
        while health > 0.0 {
            (health, _) = strike(&weapon, &marine(), health, 0.0);
            shots += 1;
        }
        assert_eq!(shots, 8);
    }

    #[test]
    fn a_shield_takes_damage_first_and_without_armour() {
        let weapon = marine().weapon.expect("a marine has a weapon");
        let target = Unit { armour: 1.0, ..marine() };
        assert_eq!(strike(&weapon, &target, 100.0, 50.0), (100.0, 44.0));
        // Two points of shield are left; the other four of the six damage the health, less one of armour.
        assert_eq!(strike(&weapon, &target, 100.0, 2.0), (97.0, 0.0));
        assert_eq!(strike(&weapon, &target, 100.0, 0.0), (95.0, 0.0));
    }

    #[test]
    fn armour_leaves_half_a_point_of_every_hit() {
        let weapon = marine().weapon.expect("a marine has a weapon");
        let target = Unit { armour: 9.0, ..marine() };
        assert_eq!(strike(&weapon, &target, 45.0, 0.0), (44.5, 0.0));
    }

    #[test]
    fn a_bonus_counts_against_its_attribute_only() {
        let plain = marine().weapon.expect("a marine has a weapon");
        let light = Weapon { bonus: Some((Attribute::Light, 4.0)), ..plain };
        let armored = Weapon { bonus: Some((Attribute::Armored, 4.0)), ..plain };
        assert_eq!(strike(&light, &marine(), 45.0, 0.0), (35.0, 0.0));
        assert_eq!(strike(&armored, &marine(), 45.0, 0.0), (39.0, 0.0));
    }
}
