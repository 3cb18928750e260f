//! The state that the interface keeps for one team between steps.

use serde::{Deserialize, Serialize};

use super::observation::Layout;
use crate::skirmish::smacv2::Sightings;

/// Stands for the last action before the first step.
pub(crate) const NO_ACTION: u16 = u16::MAX;

/// The last actions, viewing directions and sightings of a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TeamHistory {
    /// The last action of each agent, `[agent]`; [`NO_ACTION`] before the first step.
    pub(crate) last_actions: Vec<u16>,
    /// The viewing direction of each agent, `[agent]`, if there is a conic field of view.
    pub(crate) looks: Vec<u8>,
    pub(crate) sightings: Sightings,
}

impl TeamHistory {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self {
            last_actions: vec![NO_ACTION; layout.n_agents],
            looks: vec![0; layout.n_agents],
            sightings: Sightings::new(layout.n_agents, layout.n_enemies),
        }
    }

    /// Returns whether this can be the history of a team with this layout.
    pub(crate) fn is_compatible(&self, layout: &Layout) -> bool {
        self.last_actions.len() == layout.n_agents
            && self.looks.len() == layout.n_agents
            && self.looks.iter().all(|&look| usize::from(look) < layout.n_looks.max(1))
            && self.sightings.is_compatible(layout.n_agents, layout.n_enemies)
    }

    /// Clears the history at the start of an episode.
    pub(crate) fn forget(&mut self) {
        self.last_actions.fill(NO_ACTION);
        self.looks.fill(0);
        self.sightings.forget();
    }
}
