//! Scripted players in a battle: those that can be asked for actions, and those that lead a team.

use phalanx_core::rng::Rng;

use super::actions::Choice;
use super::memory::Memory;
use super::observer::Observer;
use super::skirmish::{Skirmish, Team};
use crate::skirmish::liberty::Battle;
use crate::skirmish::players::{PLAYERS, Turn};

/// The value of `opponent` for the orders the game gives its own units.
pub(crate) const ATTACK_MOVE: &str = "attack_move";

impl Skirmish {
    /// Writes what number `player` of [`PLAYERS`] would do with every agent, `[agent]`.
    pub(super) fn ask(&mut self, player: usize, rng: &mut Rng, actions: &mut [u16]) {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        assert!(player < PLAYERS.len(), "there is no scripted player {player}");
        let agents = self.agent_teams();
        let mut actions = actions.iter_mut();
        for team in self.teams.iter_mut().take(agents) {
            let Team { observer, memory, players, .. } = team;
            for (number, action) in (0..observer.layout.n_agents).zip(&mut actions) {
                let turn = turn(&self.battle, observer, memory, number, &mut self.mask);
                *action = players[player].act(&turn, true, rng);
            }
        }
    }

    /// Lets the players that lead teams choose, all on what is true before the step.
    pub(super) fn lead(&mut self, rng: &mut Rng) {
        let keeps_to_mask = self.args.heuristic_rest;
        for team in &mut self.teams {
            let Team { observer, memory, leader: Some(leader), orders, .. } = team else {
                continue;
            };
            observer.observe(&self.battle);
            for (number, order) in orders.iter_mut().enumerate() {
                let turn = turn(&self.battle, observer, memory, number, &mut self.mask);
                *order = leader.act(&turn, keeps_to_mask, rng);
            }
        }
    }

    /// Gives the orders of the player that leads the enemies, where they are no agents.
    pub(super) fn command_opponents(&mut self) {
        let team = self.agent_teams();
        let Some(Team { observer, memory, orders, .. }) = self.teams.get_mut(team) else { return };
        memory.last_actions.copy_from_slice(orders);
        let (first, n_looks) = (observer.we.start, observer.layout.n_looks);
        for number in 0..observer.layout.n_agents {
            let action = self.teams[team].orders[number];
            self.command(first + number, Choice::of(action, n_looks));
        }
    }
}

/// The question what to do with unit `number` of a team.
fn turn<'a>(
    battle: &'a Battle,
    observer: &Observer,
    memory: &Memory,
    number: usize,
    mask: &'a mut [bool],
) -> Turn<'a> {
    let look = memory.looks[number];
    observer.write_reachable(battle, number, look, mask);
    let first_target = observer.layout.first_target() as u16;
    Turn { battle, unit: observer.we.start + number, mask, first_target, look }
}
