//! A battle as an environment: its construction, and the translation of actions into orders.

use phalanx_core::env::{EnvSpec, StepBuffers};
use phalanx_core::rng::Rng;

use super::actions::{Choice, DIRECTIONS, NO_OP};
use super::history::TeamHistory;
use super::observation::{TeamRows, TeamView};
use super::reward::RewardRule;
use super::scripted::ATTACK_MOVE;
use super::spec::spec;
use super::termination::HealerRule;
use crate::arguments::ArgumentError;
use crate::skirmish::args::SkirmishArgs;
use crate::skirmish::engine::{Battle, NO_UNIT, Order, UNITS};
use crate::skirmish::maps::{Map, Rosters, Spawn};
use crate::skirmish::scripted::{SCRIPTED_POLICIES, ScriptedPolicy};
use crate::skirmish::smacv2::sort_units;

/// A battle: each agent controls one unit, against the built-in opponent, a scripted policy (`opponent`)
/// or, with `self_play`, the agents of the other team.
///
/// Observations `[agent, obs_dim]`, the state, the mask, rewards and terminations are those of SMAC
/// (Samvelyan et al. 2019) and, on maps that generate their teams, of SMACv2 (Ellis et al. 2023);
/// [`Env::describe`](phalanx_core::env::Env::describe) names every index. Reaching the limit is reported
/// as [`StepStatus::Truncated`](phalanx_core::env::StepStatus::Truncated) and counts as a termination
/// unless `continuing_episode` is set, as in SMAC. A battle in which both teams die at once is a draw.
#[derive(Clone, Debug)]
pub struct Skirmish {
    pub(super) map: Map,
    pub(super) args: SkirmishArgs,
    pub(crate) spec: EnvSpec,
    pub(crate) battle: Battle,
    pub(super) rosters: Rosters,
    /// The allies and, if they choose from SMAC's actions, the enemies.
    pub(super) teams: Vec<Team>,
    pub(super) healers: HealerRule,
    pub(super) step: usize,
    pub(super) won: bool,
    /// The enemies' reward for the last step, in self-play.
    pub(super) enemy_reward: f32,
    /// The mask written last, `[agent, action]`; `step` rejects other actions.
    pub(super) avail: Vec<bool>,
    /// A buffer for the actions of one unit that have an effect, `[action]`.
    pub(super) mask: Vec<bool>,
}

/// A team whose units choose from SMAC's actions.
#[derive(Clone, Debug)]
pub(super) struct Team {
    pub(super) view: TeamView,
    pub(super) history: TeamHistory,
    pub(super) reward: RewardRule,
    /// One instance of each of [`SCRIPTED_POLICIES`], which can be asked for actions.
    pub(super) policies: Vec<ScriptedPolicy>,
    /// The policy that controls the team, if the actions passed to `step` do not.
    pub(super) leader: Option<ScriptedPolicy>,
    /// The actions chosen by `leader`, `[unit of the team]`.
    pub(super) orders: Vec<u16>,
}

impl Skirmish {
    /// Creates a battle on `map`.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument has an invalid value.
    pub fn new(mut map: Map, args: SkirmishArgs) -> Result<Self, ArgumentError> {
        args.check()?;
        if args.self_play {
            sort_units(&mut map.enemies);
        }
        let limit = if args.episode_limit > 0 { args.episode_limit } else { map.limit };
        let rosters = map.rosters();
        let agent_teams = if args.self_play { 2 } else { 1 };
        let n_teams = if args.opponent == ATTACK_MOVE { agent_teams } else { 2 };
        let teams: Vec<_> = (0..n_teams).map(|team| Team::new(&map, &args, limit, team)).collect();
        let battle = Battle::new(&map, &args);
        let spec = spec(&map, &args, limit, &teams[..agent_teams]);
        let n_actions = teams.iter().map(|team| team.view.layout.n_actions).max().unwrap_or(0);
        let healers = match map.kinds().any(|kind| UNITS[kind].heal.is_some()) {
            false => HealerRule::None,
            true if args.fix_quirks => HealerRule::Fair,
            true if map.generate.is_some() => HealerRule::SmacV2,
            true => HealerRule::Smac,
        };
        Ok(Self {
            avail: vec![false; spec.avail_len()],
            mask: vec![false; n_actions],
            step: 0,
            won: false,
            enemy_reward: 0.0,
            spec,
            map,
            args,
            battle,
            rosters,
            teams,
            healers,
        })
    }

    /// Returns the largest return before scaling: SMAC's `max_reward`.
    ///
    /// On maps that generate their teams, SMACv2 computes it from the enemies of the first episode and
    /// scales all others by it, so that the returns of two runs are not comparable. Here it is the mean
    /// over the teams that can be drawn (each member by its weight), the same for every copy and seed.
    /// With `fix_quirks` it follows the enemies of each episode, and a victory in which they regain
    /// nothing returns exactly 20.
    pub fn max_reward(&self) -> f32 {
        self.teams[0].reward.max_reward
    }

    /// Returns the arguments.
    pub fn args(&self) -> &SkirmishArgs {
        &self.args
    }

    /// Returns the map.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Returns the number of teams that are agents: the allies and, in self-play, the enemies.
    pub(super) fn agent_teams(&self) -> usize {
        if self.args.self_play { 2 } else { 1 }
    }

    /// Returns the team of an agent and its number within the team.
    pub(super) fn team_of(&self, agent: usize) -> (usize, usize) {
        match agent.checked_sub(self.battle.n_allies) {
            None => (0, agent),
            Some(enemy) => (1, enemy),
        }
    }

    /// Gives the order for a choice.
    ///
    /// If the weapon cannot be aimed at the target, no order is given, as in the game: the unit's
    /// previous order continues.
    pub(super) fn command(&mut self, agent: usize, choice: Choice) {
        let (team, number) = self.team_of(agent);
        let Team { view, history, leader, .. } = &mut self.teams[team];
        let units = &mut self.battle.units;
        if !units.alive(agent) {
            return;
        }
        match choice {
            Choice::NoOp | Choice::Stop => units.command(agent, Order::Hold, NO_UNIT),
            Choice::Move(direction) => {
                let (dx, dy) = DIRECTIONS[direction];
                let amount = self.args.move_amount;
                let (x, y) = (units.x[agent] + amount * dx, units.y[agent] + amount * dy);
                units.command(agent, Order::Move { x, y }, NO_UNIT);
            }
            // No order: the unit's previous order continues.
            Choice::Look(look) => history.looks[number] = look as u8,
            Choice::Target(target) => {
                let stats = &self.battle.stats;
                let heals = stats[agent].unit.heal.is_some();
                let first = if heals { view.own.start } else { view.opponents.start };
                let target = first + target;
                let accepted = heals || stats[agent].can_aim_at(&stats[target]);
                // Without the mask, an attack out of range gives no order either.
                let reaches = self.args.action_mask
                    || leader.is_some()
                    || view.reaches(agent, target, history.looks[number]);
                if accepted && reaches {
                    units.command(agent, Order::Attack, target as u16);
                }
            }
        }
    }

    /// Draws the teams of an episode, if the map generates them, and places all units.
    pub(super) fn spawn(&mut self, rng: &mut Rng) {
        if let Some(generate) = &self.map.generate {
            generate.draw(&self.map.terrain, rng, &mut self.rosters);
            if self.args.self_play {
                sort_units(&mut self.rosters.enemies);
            }
            self.set_rosters();
        }
        self.battle.spawn(&self.rosters, self.map.enemy_order, rng);
        if self.teams.len() > 1 {
            for enemy in self.battle.n_allies..self.battle.len() {
                self.battle.units.command(enemy, Order::Hold, NO_UNIT);
            }
        }
    }

    /// Sets the unit types of drawn rosters.
    pub(super) fn set_rosters(&mut self) {
        for (number, team) in self.teams.iter_mut().enumerate() {
            team.view.set_rosters(&self.rosters);
            if self.args.fix_quirks {
                let opponents =
                    if number == 0 { &self.rosters.enemies } else { &self.rosters.allies };
                team.reward.scale(toughness(opponents));
            }
        }
    }

    /// Returns the history of the allies, for tests that set up a position by hand.
    #[cfg(test)]
    pub(crate) fn history_for_test(&mut self) -> &mut TeamHistory {
        &mut self.teams[0].history
    }

    /// Replaces the types of all units.
    #[cfg(test)]
    pub(crate) fn set_rosters_for_test(&mut self, rosters: Rosters) {
        self.rosters = rosters;
        self.battle.set_rosters(self.rosters.units().map(|placed| placed.unit));
        self.set_rosters();
    }

    #[cfg(test)]
    pub(crate) fn set_step_for_test(&mut self, step: usize) {
        self.step = step;
    }

    /// Writes observations, masks, state and info.
    pub(crate) fn write(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        let StepBuffers { mut obs, state, mut avail, mut alive, info, .. } = out;
        let mut first = 0;
        let agents = self.agent_teams();
        for (number, team) in self.teams.iter_mut().take(agents).enumerate() {
            let n = team.view.layout.n_agents;
            let obs = obs.split_off_mut(..n * self.spec.obs_dim).expect("it fits the spec");
            let avail = avail.split_off_mut(..n * self.spec.n_actions).expect("it fits the spec");
            let alive = alive.split_off_mut(..n).expect("it fits the spec");
            let rows = TeamRows { obs: &mut *obs, avail: &mut *avail, alive };
            team.view.write(&self.battle, self.step, &mut team.history, rng, rows);
            if number == 0 {
                team.view.write_state(&self.battle, self.step, &team.history, obs, state);
            }
            self.avail[first..first + avail.len()].copy_from_slice(avail);
            first += avail.len();
        }
        let dead = |health: &[f32]| health.iter().filter(|&&health| health <= 0.0).count() as f32;
        let (allies, enemies) = self.battle.units.health.split_at(self.battle.n_allies);
        info[0] = f32::from(u8::from(self.won));
        info[1] = dead(allies);
        info[2] = dead(enemies);
        if let [enemy_reward] = &mut info[3..] {
            *enemy_reward = self.enemy_reward;
        }
    }
}

impl Team {
    fn new(map: &Map, args: &SkirmishArgs, limit: usize, team: usize) -> Self {
        let view = TeamView::new(map, args, limit, team);
        let opponents = if team == 0 { &map.enemies } else { &map.allies };
        let toughness = match &map.generate {
            Some(generate) => generate.mean_toughness() * opponents.len() as f32,
            None => toughness(opponents),
        };
        let n_units = map.allies.len() + map.enemies.len();
        let clamps = map.generate.is_some();
        let reward = RewardRule::new(args, clamps, n_units, opponents.len(), toughness);
        let n_agents = view.layout.n_agents;
        let opposes = team == 1 && !args.self_play;
        let leader = if opposes { Some(args.opponent.as_str()) } else { None };
        let leader = leader.or(args.heuristic_ai.then_some(SCRIPTED_POLICIES[0].0));
        let policy = |name: &str| ScriptedPolicy::new(name, n_agents);
        Self {
            history: TeamHistory::new(&view.layout),
            policies: SCRIPTED_POLICIES.iter().filter_map(|(name, _)| policy(name)).collect(),
            leader: leader.and_then(policy),
            orders: vec![NO_OP; n_agents],
            view,
            reward,
        }
    }
}

/// Returns the total health and shield of a team.
fn toughness(team: &[Spawn]) -> f32 {
    team.iter().map(|placed| UNITS[placed.unit].health + UNITS[placed.unit].shield).sum()
}
