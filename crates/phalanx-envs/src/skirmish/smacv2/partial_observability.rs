//! Extended partial observability: an enemy that one agent saw first may remain invisible to others.

use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

/// The enemies that each agent can see.
///
/// The first agent that has an enemy in sight can see it; for every other agent a draw with probability
/// `prob_obs_enemy` decides once. The draw is discarded when the enemy or the agent that saw it first
/// dies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sightings {
    /// Whether each agent can see each enemy, `[enemy, agent]`.
    may_see: Vec<bool>,
    /// The agent that saw each enemy first, `[enemy]`.
    first: Vec<Option<u16>>,
}

impl Sightings {
    pub(crate) fn new(n_agents: usize, n_enemies: usize) -> Self {
        Self { may_see: vec![false; n_agents * n_enemies], first: vec![None; n_enemies] }
    }

    /// Returns whether this can belong to teams of these sizes.
    pub(crate) fn is_compatible(&self, n_agents: usize, n_enemies: usize) -> bool {
        self.may_see.len() == n_agents * n_enemies
            && self.first.len() == n_enemies
            && self.first.iter().flatten().all(|&agent| usize::from(agent) < n_agents)
    }

    pub(crate) fn forget(&mut self) {
        self.may_see.fill(false);
        self.first.fill(None);
    }

    /// Returns whether an enemy is still unseen, so that the order in which agents look matters.
    pub(crate) fn open(&self) -> bool {
        self.first.contains(&None)
    }

    /// Returns whether `agent` can see `enemy`.
    #[inline]
    pub(crate) fn may_see(&self, agent: usize, enemy: usize) -> bool {
        self.may_see[enemy * self.n_agents() + agent]
    }

    /// Records that `agent` has `enemy` in sight. If it is the first, draws which others can see it.
    #[inline]
    pub(crate) fn spot(&mut self, agent: usize, enemy: usize, probability: f32, rng: &mut Rng) {
        if self.first[enemy].is_some() {
            return;
        }
        self.first[enemy] = Some(agent as u16);
        let n_agents = self.n_agents();
        for (other, may_see) in self.may_see[enemy * n_agents..][..n_agents].iter_mut().enumerate()
        {
            // A certain outcome consumes no randomness.
            let drawn = probability >= 1.0 || (probability > 0.0 && rng.uniform() < probability);
            *may_see |= other == agent || drawn;
        }
    }

    /// Clears the dead agent's first sightings and its visibility.
    pub(crate) fn lose_agent(&mut self, agent: usize) {
        let n_agents = self.n_agents();
        for enemy in 0..self.first.len() {
            if self.first[enemy] == Some(agent as u16) {
                self.lose_enemy(enemy);
                self.may_see.iter_mut().skip(agent).step_by(n_agents).for_each(|may| *may = false);
            }
        }
    }

    /// Clears the sightings of the dead enemy. Its body can be sighted again, which SMACv2 also counts.
    pub(crate) fn lose_enemy(&mut self, enemy: usize) {
        let n_agents = self.n_agents();
        self.first[enemy] = None;
        self.may_see[enemy * n_agents..][..n_agents].fill(false);
    }

    fn n_agents(&self) -> usize {
        self.may_see.len() / self.first.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::Purpose;

    #[test]
    fn the_first_agent_to_see_an_enemy_triggers_the_draw_for_the_others() {
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        let mut shares = [0; 3];
        for _ in 0..1000 {
            for (share, probability) in shares.iter_mut().zip([0.0, 0.5, 1.0]) {
                let mut sightings = Sightings::new(3, 2);
                sightings.spot(1, 0, probability, &mut rng);
                assert!(sightings.may_see(1, 0) && !sightings.may_see(1, 1));
                *share += i32::from(sightings.may_see(0, 0)) + i32::from(sightings.may_see(2, 0));
                // A second look draws nothing.
                let before = sightings.clone();
                sightings.spot(2, 0, probability, &mut rng);
                assert_eq!(sightings, before);
            }
        }
        assert_eq!((shares[0], shares[2]), (0, 2000));
        // Four standard deviations of a fair coin tossed 2000 times.
        assert!((shares[1] - 1000).abs() < 90, "{}", shares[1]);
    }

    #[test]
    fn a_death_makes_an_enemy_unseen() {
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        let mut sightings = Sightings::new(2, 2);
        sightings.spot(0, 0, 1.0, &mut rng);
        sightings.spot(1, 1, 1.0, &mut rng);
        assert!(!sightings.open());
        sightings.lose_agent(0);
        assert!(sightings.open() && !sightings.may_see(1, 0) && sightings.may_see(1, 1));
        assert!(!sightings.may_see(0, 1), "the dead may see nothing");
        sightings.spot(1, 0, 0.0, &mut rng);
        sightings.lose_enemy(1);
        assert!(sightings.may_see(1, 0) && !sightings.may_see(1, 1));
    }
}
