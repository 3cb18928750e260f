//! Shots and deaths.

use phalanx_core::rng::Rng;

use super::battle::{Battle, FAR};
use super::simd::{CAPACITY, groups_mut};

impl Battle {
    /// Fires the weapons that are ready and have their target within range, all at once.
    pub(crate) fn shoot(&mut self, rng: &mut Rng) -> bool {
        let mut n_fired = 0;
        for attack in 0..self.n_attacks {
            let (unit, target) = self.attacks[attack];
            let (unit, target) = (usize::from(unit) % CAPACITY, usize::from(target) % CAPACITY);
            if self.cooldown[unit] > 0.0 {
                continue;
            }
            let stats = self.stats(unit);
            let (dx, dy) = (self.x[unit] - self.x[target], self.y[unit] - self.y[target]);
            let squared = dx * dx + dy * dy + self.away[unit] + self.away[target];
            if squared >= stats.range_limit {
                continue;
            }
            let (damage, mut pause) = (stats.unit.attack, stats.unit.cooldown);
            self.health[target] -= damage;
            if !self.args.deterministic {
                pause += rng.range(-self.args.time_per_step, 2.0 * self.args.time_per_step);
            }
            // JaxMARL adds the difference, which rounds differently from setting the new value.
            let left = self.cooldown[unit];
            self.fired[n_fired] = (unit as u8, left + (pause - left));
            n_fired += 1;
        }
        for cooldowns in groups_mut(&mut self.cooldown, self.n_groups) {
            for cooldown in cooldowns {
                *cooldown -= self.args.time_per_step;
            }
        }
        for &(unit, cooldown) in &self.fired[..n_fired] {
            self.cooldown[usize::from(unit) % CAPACITY] = cooldown;
        }
        n_fired > 0
    }

    /// Removes the units that have no health left or touch a deadly wall.
    pub(crate) fn bury(&mut self) {
        for unit in 0..self.n_units {
            if !self.alive(unit) {
                continue;
            }
            let (x, y) = (self.x[unit], self.y[unit]);
            let inside = x > 0.0 && x < self.args.map_width && y > 0.0 && y < self.args.map_height;
            let killed = self.args.walls_cause_death && !inside;
            if killed || self.health[unit] <= 0.0 {
                self.health[unit] = 0.0;
                self.away[unit] = FAR;
                self.stride_x[unit] = 0.0;
                self.stride_y[unit] = 0.0;
                self.slack = 0.0;
            }
        }
    }
}
