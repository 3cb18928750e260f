//! The state: SMAC's, element by element, with what SMACv2 adds.

use super::memory::Memory;
use super::observe::mark;
use super::observer::Observer;
use crate::skirmish::liberty::Battle;

impl Observer {
    /// Writes the state, after [`Observer::write`]. Where it is made of the observations, these are
    /// handed in as `obs`, `[agent, obs_dim]`; their rows may be longer than the team needs.
    pub(crate) fn write_state(
        &self,
        battle: &Battle,
        step: usize,
        memory: &Memory,
        obs: &[f32],
        state: &mut [f32],
    ) {
        let args = &self.layout.args;
        if args.obs_instead_of_state {
            let width = self.layout.obs_dim();
            let rows = obs.chunks_exact(obs.len() / self.layout.n_agents);
            for (cells, row) in state.chunks_exact_mut(width).zip(rows) {
                cells.copy_from_slice(&row[..width]);
            }
            return;
        }
        state.fill(0.0);
        let width = self.layout.state_ally_width();
        let (rows, state) = state.split_at_mut(self.layout.n_agents * width);
        for (agent, cells) in rows.chunks_exact_mut(width).enumerate() {
            self.write_ally(battle, agent, memory, cells);
        }
        let width = self.layout.state_enemy_width();
        let (rows, mut rest) = state.split_at_mut(self.layout.n_enemies * width);
        for (enemy, cells) in rows.chunks_exact_mut(width).enumerate() {
            self.write_enemy(battle, enemy, cells);
        }
        if args.state_last_action {
            let width = self.layout.n_actions;
            let (rows, after) = rest.split_at_mut(self.layout.n_agents * width);
            for (cells, &action) in rows.chunks_exact_mut(width).zip(&memory.last_actions) {
                mark(cells, action);
            }
            rest = after;
        }
        if let [time] = rest {
            *time = step as f32 / self.layout.limit as f32;
        }
    }

    fn write_ally(&self, battle: &Battle, agent: usize, memory: &Memory, cells: &mut [f32]) {
        let unit = self.we.start + agent;
        let (now, card) = (&self.now[unit], &self.cards[unit]);
        if !now.alive {
            return;
        }
        cells[0] = now.health;
        // A healer shows its energy. A cooldown is below zero only between the start of an attack
        // and its damage point.
        let wait = if card.heals {
            battle.units.energy[unit]
        } else {
            battle.units.cooldown[unit].max(0.0)
        };
        cells[1] = wait / card.cooldown_scale;
        (cells[2], cells[3]) = self.place(battle, unit);
        let mut used = 4;
        if self.layout.ally_shield {
            cells[used] = now.shield;
            used += 1;
        }
        if let Some(cone) = &self.cone {
            (cells[used], cells[used + 1]) = cone.direction(memory.looks[agent]);
            used += 2;
        }
        if self.layout.type_bits > 0 {
            cells[used + card.bit] = 1.0;
        }
    }

    fn write_enemy(&self, battle: &Battle, enemy: usize, cells: &mut [f32]) {
        let unit = self.they.start + enemy;
        if !self.now[unit].alive {
            return;
        }
        cells[0] = self.now[unit].health;
        (cells[1], cells[2]) = self.place(battle, unit);
        let mut used = 3;
        if self.layout.enemy_shield {
            cells[used] = self.now[unit].shield;
            used += 1;
        }
        if self.layout.type_bits > 0 {
            cells[used + self.cards[unit].bit] = 1.0;
        }
    }

    /// Where a unit is, seen from the middle of the map, as a fraction of the map.
    fn place(&self, battle: &Battle, unit: usize) -> (f32, f32) {
        let (width, height) = (battle.terrain.width() as f32, battle.terrain.height() as f32);
        let now = &self.now[unit];
        ((now.x - width / 2.0) / width, (now.y - height / 2.0) / height)
    }
}
