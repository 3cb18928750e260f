//! Scripted players.

use crate::skirmish::liberty::{Battle, Motion};
use crate::skirmish::smac::Choice;

/// SMAC's heuristic: every agent attacks the enemy that was nearest when it chose, and chooses
/// again when that one is dead. A healer heals the nearest injured ally until it is whole or dead.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttackNearest {
    /// The enemy (for a healer, the ally) each agent has chosen, `[agent]`.
    pub(crate) targets: Vec<Option<u16>>,
}

impl AttackNearest {
    pub(crate) fn new(n_agents: usize) -> Self {
        Self { targets: vec![None; n_agents] }
    }

    pub(crate) fn forget(&mut self) {
        self.targets.fill(None);
    }

    /// What one agent does. Where `open` says (`[target]`) which targets the mask allows, it walks
    /// towards one it may not have yet, along the longer axis; otherwise it attacks regardless,
    /// which SMAC lets it do.
    pub(crate) fn act(&mut self, battle: &Battle, agent: usize, open: Option<&[bool]>) -> Choice {
        if !battle.units.alive(agent) {
            return Choice::NoOp;
        }
        let first = if battle.stats[agent].unit.heal.is_some() { 0 } else { battle.n_allies };
        let current = self.targets[agent].filter(|&target| {
            let target = first + usize::from(target);
            battle.units.alive(target) && (first > 0 || injured(battle, target))
        });
        self.targets[agent] = current.or_else(|| nearest(battle, agent, first));
        let Some(target) = self.targets[agent].map(usize::from) else {
            return Choice::Stop;
        };
        if open.is_none_or(|open| open[target]) {
            return Choice::Target(target);
        }
        let (x, y) = (&battle.units.x, &battle.units.y);
        let (dx, dy) = (x[first + target] - x[agent], y[first + target] - y[agent]);
        // North, south, east, west.
        Choice::Move(match dx.abs() > dy.abs() {
            true if dx > 0.0 => 2,
            true => 3,
            false if dy > 0.0 => 0,
            false => 1,
        })
    }
}

fn injured(battle: &Battle, unit: usize) -> bool {
    battle.units.health[unit] < battle.stats[unit].unit.health
}

/// The nearest unit the agent can do something about: an enemy its weapon can hit or, for a healer
/// (whose `first` target is ally 0), an injured ally that is no healer.
fn nearest(battle: &Battle, agent: usize, first: usize) -> Option<u16> {
    let last = if first == 0 { battle.n_allies } else { battle.len() };
    let hits_flying = battle.stats[agent].unit.weapon.is_some_and(|weapon| weapon.hits_flying);
    let useful = |&target: &usize| {
        let unit = battle.stats[target].unit;
        battle.units.alive(target)
            && if first == 0 {
                unit.heal.is_none() && injured(battle, target)
            } else {
                hits_flying || unit.motion != Motion::Flying
            }
    };
    let distance = |&target: &usize| battle.units.distance_squared(agent, target);
    let found = (first..last).filter(useful).min_by(|a, b| distance(a).total_cmp(&distance(b)));
    found.map(|target| (target - first) as u16)
}
