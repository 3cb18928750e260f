//! One step: agents move, then prey is caught or moves.

use phalanx_core::rng::Rng;

use super::state::{STAG, World};

/// The action that keeps an agent where it is; the four before it move right, down, left and up.
pub(super) const STAY: u16 = 4;
/// The action that tries to catch an adjacent prey.
pub(super) const CATCH: u16 = 5;

/// The agents involved in a capture or an attempt: at most one per neighbouring cell.
#[derive(Clone, Copy, Default)]
struct Group {
    agents: [u16; 4],
    len: usize,
}

impl Group {
    fn push(&mut self, agent: usize) {
        self.agents[self.len] = agent as u16;
        self.len += 1;
    }

    fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        self.agents.into_iter().take(self.len).map(usize::from)
    }
}

impl World {
    /// Plays one step and returns the team's reward and whether the task is over.
    ///
    /// First the agents move, one after the other in random order. Then each prey, again in random
    /// order, is caught or moves.
    pub(super) fn play(&mut self, actions: &[u16], rng: &mut Rng) -> (f32, bool) {
        let n_agents = self.args.n_agents;
        self.shares.fill(self.args.reward_time / n_agents as f32);
        let mut reward = self.args.reward_time;
        let mut order = std::mem::take(&mut self.order);

        shuffled(&mut order, n_agents, rng);
        for agent in order.iter().map(|&agent| usize::from(agent)) {
            if self.walk(agent, actions[agent]) {
                reward += self.args.reward_collision;
                self.shares[agent] += self.args.reward_collision;
            }
        }

        let mut any_caught = false;
        shuffled(&mut order, self.args.n_prey(), rng);
        for prey in order.iter().map(|&prey| usize::from(prey)) {
            if !self.state.caught[prey] {
                let (brought, caught) = self.turn(prey, actions, rng);
                reward += brought;
                any_caught |= caught;
            }
        }
        self.order = order;
        self.state.step += 1;

        let over = (self.args.capture_terminal && any_caught)
            || self.state.caught.iter().all(|&caught| caught)
            || self.state.frozen.iter().all(|&frozen| frozen);
        (reward, over)
    }

    /// Moves an agent unless it is blocked. Returns whether an agent or a prey blocked it.
    fn walk(&mut self, agent: usize, action: u16) -> bool {
        if self.state.frozen[agent] || action >= STAY {
            return false;
        }
        let from = self.state.agents[agent];
        let Some(to) = self.grid.towards(from, usize::from(action)) else {
            return false;
        };
        let stops = |kind: usize| self.args.agent_move_block.contains(&(1 + kind as u8));
        let stopped = self.agent_in(to).is_some()
            || self.prey_in(to).is_some_and(|prey| stops(self.kind(prey)));
        if !stopped {
            self.move_agent(agent, to);
        }
        stopped
    }

    /// Catches a prey if its conditions are met, and moves it otherwise. Returns the reward and whether
    /// it was caught.
    fn turn(&mut self, prey: usize, actions: &[u16], rng: &mut Rng) -> (f32, bool) {
        let cell = self.state.prey[prey];
        let kind = self.kind(prey);
        let hunters = self.hunters(cell, actions);
        let caught = if self.args.capture_action {
            hunters.len >= self.args.capture_action_conditions[kind]
        } else {
            let free = self.grid.neighbours(cell).filter(|&cell| self.is_free(cell)).count();
            let mut neighbours = self.grid.neighbours(cell);
            let by_agents = neighbours.any(|cell| self.agent_in(cell).is_some());
            free <= self.args.capture_conditions[kind]
                && (by_agents || !self.args.prevent_cannibalism)
        };
        if caught {
            let reward = if kind == STAG { self.args.reward_stag } else { self.args.reward_hare };
            self.share(reward, hunters);
            self.remove_prey(prey);
            if self.args.capture_freezes {
                hunters.iter().for_each(|agent| self.freeze(agent));
                // An agent in the cell of the prey takes no part in the capture, but is frozen too.
                let on_top = self.agent_in(cell).filter(|&agent| actions[agent] == CATCH);
                if let Some(agent) = on_top.filter(|&agent| !self.state.frozen[agent]) {
                    self.freeze(agent);
                }
            }
            return (reward, true);
        }
        let mut reward = 0.0;
        if self.args.capture_action && hunters.len > 0 {
            reward = self.args.miscapture_punishment;
            self.state.miscaptures += 1;
            self.share(reward, hunters);
        }
        self.flee(prey, rng);
        (reward, false)
    }

    /// Returns the agents next to a cell that can take part in a capture there: those that play *catch*,
    /// or all if there is no such action.
    fn hunters(&self, cell: u32, actions: &[u16]) -> Group {
        let mut group = Group::default();
        for agent in self.grid.neighbours(cell).filter_map(|cell| self.agent_in(cell)) {
            let tries = !self.args.capture_action || actions[agent] == CATCH;
            if tries && !self.state.frozen[agent] {
                group.push(agent);
            }
        }
        group
    }

    /// Splits a reward evenly among a group, or among all agents if the group is empty.
    fn share(&mut self, reward: f32, group: Group) {
        if group.len == 0 {
            let all = self.shares.len() as f32;
            self.shares.iter_mut().for_each(|share| *share += reward / all);
        }
        for agent in group.iter() {
            self.shares[agent] += reward / group.len as f32;
        }
    }

    /// Moves a prey to a free adjacent cell, drawn uniformly. It stays if there is none or if it rests.
    fn flee(&mut self, prey: usize, rng: &mut Rng) {
        let cell = self.state.prey[prey];
        let mut free = [0; 4];
        let mut n_free = 0;
        for to in self.grid.neighbours(cell).filter(|&to| self.is_free(to)) {
            free[n_free] = to;
            n_free += 1;
        }
        if n_free == 0 {
            return;
        }
        let stag = self.kind(prey) == STAG;
        let rest = if stag { self.args.p_stags_rest } else { self.args.p_hare_rest };
        // Prey that shares its cell with an agent does not rest.
        if rest > 0.0 && self.agent_in(cell).is_none() && rng.uniform() < rest {
            return;
        }
        self.move_prey(prey, free[rng.below(n_free)]);
    }
}

/// Writes a random permutation of the numbers below `n`.
fn shuffled(order: &mut Vec<u16>, n: usize, rng: &mut Rng) {
    order.clear();
    order.extend(0..n as u16);
    rng.shuffle(order);
}
