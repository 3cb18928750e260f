//! The state of a battle as bytes.

use phalanx_core::env::EnvError;
use serde::{Deserialize, Serialize};

use super::Smax;
use super::battle::ATTACK;
use super::scripted::NO_TARGET;
use super::units::UNIT_TYPES;

/// The saved state of an environment; lists are over units.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    units: Vec<SavedUnit>,
    step: u32,
    enemy_reward: f32,
}

#[derive(Serialize, Deserialize)]
struct SavedUnit {
    kind: u8,
    x: f32,
    y: f32,
    health: f32,
    cooldown: f32,
    action: u16,
    last_target: u8,
    goal: (f32, f32),
}

impl Saved {
    /// Returns the state of `env`.
    pub(crate) fn of(env: &Smax) -> Self {
        let (battle, script) = (&env.battle, &env.script);
        let units = (0..battle.n_units).map(|unit| SavedUnit {
            kind: battle.kind[unit],
            x: battle.x[unit],
            y: battle.y[unit],
            health: battle.health[unit],
            cooldown: battle.cooldown[unit],
            action: battle.action[unit],
            last_target: script.last_target[unit],
            goal: script.goal[unit],
        });
        Self { units: units.collect(), step: env.step, enemy_reward: env.enemy_reward }
    }

    /// Restores the state of `env`, unless it belongs to a different battle.
    pub(crate) fn restore(self, env: &mut Smax) -> Result<(), EnvError> {
        let (n_allies, n_units) = (env.battle.n_allies, env.battle.n_units);
        let fits = self.units.iter().enumerate().all(|(unit, saved)| {
            let n_targets = if unit < n_allies { n_units - n_allies } else { n_allies };
            let numbers =
                [saved.x, saved.y, saved.health, saved.cooldown, saved.goal.0, saved.goal.1];
            usize::from(saved.kind) < UNIT_TYPES.len()
                && usize::from(saved.action) < usize::from(ATTACK) + n_targets
                && (saved.last_target == NO_TARGET || usize::from(saved.last_target) < n_targets)
                && numbers.iter().all(|number| number.is_finite())
        });
        if !fits || self.units.len() != n_units {
            let reason = "it is the state of a different battle".to_owned();
            return Err(EnvError::BadState { what: env.spec.id.clone(), reason });
        }
        for (unit, saved) in self.units.iter().enumerate() {
            let battle = &mut env.battle;
            battle.kind[unit] = saved.kind;
            battle.x[unit] = saved.x;
            battle.y[unit] = saved.y;
            battle.health[unit] = saved.health;
            battle.cooldown[unit] = saved.cooldown;
            battle.action[unit] = saved.action;
            env.script.last_target[unit] = saved.last_target;
            env.script.goal[unit] = saved.goal;
        }
        env.battle.refresh();
        env.step = self.step;
        env.enemy_reward = self.enemy_reward;
        Ok(())
    }
}
