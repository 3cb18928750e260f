//! Weapons: the timing of attacks and the effect of hits.

use phalanx_core::rng::Rng;

use super::battle::{AT_REST, Battle, Hit, NO_UNIT, Order};
use super::units::{LOOPS_PER_SECOND, Splash, strike};

impl Battle {
    /// Returns whether unit `i` can start an attack on unit `j`: the distance between their edges is at
    /// most the weapon's range.
    #[inline]
    pub(crate) fn in_range(&self, i: usize, j: usize) -> bool {
        self.within(i, j, self.stats[i].range)
    }

    /// Advances every weapon by one game loop.
    ///
    /// A ready weapon starts an attack when its target is within range. It fires at the damage point,
    /// unless the target is dead or further away than range plus slop. The cooldown runs from the start
    /// of an attack, and its fractions of a loop carry over, so that an uninterrupted weapon fires every
    /// `period` loops on average.
    pub(crate) fn fight(&mut self, rng: &mut Rng) {
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
            if self.units.target[i] != NO_UNIT {
                let target = usize::from(self.units.target[i]);
                if !self.units.alive(target) {
                    self.forget_target(i);
                } else if self.stats[i].armed {
                    self.attack(i, target, rng);
                } else if let Some(heal) = self.stats[i].unit.heal {
                    self.engaged[i] =
                        !self.is_injured(target) || self.within(i, target, heal.range);
                }
            }
            if self.units.windup[i] == AT_REST {
                self.units.cooldown[i] = self.units.cooldown[i].max(0.0);
            }
        }
    }

    fn forget_target(&mut self, i: usize) {
        self.units.aim(i, NO_UNIT);
        if self.units.order[i] == Order::Attack {
            self.units.order[i] = Order::Hold;
        }
    }

    fn attack(&mut self, i: usize, target: usize, rng: &mut Rng) {
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
            self.fire(i, target);
            self.units.windup[i] = AT_REST;
            self.units.backswing[i] = self.stats[i].backswing;
            self.units.cooldown[i] += self.stats[i].period + self.random_delay(rng);
        }
    }

    /// Launches the hits of one volley. The flight time of a missile depends on the distance between the
    /// edges at its launch.
    fn fire(&mut self, i: usize, target: usize) {
        let Some(weapon) = &self.stats[i].unit.weapon else { return };
        let units = &mut self.units;
        let place = (units.x[target], units.y[target]);
        let mut hit = Hit { due: 0.0, from: i as u16, to: target as u16, place, along: (0.0, 0.0) };
        match weapon.splash {
            Splash::Line { delay, .. } => {
                let (dx, dy) = (place.0 - units.x[i], place.1 - units.y[i]);
                let distance = (dx * dx + dy * dy).sqrt();
                hit.along =
                    if distance > 0.0 { (-dy / distance, dx / distance) } else { (0.0, 1.0) };
                hit.due = delay * LOOPS_PER_SECOND;
            }
            Splash::None | Splash::Burst { .. } => {
                if let Some(speed) = weapon.missile_speed {
                    let gap = units.distance_squared(i, target).sqrt()
                        - self.stats[i].radius
                        - self.stats[target].radius;
                    hit.due = gap.max(0.0) / speed * LOOPS_PER_SECOND;
                }
            }
        }
        for _ in 0..weapon.hits {
            units.hits.push(hit);
            hit.due += weapon.hit_interval * LOOPS_PER_SECOND;
        }
    }

    /// Deals the damage that is due in this loop, all at once, so that units that kill each other both
    /// die. Then the units that were hit respond.
    pub(crate) fn land_hits(&mut self) {
        if self.units.hits.is_empty() {
            return;
        }
        let mut kept = 0;
        for index in 0..self.units.hits.len() {
            let mut hit = self.units.hits[index];
            if hit.due > 0.0 {
                hit.due -= 1.0;
                self.units.hits[kept] = hit;
                kept += 1;
            } else {
                self.land(hit);
            }
        }
        self.units.hits.truncate(kept);
        while let Some(unit) = self.bursts.pop() {
            self.burst(usize::from(unit));
        }
        self.answer();
    }

    fn land(&mut self, hit: Hit) {
        let (from, to) = (usize::from(hit.from), usize::from(hit.to));
        let Some(weapon) = &self.stats[from].unit.weapon else { return };
        match weapon.splash {
            Splash::None => self.damage(from, to),
            Splash::Line { half_length, radius, .. } => {
                for j in self.opponents(from) {
                    let (dx, dy) = (self.units.x[j] - hit.place.0, self.units.y[j] - hit.place.1);
                    let along = dx * hit.along.0 + dy * hit.along.1;
                    let nearest = along.clamp(-half_length, half_length);
                    let (dx, dy) = (dx - nearest * hit.along.0, dy - nearest * hit.along.1);
                    let reach = radius + self.stats[j].radius;
                    if dx * dx + dy * dy <= reach * reach {
                        self.damage(from, j);
                    }
                }
            }
            Splash::Burst { .. } => {
                if self.units.alive(from) {
                    self.units.health[from] = 0.0;
                    self.bursts.push(hit.from);
                }
            }
        }
    }

    /// Explodes the dead unit `i`.
    fn burst(&mut self, i: usize) {
        let Some(weapon) = &self.stats[i].unit.weapon else { return };
        let Splash::Burst { radius } = weapon.splash else { return };
        for j in self.opponents(i) {
            let reach = radius + self.stats[j].radius;
            if self.units.distance_squared(i, j) <= reach * reach {
                self.damage(i, j);
            }
        }
    }

    /// Deals one hit of unit `from` to unit `to`.
    fn damage(&mut self, from: usize, to: usize) {
        if !self.units.alive(to) {
            return;
        }
        let Some(weapon) = &self.stats[from].unit.weapon else { return };
        let target = self.stats[to].unit;
        let (health, shield) = strike(weapon, target, self.units.health[to], self.units.shield[to]);
        self.units.health[to] = health;
        self.units.shield[to] = shield;
        self.units.unharmed[to] = 0.0;
        if health <= 0.0 && target.explodes {
            self.bursts.push(to as u16);
        }
        let first = self.struck_by[to];
        let nearer = || {
            let before = self.units.distance_squared(to, usize::from(first));
            self.units.distance_squared(to, from) < before
        };
        if first == NO_UNIT || nearer() {
            if first == NO_UNIT {
                self.struck.push(to as u16);
            }
            self.struck_by[to] = from as u16;
        }
    }
}
