//! The entities of an observation.

use phalanx_core::env::{Entity, EntityLayout, EntityType, Presence};

use super::args::{ObservationType, SmaxArgs};
use super::battle::ATTACK;
use super::conic_observation::{PER_SECTION, SECTIONS};
use super::observation::{OTHER, OWN};
use super::scenario::Scenario;
use super::units::UNIT_TYPES;

/// Returns the entities of an observation.
///
/// In a list of units they are the agent itself, the other units of its team and its opponents, which are
/// the targets of attacks. In the conic observation, any unit can stand in any place of any sector, so all
/// of them are of one type and no action targets them. In self-play between teams of different sizes, the
/// rows of the two teams mean different things, so there is no layout.
pub(crate) fn entities(scenario: &Scenario, args: &SmaxArgs) -> Option<EntityLayout> {
    let (n_allies, n_enemies) = (scenario.n_allies(), scenario.n_enemies());
    let unit = |kind: usize, row: usize, presence: fn(usize) -> Presence| Entity {
        kind,
        columns: (row * OTHER..(row + 1) * OTHER).collect(),
        presence: presence(row * OTHER),
        position: Some([row * OTHER + 1, row * OTHER + 2]),
        action: None,
    };
    let (others, names, rows) = match args.observation_type {
        ObservationType::UnitList => {
            if args.self_play && n_allies != n_enemies {
                return None;
            }
            // Visible units are alive.
            let allies = (0..n_allies - 1).map(|row| unit(1, row, Presence::NonZero));
            let kind = if n_allies > 1 { 2 } else { 1 };
            let enemies = (0..n_enemies).map(|enemy| Entity {
                action: Some(usize::from(ATTACK) + enemy),
                ..unit(kind, n_allies - 1 + enemy, Presence::NonZero)
            });
            let names = if n_allies > 1 { &["ally", "enemy"][..] } else { &["enemy"] };
            (allies.chain(enemies).collect::<Vec<_>>(), names, n_allies + n_enemies - 1)
        }
        ObservationType::Conic => {
            let rows = SECTIONS * PER_SECTION;
            // Dead units are shown with zero health.
            let units = (0..rows).map(|row| unit(1, row, |_| Presence::AnyNonZero));
            (units.collect(), &["unit"][..], rows)
        }
    };
    let own = Entity::agent((rows * OTHER..rows * OTHER + OWN).collect());
    let types = names.iter().map(|name| with_types(name, OTHER_FEATURES));
    Some(EntityLayout {
        types: std::iter::once(with_types("self", OWN_FEATURES)).chain(types).collect(),
        entities: std::iter::once(own).chain(others).collect(),
        position_scale: [SIGHT; 2],
        hidden_targets: false,
    })
}

/// The sight range of a marine.
const SIGHT: f32 = UNIT_TYPES[0].sight;

const OWN_FEATURES: &[&str] = &["health", "x", "y", "cooldown"];
const OTHER_FEATURES: &[&str] = &[
    "health",
    "relative x",
    "relative y",
    "last movement, x",
    "last movement, y",
    "last attack",
    "cooldown",
];

/// Makes a type whose features end with a one-hot unit type.
fn with_types(name: &str, features: &[&str]) -> EntityType {
    let mut named = EntityType::new(name, features.iter().copied());
    named.features.extend(UNIT_TYPES.iter().map(|unit| format!("is a {}", unit.name)));
    named
}
