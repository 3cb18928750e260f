//! Writes observations: SMAC's, element by element, with the additions of SMACv2.

use phalanx_core::rng::Rng;

use super::super::actions::NORTH;
use super::super::history::TeamHistory;
use super::layout::PATHING_POINTS;
use super::team_view::{TeamView, UnitConstants, UnitSnapshot};
use crate::skirmish::engine::Battle;
use crate::skirmish::smacv2::FieldOfView;

impl TeamView {
    /// Writes the observation of one agent, whose `mask` holds the actions that have an effect.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn write_obs(
        &self,
        battle: &Battle,
        agent: usize,
        step: usize,
        history: &mut TeamHistory,
        rng: &mut Rng,
        mask: &[bool],
        row: &mut [f32],
    ) {
        row.fill(0.0);
        let args = &self.layout.args;
        let row = &mut row[..self.layout.obs_dim()];
        let time = step as f32 / self.layout.limit as f32;
        let unit = self.own.start + agent;
        if !args.obs_starcraft {
            row[0] = time;
            return;
        }
        if !self.snapshots[unit].alive {
            return;
        }
        let (cells, row) = row.split_at_mut(self.layout.move_width());
        for (cell, &open) in cells.iter_mut().zip(&mask[usize::from(NORTH)..]).take(4) {
            *cell = f32::from(u8::from(open));
        }
        self.write_terrain(battle, unit, &mut cells[4..]);

        let width = self.layout.enemy_width();
        let (rows, row) = row.split_at_mut(self.layout.n_enemies * width);
        self.write_enemies(agent, history, rng, mask, rows);

        let (rows, row) = row.split_at_mut((self.layout.n_agents - 1) * self.layout.ally_width());
        self.write_allies(agent, history, rows);

        let (cells, rest) = row.split_at_mut(self.layout.own_width());
        self.write_own(battle, agent, history, cells);
        if let [cell] = rest {
            *cell = time;
        }
    }

    fn write_enemies(
        &self,
        agent: usize,
        history: &mut TeamHistory,
        rng: &mut Rng,
        mask: &[bool],
        rows: &mut [f32],
    ) {
        let args = &self.layout.args;
        let unit = self.own.start + agent;
        let look = history.looks[agent];
        // A healer has no attacks; SMAC shows it here which allies it can heal.
        let attacks = !(args.fix_quirks && self.constants[unit].heals);
        let open = &mask[self.layout.first_target()..];
        let width = self.layout.enemy_width();
        let sight = UnitSight::of(self, unit, look);
        let columns = self.columns(self.layout.enemy_shield);
        let mut blanked = 0;
        let others = self.snapshots[self.opponents.clone()]
            .iter()
            .zip(&self.constants[self.opponents.clone()]);
        for (enemy, (cells, (now, constants))) in
            rows.chunks_exact_mut(width).zip(others).enumerate()
        {
            let (offset, squared) = sight.of_place(now.x, now.y);
            let mut visible = sight.sees(offset, squared);
            if self.sightings {
                if visible {
                    history.sightings.spot(agent, enemy, args.prob_obs_enemy, rng);
                }
                if !history.sightings.may_see(agent, enemy) {
                    visible = false;
                    blanked = (enemy + 1) * width;
                }
            }
            if now.alive && (visible || args.fully_observable) {
                let first = if attacks && open[enemy] { 1.0 } else { 0.0 };
                sight.place(first, offset, squared, cells);
                columns.write(now, constants, &mut cells[4..]);
            }
        }
        if self.blanks {
            rows[..blanked].fill(0.0);
        }
    }

    fn write_allies(&self, agent: usize, history: &TeamHistory, rows: &mut [f32]) {
        let args = &self.layout.args;
        let unit = self.own.start + agent;
        let look = history.looks[agent];
        let width = self.layout.ally_width();
        let sight = UnitSight::of(self, unit, look);
        let columns = self.columns(self.layout.ally_shield);
        let others = self.snapshots[self.own.clone()].iter().zip(&self.constants[self.own.clone()]);
        let others = others.enumerate().filter(|&(ally, _)| ally != agent);
        for (cells, (ally, (now, constants))) in rows.chunks_exact_mut(width).zip(others) {
            let (offset, squared) = sight.of_place(now.x, now.y);
            if now.alive && (args.fully_observable || sight.sees(offset, squared)) {
                sight.place(1.0, offset, squared, cells);
                columns.write(now, constants, &mut cells[4..]);
                if args.obs_last_action {
                    let first = width - self.layout.n_actions;
                    mark(&mut cells[first..], history.last_actions[ally]);
                }
            }
        }
    }

    fn columns(&self, shield: bool) -> Columns {
        let health = self.layout.args.obs_all_health;
        Columns { health, shield: health && shield, kind: self.layout.type_bits > 0 }
    }

    fn write_own(&self, battle: &Battle, agent: usize, history: &TeamHistory, cells: &mut [f32]) {
        let args = &self.layout.args;
        let unit = self.own.start + agent;
        let now = &self.snapshots[unit];
        let shield = self.layout.ally_shield;
        let health = self.layout.own_health();
        let columns = Columns { health, shield: health && shield, kind: false };
        let mut used = columns.write(now, &self.constants[unit], cells);
        if args.obs_own_pos {
            cells[used] = now.x / battle.terrain.width() as f32;
            cells[used + 1] = now.y / battle.terrain.height() as f32;
            used += 2;
        }
        if let Some(cone) = &self.cone {
            (cells[used], cells[used + 1]) = cone.direction(history.looks[agent]);
            used += 2;
        }
        if self.layout.type_bits > 0 {
            cells[used + self.constants[unit].bit] = 1.0;
        }
    }

    fn write_terrain(&self, battle: &Battle, unit: usize, cells: &mut [f32]) {
        if cells.is_empty() {
            return;
        }
        let args = &self.layout.args;
        let terrain = &battle.terrain;
        let (x, y) = (self.snapshots[unit].x as i32, self.snapshots[unit].y as i32);
        let amount = args.move_amount as i32;
        let points =
            || PATHING_POINTS.map(|(column, line)| (x + column * amount, y + line * amount));
        let mut cells = cells.iter_mut();
        if args.obs_pathing_grid {
            for ((x, y), cell) in points().into_iter().zip(cells.by_ref()) {
                // SMAC treats points outside the map as walkable.
                let open = !terrain.contains(x, y) || terrain.pathable(x, y);
                *cell = f32::from(u8::from(open));
            }
        }
        if args.obs_terrain_height {
            for ((x, y), cell) in points().into_iter().chain([(x, y)]).zip(cells) {
                // SMAC treats points outside the map as the highest.
                *cell = if terrain.contains(x, y) { terrain.height_at(x, y) } else { 1.0 };
            }
        }
    }
}

/// One unit's view of the others.
struct UnitSight<'a> {
    x: f32,
    y: f32,
    sight_squared: f32,
    /// The reciprocal of the sight range.
    scale: f32,
    cone: Option<&'a FieldOfView>,
    look: u8,
}

impl<'a> UnitSight<'a> {
    fn of(view: &'a TeamView, unit: usize, look: u8) -> Self {
        let (now, constants) = (&view.snapshots[unit], &view.constants[unit]);
        Self {
            x: now.x,
            y: now.y,
            sight_squared: constants.sight * constants.sight,
            scale: 1.0 / constants.sight,
            cone: view.cone.as_ref(),
            look,
        }
    }

    /// Returns the relative position of a unit at `(x, y)` and its squared distance.
    #[inline]
    fn of_place(&self, x: f32, y: f32) -> ((f32, f32), f32) {
        let (dx, dy) = (x - self.x, y - self.y);
        ((dx, dy), dx * dx + dy * dy)
    }

    /// Returns whether a unit there, alive or dead, is in sight. SMACv2 counts the edge of a cone as
    /// inside, and the edge of a circle as outside.
    #[inline]
    fn sees(&self, (dx, dy): (f32, f32), squared: f32) -> bool {
        match self.cone {
            None => squared < self.sight_squared,
            Some(cone) => squared <= self.sight_squared && cone.holds(self.look, dx, dy),
        }
    }

    /// Writes `first`, distance, relative x and relative y, the last three over the sight range.
    #[inline]
    fn place(&self, first: f32, (dx, dy): (f32, f32), squared: f32, cells: &mut [f32]) {
        let scale = self.scale;
        cells[..4].copy_from_slice(&[first, squared.sqrt() * scale, dx * scale, dy * scale]);
    }
}

/// Sets the cell of `action`, if there is one.
pub(crate) fn mark(cells: &mut [f32], action: u16) {
    if let Some(cell) = cells.get_mut(usize::from(action)) {
        *cell = 1.0;
    }
}

/// Writes the features of a visible unit other than its position.
#[derive(Clone, Copy)]
struct Columns {
    health: bool,
    shield: bool,
    kind: bool,
}

impl Columns {
    /// Writes health and shield as fractions, and the type. Returns the number of cells before the type.
    #[inline]
    fn write(self, now: &UnitSnapshot, constants: &UnitConstants, cells: &mut [f32]) -> usize {
        let mut used = 0;
        if self.health {
            cells[0] = now.health;
            used = 1;
        }
        if self.shield {
            cells[1] = now.shield;
            used = 2;
        }
        if self.kind {
            cells[used + constants.bit] = 1.0;
        }
        used
    }
}
