//! The environment of a battle: reset, step, save and load.

use std::mem::discriminant;

use phalanx_core::env::{
    Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map as Object, Value};

use super::actions::Choice;
use super::history::TeamHistory;
use super::skirmish::{Skirmish, Team};
use super::spec::{describe, frame};
use super::termination::Ending;
use crate::skirmish::engine::Units;
use crate::skirmish::maps::Rosters;
use crate::skirmish::scripted::{SCRIPTED_POLICIES, ScriptedPolicy};

/// The saved state of an environment.
#[derive(Serialize, Deserialize)]
struct Saved {
    units: Units,
    rosters: Rosters,
    step: usize,
    won: bool,
    enemy_reward: f32,
    teams: Vec<SavedTeam>,
}

/// The state kept for a team between steps.
#[derive(Serialize, Deserialize)]
struct SavedTeam {
    history: TeamHistory,
    policies: Vec<ScriptedPolicy>,
    leader: Option<ScriptedPolicy>,
}

impl Env for Skirmish {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.spawn(rng);
        for team in &mut self.teams {
            team.history.forget();
            team.policies.iter_mut().chain(&mut team.leader).for_each(ScriptedPolicy::forget);
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
        self.begin_step();
        self.battle.play(self.args.step_mul, rng);
        let outcome = self.finish_step();
        self.write(rng, out);
        outcome
    }

    fn save(&self, out: &mut Vec<u8>) {
        let saved = Saved {
            units: self.battle.units.clone(),
            rosters: self.rosters.clone(),
            step: self.step,
            won: self.won,
            enemy_reward: self.enemy_reward,
            teams: self.teams.iter().map(SavedTeam::of).collect(),
        };
        pack(&saved, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let saved: Saved = unpack(&self.spec.id, bytes)?;
        if !self.is_compatible(&saved) {
            let reason = "it is the state of a different battle".to_owned();
            return Err(EnvError::BadState { what: self.spec.id.clone(), reason });
        }
        self.rosters = saved.rosters;
        self.battle.set_rosters(self.rosters.units().map(|placed| placed.unit));
        if self.map.generate.is_some() {
            self.set_rosters();
        }
        self.battle.units.restore(saved.units);
        self.step = saved.step;
        self.won = saved.won;
        self.enemy_reward = saved.enemy_reward;
        for (team, saved) in self.teams.iter_mut().zip(saved.teams) {
            team.history = saved.history;
            team.policies = saved.policies;
            team.leader = saved.leader;
        }
        self.write_masks();
        Ok(())
    }

    fn scripted_policies(&self) -> &'static [(&'static str, &'static str)] {
        SCRIPTED_POLICIES
    }

    fn scripted_actions(&mut self, policy: usize, _: &[bool], rng: &mut Rng, actions: &mut [u16]) {
        self.ask(policy, rng, actions);
    }

    fn describe(&self) -> Description {
        describe(self)
    }

    fn frame(&self) -> Object<String, Value> {
        frame(self)
    }
}

impl Skirmish {
    /// Records the units before a step.
    pub(crate) fn begin_step(&mut self) {
        let units = &self.battle.units;
        for team in &mut self.teams {
            team.reward.open(&units.health, &units.shield);
        }
    }

    /// Records a played step and its reward.
    pub(crate) fn finish_step(&mut self) -> StepResult {
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
            let opponents = team.view.opponents.clone();
            rewards[number] = team.reward.close(opponents, &units.health, &units.shield, won);
            team.view.count_dead(&self.battle, &mut team.history);
        }
        self.enemy_reward = rewards[1];
        StepResult { reward: rewards[0], status: end }
    }

    /// Returns the choice of `agent` and records its last action.
    fn choose(&mut self, agent: usize, chosen: u16) -> Choice {
        let (team, number) = self.team_of(agent);
        let Team { view, history, leader, orders, .. } = &mut self.teams[team];
        let action = if leader.is_some() {
            orders[number]
        } else {
            let mask = &self.avail[agent * self.spec.n_actions..][..self.spec.n_actions];
            let available = mask.get(usize::from(chosen)).copied().unwrap_or(false);
            assert!(available, "action {chosen} is not available to agent {agent}");
            chosen
        };
        // SMAC records the actions passed to `step` before its scripted policy replaces them.
        history.last_actions[number] = if self.args.fix_quirks { action } else { chosen };
        Choice::of(action, view.layout.n_looks)
    }

    fn write_masks(&mut self) {
        let agents = self.agent_teams();
        let mut rest = &mut self.avail[..];
        for team in self.teams.iter_mut().take(agents) {
            let len = team.view.layout.n_agents * self.spec.n_actions;
            let (avail, after) = rest.split_at_mut(len);
            team.view.write_masks(&self.battle, &team.history, avail);
            rest = after;
        }
    }

    /// Returns whether a saved state belongs to this battle.
    fn is_compatible(&self, saved: &Saved) -> bool {
        let n = self.battle.len();
        let known = |unit| self.map.kinds().any(|kind| kind == unit);
        let fixed = self.map.generate.is_none();
        saved.units.is_compatible(n)
            && (!fixed || saved.rosters == self.rosters)
            && saved.rosters.allies.len() == self.rosters.allies.len()
            && saved.rosters.enemies.len() == self.rosters.enemies.len()
            && saved.rosters.units().all(|placed| known(placed.unit))
            && saved.teams.len() == self.teams.len()
            && saved.teams.iter().zip(&self.teams).all(|(saved, team)| saved.is_compatible(team))
    }
}

impl SavedTeam {
    fn of(team: &Team) -> Self {
        Self {
            history: team.history.clone(),
            policies: team.policies.clone(),
            leader: team.leader.clone(),
        }
    }

    fn is_compatible(&self, team: &Team) -> bool {
        let layout = &team.view.layout;
        let same = |(saved, policy): (&ScriptedPolicy, &ScriptedPolicy)| {
            discriminant(saved) == discriminant(policy) && saved.is_compatible(layout.n_agents)
        };
        self.history.is_compatible(layout)
            && self.policies.len() == team.policies.len()
            && self.policies.iter().zip(&team.policies).all(same)
            && self.leader.is_some() == team.leader.is_some()
            && self.leader.iter().zip(&team.leader).all(same)
    }
}
