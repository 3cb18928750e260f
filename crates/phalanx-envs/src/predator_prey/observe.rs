//! What agents see, the state, and which actions are available.

use phalanx_core::env::StepBuffers;

use super::args::PredatorPreyArgs;
use super::hunt::Hunt;
use super::rules::{CATCH, STAY};

/// The features of a cell: agents, stags, hares.
const FEATURES: usize = 3;
/// The features of a cell with `observe_one_hot`: walls, and one that is always zero, come after.
const FEATURES_ONE_HOT: usize = 5;
/// The feature of walls with `observe_one_hot`.
const WALL: usize = 3;

/// Writes what a hunt shows.
///
/// Windows are cut from a canvas: the grid with a margin as wide as agents can see.
#[derive(Clone, Debug)]
pub(super) struct Observer {
    /// Features per cell.
    pub(super) features: usize,
    pub(super) obs_dim: usize,
    pub(super) state_dim: usize,
    pub(super) n_actions: usize,
    /// How far agents see: rows, columns.
    reach: [usize; 2],
    /// The rows and columns of the grid.
    shape: [usize; 2],
    /// The canvas with nobody in it, `[row, column, feature]`.
    blank: Vec<f32>,
    /// The canvas of the present step.
    canvas: Vec<f32>,
}

impl Observer {
    pub(super) fn new(args: &PredatorPreyArgs) -> Self {
        let features = if args.observe_one_hot { FEATURES_ONE_HOT } else { FEATURES };
        let (shape, reach) = (args.world_shape, args.agent_obs);
        let cells = shape[0] * shape[1];
        let window = (2 * reach[0] + 1) * (2 * reach[1] + 1);
        let [rows, columns] = [0, 1].map(|axis| shape[axis] + 2 * reach[axis]);
        let mut blank = vec![0.0; rows * columns * features];
        if args.observe_walls {
            let (feature, value) = if args.observe_one_hot { (WALL, 1.0) } else { (0, -1.0) };
            for (cell, content) in blank.chunks_exact_mut(features).enumerate() {
                let place = [cell / columns, cell % columns];
                let inside =
                    |axis: usize| (reach[axis]..reach[axis] + shape[axis]).contains(&place[axis]);
                if !(inside(0) && inside(1)) {
                    content[feature] = value;
                }
            }
        }
        Self {
            features,
            obs_dim: if args.observe_state { cells * (features + 1) } else { window * features },
            state_dim: cells * features,
            n_actions: if args.capture_action { 6 } else { 5 },
            reach,
            shape,
            canvas: blank.clone(),
            blank,
        }
    }

    /// Writes every slice.
    pub(super) fn write(&mut self, hunt: &Hunt, out: &mut StepBuffers<'_>) {
        self.write_state(hunt, out.state);
        if hunt.args.observe_state {
            self.write_views_of_the_state(hunt, out.state, out.obs);
        } else {
            self.write_windows(hunt, out.obs);
        }
        let masks = out.avail.chunks_exact_mut(self.n_actions);
        for ((agent, mask), alive) in masks.enumerate().zip(out.alive.iter_mut()) {
            *alive = !hunt.population.frozen[agent];
            write_mask(hunt, agent, mask);
        }
        let caught = hunt.population.caught.iter().filter(|&&caught| caught).count();
        out.info[0] = caught as f32;
        out.info[1] = hunt.population.miscaptures as f32;
    }

    /// The grid, `[row, column, feature]`: ones where an agent, a stag or a hare is.
    fn write_state(&self, hunt: &Hunt, state: &mut [f32]) {
        state.fill(0.0);
        for agent in (0..hunt.args.n_agents).filter(|&agent| hunt.on_grid(agent)) {
            state[hunt.population.agents[agent] as usize * self.features] = 1.0;
        }
        for prey in (0..hunt.args.n_prey()).filter(|&prey| !hunt.population.caught[prey]) {
            let cell = hunt.population.prey[prey] as usize;
            state[cell * self.features + 1 + hunt.kind(prey)] = 1.0;
        }
    }

    /// The state with one more feature per cell: a one where the agent is.
    fn write_views_of_the_state(&self, hunt: &Hunt, state: &[f32], obs: &mut [f32]) {
        let features = self.features;
        for (agent, view) in obs.chunks_exact_mut(self.obs_dim).enumerate() {
            view.fill(0.0);
            if !hunt.on_grid(agent) {
                continue;
            }
            let cells = view.chunks_exact_mut(features + 1);
            for (view, cell) in cells.zip(state.chunks_exact(features)) {
                view[..features].copy_from_slice(cell);
            }
            view[hunt.population.agents[agent] as usize * (features + 1) + features] = 1.0;
        }
    }

    /// The surroundings of each agent, `[row, column, feature]`; zeros for those off the grid.
    fn write_windows(&mut self, hunt: &Hunt, obs: &mut [f32]) {
        self.paint(hunt);
        let row_length = (2 * self.reach[1] + 1) * self.features;
        let stride = (self.shape[1] + 2 * self.reach[1]) * self.features;
        for (agent, window) in obs.chunks_exact_mut(self.obs_dim).enumerate() {
            if !hunt.on_grid(agent) {
                window.fill(0.0);
                continue;
            }
            let (row, column) = hunt.grid.place(hunt.population.agents[agent]);
            let first = row * stride + column * self.features;
            for (i, cells) in window.chunks_exact_mut(row_length).enumerate() {
                cells.copy_from_slice(&self.canvas[first + i * stride..][..row_length]);
            }
        }
    }

    /// Draws everybody whom agents can see. Frozen agents are invisible.
    fn paint(&mut self, hunt: &Hunt) {
        self.canvas.copy_from_slice(&self.blank);
        let number = |i: usize| if hunt.args.observe_ids { (i + 1) as f32 } else { 1.0 };
        for (agent, &cell) in hunt.population.agents.iter().enumerate() {
            if !hunt.population.frozen[agent] {
                self.draw(hunt, cell, 0, number(agent));
            }
        }
        for (prey, &cell) in hunt.population.prey.iter().enumerate() {
            if !hunt.population.caught[prey] {
                let kind = hunt.kind(prey);
                self.draw(hunt, cell, 1 + kind, number(prey - kind * hunt.args.n_stags));
            }
        }
    }

    /// Draws one of the population; on a toroidal grid in the margins too.
    fn draw(&mut self, hunt: &Hunt, cell: u32, feature: usize, value: f32) {
        let (row, column) = hunt.grid.place(cell);
        let [reach_rows, reach_columns] = self.reach;
        let columns = self.shape[1] + 2 * reach_columns;
        if !hunt.args.toroidal {
            let at = (row + reach_rows) * columns + column + reach_columns;
            self.canvas[at * self.features + feature] = value;
            return;
        }
        let repeats = |place: usize, axis: usize| {
            let side = self.shape[axis];
            let first = (place + self.reach[axis]) % side;
            (first..side + 2 * self.reach[axis]).step_by(side)
        };
        for row in repeats(row, 0) {
            for column in repeats(column, 1) {
                self.canvas[(row * columns + column) * self.features + feature] = value;
            }
        }
    }
}

/// Moves away from the wall, staying, and *catch* beside a prey; nothing but staying when frozen.
fn write_mask(hunt: &Hunt, agent: usize, mask: &mut [bool]) {
    let active = !hunt.population.frozen[agent];
    let cell = hunt.population.agents[agent];
    for (direction, open) in mask[..usize::from(STAY)].iter_mut().enumerate() {
        *open = active && hunt.grid.towards(cell, direction).is_some();
    }
    mask[usize::from(STAY)] = true;
    if let Some(open) = mask.get_mut(usize::from(CATCH)) {
        *open = active && hunt.beside_prey(cell);
    }
}
