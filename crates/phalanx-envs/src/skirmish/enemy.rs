//! How units under an attack-move choose whom to attack: the built-in opponent.
//!
//! SMAC's maps give the enemies one order, to attack-move to the allies' starting point, and leave
//! the rest to the engine, which has no tactics for these units beyond the ones below.

use super::battle::{AT_REST, Battle, NOBODY, Order};

/// The smallest distance (between edges) at which opponents are noticed: the game's `MinScanRange`.
const SCAN_RANGE: f32 = 5.0;
/// A target further away than this is given up: the game's `AcquireLeashRadius`.
const LEASH: f32 = 21.0;

impl Battle {
    /// Gives a target to every unit under an attack-move that has none.
    ///
    /// The nearest opponent within [`SCAN_RANGE`], or within weapon range where that is longer,
    /// measured between edges; one that can attack goes before one that cannot. A target is kept
    /// until it dies or leaves the leash.
    pub(crate) fn acquire(&mut self) {
        for i in 0..self.len() {
            if !self.units.alive(i)
                || !self.stats[i].armed
                || !matches!(self.units.order[i], Order::AttackMove { .. })
            {
                continue;
            }
            let current = self.units.target[i];
            if current != NOBODY && self.may_keep(i, usize::from(current)) {
                continue;
            }
            self.units.target[i] = self.nearest_opponent(i);
            self.units.windup[i] = AT_REST;
        }
    }

    fn may_keep(&self, i: usize, target: usize) -> bool {
        let leash = LEASH + self.stats[i].radius + self.stats[target].radius;
        self.units.alive(target) && self.units.distance_squared(i, target) <= leash * leash
    }

    fn nearest_opponent(&self, i: usize) -> u16 {
        let stats = &self.stats[i];
        let scan = SCAN_RANGE.max(stats.range) + stats.radius;
        let mut best = (false, f32::INFINITY);
        let mut choice = NOBODY;
        for j in self.opponents(i) {
            let other = &self.stats[j];
            let reach = scan + other.radius;
            let squared = self.units.distance_squared(i, j);
            if squared > reach * reach || !self.units.alive(j) {
                continue;
            }
            let edge = squared.sqrt() - other.radius;
            let better = (other.armed && !best.0) || (other.armed == best.0 && edge < best.1);
            if better || choice == NOBODY {
                best = (other.armed, edge);
                choice = j as u16;
            }
        }
        choice
    }

    /// Lets the victims of this loop's shots answer: a unit turns to an attacker when it has no
    /// target, or when its target is out of weapon range and the attacker is not. Of several
    /// attackers it takes the nearest.
    pub(crate) fn retaliate(&mut self) {
        self.turned.fill(false);
        for shot in 0..self.shots.len() {
            let (attacker, victim) = (self.shots[shot].from, usize::from(self.shots[shot].to));
            if !self.units.alive(victim)
                || !self.units.alive(usize::from(attacker))
                || !self.stats[victim].armed
                || !matches!(self.units.order[victim], Order::AttackMove { .. })
            {
                continue;
            }
            let current = self.units.target[victim];
            let turns = current == NOBODY
                || if self.turned[victim] {
                    let distance = |j: u16| self.units.distance_squared(victim, usize::from(j));
                    distance(attacker) < distance(current)
                } else {
                    self.in_range(victim, usize::from(attacker))
                        && !self.in_range(victim, usize::from(current))
                };
            if turns {
                self.units.target[victim] = attacker;
                self.units.windup[victim] = AT_REST;
                self.turned[victim] = true;
            }
        }
    }
}
