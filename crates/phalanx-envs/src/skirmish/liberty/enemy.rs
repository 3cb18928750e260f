//! How units under an attack-move choose whom to attack: the built-in opponent.
//!
//! SMAC's maps give the enemies one order, to attack-move to the allies' starting point, and leave
//! the rest to the engine, which has no tactics for these units beyond the ones below.

use super::battle::{AT_REST, Battle, NOBODY, Order};

/// The smallest distance (between edges) at which opponents are noticed: the game's `MinScanRange`.
const SCAN_RANGE: f32 = 5.0;
/// Comrades this near a victim (between edges) help it: the game's `CallForHelpRadius`.
const HELP_RADIUS: f32 = 4.0;
/// Game loops between two calls of one victim: the game's `CallForHelpPeriod`, 2 seconds.
const HELP_PERIOD: f32 = 32.0;
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

    /// Lets the units under an attack-move answer this loop's shots.
    ///
    /// A victim turns to its attacker when it has no target, or when its target is out of weapon
    /// range and the attacker is not. It also calls its comrades nearby, of whom those without a
    /// target turn to the attacker as well, however far away that is. Of several attackers each
    /// takes the nearest.
    pub(crate) fn answer_shots(&mut self) {
        self.turned.fill(false);
        for shot in 0..self.shots.len() {
            let (attacker, victim) = (self.shots[shot].from, usize::from(self.shots[shot].to));
            if !self.units.alive(usize::from(attacker)) {
                continue;
            }
            let current = self.units.target[victim];
            let turns = current != NOBODY
                && self.in_range(victim, usize::from(attacker))
                && !self.in_range(victim, usize::from(current));
            self.consider(victim, attacker, turns);
            if self.units.silence[victim] <= 0.0 {
                self.units.silence[victim] = HELP_PERIOD;
                self.call_for_help(victim, attacker);
            }
        }
    }

    fn call_for_help(&mut self, victim: usize, attacker: u16) {
        let team =
            if victim < self.n_allies { 0..self.n_allies } else { self.n_allies..self.len() };
        for comrade in team {
            let reach = HELP_RADIUS + self.stats[victim].radius + self.stats[comrade].radius;
            if comrade != victim && self.units.distance_squared(comrade, victim) <= reach * reach {
                self.consider(comrade, attacker, false);
            }
        }
    }

    /// Turns unit `i` to an attacker if it `turns` from its target, has none, or turned in this
    /// same loop to one that is further away.
    fn consider(&mut self, i: usize, attacker: u16, turns: bool) {
        if !self.units.alive(i)
            || !self.stats[i].armed
            || !matches!(self.units.order[i], Order::AttackMove { .. })
        {
            return;
        }
        let current = self.units.target[i];
        let distance = |j: u16| self.units.distance_squared(i, usize::from(j));
        let nearer = || self.turned[i] && distance(attacker) < distance(current);
        if current == NOBODY || turns || nearer() {
            self.units.target[i] = attacker;
            self.units.windup[i] = AT_REST;
            self.turned[i] = true;
        }
    }
}
