//! StarCraft-like battles with SMAC's interface, simulated here instead of by the game.
//!
//! - [`map`](Map) and `maps/` say who fights; [`UNITS`] holds the units' numbers.
//! - `battle` holds the state and the game loop, whose parts are `enemy` (choosing targets),
//!   `combat` (weapons), `movement` and `crowd` (walking and collision).
//! - `observe` and `reward` are SMAC's wrapper round the game, element by element.
//!
//! # What is known and what is ours
//!
//! Numbers of units, clock, weapons, ranges, observation, state, mask and reward follow the game
//! data and SMAC's code. That a unit waits out its backswing before it walks after a target, and
//! that a victim calls its comrades to help, was measured on the game by others.
//!
//! What nobody documents is a choice of our own: where units created at one point stand (in a
//! block, slightly scattered), how they collide and flow round each other, that a unit chasing a
//! target turns only to those who attack it, and in which order one game loop resolves what
//! happens in it (here: all at once). Reset does not play the two game loops that pass in SMAC
//! before the first observation.
//!
//! The rules have been held against SMAC's own scripted player (`heuristic_ai`), whose win rates
//! are published: 12 % on `10m_vs_11m`, none on `5m_vs_6m` and `27m_vs_30m`.

mod args;
mod battle;
mod combat;
mod crowd;
mod describe;
mod enemy;
mod map;
mod movement;
mod observe;
mod players;
mod reward;
pub mod smax;
mod terrain;
mod units;

pub use args::{ARGUMENTS, Rules, SkirmishArgs};
pub use map::{MAPS, Map, MapError, Placed, START_SCATTER};
pub use observe::{ATTACK, EAST, NO_OP, NORTH, SHOOT_RANGE, SIGHT_RANGE, SOUTH, STOP, WEST};
pub use terrain::{TERRAINS, Terrain};
pub use units::{Attribute, LOOPS_PER_SECOND, Race, UNITS, Unit, Weapon, unit_index, volley};

use phalanx_core::env::{
    AgentSpec, Description, End, Env, EnvError, EnvSpec, Outcome, StepMut, pack, unpack,
};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::ArgumentError;
use battle::{Battle, NOBODY, Order, Units};
use observe::{DIRECTIONS, Observer};
use players::AttackNearest;
use reward::RewardRule;

/// The last action before the first step.
const NO_ACTION: u16 = u16::MAX;

/// A battle: each agent commands one unit, against the built-in opponent.
///
/// Observations `[agent, obs_dim]`, the state, the mask, rewards and ends are those of SMAC
/// (Samvelyan et al. 2019); [`Env::describe`] names every index. Reaching the limit is reported as
/// [`End::Truncated`] and counts as a true end unless `continuing_episode` is set, as in SMAC.
/// When both teams die at once, nobody has won.
#[derive(Clone, Debug)]
pub struct Skirmish {
    map: Map,
    args: SkirmishArgs,
    spec: EnvSpec,
    observer: Observer,
    reward: RewardRule,
    battle: Battle,
    heuristic: AttackNearest,
    step: usize,
    won: bool,
    last_actions: Vec<u16>,
    /// The mask written last, `[agent, action]`.
    avail: Vec<bool>,
}

/// What [`Env::save`] writes.
#[derive(Serialize, Deserialize)]
struct Saved {
    units: Units,
    step: usize,
    won: bool,
    last_actions: Vec<u16>,
    targets: Vec<Option<u16>>,
}

impl Skirmish {
    /// A battle on `map`.
    ///
    /// # Errors
    ///
    /// When an argument has a value it may not take.
    pub fn new(map: Map, args: SkirmishArgs) -> Result<Self, ArgumentError> {
        args.check()?;
        let limit = if args.episode_limit > 0 { args.episode_limit } else { map.limit };
        let observer = Observer::new(&map, &args, limit);
        let toughness: Vec<f32> = map
            .enemies
            .iter()
            .map(|placed| UNITS[placed.unit].health + UNITS[placed.unit].shield)
            .collect();
        let battle = Battle::new(&map, &args);
        let reward = RewardRule::new(&args, battle.len(), &toughness);
        let n_agents = map.allies.len();
        let spec = EnvSpec {
            agents: agents(&map),
            n_actions: observer.n_actions,
            obs_dim: observer.obs_dim(),
            state_dim: observer.state_dim(),
            episode_limit: limit,
            timeout_is_terminal: !args.continuing_episode,
            info: ["battle_won", "dead_allies", "dead_enemies"].map(str::to_owned).to_vec(),
            max_return: Some(reward.max_return()),
            max_reward: Some(reward.max_reward),
            ..EnvSpec::new(format!("skirmish/{}", map.name), n_agents)
        };
        Ok(Self {
            avail: vec![false; spec.avail_len()],
            last_actions: vec![NO_ACTION; n_agents],
            heuristic: AttackNearest::new(n_agents),
            step: 0,
            won: false,
            map,
            args,
            spec,
            observer,
            reward,
            battle,
        })
    }

    /// The largest return before scaling: SMAC's `max_reward`.
    pub fn max_reward(&self) -> f32 {
        self.reward.max_reward
    }

    /// The arguments.
    pub fn args(&self) -> &SkirmishArgs {
        &self.args
    }

    /// The map.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Writes the actions of SMAC's scripted player, `[agent]`, all legal under the mask.
    ///
    /// Every agent chooses the nearest enemy and stays with it until it is dead: it attacks where
    /// the mask allows it, and otherwise walks along the axis on which the enemy is further away
    /// (`heuristic_rest` in SMAC), or stops where a cliff is in the way.
    ///
    /// # Panics
    ///
    /// When `actions` has not one element per agent.
    pub fn attack_nearest(&mut self, actions: &mut [u16]) {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        for (agent, action) in actions.iter_mut().enumerate() {
            *action = self.heuristic.act(&self.battle, agent, true);
            if !self.avail[agent * self.spec.n_actions + usize::from(*action)] {
                *action = STOP;
            }
        }
    }

    fn write_masks(&mut self) {
        for (agent, mask) in self.avail.chunks_exact_mut(self.spec.n_actions).enumerate() {
            self.observer.write_mask(&self.battle, agent, mask);
        }
    }

    fn command(&mut self, agent: usize, action: u16) {
        let units = &mut self.battle.units;
        if !units.alive(agent) {
            return;
        }
        match action {
            NO_OP | STOP => units.command(agent, Order::Hold, NOBODY),
            NORTH..=WEST => {
                let (dx, dy) = DIRECTIONS[usize::from(action - NORTH)];
                let amount = self.args.move_amount;
                let (x, y) = (units.x[agent] + amount * dx, units.y[agent] + amount * dy);
                units.command(agent, Order::Move { x, y }, NOBODY);
            }
            attack => {
                let target = self.battle.n_allies as u16 + (attack - ATTACK);
                units.command(agent, Order::Attack, target);
            }
        }
    }

    fn write(&mut self, mut out: StepMut<'_>) {
        self.observer.write(&self.battle, self.step, &self.last_actions, &mut out);
        self.avail.copy_from_slice(out.avail);
        let dead = |health: &[f32]| health.iter().filter(|&&health| health <= 0.0).count() as f32;
        let (allies, enemies) = self.battle.units.health.split_at(self.battle.n_allies);
        out.info[0] = f32::from(u8::from(self.won));
        out.info[1] = dead(allies);
        out.info[2] = dead(enemies);
    }
}

/// Agents are named and grouped by the kind of their unit.
fn agents(map: &Map) -> Vec<AgentSpec> {
    let mut kinds: Vec<(usize, usize)> = Vec::new();
    let named = map.allies.iter().map(|placed| {
        let group = kinds.iter().position(|&(unit, _)| unit == placed.unit).unwrap_or_else(|| {
            kinds.push((placed.unit, 0));
            kinds.len() - 1
        });
        let number = kinds[group].1;
        kinds[group].1 += 1;
        AgentSpec { name: format!("{} {number}", UNITS[placed.unit].name), group }
    });
    named.collect()
}

impl Env for Skirmish {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepMut<'_>) {
        self.battle.deploy(&self.map, rng);
        self.heuristic.forget();
        self.last_actions.fill(NO_ACTION);
        self.step = 0;
        self.won = false;
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepMut<'_>) -> Outcome {
        let n_agents = self.battle.n_allies;
        assert_eq!(actions.len(), n_agents, "one action per agent");
        for (agent, &chosen) in actions.iter().enumerate() {
            let action = if self.args.heuristic_ai {
                self.heuristic.act(&self.battle, agent, self.args.heuristic_rest)
            } else {
                let mask = &self.avail[agent * self.spec.n_actions..][..self.spec.n_actions];
                let legal = mask.get(usize::from(chosen)).copied().unwrap_or(false);
                assert!(legal, "action {chosen} is not available to agent {agent}");
                chosen
            };
            self.last_actions[agent] = action;
            self.command(agent, action);
        }
        self.reward.open(&self.battle.units.health, &self.battle.units.shield);
        for _ in 0..self.args.step_mul {
            self.battle.advance(rng);
        }
        self.step += 1;

        let allies = self.battle.any_alive(0..n_agents);
        let enemies = self.battle.any_alive(n_agents..self.battle.len());
        let (won, end) = match (allies, enemies) {
            (false, true) => (Some(false), End::Terminated),
            (true, false) => (Some(true), End::Terminated),
            (false, false) => (None, End::Terminated),
            (true, true) if self.step >= self.spec.episode_limit => (None, End::Truncated),
            (true, true) => (None, End::Running),
        };
        self.won = won == Some(true);
        let units = &self.battle.units;
        let reward = self.reward.close(n_agents, &units.health, &units.shield, won);
        self.write(out);
        Outcome { reward, end }
    }

    fn save(&self, out: &mut Vec<u8>) {
        let saved = Saved {
            units: self.battle.units.clone(),
            step: self.step,
            won: self.won,
            last_actions: self.last_actions.clone(),
            targets: self.heuristic.targets.clone(),
        };
        pack(&saved, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let saved: Saved = unpack(&self.spec.id, bytes)?;
        let n_agents = self.spec.n_agents();
        let n_enemies = self.observer.n_enemies;
        let fits = saved.units.fits(self.battle.len())
            && saved.last_actions.len() == n_agents
            && saved.targets.len() == n_agents
            && saved.targets.iter().flatten().all(|&enemy| usize::from(enemy) < n_enemies);
        if !fits {
            let reason = "it belongs to a battle of another size".to_owned();
            return Err(EnvError::BadState { what: self.spec.id.clone(), reason });
        }
        self.battle.units = saved.units;
        self.step = saved.step;
        self.won = saved.won;
        self.last_actions = saved.last_actions;
        self.heuristic.targets = saved.targets;
        self.write_masks();
        Ok(())
    }

    fn heuristic(&mut self, actions: &mut [u16]) -> bool {
        self.attack_nearest(actions);
        true
    }

    fn describe(&self) -> Description {
        describe::describe(&self.map, &self.observer, &self.spec)
    }

    fn frame(&self) -> serde_json::Map<String, Value> {
        describe::frame(&self.battle)
    }
}

#[cfg(test)]
mod tests;
