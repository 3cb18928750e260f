//! Regeneration of health, shields and energy, and healing by medivacs.

use super::battle::{Battle, NO_UNIT, Order};
use super::units::{Attribute, LOOPS_PER_SECOND};

/// Game loops without damage before a shield regenerates: 10 seconds (`Unit` ShieldRegenDelay).
const SHIELD_DELAY: f32 = 160.0;
/// Shield regained per loop: 2 per second (`Unit` ShieldRegenRate).
const SHIELD_REGENERATION: f32 = 2.0 / LOOPS_PER_SECOND;

impl Battle {
    /// Applies one game loop of regeneration to every unit, and of healing by every medivac.
    pub(crate) fn regenerate(&mut self) {
        for i in 0..self.len() {
            let (units, unit) = (&mut self.units, self.stats[i].unit);
            if units.health[i] <= 0.0 {
                continue;
            }
            if unit.shield > 0.0 {
                if units.unharmed[i] >= SHIELD_DELAY {
                    units.shield[i] = (units.shield[i] + SHIELD_REGENERATION).min(unit.shield);
                }
                units.unharmed[i] += 1.0;
            }
            if unit.regeneration > 0.0 {
                units.health[i] = (units.health[i] + self.stats[i].regeneration).min(unit.health);
            }
            if let Some(energy) = unit.energy {
                let gained = energy.regeneration / LOOPS_PER_SECOND;
                units.energy[i] = (units.energy[i] + gained).min(energy.max);
            }
        }
        self.healed.fill(false);
        for i in 0..self.len() {
            if self.units.alive(i) && self.stats[i].unit.heal.is_some() {
                self.heal(i);
            }
        }
    }

    /// Returns whether unit `j` can be healed: it is alive, biological and injured.
    #[inline]
    pub(crate) fn is_injured(&self, j: usize) -> bool {
        let unit = self.stats[j].unit;
        self.units.alive(j)
            && self.units.health[j] < unit.health
            && unit.attributes.contains(&Attribute::Biological)
    }

    /// Heals the target of medivac `i`: 9 health per second for a third as much energy, while the target
    /// is injured, within range, and not yet healed in the same loop.
    fn heal(&mut self, i: usize) {
        let target = self.units.target[i];
        let Some(heal) = self.stats[i].unit.heal else { return };
        if target == NO_UNIT {
            return;
        }
        let j = usize::from(target);
        if !self.is_injured(j) {
            if !self.units.alive(j) || self.units.order[i] != Order::Attack {
                self.units.target[i] = NO_UNIT;
            }
            return;
        }
        if self.healed[j] || !self.within(i, j, heal.range) {
            return;
        }
        let missing = self.stats[j].unit.health - self.units.health[j];
        let affordable = self.units.energy[i] / heal.energy_per_health;
        let given = (heal.health_per_second / LOOPS_PER_SECOND).min(missing).min(affordable);
        self.units.health[j] += given;
        self.units.energy[i] = (self.units.energy[i] - given * heal.energy_per_health).max(0.0);
        self.healed[j] = true;
    }
}
