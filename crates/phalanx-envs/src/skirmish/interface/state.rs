//! The state: SMAC's, element by element, with the additions of SMACv2.

use super::history::TeamHistory;
use super::observation::TeamView;
use super::observation::mark;
use crate::skirmish::engine::Battle;

impl TeamView {
    /// Writes the state, after [`TeamView::write`]. If the state consists of the observations, they are
    /// passed as `obs`, `[agent, obs_dim]`; their rows can be longer than the team needs.
    pub(crate) fn write_state(
        &self,
        battle: &Battle,
        step: usize,
        history: &TeamHistory,
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
            self.write_ally(battle, agent, history, cells);
        }
        let width = self.layout.state_enemy_width();
        let (rows, mut rest) = state.split_at_mut(self.layout.n_enemies * width);
        for (enemy, cells) in rows.chunks_exact_mut(width).enumerate() {
            self.write_enemy(battle, enemy, cells);
        }
        if args.state_last_action {
            let width = self.layout.n_actions;
            let (rows, after) = rest.split_at_mut(self.layout.n_agents * width);
            for (cells, &action) in rows.chunks_exact_mut(width).zip(&history.last_actions) {
                mark(cells, action);
            }
            rest = after;
        }
        if let [time] = rest {
            *time = step as f32 / self.layout.limit as f32;
        }
    }

    fn write_ally(&self, battle: &Battle, agent: usize, history: &TeamHistory, cells: &mut [f32]) {
        let unit = self.own.start + agent;
        let (now, card) = (&self.snapshots[unit], &self.constants[unit]);
        if !now.alive {
            return;
        }
        cells[0] = now.health;
        // A healer shows its energy. A cooldown is negative only between the start of an attack and its
        // damage point.
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
            (cells[used], cells[used + 1]) = cone.direction(history.looks[agent]);
            used += 2;
        }
        if self.layout.type_bits > 0 {
            cells[used + card.bit] = 1.0;
        }
    }

    fn write_enemy(&self, battle: &Battle, enemy: usize, cells: &mut [f32]) {
        let unit = self.opponents.start + enemy;
        if !self.snapshots[unit].alive {
            return;
        }
        cells[0] = self.snapshots[unit].health;
        (cells[1], cells[2]) = self.place(battle, unit);
        let mut used = 3;
        if self.layout.enemy_shield {
            cells[used] = self.snapshots[unit].shield;
            used += 1;
        }
        if self.layout.type_bits > 0 {
            cells[used + self.constants[unit].bit] = 1.0;
        }
    }

    /// Returns the position of a unit relative to the middle of the map, as a fraction of the map.
    fn place(&self, battle: &Battle, unit: usize) -> (f32, f32) {
        let (width, height) = (battle.terrain.width() as f32, battle.terrain.height() as f32);
        let now = &self.snapshots[unit];
        ((now.x - width / 2.0) / width, (now.y - height / 2.0) / height)
    }
}
