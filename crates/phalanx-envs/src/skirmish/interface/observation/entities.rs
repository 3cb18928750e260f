//! The entities of an observation: the unit itself, its enemies and its allies.

use phalanx_core::env::{Entity, EntityLayout, EntityType, Presence};

use super::super::actions::SIGHT_RANGE;
use super::layout::PATHING_POINTS;
use super::team_view::{TeamView, attack_range};
use crate::skirmish::engine::UNITS;
use crate::skirmish::maps::Map;

/// The places of distance, relative x and relative y among a unit's columns.
const X: usize = 2;
const Y: usize = 3;

impl TeamView {
    /// Returns the entities of a row: entity 0 with everything that concerns no other unit, then all
    /// enemies, then the other allies. Returns `None` if agents observe no units.
    ///
    /// An ally is present if it is visible. An enemy is present if its health is shown, or without
    /// healths, if any of its features is not zero; `can be attacked` is zero beyond the attack range.
    /// With healers on the map, an attack of one unit is the healing of an ally by another, so no action
    /// targets an entity.
    pub(crate) fn entities(&self, map: &Map) -> Option<EntityLayout> {
        let layout = &self.layout;
        if !layout.args.obs_starcraft {
            return None;
        }
        let health = layout.args.obs_all_health;
        let heals = map.kinds().any(|kind| UNITS[kind].heal.is_some());
        let (enemy_width, ally_width) = (layout.enemy_width(), layout.ally_width());
        let enemies = layout.move_width();
        let allies = enemies + layout.n_enemies * enemy_width;
        let own = allies + (layout.n_agents - 1) * ally_width;
        let mut entities = vec![Entity::agent((0..enemies).chain(own..layout.obs_dim()).collect())];
        let unit = |kind: usize, first: usize, width: usize| Entity {
            kind,
            columns: (first..first + width).collect(),
            presence: Presence::AnyNonZero,
            position: Some([first + X, first + Y]),
            action: None,
        };
        entities.extend((0..layout.n_enemies).map(|enemy| {
            let first = enemies + enemy * enemy_width;
            let presence = if health { Presence::NonZero(first + 4) } else { Presence::AnyNonZero };
            let action = (!heals).then(|| layout.first_target() + enemy);
            Entity { presence, action, ..unit(1, first, enemy_width) }
        }));
        entities.extend((1..layout.n_agents).map(|ally| {
            let first = allies + (ally - 1) * ally_width;
            Entity { presence: Presence::NonZero(first), ..unit(2, first, ally_width) }
        }));
        let mut types = vec![
            EntityType { name: "self".to_owned(), features: self.own_features(map) },
            EntityType { name: "enemy".to_owned(), features: self.enemy_features(map) },
        ];
        if layout.n_agents > 1 {
            types.push(EntityType { name: "ally".to_owned(), features: self.ally_features(map) });
        }
        Some(EntityLayout {
            types,
            entities,
            position_scale: [SIGHT_RANGE; 2],
            hidden_targets: !heals && self.targets_hide(map),
        })
    }

    /// Returns whether a unit may be able to attack an enemy that it does not see.
    fn targets_hide(&self, map: &Map) -> bool {
        let args = &self.layout.args;
        let reaches_further = |kind: usize| {
            let unit = &UNITS[kind];
            attack_range(unit).max(args.min_attack_range) >= unit.sight
        };
        let far = args.use_unit_ranges && map.kinds().any(reaches_further);
        let unseen = self.sightings || !args.action_mask || far;
        self.blanks || (unseen && !args.fully_observable)
    }

    fn own_features(&self, map: &Map) -> Vec<String> {
        let (layout, args) = (&self.layout, &self.layout.args);
        let directions = ["north", "south", "east", "west"];
        let mut names: Vec<String> =
            directions.iter().map(|direction| format!("can move {direction}")).collect();
        let amount = args.move_amount as i32;
        let points = || PATHING_POINTS.map(|(x, y)| (x * amount, y * amount)).into_iter();
        if args.obs_pathing_grid {
            names.extend(points().map(|(x, y)| format!("walkable at offset ({x:+}, {y:+})")));
        }
        if args.obs_terrain_height {
            let points = points().chain([(0, 0)]);
            names.extend(points.map(|(x, y)| format!("terrain height at offset ({x:+}, {y:+})")));
        }
        names.extend(healths(layout.own_health(), layout.ally_shield));
        if args.obs_own_pos {
            names.extend(["x", "y"].map(str::to_owned));
        }
        if args.conic_fov {
            names.extend(["viewing direction, x", "viewing direction, y"].map(str::to_owned));
        }
        names.extend(self.type_features(map, 0));
        if args.obs_timestep_number {
            names.push("step".to_owned());
        }
        names
    }

    fn enemy_features(&self, map: &Map) -> Vec<String> {
        let mut names = vec!["can be attacked".to_owned()];
        names.extend(places());
        names.extend(healths(self.layout.args.obs_all_health, self.layout.enemy_shield));
        names.extend(self.type_features(map, 1));
        names
    }

    fn ally_features(&self, map: &Map) -> Vec<String> {
        let args = &self.layout.args;
        let mut names = vec!["visible".to_owned()];
        names.extend(places());
        names.extend(healths(args.obs_all_health, self.layout.ally_shield));
        names.extend(self.type_features(map, 0));
        if args.obs_last_action {
            names.extend((0..self.layout.n_actions).map(|a| format!("last action was {a}")));
        }
        names
    }

    /// Names the bits of the one-hot type of an ally (`role` 0) or an enemy (1).
    fn type_features(&self, map: &Map, role: usize) -> Vec<String> {
        let name = |bit: usize| {
            let kind = map.kinds().find(|&kind| self.bits[role][kind] == bit);
            kind.map_or(format!("is of type {bit}"), |kind| format!("is a {}", UNITS[kind].words()))
        };
        (0..self.layout.type_bits).map(name).collect()
    }
}

fn places() -> [String; 3] {
    ["distance", "relative x", "relative y"].map(str::to_owned)
}

fn healths(shown: bool, shield: bool) -> Vec<String> {
    match (shown, shield) {
        (false, _) => Vec::new(),
        (true, false) => vec!["health".to_owned()],
        (true, true) => vec!["health".to_owned(), "shield".to_owned()],
    }
}
