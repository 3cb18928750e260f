//! The environment of a battle: reset, step, save and load.

use std::mem::discriminant;

use phalanx_core::env::{
    Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map as Object, Value};

use super::actions::Choice;
use super::describe;
use super::ending::Ending;
use super::memory::Memory;
use super::skirmish::{Skirmish, Team};
use crate::skirmish::liberty::Units;
use crate::skirmish::map::Roster;
use crate::skirmish::players::{PLAYERS, Player};

/// What [`Env::save`] writes.
#[derive(Serialize, Deserialize)]
struct Saved {
    units: Units,
    roster: Roster,
    step: usize,
    won: bool,
    enemy_reward: f32,
    teams: Vec<SavedTeam>,
}

/// What is remembered of a team.
#[derive(Serialize, Deserialize)]
struct SavedTeam {
    memory: Memory,
    players: Vec<Player>,
    leader: Option<Player>,
}

impl Env for Skirmish {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.deploy(rng);
        for team in &mut self.teams {
            team.memory.forget();
            team.players.iter_mut().chain(&mut team.leader).for_each(Player::forget);
        }
        self.step = 0;
        self.won = false;
        self.enemy_reward = 0.0;
        self.write(rng, out);
    }

    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        self.lead(rng);
        for (agent, &chosen) in actions.iter().enumerate() {
            let choice = self.choose(agent, chosen);
            self.command(agent, choice);
        }
        self.command_opponents();
        self.open_accounts();
        self.battle.play(self.args.step_mul, rng);
        let outcome = self.settle();
        self.write(rng, out);
        outcome
    }

    fn save(&self, out: &mut Vec<u8>) {
        let saved = Saved {
            units: self.battle.units.clone(),
            roster: self.roster.clone(),
            step: self.step,
            won: self.won,
            enemy_reward: self.enemy_reward,
            teams: self.teams.iter().map(SavedTeam::of).collect(),
        };
        pack(&saved, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let saved: Saved = unpack(&self.spec.id, bytes)?;
        if !self.fits(&saved) {
            let reason = "it belongs to a battle of another kind".to_owned();
            return Err(EnvError::BadState { what: self.spec.id.clone(), reason });
        }
        self.roster = saved.roster;
        self.battle.enlist(self.roster.units().map(|placed| placed.unit));
        if self.map.generate.is_some() {
            self.enlist();
        }
        self.battle.units.restore(saved.units);
        self.step = saved.step;
        self.won = saved.won;
        self.enemy_reward = saved.enemy_reward;
        for (team, saved) in self.teams.iter_mut().zip(saved.teams) {
            team.memory = saved.memory;
            team.players = saved.players;
            team.leader = saved.leader;
        }
        self.write_masks();
        Ok(())
    }

    fn scripted_policies(&self) -> &'static [(&'static str, &'static str)] {
        PLAYERS
    }

    fn scripted_actions(&mut self, player: usize, rng: &mut Rng, actions: &mut [u16]) {
        self.ask(player, rng, actions);
    }

    fn describe(&self) -> Description {
        describe::describe(self)
    }

    fn frame(&self) -> Object<String, Value> {
        describe::frame(self)
    }
}

impl Skirmish {
    /// Remembers the units before a step.
    pub(crate) fn open_accounts(&mut self) {
        let units = &self.battle.units;
        for team in &mut self.teams {
            team.reward.open(&units.health, &units.shield);
        }
    }

    /// Counts a step and what it brought, now that it has been played.
    pub(crate) fn settle(&mut self) -> StepResult {
        self.step += 1;

        let ending = self.healers.judge(&self.battle);
        let end = match ending {
            Some(_) => StepStatus::Terminated,
            None if self.step >= self.spec.episode_limit => StepStatus::Truncated,
            None => StepStatus::Running,
        };
        let won = ending.and_then(Ending::won);
        self.won = won == Some(true);
        let units = &self.battle.units;
        let mut rewards = [0.0; 2];
        for (number, team) in self.teams.iter_mut().enumerate() {
            let won = won.map(|won| won == (number == 0));
            let they = team.observer.they.clone();
            rewards[number] = team.reward.close(they, &units.health, &units.shield, won);
            team.observer.count_dead(&self.battle, &mut team.memory);
        }
        self.enemy_reward = rewards[1];
        StepResult { reward: rewards[0], status: end }
    }

    /// What `agent` does, and notes its last action.
    fn choose(&mut self, agent: usize, chosen: u16) -> Choice {
        let (team, number) = self.team_of(agent);
        let Team { observer, memory, leader, orders, .. } = &mut self.teams[team];
        let action = if leader.is_some() {
            orders[number]
        } else {
            let mask = &self.avail[agent * self.spec.n_actions..][..self.spec.n_actions];
            let legal = mask.get(usize::from(chosen)).copied().unwrap_or(false);
            assert!(legal, "action {chosen} is not available to agent {agent}");
            chosen
        };
        // SMAC notes the actions handed in before its scripted player replaces them.
        memory.last_actions[number] = if self.args.fix_quirks { action } else { chosen };
        Choice::of(action, observer.layout.n_looks)
    }

    fn write_masks(&mut self) {
        let agents = self.agent_teams();
        let mut rest = &mut self.avail[..];
        for team in self.teams.iter_mut().take(agents) {
            let len = team.observer.layout.n_agents * self.spec.n_actions;
            let (avail, after) = rest.split_at_mut(len);
            team.observer.write_masks(&self.battle, &team.memory, avail);
            rest = after;
        }
    }

    /// Whether a saved state can be one of this battle.
    fn fits(&self, saved: &Saved) -> bool {
        let n = self.battle.len();
        let known = |unit| self.map.kinds().any(|kind| kind == unit);
        let fixed = self.map.generate.is_none();
        saved.units.fits(n)
            && (!fixed || saved.roster == self.roster)
            && saved.roster.allies.len() == self.roster.allies.len()
            && saved.roster.enemies.len() == self.roster.enemies.len()
            && saved.roster.units().all(|placed| known(placed.unit))
            && saved.teams.len() == self.teams.len()
            && saved.teams.iter().zip(&self.teams).all(|(saved, team)| saved.fits(team))
    }
}

impl SavedTeam {
    fn of(team: &Team) -> Self {
        Self {
            memory: team.memory.clone(),
            players: team.players.clone(),
            leader: team.leader.clone(),
        }
    }

    fn fits(&self, team: &Team) -> bool {
        let layout = &team.observer.layout;
        let same = |(saved, player): (&Player, &Player)| {
            discriminant(saved) == discriminant(player) && saved.fits(layout.n_agents)
        };
        self.memory.fits(layout)
            && self.players.len() == team.players.len()
            && self.players.iter().zip(&team.players).all(same)
            && self.leader.is_some() == team.leader.is_some()
            && self.leader.iter().zip(&team.leader).all(same)
    }
}
