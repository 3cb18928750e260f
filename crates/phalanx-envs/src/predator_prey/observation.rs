//! Observations, the state and action masks.

use phalanx_core::env::StepBuffers;

use super::args::PredatorPreyArgs;
use super::rules::{CATCH, STAY};
use super::state::World;

/// The features of a cell: agents, stags, hares.
const FEATURES: usize = 3;
/// The features of a cell with `observe_one_hot`: a feature for walls and one that is always zero
/// follow.
const FEATURES_ONE_HOT: usize = 5;
/// The feature of walls with `observe_one_hot`.
const WALL: usize = 3;

/// Writes observations, state and masks.
///
/// Windows are cut from a canvas: the grid with a margin as wide as agents can see.
#[derive(Clone, Debug)]
pub(super) struct ObservationWriter {
    /// Features per cell.
    pub(super) features: usize,
    pub(super) obs_dim: usize,
    pub(super) state_dim: usize,
    pub(super) n_actions: usize,
    /// The number of rows and columns that agents see in each direction.
    reach: [usize; 2],
    /// The rows and columns of the grid.
    shape: [usize; 2],
    /// The empty canvas, `[row, column, feature]`.
    blank: Vec<f32>,
    /// The canvas of the current step.
    canvas: Vec<f32>,
}

impl ObservationWriter {
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
    pub(super) fn write(&mut self, world: &World, out: &mut StepBuffers<'_>) {
        self.write_state(world, out.state);
        if world.args.observe_state {
            self.write_views_of_the_state(world, out.state, out.obs);
        } else {
            self.write_windows(world, out.obs);
        }
        let masks = out.avail.chunks_exact_mut(self.n_actions);
        for ((agent, mask), alive) in masks.enumerate().zip(out.alive.iter_mut()) {
            *alive = !world.state.frozen[agent];
            write_mask(world, agent, mask);
        }
        let caught = world.state.caught.iter().filter(|&&caught| caught).count();
        out.info[0] = caught as f32;
        out.info[1] = world.state.miscaptures as f32;
    }

    /// Writes the grid, `[row, column, feature]`: ones for agents, stags and hares.
    fn write_state(&self, world: &World, state: &mut [f32]) {
        state.fill(0.0);
        for agent in (0..world.args.n_agents).filter(|&agent| world.on_grid(agent)) {
            state[world.state.agents[agent] as usize * self.features] = 1.0;
        }
        for prey in (0..world.args.n_prey()).filter(|&prey| !world.state.caught[prey]) {
            let cell = world.state.prey[prey] as usize;
            state[cell * self.features + 1 + world.kind(prey)] = 1.0;
        }
    }

    /// Writes the state with one more feature per cell: a one for the agent itself.
    fn write_views_of_the_state(&self, world: &World, state: &[f32], obs: &mut [f32]) {
        let features = self.features;
        for (agent, view) in obs.chunks_exact_mut(self.obs_dim).enumerate() {
            view.fill(0.0);
            if !world.on_grid(agent) {
                continue;
            }
            let cells = view.chunks_exact_mut(features + 1);
            for (view, cell) in cells.zip(state.chunks_exact(features)) {
                view[..features].copy_from_slice(cell);
            }
            view[world.state.agents[agent] as usize * (features + 1) + features] = 1.0;
        }
    }

    /// Writes the surroundings of each agent, `[row, column, feature]`; zeros for those off the grid.
    fn write_windows(&mut self, world: &World, obs: &mut [f32]) {
        self.paint(world);
        let row_length = (2 * self.reach[1] + 1) * self.features;
        let stride = (self.shape[1] + 2 * self.reach[1]) * self.features;
        for (agent, window) in obs.chunks_exact_mut(self.obs_dim).enumerate() {
            if !world.on_grid(agent) {
                window.fill(0.0);
                continue;
            }
            let (row, column) = world.grid.place(world.state.agents[agent]);
            let first = row * stride + column * self.features;
            for (i, cells) in window.chunks_exact_mut(row_length).enumerate() {
                cells.copy_from_slice(&self.canvas[first + i * stride..][..row_length]);
            }
        }
    }

    /// Draws the visible agents and prey. Frozen agents are invisible.
    fn paint(&mut self, world: &World) {
        self.canvas.copy_from_slice(&self.blank);
        let number = |i: usize| if world.args.observe_ids { (i + 1) as f32 } else { 1.0 };
        for (agent, &cell) in world.state.agents.iter().enumerate() {
            if !world.state.frozen[agent] {
                self.draw(world, cell, 0, number(agent));
            }
        }
        for (prey, &cell) in world.state.prey.iter().enumerate() {
            if !world.state.caught[prey] {
                let kind = world.kind(prey);
                self.draw(world, cell, 1 + kind, number(prey - kind * world.args.n_stags));
            }
        }
    }

    /// Draws one agent or prey; on a toroidal grid in the margins too.
    fn draw(&mut self, world: &World, cell: u32, feature: usize, value: f32) {
        let (row, column) = world.grid.place(cell);
        let [reach_rows, reach_columns] = self.reach;
        let columns = self.shape[1] + 2 * reach_columns;
        if !world.args.toroidal {
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

/// Writes the mask of one agent: moves that no wall blocks, staying, and *catch* next to a prey. A
/// frozen agent can only stay.
fn write_mask(world: &World, agent: usize, mask: &mut [bool]) {
    let active = !world.state.frozen[agent];
    let cell = world.state.agents[agent];
    for (direction, open) in mask[..usize::from(STAY)].iter_mut().enumerate() {
        *open = active && world.grid.towards(cell, direction).is_some();
    }
    mask[usize::from(STAY)] = true;
    if let Some(open) = mask.get_mut(usize::from(CATCH)) {
        *open = active && world.next_to_prey(cell);
    }
}
