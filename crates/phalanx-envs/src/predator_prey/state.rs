//! The state of an episode: the positions of agents and prey, and an index of the grid.

use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::args::PredatorPreyArgs;
use super::grid::Grid;

/// Marks a cell without an agent, or without prey.
const EMPTY: u16 = u16::MAX;

/// A kind of prey, as an index into pairs of arguments.
pub(super) const STAG: usize = 0;
/// The other kind of prey.
pub(super) const HARE: usize = 1;

/// Everything that changes in the course of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The cell of each agent, `[agent]`; for a frozen agent, the cell in which it was frozen.
    pub(super) agents: Vec<u32>,
    /// `[agent]`.
    pub(super) frozen: Vec<bool>,
    /// The cell of each prey, `[prey]`, stags first; for a caught prey, its last cell.
    pub(super) prey: Vec<u32>,
    /// `[prey]`.
    pub(super) caught: Vec<bool>,
    /// Steps played.
    pub(super) step: usize,
    /// The number of failed captures: too few agents tried to catch a prey.
    pub(super) miscaptures: u32,
}

/// The grid, its state, and the agent and prey in each cell.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) args: PredatorPreyArgs,
    pub(super) grid: Grid,
    pub(super) state: State,
    /// Each agent's share in the reward of the last step, `[agent]`.
    pub(super) shares: Vec<f32>,
    /// The agent in each cell, `[cell]`.
    agent_at: Vec<u16>,
    /// The prey in each cell, `[cell]`.
    prey_at: Vec<u16>,
    /// A buffer for a random order of agents, prey or cells.
    pub(super) order: Vec<u16>,
}

impl World {
    pub(super) fn new(args: PredatorPreyArgs) -> Self {
        let grid = Grid::new(args.world_shape, args.toroidal);
        let (n_agents, n_prey, n_cells) = (args.n_agents, args.n_prey(), grid.len());
        let state = State {
            agents: (0..n_agents as u32).collect(),
            frozen: vec![false; n_agents],
            prey: (0..n_prey as u32).map(|prey| n_agents as u32 + prey).collect(),
            caught: vec![false; n_prey],
            step: 0,
            miscaptures: 0,
        };
        let mut world = Self {
            args,
            grid,
            state,
            shares: vec![0.0; n_agents],
            agent_at: vec![EMPTY; n_cells],
            prey_at: vec![EMPTY; n_cells],
            order: Vec::with_capacity(n_cells.max(n_agents).max(n_prey)),
        };
        world.rebuild_index();
        world
    }

    /// Starts an episode: places agents and prey in distinct cells, uniformly at random.
    pub(super) fn randomize(&mut self, rng: &mut Rng) {
        let State { agents, frozen, prey, caught, step, miscaptures } = &mut self.state;
        let n_cells = self.grid.len();
        self.order.clear();
        self.order.extend(0..n_cells as u16);
        for (i, place) in agents.iter_mut().chain(prey).enumerate() {
            self.order.swap(i, i + rng.below(n_cells - i));
            *place = u32::from(self.order[i]);
        }
        frozen.fill(false);
        caught.fill(false);
        *step = 0;
        *miscaptures = 0;
        self.shares.fill(0.0);
        self.rebuild_index();
    }

    /// Restores a state that is [compatible](Self::is_compatible).
    pub(super) fn restore(&mut self, state: State) {
        self.state = state;
        self.shares.fill(0.0);
        self.rebuild_index();
    }

    /// Rebuilds the index of cells.
    fn rebuild_index(&mut self) {
        self.agent_at.fill(EMPTY);
        self.prey_at.fill(EMPTY);
        for agent in 0..self.state.agents.len() {
            if self.on_grid(agent) {
                self.agent_at[self.state.agents[agent] as usize] = agent as u16;
            }
        }
        let prey = self.state.prey.iter().zip(&self.state.caught).enumerate();
        for (prey, (&cell, _)) in prey.filter(|(_, (_, caught))| !**caught) {
            self.prey_at[cell as usize] = prey as u16;
        }
    }

    /// Returns whether a saved state belongs to an environment with these arguments.
    pub(super) fn is_compatible(&self, saved: &State) -> bool {
        let ours = &self.state;
        let vanish = self.args.remove_frozen;
        let distinct = |cells: &[u32], gone: &[bool]| {
            let mut there: Vec<_> =
                cells.iter().zip(gone).filter(|(_, gone)| !**gone).map(|(&cell, _)| cell).collect();
            let all = there.len();
            there.sort_unstable();
            there.dedup();
            there.len() == all && there.iter().all(|&cell| (cell as usize) < self.grid.len())
        };
        let absent: Vec<_> = saved.frozen.iter().map(|&frozen| frozen && vanish).collect();
        saved.agents.len() == ours.agents.len()
            && saved.frozen.len() == ours.frozen.len()
            && saved.prey.len() == ours.prey.len()
            && saved.caught.len() == ours.caught.len()
            && saved.step <= self.args.episode_limit
            && distinct(&saved.agents, &absent)
            && distinct(&saved.prey, &saved.caught)
            && saved.agents.iter().chain(&saved.prey).all(|&cell| (cell as usize) < self.grid.len())
    }

    /// Returns the kind of a prey: [`STAG`] or [`HARE`].
    #[inline]
    pub(super) fn kind(&self, prey: usize) -> usize {
        if prey < self.args.n_stags { STAG } else { HARE }
    }

    /// Returns whether an agent occupies a cell.
    #[inline]
    pub(super) fn on_grid(&self, agent: usize) -> bool {
        !(self.args.remove_frozen && self.state.frozen[agent])
    }

    #[inline]
    pub(super) fn agent_in(&self, cell: u32) -> Option<usize> {
        let agent = self.agent_at[cell as usize];
        (agent != EMPTY).then_some(usize::from(agent))
    }

    #[inline]
    pub(super) fn prey_in(&self, cell: u32) -> Option<usize> {
        let prey = self.prey_at[cell as usize];
        (prey != EMPTY).then_some(usize::from(prey))
    }

    /// Returns whether a cell holds neither agent nor prey.
    #[inline]
    pub(super) fn is_free(&self, cell: u32) -> bool {
        self.agent_at[cell as usize] == EMPTY && self.prey_at[cell as usize] == EMPTY
    }

    /// Returns whether a prey is adjacent to this cell.
    #[inline]
    pub(super) fn next_to_prey(&self, cell: u32) -> bool {
        self.grid.neighbours(cell).any(|cell| self.prey_in(cell).is_some())
    }

    pub(super) fn move_agent(&mut self, agent: usize, to: u32) {
        let from = std::mem::replace(&mut self.state.agents[agent], to);
        self.agent_at[from as usize] = EMPTY;
        self.agent_at[to as usize] = agent as u16;
    }

    pub(super) fn move_prey(&mut self, prey: usize, to: u32) {
        let from = std::mem::replace(&mut self.state.prey[prey], to);
        self.prey_at[from as usize] = EMPTY;
        self.prey_at[to as usize] = prey as u16;
    }

    pub(super) fn freeze(&mut self, agent: usize) {
        self.state.frozen[agent] = true;
        if self.args.remove_frozen {
            self.agent_at[self.state.agents[agent] as usize] = EMPTY;
        }
    }

    pub(super) fn remove_prey(&mut self, prey: usize) {
        self.state.caught[prey] = true;
        self.prey_at[self.state.prey[prey] as usize] = EMPTY;
    }
}
