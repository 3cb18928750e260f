//! Scripted policies in a battle: those that can be asked for actions, and those that control a team.

use phalanx_core::rng::Rng;

use super::actions::Choice;
use super::history::TeamHistory;
use super::observation::TeamView;
use super::skirmish::{Skirmish, Team};
use crate::skirmish::engine::Battle;
use crate::skirmish::scripted::{SCRIPTED_POLICIES, UnitView};

/// The value of `opponent` for the orders that the game gives its own units.
pub(crate) const ATTACK_MOVE: &str = "attack_move";

impl Skirmish {
    /// Writes the actions that policy number `policy` of [`SCRIPTED_POLICIES`] chooses, `[agent]`.
    /// Policies use only actions that have an effect, a subset of the mask.
    pub(super) fn ask(&mut self, policy: usize, rng: &mut Rng, actions: &mut [u16]) {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        assert!(policy < SCRIPTED_POLICIES.len(), "there is no scripted policy {policy}");
        let agents = self.agent_teams();
        let mut actions = actions.iter_mut();
        for team in self.teams.iter_mut().take(agents) {
            let Team { view, history, policies, .. } = team;
            for (number, action) in (0..view.layout.n_agents).zip(&mut actions) {
                let seen = unit_view(&self.battle, view, history, number, &mut self.mask);
                *action = policies[policy].act(&seen, true, rng);
            }
        }
    }

    /// Chooses the actions of the teams that scripted policies control, all from the state before the
    /// step.
    pub(super) fn lead(&mut self, rng: &mut Rng) {
        let keeps_to_mask = self.args.heuristic_rest;
        for team in &mut self.teams {
            let Team { view, history, leader: Some(leader), orders, .. } = team else {
                continue;
            };
            view.observe(&self.battle);
            for (number, order) in orders.iter_mut().enumerate() {
                let seen = unit_view(&self.battle, view, history, number, &mut self.mask);
                *order = leader.act(&seen, keeps_to_mask, rng);
            }
        }
    }

    /// Executes the actions of the policy that controls the enemies, unless they are agents.
    pub(super) fn command_opponents(&mut self) {
        let team = self.agent_teams();
        let Some(Team { view, history, orders, .. }) = self.teams.get_mut(team) else { return };
        history.last_actions.copy_from_slice(orders);
        let (first, n_looks) = (view.own.start, view.layout.n_looks);
        for number in 0..view.layout.n_agents {
            let action = self.teams[team].orders[number];
            self.command(first + number, Choice::of(action, n_looks));
        }
    }
}

/// Returns the view of a scripted policy on unit `number` of a team.
fn unit_view<'a>(
    battle: &'a Battle,
    view: &TeamView,
    history: &TeamHistory,
    number: usize,
    mask: &'a mut [bool],
) -> UnitView<'a> {
    let look = history.looks[number];
    view.write_reachable(battle, number, look, mask);
    let first_target = view.layout.first_target() as u16;
    UnitView { battle, unit: view.own.start + number, mask, first_target, look }
}
