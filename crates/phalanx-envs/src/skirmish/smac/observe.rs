//! What agents see, what they may do, and the state: SMAC's, element by element.

use phalanx_core::env::StepMut;

use crate::skirmish::args::SkirmishArgs;
use crate::skirmish::liberty::Battle;
use crate::skirmish::liberty::Race;
use crate::skirmish::map::Map;

/// Action 0, the only one of the dead.
pub const NO_OP: u16 = 0;
/// Action 1.
pub const STOP: u16 = 1;
/// Action 2, towards larger y.
pub const NORTH: u16 = 2;
/// Action 3, towards smaller y.
pub const SOUTH: u16 = 3;
/// Action 4, towards larger x.
pub const EAST: u16 = 4;
/// Action 5, towards smaller x.
pub const WEST: u16 = 5;
/// Action `ATTACK + j` attacks enemy `j`.
pub const ATTACK: u16 = 6;

/// The largest distance between centres at which the mask allows an attack, for every unit.
pub const SHOOT_RANGE: f32 = 6.0;
/// Units nearer than this (between centres) are seen, by every unit.
pub const SIGHT_RANGE: f32 = 9.0;
/// The unit steps of the moves north, south, east and west.
pub(crate) const DIRECTIONS: [(f32, f32); 4] = [(0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0)];
/// The points of `obs_pathing_grid`, in multiples of `move_amount`.
pub(crate) const PATHING_POINTS: [(i32, i32); 8] =
    [(0, 2), (0, -2), (2, 0), (-2, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)];

/// Sizes of observation and state, and how to fill them.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    pub(crate) args: SkirmishArgs,
    pub(crate) n_agents: usize,
    pub(crate) n_enemies: usize,
    pub(crate) n_actions: usize,
    pub(crate) ally_shield: bool,
    pub(crate) enemy_shield: bool,
    pub(crate) type_bits: usize,
    /// The column of each unit in the one-hot unit type, allies first.
    pub(crate) type_bit: Vec<usize>,
    pub(crate) limit: usize,
}

impl Observer {
    pub(crate) fn new(map: &Map, args: &SkirmishArgs, limit: usize) -> Self {
        let units = map.allies.iter().chain(&map.enemies);
        Self {
            args: args.clone(),
            n_agents: map.allies.len(),
            n_enemies: map.enemies.len(),
            n_actions: usize::from(ATTACK) + map.enemies.len(),
            ally_shield: map.ally_race == Race::Protoss,
            enemy_shield: map.enemy_race == Race::Protoss,
            type_bits: map.unit_type_bits,
            type_bit: units.map(|placed| placed.type_bit).collect(),
            limit,
        }
    }

    pub(crate) fn move_width(&self) -> usize {
        4 + if self.args.obs_pathing_grid { PATHING_POINTS.len() } else { 0 }
    }

    pub(crate) fn enemy_width(&self) -> usize {
        4 + self.health_width(self.args.obs_all_health, self.enemy_shield) + self.type_bits
    }

    pub(crate) fn ally_width(&self) -> usize {
        let last_action = if self.args.obs_last_action { self.n_actions } else { 0 };
        4 + self.health_width(self.args.obs_all_health, self.ally_shield)
            + self.type_bits
            + last_action
    }

    pub(crate) fn own_width(&self) -> usize {
        self.health_width(self.args.obs_own_health, self.ally_shield) + self.type_bits
    }

    fn health_width(&self, shown: bool, shield: bool) -> usize {
        if shown { 1 + usize::from(shield) } else { 0 }
    }

    pub(crate) fn obs_dim(&self) -> usize {
        self.move_width()
            + self.n_enemies * self.enemy_width()
            + (self.n_agents - 1) * self.ally_width()
            + self.own_width()
            + usize::from(self.args.obs_timestep_number)
    }

    pub(crate) fn state_ally_width(&self) -> usize {
        4 + usize::from(self.ally_shield) + self.type_bits
    }

    pub(crate) fn state_enemy_width(&self) -> usize {
        3 + usize::from(self.enemy_shield) + self.type_bits
    }

    pub(crate) fn state_dim(&self) -> usize {
        if self.args.obs_instead_of_state {
            return self.n_agents * self.obs_dim();
        }
        let last_action = if self.args.state_last_action { self.n_actions } else { 0 };
        self.n_agents * (self.state_ally_width() + last_action)
            + self.n_enemies * self.state_enemy_width()
            + usize::from(self.args.state_timestep_number)
    }

    /// Writes mask, observations, state and who lives. `last_actions` is `[agent]`, with a number
    /// that is no action before the first step.
    pub(crate) fn write(
        &self,
        battle: &Battle,
        step: usize,
        last_actions: &[u16],
        out: &mut StepMut<'_>,
    ) {
        let obs_dim = self.obs_dim();
        for agent in 0..self.n_agents {
            out.alive[agent] = battle.units.alive(agent);
            let mask = &mut out.avail[agent * self.n_actions..][..self.n_actions];
            self.write_mask(battle, agent, mask);
            let row = &mut out.obs[agent * obs_dim..][..obs_dim];
            self.write_obs(battle, agent, step, last_actions, mask, row);
        }
        if self.args.obs_instead_of_state {
            out.state.copy_from_slice(out.obs);
        } else {
            self.write_state(battle, step, last_actions, out.state);
        }
    }

    /// The actions open to one agent, `[action]`.
    pub(crate) fn write_mask(&self, battle: &Battle, agent: usize, mask: &mut [bool]) {
        if !battle.units.alive(agent) {
            mask.fill(false);
            mask[usize::from(NO_OP)] = true;
            return;
        }
        mask[usize::from(NO_OP)] = false;
        mask[usize::from(STOP)] = true;
        let (x, y) = (battle.units.x[agent], battle.units.y[agent]);
        let probe = self.args.move_amount / 2.0;
        for (open, (dx, dy)) in mask[usize::from(NORTH)..].iter_mut().zip(DIRECTIONS) {
            // Conversion to an integer truncates towards zero, as SMAC's does.
            *open = battle.terrain.pathable((x + probe * dx) as i32, (y + probe * dy) as i32);
        }
        let attacks = &mut mask[usize::from(ATTACK)..];
        for (enemy, open) in attacks.iter_mut().enumerate() {
            let enemy = self.n_agents + enemy;
            let near = battle.units.distance_squared(agent, enemy) <= SHOOT_RANGE * SHOOT_RANGE;
            *open = near && battle.units.alive(enemy);
        }
    }

    fn write_obs(
        &self,
        battle: &Battle,
        agent: usize,
        step: usize,
        last_actions: &[u16],
        mask: &[bool],
        row: &mut [f32],
    ) {
        row.fill(0.0);
        if !battle.units.alive(agent) {
            return;
        }
        let (move_row, row) = row.split_at_mut(self.move_width());
        for (cell, &open) in move_row.iter_mut().zip(&mask[usize::from(NORTH)..]).take(4) {
            *cell = f32::from(u8::from(open));
        }
        if self.args.obs_pathing_grid {
            self.write_pathing(battle, agent, &mut move_row[4..]);
        }

        let width = self.enemy_width();
        let (enemy_rows, row) = row.split_at_mut(self.n_enemies * width);
        for (enemy, cells) in enemy_rows.chunks_exact_mut(width).enumerate() {
            let open = f32::from(u8::from(mask[usize::from(ATTACK) + enemy]));
            self.write_other(battle, agent, self.n_agents + enemy, open, self.enemy_shield, cells);
        }

        let width = self.ally_width();
        let (ally_rows, row) = row.split_at_mut((self.n_agents - 1) * width);
        let others = (0..self.n_agents).filter(|&ally| ally != agent);
        for (ally, cells) in others.zip(ally_rows.chunks_exact_mut(width)) {
            let seen = self.write_other(battle, agent, ally, 1.0, self.ally_shield, cells);
            if seen && self.args.obs_last_action {
                let first = width - self.n_actions;
                mark(&mut cells[first..], last_actions[ally]);
            }
        }

        let (own_row, rest) = row.split_at_mut(self.own_width());
        let shown = self.args.obs_own_health;
        let used = write_health(battle, agent, shown, self.ally_shield, own_row);
        if self.type_bits > 0 {
            own_row[used + self.type_bit[agent]] = 1.0;
        }
        if let [time] = rest {
            *time = step as f32 / self.limit as f32;
        }
    }

    /// One visible unit as `agent` sees it: `first`, distance, relative x and y over the sight
    /// range, health, shield, type. Leaves the zeros when it is dead or out of sight.
    #[inline]
    fn write_other(
        &self,
        battle: &Battle,
        agent: usize,
        other: usize,
        first: f32,
        shield: bool,
        cells: &mut [f32],
    ) -> bool {
        let units = &battle.units;
        let (dx, dy) = (units.x[other] - units.x[agent], units.y[other] - units.y[agent]);
        let squared = dx * dx + dy * dy;
        if squared >= SIGHT_RANGE * SIGHT_RANGE || !units.alive(other) {
            return false;
        }
        cells[0] = first;
        cells[1] = squared.sqrt() / SIGHT_RANGE;
        cells[2] = dx / SIGHT_RANGE;
        cells[3] = dy / SIGHT_RANGE;
        let used = write_health(battle, other, self.args.obs_all_health, shield, &mut cells[4..]);
        if self.type_bits > 0 {
            cells[4 + used + self.type_bit[other]] = 1.0;
        }
        true
    }

    fn write_pathing(&self, battle: &Battle, agent: usize, cells: &mut [f32]) {
        let (x, y) = (battle.units.x[agent] as i32, battle.units.y[agent] as i32);
        let amount = self.args.move_amount as i32;
        for (cell, (column, line)) in cells.iter_mut().zip(PATHING_POINTS) {
            let (x, y) = (x + column * amount, y + line * amount);
            // SMAC takes points beyond the map for walkable.
            let open = !battle.terrain.contains(x, y) || battle.terrain.pathable(x, y);
            *cell = f32::from(u8::from(open));
        }
    }

    fn write_state(&self, battle: &Battle, step: usize, last_actions: &[u16], state: &mut [f32]) {
        state.fill(0.0);
        let units = &battle.units;
        let (map_x, map_y) = (battle.terrain.width() as f32, battle.terrain.height() as f32);
        let place =
            |i: usize| ((units.x[i] - map_x / 2.0) / map_x, (units.y[i] - map_y / 2.0) / map_y);
        let shield = |i: usize| units.shield[i] / battle.stats[i].unit.shield.max(1.0);

        let width = self.state_ally_width();
        let (rows, state) = state.split_at_mut(self.n_agents * width);
        for (ally, cells) in rows.chunks_exact_mut(width).enumerate() {
            if !units.alive(ally) {
                continue;
            }
            let unit = battle.stats[ally].unit;
            cells[0] = units.health[ally] / unit.health;
            // Below zero only between the start of an attack and its damage point.
            cells[1] = units.cooldown[ally].max(0.0) / unit.cooldown_scale;
            (cells[2], cells[3]) = place(ally);
            if self.ally_shield {
                cells[4] = shield(ally);
            }
            if self.type_bits > 0 {
                cells[width - self.type_bits + self.type_bit[ally]] = 1.0;
            }
        }

        let width = self.state_enemy_width();
        let (rows, state) = state.split_at_mut(self.n_enemies * width);
        for (enemy, cells) in rows.chunks_exact_mut(width).enumerate() {
            let enemy = self.n_agents + enemy;
            if !units.alive(enemy) {
                continue;
            }
            cells[0] = units.health[enemy] / battle.stats[enemy].unit.health;
            (cells[1], cells[2]) = place(enemy);
            if self.enemy_shield {
                cells[3] = shield(enemy);
            }
            if self.type_bits > 0 {
                cells[width - self.type_bits + self.type_bit[enemy]] = 1.0;
            }
        }

        let mut rest = state;
        if self.args.state_last_action {
            let (rows, after) = rest.split_at_mut(self.n_agents * self.n_actions);
            for (cells, &action) in rows.chunks_exact_mut(self.n_actions).zip(last_actions) {
                mark(cells, action);
            }
            rest = after;
        }
        if let [time] = rest {
            *time = step as f32 / self.limit as f32;
        }
    }
}

/// Sets the cell of `action`, if there is one.
fn mark(cells: &mut [f32], action: u16) {
    if let Some(cell) = cells.get_mut(usize::from(action)) {
        *cell = 1.0;
    }
}

/// Writes health and shield as fractions; returns how many cells that took.
#[inline]
fn write_health(battle: &Battle, i: usize, shown: bool, shield: bool, cells: &mut [f32]) -> usize {
    if !shown {
        return 0;
    }
    let unit = battle.stats[i].unit;
    cells[0] = battle.units.health[i] / unit.health;
    if !shield {
        return 1;
    }
    cells[1] = battle.units.shield[i] / unit.shield.max(1.0);
    2
}
