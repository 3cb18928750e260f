//! Observations and states.

mod cds;
mod entities;
mod planes;
mod simple115;

use phalanx_core::env::EntityLayout;

pub(super) use planes::Frames;

use super::args::{FootballArgs, Observe};
use super::view::View;
use crate::football::scenarios::Scenario;

/// Writes observations and states of one kind.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    observe: Observe,
    agents: usize,
    /// The numbers of players of both teams.
    counts: [usize; 2],
    /// With CDS's observation: how many opponents it shows.
    opponents: usize,
    stack: usize,
    limit: usize,
}

impl Writer {
    pub(super) fn new(args: &FootballArgs, scenario: &Scenario) -> Self {
        Self {
            observe: args.obs,
            agents: args.agents,
            counts: scenario.teams.map(<[_]>::len),
            opponents: cds::opponents(scenario),
            stack: args.obs_stack,
            limit: args.episode_limit,
        }
    }

    pub(super) fn obs_dim(&self) -> usize {
        match self.observe {
            Observe::Simple115v2 => simple115::LEN,
            Observe::Entities => entities::obs_dim(self.counts),
            Observe::Cds => cds::obs_dim(self.agents, self.opponents),
            Observe::Planes => planes::LEN * self.stack,
        }
    }

    pub(super) fn state_dim(&self) -> usize {
        match self.observe {
            Observe::Simple115v2 => simple115::state_dim(self.agents),
            Observe::Cds => cds::state_dim(self.agents, self.opponents),
            Observe::Entities | Observe::Planes => entities::state_dim(self.agents),
        }
    }

    /// Returns the entities of an observation; planes have none.
    pub(super) fn entities(&self) -> Option<EntityLayout> {
        match self.observe {
            Observe::Simple115v2 => Some(simple115::entities(self.counts)),
            Observe::Entities => Some(entities::entities(self.counts)),
            Observe::Cds | Observe::Planes => None,
        }
    }

    /// Writes the observation of an agent.
    pub(super) fn write(
        &self,
        view: &View,
        frames: &Frames,
        agent: usize,
        step: usize,
        obs: &mut [f32],
    ) {
        match self.observe {
            Observe::Simple115v2 => simple115::write(view, agent, obs),
            Observe::Entities => entities::write(view, agent, self.time_left(step), obs),
            Observe::Cds => cds::write(view, self.agents, self.opponents, agent, obs),
            Observe::Planes => frames.write(agent, self.stack, obs),
        }
    }

    /// Writes the state.
    pub(super) fn write_state(&self, view: &View, step: usize, state: &mut [f32]) {
        match self.observe {
            Observe::Simple115v2 => simple115::write_state(view, self.agents, state),
            Observe::Cds => cds::write_state(view, self.agents, self.opponents, state),
            Observe::Entities | Observe::Planes => {
                entities::write_state(view, self.agents, self.time_left(step), state);
            }
        }
    }

    /// Returns one text per index of an observation.
    pub(super) fn describe(&self) -> Vec<String> {
        match self.observe {
            Observe::Simple115v2 => simple115::describe(),
            Observe::Entities => entities::describe(self.counts),
            Observe::Cds => cds::describe(self.agents, self.opponents, self.counts[0]),
            Observe::Planes => planes::describe(self.stack),
        }
    }

    /// Returns one text per index of a state.
    pub(super) fn describe_state(&self) -> Vec<String> {
        match self.observe {
            Observe::Simple115v2 => simple115::describe_state(self.agents),
            Observe::Cds => cds::describe_state(self.agents, self.opponents, self.counts[0]),
            Observe::Entities | Observe::Planes => entities::describe_state(self.agents),
        }
    }

    fn time_left(&self, step: usize) -> f32 {
        1.0 - step as f32 / self.limit as f32
    }
}

/// Writes numbers one after the other.
struct Pen<'a> {
    out: &'a mut [f32],
    at: usize,
}

impl<'a> Pen<'a> {
    fn new(out: &'a mut [f32]) -> Self {
        Self { out, at: 0 }
    }

    fn write(&mut self, numbers: &[f32]) {
        self.out[self.at..self.at + numbers.len()].copy_from_slice(numbers);
        self.at += numbers.len();
    }

    /// Writes `len` zeros, but a one at `hot`.
    fn one_hot(&mut self, hot: Option<usize>, len: usize) {
        let part = &mut self.out[self.at..self.at + len];
        part.fill(0.0);
        if let Some(hot) = hot {
            part[hot] = 1.0;
        }
        self.at += len;
    }
}

fn number(flag: bool) -> f32 {
    f32::from(u8::from(flag))
}

/// The names of the phases, in the order of their one-hot encoding.
const MODES: [&str; 7] =
    ["normal play", "kick-off", "goal kick", "free kick", "corner", "throw-in", "penalty"];
