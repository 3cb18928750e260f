//! A scripted policy that sees the whole grid and hunts in groups.

use phalanx_core::rng::Rng;

use super::args::PredatorPreyArgs;
use super::rules::{CATCH, STAY};
use super::state::World;

/// Marks an agent without a target.
const NONE: u16 = u16::MAX;

/// Buffers for the choices of one step. No state is kept between steps.
#[derive(Clone, Debug)]
pub(super) struct GreedyHunt {
    /// The target of each agent, `[agent]`.
    target: Vec<u16>,
    /// Agents without a target, nearest to a prey first.
    idle: Vec<u16>,
}

impl GreedyHunt {
    pub(super) fn new(args: &PredatorPreyArgs) -> Self {
        let idle = Vec::with_capacity(args.n_agents);
        Self { target: vec![NONE; args.n_agents], idle }
    }

    /// Writes the action of every agent that is not frozen.
    ///
    /// Groups form around the prey that enough agents can reach soonest, as long as agents and prey are
    /// left; the remaining agents approach the nearest prey. A group whose members are all adjacent to
    /// its prey plays *catch*; other groups close in.
    pub(super) fn choose(&mut self, world: &World, rng: &mut Rng, actions: &mut [u16]) {
        self.form_groups(world);
        for agent in (0..actions.len()).filter(|&agent| !world.state.frozen[agent]) {
            let Some(prey) = self.target_of(agent) else {
                continue;
            };
            let adjacent = |other: usize| {
                self.target_of(other) == Some(prey) && distance(world, other, prey) == 1
            };
            let together = (0..actions.len()).filter(|&other| adjacent(other)).count();
            let ready = adjacent(agent) && together >= needed(world, prey);
            actions[agent] = if ready && world.args.capture_action {
                CATCH
            } else {
                approach(world, agent, prey, rng)
            };
        }
    }

    fn target_of(&self, agent: usize) -> Option<usize> {
        let prey = self.target[agent];
        (prey != NONE).then_some(usize::from(prey))
    }

    fn form_groups(&mut self, world: &World) {
        self.target.fill(NONE);
        loop {
            // The prey whose group has the shortest path for its farthest member.
            let mut soonest = None;
            for prey in prey_left(world) {
                if self.target.contains(&(prey as u16)) {
                    continue;
                }
                self.call(world, prey);
                if let Some(&last) = self.idle.get(needed(world, prey) - 1) {
                    let way = (distance(world, usize::from(last), prey), prey);
                    soonest = Some(soonest.map_or(way, |best| way.min(best)));
                }
            }
            let Some((_, prey)) = soonest else { break };
            self.call(world, prey);
            for &agent in &self.idle[..needed(world, prey)] {
                self.target[usize::from(agent)] = prey as u16;
            }
        }
        for agent in 0..self.target.len() {
            if self.target[agent] == NONE && !world.state.frozen[agent] {
                let nearest = prey_left(world).min_by_key(|&prey| distance(world, agent, prey));
                self.target[agent] = nearest.map_or(NONE, |prey| prey as u16);
            }
        }
    }

    /// Lists the agents without a target, those nearest to `prey` first.
    fn call(&mut self, world: &World, prey: usize) {
        self.idle.clear();
        let target = &self.target;
        let free = |&agent: &usize| target[agent] == NONE && !world.state.frozen[agent];
        self.idle.extend((0..target.len()).filter(free).map(|agent| agent as u16));
        self.idle.sort_unstable_by_key(|&agent| (distance(world, usize::from(agent), prey), agent));
    }
}

fn prey_left(world: &World) -> impl Iterator<Item = usize> + '_ {
    (0..world.args.n_prey()).filter(|&prey| !world.state.caught[prey])
}

/// Returns the number of agents needed to catch a prey.
fn needed(world: &World, prey: usize) -> usize {
    let kind = world.kind(prey);
    if world.args.capture_action {
        world.args.capture_action_conditions[kind]
    } else {
        4_usize.saturating_sub(world.args.capture_conditions[kind]).max(1)
    }
}

fn distance(world: &World, agent: usize, prey: usize) -> usize {
    world.grid.distance(world.state.agents[agent], world.state.prey[prey])
}

/// Returns a move after which, once the prey has moved too, the agent is likely to be next to it.
///
/// Prey moves whenever it can, so its distance to a waiting agent changes by one. At distance two it is
/// therefore better to wait, and at distance one to step aside.
fn approach(world: &World, agent: usize, prey: usize, rng: &mut Rng) -> u16 {
    let (from, to) = (world.state.agents[agent], world.state.prey[prey]);
    let now = world.grid.distance(from, to);
    if now == 2 || (now == 1 && !world.args.capture_action) {
        return STAY;
    }
    let leads_there = |direction: usize| {
        world.grid.towards(from, direction).is_some_and(|cell| {
            let after = world.grid.distance(cell, to);
            world.is_free(cell) && (after < now || now == 1)
        })
    };
    let good = [0, 1, 2, 3].map(leads_there);
    rng.choose(&good).map_or(STAY, |direction| direction as u16)
}
