//! The sizes of observation, state and mask.

use std::ops::Range;

use super::super::actions::ATTACK;
use crate::skirmish::args::SkirmishArgs;
use crate::skirmish::engine::{Race, UNITS};
use crate::skirmish::maps::Map;

/// The points of `obs_pathing_grid`, in multiples of `move_amount`; `obs_terrain_height` adds the
/// unit's own.
pub(crate) const PATHING_POINTS: [(i32, i32); 8] =
    [(0, 2), (0, -2), (2, 0), (-2, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)];

/// The sizes of one team's observations, masks and state: `n_agents` is the number of its own units,
/// `n_enemies` that of its opponents.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) args: SkirmishArgs,
    pub(crate) n_agents: usize,
    pub(crate) n_enemies: usize,
    /// The number of look actions; zero without a conic field of view.
    pub(crate) n_looks: usize,
    pub(crate) n_actions: usize,
    pub(crate) ally_shield: bool,
    pub(crate) enemy_shield: bool,
    pub(crate) type_bits: usize,
    pub(crate) limit: usize,
}

impl Layout {
    /// Returns the layout for team `team` of a map: 0 for the allies, 1 for the enemies in the allies'
    /// role.
    pub(crate) fn new(map: &Map, args: &SkirmishArgs, limit: usize, team: usize) -> Self {
        let mut sizes = [map.allies.len(), map.enemies.len()];
        let mut races = [map.ally_race, map.enemy_race];
        if team == 1 {
            sizes.reverse();
            races.reverse();
        }
        let [n_agents, n_enemies] = sizes;
        let n_looks = if args.conic_fov { args.num_fov_actions } else { 0 };
        // Healers choose among the allies, and there may be more allies than enemies.
        let heals = map.kinds().any(|kind| UNITS[kind].heal.is_some());
        let n_targets = if heals { n_enemies.max(n_agents) } else { n_enemies };
        Self {
            args: args.clone(),
            n_agents,
            n_enemies,
            n_looks,
            n_actions: usize::from(ATTACK) + n_looks + n_targets,
            ally_shield: races[0] == Race::Protoss,
            enemy_shield: races[1] == Race::Protoss,
            type_bits: map.unit_type_bits,
            limit,
        }
    }

    /// Returns the first action with a target.
    pub(crate) fn first_target(&self) -> usize {
        usize::from(ATTACK) + self.n_looks
    }

    /// Returns the look actions.
    pub(crate) fn looks(&self) -> Range<usize> {
        usize::from(ATTACK)..self.first_target()
    }

    pub(crate) fn move_width(&self) -> usize {
        let pathing = if self.args.obs_pathing_grid { PATHING_POINTS.len() } else { 0 };
        let height = if self.args.obs_terrain_height { PATHING_POINTS.len() + 1 } else { 0 };
        4 + pathing + height
    }

    pub(crate) fn enemy_width(&self) -> usize {
        4 + health_width(self.args.obs_all_health, self.enemy_shield) + self.type_bits
    }

    pub(crate) fn ally_width(&self) -> usize {
        let last_action = if self.args.obs_last_action { self.n_actions } else { 0 };
        4 + health_width(self.args.obs_all_health, self.ally_shield) + self.type_bits + last_action
    }

    pub(crate) fn own_width(&self) -> usize {
        let position = if self.args.obs_own_pos { 2 } else { 0 };
        let facing = if self.args.conic_fov { 2 } else { 0 };
        health_width(self.own_health(), self.ally_shield) + position + facing + self.type_bits
    }

    /// Returns whether agents observe their own health. In SMAC, `obs_all_health` implies it.
    pub(crate) fn own_health(&self) -> bool {
        self.args.obs_own_health || self.args.obs_all_health
    }

    /// With `obs_timestep_number`, SMAC observes one column more (always zero) than it declares; this is
    /// the declared size.
    pub(crate) fn obs_dim(&self) -> usize {
        let time = usize::from(self.args.obs_timestep_number);
        if !self.args.obs_starcraft {
            return time;
        }
        self.move_width()
            + self.n_enemies * self.enemy_width()
            + (self.n_agents - 1) * self.ally_width()
            + self.own_width()
            + time
    }

    /// Returns the entries of an observation that the state lacks: available moves, visibility and
    /// distances. Health, shields and types are in the state, and so are last actions unless they were
    /// excluded from it.
    pub(crate) fn private_obs(&self) -> Vec<usize> {
        if self.args.obs_instead_of_state {
            return Vec::new();
        }
        if !self.args.obs_starcraft {
            return (0..self.obs_dim()).collect();
        }
        let mut private: Vec<usize> = (0..self.move_width()).collect();
        let mut at = self.move_width();
        for _ in 0..self.n_enemies {
            private.extend(at..at + 4);
            at += self.enemy_width();
        }
        for _ in 1..self.n_agents {
            private.extend(at..at + 4);
            at += self.ally_width();
            if self.args.obs_last_action && !self.args.state_last_action {
                private.extend(at - self.n_actions..at);
            }
        }
        if self.args.obs_timestep_number && !self.args.state_timestep_number {
            private.push(self.obs_dim() - 1);
        }
        private
    }

    pub(crate) fn state_ally_width(&self) -> usize {
        let facing = if self.args.conic_fov { 2 } else { 0 };
        4 + usize::from(self.ally_shield) + facing + self.type_bits
    }

    pub(crate) fn state_enemy_width(&self) -> usize {
        3 + usize::from(self.enemy_shield) + self.type_bits
    }

    pub(crate) fn state_dim(&self) -> usize {
        if self.args.obs_instead_of_state {
            return self.n_agents * self.obs_dim();
        }
        let last_action = if self.args.state_last_action { self.n_actions } else { 0 };
        self.n_agents * (self.state_ally_width() + last_action)
            + self.n_enemies * self.state_enemy_width()
            + usize::from(self.args.state_timestep_number)
    }
}

fn health_width(shown: bool, shield: bool) -> usize {
    if shown { 1 + usize::from(shield) } else { 0 }
}
