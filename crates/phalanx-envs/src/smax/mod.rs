//! SMAX, the battle game of JaxMARL v0.2.0 (Rutherford et al. 2023), reproduced rule by rule.
//!
//! - [`Scenario`] and [`UNIT_TYPES`] define the teams, `spawn` their starting positions.
//! - `battle` holds the state and the game loop, `collision` its costliest part.
//! - `observation`, `conic_observation` and `reward` compute the agents' inputs and rewards.
//! - `scripted` is JaxMARL's heuristic enemy, which can play either team.
//!
//! Tests compare whole episodes of all scenarios with recordings of JaxMARL;
//! `docs/environments/smax.md` states the agreement.
//!
//! # Quirks kept
//!
//! - There is no no-op: dead units can only stop.
//! - An episode lasts up to `max_steps + 1` steps, because JaxMARL compares the step count before it
//!   counts the step. JaxMARL reports the limit as a termination and its algorithms bootstrap nothing
//!   after it, so [`EnvSpec::timeout_is_terminal`] is set.
//! - Shots of one game loop hit at once, so both teams can die together; the battle is then a draw.
//! - The state holds raw positions and cooldowns, and keeps the types of dead units.
//! - An attack out of range, or a move of a dead unit, has no effect and is not rejected.

mod args;
mod battle;
mod collision;
mod combat;
mod conic_observation;
mod describe;
mod entities;
mod movement;
mod observation;
mod reward;
mod scenario;
mod scripted;
mod serialize;
mod simd;
mod spawn;
mod units;

pub use args::{ARGUMENTS, AttackMode, ObservationType, SmaxArgs};
pub use scenario::{SCENARIOS, Scenario, Squad};
pub use units::{UNIT_TYPES, UnitType};

use phalanx_core::env::{
    AgentSpec, Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack,
    unpack,
};
use phalanx_core::rng::Rng;
use serde_json::Value;

use crate::arguments::ArgumentError;
use crate::registry::{EnvEntry, Factory};
use battle::{ATTACK, Battle, STOP};
use observation::ObservationWriter;
use scripted::ScriptedPolicy;
use serialize::Saved;

/// Returns the environments of this folder: `smax/3m` and the other scenarios.
pub fn entries() -> Vec<EnvEntry> {
    let entry = |&scenario: &Scenario| {
        EnvEntry::new(scenario.id(), scenario.summary(), ARGUMENTS, move |args| {
            let battle = Smax::new(scenario, SmaxArgs::from_table(args)?)?;
            Ok(Factory::new(move || battle.clone()))
        })
    };
    SCENARIOS.iter().map(entry).collect()
}

/// The scripted policies, each with a one-sentence description.
pub const SCRIPTED_POLICIES: &[(&str, &str)] = &[(
    "heuristic",
    "JaxMARL's heuristic: shoots at one opponent while it is in range; otherwise walks to one in sight.",
)];

/// A battle of SMAX: each agent controls one unit.
///
/// The scripted policy controls the enemies. With [`self_play`](SmaxArgs::self_play) they are agents
/// too: the agents are then all allies followed by all enemies, the reward is the allies', and the last
/// value of [`EnvSpec::info`] is the enemies' reward.
///
/// Observations `[agent, obs_dim]`, the state, the mask and rewards are those of JaxMARL;
/// [`Env::describe`] names every index.
#[derive(Clone, Debug)]
pub struct Smax {
    scenario: Scenario,
    spec: EnvSpec,
    battle: Battle,
    writer: ObservationWriter,
    script: ScriptedPolicy,
    step: u32,
    enemy_reward: f32,
}

impl Smax {
    /// Creates a battle of `scenario`.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument has an invalid value.
    pub fn new(scenario: Scenario, args: SmaxArgs) -> Result<Self, ArgumentError> {
        args.check()?;
        let (n_allies, n_enemies) = (scenario.n_allies(), scenario.n_enemies());
        let writer = ObservationWriter::new(n_allies, n_enemies, &args);
        let mut info = vec!["battle_won", "dead_allies", "dead_enemies"];
        if args.self_play {
            info.push("enemy_reward");
        }
        let script = ScriptedPolicy::new(args.enemy_shoots, args.attack_mode);
        let bonus = args.won_battle_bonus.max(0.0);
        let best = if args.use_self_play_reward { bonus } else { 1.0 + bonus };
        let spec = EnvSpec {
            id: scenario.id(),
            agents: agents(&scenario, args.self_play),
            n_actions: writer.n_actions,
            obs_dim: writer.obs_dim,
            state_dim: writer.state_dim,
            private_obs: None,
            episode_limit: args.max_steps as usize + 1,
            timeout_is_terminal: true,
            info: info.into_iter().map(str::to_owned).collect(),
            max_return: Some(best),
            max_reward: Some(best),
            agent_rewards: false,
            entities: entities::entities(&scenario, &args),
        };
        Ok(Self {
            battle: Battle::new(n_allies, n_enemies, args),
            script,
            step: 0,
            enemy_reward: 0.0,
            scenario,
            spec,
            writer,
        })
    }

    /// Returns the arguments.
    pub fn args(&self) -> &SmaxArgs {
        &self.battle.args
    }

    /// Returns the scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    fn write(&mut self, mut out: StepBuffers<'_>) {
        self.writer.write(&self.battle, &mut out);
        let (n_allies, n_units) = (self.battle.n_allies, self.battle.n_units);
        let dead = |units: std::ops::Range<usize>| {
            units.filter(|&unit| !self.battle.alive(unit)).count() as f32
        };
        let (dead_allies, dead_enemies) = (dead(0..n_allies), dead(n_allies..n_units));
        let won = dead_enemies == (n_units - n_allies) as f32 && dead_allies < n_allies as f32;
        out.info[0] = f32::from(u8::from(won));
        out.info[1] = dead_allies;
        out.info[2] = dead_enemies;
        if self.battle.args.self_play {
            out.info[3] = self.enemy_reward;
        }
    }

    /// Sets the next action of every unit: `actions` for the agents, and the scripted policy's for the
    /// others.
    fn command(&mut self, actions: &[u16], rng: &mut Rng) {
        let battle = &mut self.battle;
        let (n_allies, n_units) = (battle.n_allies, battle.n_units);
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        // No choice depends on the new actions of other units.
        for unit in actions.len()..n_units {
            battle.action[unit] = self.script.act(battle, unit, rng);
        }
        for (unit, &action) in actions.iter().enumerate() {
            let n_targets = if unit < n_allies { n_units - n_allies } else { n_allies };
            let known = usize::from(action) < usize::from(ATTACK) + n_targets;
            assert!(known, "agent {unit} has no action {action}");
            battle.action[unit] = action;
        }
    }
}

/// Names and groups the agents by unit type, where the types are fixed.
fn agents(scenario: &Scenario, self_play: bool) -> Vec<AgentSpec> {
    let teams = [("", scenario.allies), ("enemy ", scenario.enemies)];
    let mut agents = Vec::new();
    for (team, (prefix, squads)) in teams.into_iter().take(1 + usize::from(self_play)).enumerate() {
        if scenario.procedural {
            let name = if team == 0 { "ally" } else { "enemy" };
            let count: usize = squads.iter().map(|&(count, _)| count).sum();
            agents.extend((0..count).map(|i| AgentSpec {
                name: format!("{name} {i}"),
                group: team,
                team,
            }));
            continue;
        }
        let first_group = agents.last().map_or(0, |agent: &AgentSpec| agent.group + 1);
        for (squad, &(count, kind)) in squads.iter().enumerate() {
            let name = UNIT_TYPES[usize::from(kind)].name;
            agents.extend((0..count).map(|i| AgentSpec {
                name: format!("{prefix}{name} {i}"),
                group: first_group + squad,
                team,
            }));
        }
    }
    agents
}

impl Env for Smax {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        spawn::spawn(&mut self.battle, &self.scenario, rng);
        self.script.forget();
        self.step = 0;
        self.enemy_reward = 0.0;
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.command(actions, rng);
        let before = self.battle.health;
        self.battle.advance(rng);

        let battle = &self.battle;
        let args = &battle.args;
        let (allies, enemies) = (0..battle.n_allies, battle.n_allies..battle.n_units);
        let over = !(battle.any_alive(allies.clone()) && battle.any_alive(enemies.clone()));
        let reward = reward::team_reward(args, battle, &before, allies.clone(), enemies.clone());
        if args.self_play {
            self.enemy_reward = reward::team_reward(args, battle, &before, enemies, allies);
        }
        let end = match (over, self.step >= args.max_steps) {
            (true, _) => StepStatus::Terminated,
            (false, true) => StepStatus::Truncated,
            (false, false) => StepStatus::Running,
        };
        self.step += 1;
        self.write(out);
        StepResult { reward, status: end }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&Saved::of(self), out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let saved: Saved = unpack(&self.spec.id, bytes)?;
        saved.restore(self)
    }

    fn scripted_policies(&self) -> &'static [(&'static str, &'static str)] {
        SCRIPTED_POLICIES
    }

    /// Writes the actions of both teams in self-play.
    fn scripted_actions(
        &mut self,
        policy: usize,
        avail: &[bool],
        rng: &mut Rng,
        actions: &mut [u16],
    ) {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        assert!(policy < SCRIPTED_POLICIES.len(), "there is no scripted policy {policy}");
        let masks = avail.chunks_exact(self.spec.n_actions);
        for (agent, (action, mask)) in actions.iter_mut().zip(masks).enumerate() {
            *action = self.script.act(&self.battle, agent, rng);
            if !mask[usize::from(*action)] {
                *action = STOP;
            }
        }
    }

    fn describe(&self) -> Description {
        describe::describe(&self.scenario, &self.battle.args, &self.writer, &self.spec)
    }

    fn frame(&self) -> serde_json::Map<String, Value> {
        describe::frame(&self.battle, self.step)
    }
}

#[cfg(test)]
mod tests;
