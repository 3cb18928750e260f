//! Scripted players.

use crate::skirmish::liberty::Battle;
use crate::skirmish::smac::{ATTACK, EAST, NO_OP, NORTH, SHOOT_RANGE, SOUTH, STOP, WEST};

/// SMAC's heuristic: every agent attacks the enemy that was nearest when it chose, and chooses
/// again when that one is dead.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttackNearest {
    /// The enemy each agent has chosen, `[agent]`.
    pub(crate) targets: Vec<Option<u16>>,
}

impl AttackNearest {
    pub(crate) fn new(n_agents: usize) -> Self {
        Self { targets: vec![None; n_agents] }
    }

    pub(crate) fn forget(&mut self) {
        self.targets.fill(None);
    }

    /// The action of one agent. An agent that `keeps_to_mask` walks towards an enemy it may not
    /// attack yet, along the longer axis; another attacks regardless, which SMAC lets it do.
    pub(crate) fn act(&mut self, battle: &Battle, agent: usize, keeps_to_mask: bool) -> u16 {
        let units = &battle.units;
        if !units.alive(agent) {
            return NO_OP;
        }
        let global = |enemy: u16| battle.n_allies + usize::from(enemy);
        let current = self.targets[agent].filter(|&enemy| units.alive(global(enemy)));
        let nearest = || {
            let enemies = 0..(battle.len() - battle.n_allies) as u16;
            let living = enemies.filter(|&enemy| units.alive(global(enemy)));
            let distance = |&enemy: &u16| units.distance_squared(agent, global(enemy));
            living.min_by(|a, b| distance(a).total_cmp(&distance(b)))
        };
        self.targets[agent] = current.or_else(nearest);
        let Some(target) = self.targets[agent] else {
            return STOP;
        };
        let enemy = global(target);
        let reachable = units.distance_squared(agent, enemy) <= SHOOT_RANGE * SHOOT_RANGE;
        if reachable || !keeps_to_mask {
            return ATTACK + target;
        }
        let (dx, dy) = (units.x[enemy] - units.x[agent], units.y[enemy] - units.y[agent]);
        match dx.abs() > dy.abs() {
            true if dx > 0.0 => EAST,
            true => WEST,
            false if dy > 0.0 => NORTH,
            false => SOUTH,
        }
    }
}
