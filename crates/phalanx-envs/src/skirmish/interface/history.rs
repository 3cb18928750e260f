//! The state that the interface keeps for one team between steps.

use serde::{Deserialize, Serialize};

use super::observation::Layout;
use crate::skirmish::smacv2::Sightings;

/// The last action before the first step.
pub(crate) const NO_ACTION: u16 = u16::MAX;

/// Last actions, directions of sight, and enemies seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TeamHistory {
    /// `[agent]`; [`NO_ACTION`] before the first step.
    pub(crate) last_actions: Vec<u16>,
    /// `[agent]`: where each agent looks, with a cone of sight.
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

    /// Returns whether this can belong to a team of this layout.
    pub(crate) fn is_compatible(&self, layout: &Layout) -> bool {
        self.last_actions.len() == layout.n_agents
            && self.looks.len() == layout.n_agents
            && self.looks.iter().all(|&look| usize::from(look) < layout.n_looks.max(1))
            && self.sightings.is_compatible(layout.n_agents, layout.n_enemies)
    }

    /// Begins an episode.
    pub(crate) fn forget(&mut self) {
        self.last_actions.fill(NO_ACTION);
        self.looks.fill(0);
        self.sightings.forget();
    }
}
