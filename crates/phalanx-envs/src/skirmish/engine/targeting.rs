//! Target selection of units under an attack-move: the built-in opponent.
//!
//! SMAC's maps give the enemies one order, to attack-move to the allies' starting point, and leave the
//! rest to the engine, which has no tactics for these units beyond the ones below. The rules that a unit
//! looks for another target when its own is out of weapon range, and which one it prefers, follow
//! Liquipedia's page on automatic targeting.

use super::alive::AliveUnits;
use super::battle::{AT_REST, Battle, NO_UNIT, Order};

/// Allies this near a victim (between edges) help it: the game's `CallForHelpRadius`.
const HELP_RADIUS: f32 = 4.0;
/// Game loops between two calls for help of one victim: the game's `CallForHelpPeriod`, 2 seconds.
const HELP_PERIOD: f32 = 32.0;
/// A target further away than this is given up: the game's `AcquireLeashRadius`.
const LEASH: f32 = 21.0;
/// Game loops between two orders to hunters: half a second, as in the trigger of SMACv2's map.
const HUNT_PERIOD: u32 = 8;

impl Battle {
    /// Selects a target for every unit that chooses its own and has none within range.
    ///
    /// A target is kept until it dies or leaves weapon range. Then the nearest visible opponent replaces
    /// it; if there is none, the unit follows its old target as far as the leash allows. A hunter keeps
    /// its target at any distance; one that sees no opponent is sent to the nearest opponent every
    /// [`HUNT_PERIOD`].
    pub(crate) fn acquire(&mut self) {
        let hunt = self.units.clock.is_multiple_of(HUNT_PERIOD);
        self.living[0].look_at(&self.units, 0..self.n_allies);
        self.living[1].look_at(&self.units, self.n_allies..self.stats.len());
        for i in 0..self.len() {
            let hunts = match self.units.order[i] {
                Order::AttackMove { .. } => false,
                Order::Hunt => true,
                Order::Hold | Order::Move { .. } | Order::Attack => continue,
            };
            if !self.units.alive(i) {
                continue;
            }
            let current = self.units.target[i];
            if self.stats[i].armed {
                let keeps = current != NO_UNIT && self.may_keep(i, usize::from(current), hunts);
                if keeps && (hunts || self.is_busy_with(i, usize::from(current))) {
                    continue;
                }
                let scan = self.stats[i].scan;
                let reach = scan + self.stats[i].radius + self.widest;
                let mut target = NO_UNIT;
                if self.living_opponents(i).come_within(reach, self.units.x[i], self.units.y[i]) {
                    target = self.nearest_opponent(i, scan);
                }
                if target == NO_UNIT && keeps {
                    continue;
                }
                if target == NO_UNIT && hunts && hunt {
                    target = self.nearest_opponent(i, f32::INFINITY);
                }
                if target != current {
                    self.units.aim(i, target);
                }
            } else if self.stats[i].unit.heal.is_some()
                && (current == NO_UNIT || !self.is_injured(usize::from(current)))
            {
                self.units.target[i] = self.most_injured(i);
            }
        }
    }

    fn may_keep(&self, i: usize, target: usize, hunts: bool) -> bool {
        self.units.alive(target) && (hunts || self.within(i, target, LEASH))
    }

    /// Returns whether unit `i` is attacking its target or could start to.
    fn is_busy_with(&self, i: usize, target: usize) -> bool {
        self.units.windup[i] != AT_REST || self.in_range(i, target)
    }

    fn living_opponents(&self, i: usize) -> &AliveUnits {
        &self.living[usize::from(i < self.n_allies)]
    }

    /// Returns the nearest opponent within `scan`, measured between edges. Opponents that can attack
    /// take precedence.
    fn nearest_opponent(&self, i: usize, scan: f32) -> u16 {
        const BLOCK: usize = 16;
        let (stats, others) = (&self.stats[i], self.living_opponents(i));
        let (x, y, scan) = (self.units.x[i], self.units.y[i], scan + stats.radius);
        let reach = (scan + self.widest) * (scan + self.widest);
        let mut best = (false, f32::INFINITY);
        let mut choice = NO_UNIT;
        let places = others.x.chunks(BLOCK).zip(others.y.chunks(BLOCK));
        for (units, (xs, ys)) in others.units.chunks(BLOCK).zip(places) {
            let mut distances = [f32::INFINITY; BLOCK];
            for (squared, (&other_x, &other_y)) in distances.iter_mut().zip(xs.iter().zip(ys)) {
                let (dx, dy) = (other_x - x, other_y - y);
                *squared = dx * dx + dy * dy;
            }
            if distances.iter().fold(true, |far, &squared| far & (squared > reach)) {
                continue;
            }
            for (&j, squared) in units.iter().zip(distances) {
                if squared > reach {
                    continue;
                }
                let other = &self.stats[usize::from(j)];
                let edge = squared.sqrt() - other.radius;
                if edge > scan || !stats.can_aim_at(other) {
                    continue;
                }
                let better = (other.armed && !best.0) || (other.armed == best.0 && edge < best.1);
                if better || choice == NO_UNIT {
                    best = (other.armed, edge);
                    choice = j;
                }
            }
        }
        choice
    }

    /// Returns the unit that medivac `i` heals without an order: the visible injured unit with the
    /// smallest fraction of its health, and the nearest of equals.
    fn most_injured(&self, i: usize) -> u16 {
        let scan = self.stats[i].scan;
        let key = |j: usize| {
            let share = self.units.health[j] / self.stats[j].unit.health;
            (share, self.units.distance_squared(i, j))
        };
        let injured =
            self.team(i).filter(|&j| j != i && self.is_injured(j) && self.within(i, j, scan));
        let first = injured.min_by(|&a, &b| {
            let (a, b) = (key(a), key(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        first.map_or(NO_UNIT, |j| j as u16)
    }

    /// Responds to the hits of this loop for units under an attack-move.
    ///
    /// A victim turns to its attacker if it has no target, or if its target is out of weapon range and
    /// the attacker is not. It also calls nearby allies for help; those without a target turn to the
    /// attacker as well, at any distance. Of several attackers each chooses the nearest.
    pub(crate) fn answer(&mut self) {
        if self.struck.is_empty() {
            return;
        }
        self.turned.fill(false);
        for index in 0..self.struck.len() {
            let victim = usize::from(self.struck[index]);
            let attacker = self.struck_by[victim];
            if self.units.alive(usize::from(attacker)) {
                self.answer_one(victim, attacker);
            }
            self.struck_by[victim] = NO_UNIT;
        }
        self.struck.clear();
    }

    fn answer_one(&mut self, victim: usize, attacker: u16) {
        if !matches!(self.units.order[victim], Order::AttackMove { .. } | Order::Hunt) {
            return;
        }
        let current = self.units.target[victim];
        let turns = current != NO_UNIT
            && self.in_range(victim, usize::from(attacker))
            && !self.in_range(victim, usize::from(current));
        self.consider(victim, attacker, turns);
        if self.units.silence[victim] <= 0.0 {
            self.units.silence[victim] = HELP_PERIOD;
            for comrade in self.team(victim) {
                if comrade != victim && self.within(comrade, victim, HELP_RADIUS) {
                    self.consider(comrade, attacker, false);
                }
            }
        }
    }

    /// Turns unit `i` to an attacker if it `turns` from its target, has none, or turned in this same
    /// loop to one that is further away.
    fn consider(&mut self, i: usize, attacker: u16, turns: bool) {
        let other = usize::from(attacker);
        if !self.units.alive(i)
            || !self.stats[i].can_aim_at(&self.stats[other])
            || !matches!(self.units.order[i], Order::AttackMove { .. } | Order::Hunt)
        {
            return;
        }
        let current = self.units.target[i];
        let turns = turns && !matches!(self.units.order[i], Order::Hunt);
        let distance = |j: u16| self.units.distance_squared(i, usize::from(j));
        let nearer = || self.turned[i] && distance(attacker) < distance(current);
        if current == NO_UNIT || turns || nearer() {
            self.units.aim(i, attacker);
            self.turned[i] = true;
        }
    }
}
