//! Weapons: when they fire, and what their hits do.

use phalanx_core::rng::Rng;

use super::battle::{AT_REST, Battle, NOBODY, Order, Shot};
use super::units::volley;

impl Battle {
    /// Whether unit `i` may start an attack on unit `j`: the distance between their edges is at
    /// most the weapon's range.
    #[inline]
    pub(crate) fn in_range(&self, i: usize, j: usize) -> bool {
        self.within(i, j, self.stats[i].range)
    }

    #[inline]
    fn within(&self, i: usize, j: usize, range: f32) -> bool {
        let reach = range + self.stats[i].radius + self.stats[j].radius;
        self.units.distance_squared(i, j) <= reach * reach
    }

    /// Advances every weapon by one game loop.
    ///
    /// A weapon that is ready starts an attack when its target is in range, and shoots when the
    /// damage point has passed, unless the target is dead or further away than range and slop
    /// allow. The cooldown runs from the start of an attack, and its fractions of a loop carry
    /// over, so that an uninterrupted weapon fires every `period` loops on average.
    pub(crate) fn fight(&mut self) {
        self.shots.clear();
        for i in 0..self.len() {
            if !self.units.alive(i) {
                self.engaged[i] = false;
                continue;
            }
            if self.units.cooldown[i] > 0.0 || self.units.windup[i] != AT_REST {
                self.units.cooldown[i] -= 1.0;
            }
            self.units.windup[i] -= 1.0;
            self.units.backswing[i] -= 1.0;
            self.units.silence[i] -= 1.0;
            self.engaged[i] = self.units.backswing[i] > 0.0;
            let target = usize::from(self.units.target[i]);
            if self.units.target[i] != NOBODY && !self.units.alive(target) {
                self.forget_target(i);
            } else if self.units.target[i] != NOBODY && self.stats[i].armed {
                self.aim(i, target);
            }
            if self.units.windup[i] == AT_REST {
                self.units.cooldown[i] = self.units.cooldown[i].max(0.0);
            }
        }
    }

    fn forget_target(&mut self, i: usize) {
        self.units.target[i] = NOBODY;
        self.units.windup[i] = AT_REST;
        if self.units.order[i] == Order::Attack {
            self.units.order[i] = Order::Hold;
        }
    }

    fn aim(&mut self, i: usize, target: usize) {
        let in_range = self.in_range(i, target);
        let preparing = self.units.windup[i] != AT_REST;
        if preparing
            && !in_range
            && !self.within(i, target, self.stats[i].range + self.stats[i].slop)
        {
            self.units.windup[i] = AT_REST;
            return;
        }
        self.engaged[i] |= in_range || preparing;
        if !preparing && in_range && self.units.cooldown[i] <= 0.0 {
            self.units.windup[i] = self.stats[i].damage_point;
        }
        if self.units.windup[i] <= 0.0 {
            self.shots.push(Shot { from: i as u16, to: target as u16 });
        }
    }

    /// Takes in the shots of this loop, all at once: units that kill each other both die.
    pub(crate) fn land_shots(&mut self, rng: &mut Rng) {
        for shot in 0..self.shots.len() {
            let (from, to) = (usize::from(self.shots[shot].from), usize::from(self.shots[shot].to));
            self.units.windup[from] = AT_REST;
            self.units.backswing[from] = self.stats[from].backswing;
            self.units.cooldown[from] += self.stats[from].period + self.random_delay(rng);
            if let Some(weapon) = &self.stats[from].unit.weapon {
                let target = self.stats[to].unit;
                let (health, shield) =
                    volley(weapon, target, self.units.health[to], self.units.shield[to]);
                self.units.health[to] = health;
                self.units.shield[to] = shield;
            }
        }
        if !self.shots.is_empty() {
            self.answer_shots();
        }
    }
}
