//! The arguments of a battle: the constructor arguments of SMAC and SMACv2, under their names and
//! with their defaults.

use serde::{Deserialize, Serialize};

use super::interface::ATTACK_MOVE;
use super::maps::Map;
use super::scripted::SCRIPTED_POLICIES;
use crate::arguments::{Argument, ArgumentError, FLAG, NUMBER, argument, read, row, wrong};

/// The arguments of a battle, besides its map.
///
/// Names and defaults are those of `StarCraft2Env` in SMAC and (from `obs_own_pos` to
/// `fully_observable`) in SMACv2, except for the last six, which are ours. A map may have defaults
/// of its own: those that generate teams set `use_unit_ranges` and `obs_own_pos`, as the
/// configurations of SMACv2 do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkirmishArgs {
    /// Game loops per step; 16 loops are one second.
    pub step_mul: u32,
    /// How far away the target of a move is set. Half of it is how far the mask looks for cliffs.
    pub move_amount: f32,
    /// The level of the game's built-in opponent, "1" to "9" or "A". Without effect: for the units
    /// of these maps the game's scripts hold no tactics that it could change.
    pub difficulty: String,
    /// Declares that reaching the limit is no true end: the last state keeps its value.
    pub continuing_episode: bool,
    /// Observations hold the health (and shield) of visible units.
    pub obs_all_health: bool,
    /// Observations hold the agent's own health (and shield). Without effect unless
    /// `obs_all_health` is off, as in SMAC.
    pub obs_own_health: bool,
    /// Observations hold the last actions of visible allies.
    pub obs_last_action: bool,
    /// Observations hold whether eight points around the agent can be walked on.
    pub obs_pathing_grid: bool,
    /// Observations hold the height of nine points: eight around the agent and its own.
    pub obs_terrain_height: bool,
    /// The state is the concatenation of all observations.
    pub obs_instead_of_state: bool,
    /// Observations end with the step divided by the limit.
    pub obs_timestep_number: bool,
    /// The state holds the last actions of all agents.
    pub state_last_action: bool,
    /// The state ends with the step divided by the limit.
    pub state_timestep_number: bool,
    /// Reward victory with 1 and defeat with -1, and nothing else.
    pub reward_sparse: bool,
    /// Leave out the losses of the own team.
    pub reward_only_positive: bool,
    /// The reward for the death of an enemy.
    pub reward_death_value: f32,
    /// The reward for victory.
    pub reward_win: f32,
    /// The reward for defeat.
    pub reward_defeat: f32,
    /// The weight of the own losses, where they count.
    pub reward_negative_scale: f32,
    /// Divide rewards so that the largest return is `reward_scale_rate`.
    pub reward_scale: bool,
    /// The largest return after scaling.
    pub reward_scale_rate: f32,
    /// A scripted policy gives the orders; the actions handed to `step` are ignored, but appear as
    /// last actions.
    pub heuristic_ai: bool,
    /// The scripted policy `attack_nearest`, leading either team, keeps to the mask: it walks where
    /// it may not attack.
    pub heuristic_rest: bool,
    /// Observations hold the agent's own position, as fractions of the map.
    pub obs_own_pos: bool,
    /// Observations hold more than the step. Without, they hold the step alone
    /// (`obs_timestep_number` must be set), so that agents play blindly.
    pub obs_starcraft: bool,
    /// Agents see (and attack) only within a cone, which look actions turn.
    pub conic_fov: bool,
    /// The number of look actions; the cone is `360 / num_fov_actions` degrees wide.
    pub num_fov_actions: usize,
    /// Sight and the range in which the mask allows attacks are those of the kind of unit.
    pub use_unit_ranges: bool,
    /// The least range in which the mask allows attacks, with `use_unit_ranges`.
    pub min_attack_range: f32,
    /// The probability that an agent may see an enemy that another has seen first.
    pub prob_obs_enemy: f32,
    /// The mask forbids attacks out of range. Without, such an attack gives no order.
    pub action_mask: bool,
    /// Agents see all living units, however far away.
    pub fully_observable: bool,
    /// Fixes the known bugs of SMAC and SMACv2; off, the originals are reproduced.
    ///
    /// 1. The one-hot type of an enemy is that of the same unit as an ally (they are exchanged on
    ///    SMAC's maps of stalkers and zealots).
    /// 2. The first feature of an enemy, *may be attacked*, is 0 for an observer that cannot attack
    ///    (SMAC writes whether it may heal the *ally* of that number).
    /// 3. The reward is `max(0, .)` of what enemies lost, as in SMACv2 (SMAC takes the absolute
    ///    value, and so pays for the regeneration of enemies).
    /// 4. The cooldown of stalkers is divided by 24 and that of colossi by 35 in the state (SMAC has
    ///    these two exchanged).
    /// 5. A sparse reward is not divided by the scale of the other one.
    /// 6. Whether a unit may move west or south is judged at the edge of the map as elsewhere (SMAC
    ///    truncates towards zero, so that cells beyond the edge pass for the first).
    /// 7. Where healers fight, a team is beaten when all that is left of it are healers, and a
    ///    battle that beats both teams is a draw (SMAC calls it lost and counts the enemies'
    ///    healers differently).
    /// 8. An enemy that no agent has seen blanks no features but its own (in SMACv2 it blanks those
    ///    of all enemies before it).
    /// 9. The cone of sight covers one direction only (SMACv2's also covers some of the opposite).
    /// 10. Rewards are scaled by the enemies of the episode (SMACv2 scales all by those of the first
    ///     episode; see [`Skirmish::max_reward`](super::Skirmish::max_reward)).
    /// 11. With `heuristic_ai` the last actions are those of the scripted policy.
    pub fix_quirks: bool,
    /// Both teams are agents: the enemies follow the allies, with the observations and masks that SMAC
    /// would give them if the teams were exchanged. Observations and masks of the team with the smaller
    /// ones end with zeros. State and reward are the allies'; `enemy_reward` in the info is the enemies'
    /// reward for the last step.
    pub self_play: bool,
    /// The policy of the enemies: `attack_move` (the orders that SMAC's maps give them and the game's
    /// own choice of targets), or a scripted policy of [`SCRIPTED_POLICIES`], which commands them in every step
    /// through SMAC's actions as if the teams were exchanged. They then begin by standing still.
    pub opponent: String,
    /// Sets every random term of the rules to zero; starting positions stay random.
    pub deterministic: bool,
    /// Scatters the units at the start of an episode by a few hundredths of a length unit.
    pub start_scatter: bool,
    /// Replaces the map's limit; zero keeps it.
    pub episode_limit: usize,
}

impl Default for SkirmishArgs {
    fn default() -> Self {
        Self {
            step_mul: 8,
            move_amount: 2.0,
            difficulty: "7".to_owned(),
            continuing_episode: false,
            obs_all_health: true,
            obs_own_health: true,
            obs_last_action: false,
            obs_pathing_grid: false,
            obs_terrain_height: false,
            obs_instead_of_state: false,
            obs_timestep_number: false,
            state_last_action: true,
            state_timestep_number: false,
            reward_sparse: false,
            reward_only_positive: true,
            reward_death_value: 10.0,
            reward_win: 200.0,
            reward_defeat: 0.0,
            reward_negative_scale: 0.5,
            reward_scale: true,
            reward_scale_rate: 20.0,
            heuristic_ai: false,
            heuristic_rest: false,
            obs_own_pos: false,
            obs_starcraft: true,
            conic_fov: false,
            num_fov_actions: 12,
            use_unit_ranges: false,
            min_attack_range: 2.0,
            prob_obs_enemy: 1.0,
            action_mask: true,
            fully_observable: false,
            fix_quirks: false,
            self_play: false,
            opponent: ATTACK_MOVE.to_owned(),
            deterministic: false,
            start_scatter: true,
            episode_limit: 0,
        }
    }
}

const POSITIVE: &str = "a number above zero";

/// The arguments of a battle, in the order of the fields of [`SkirmishArgs`].
pub const ARGUMENTS: &[Argument] = &[
    argument("step_mul", "a whole number from 1 to 1000"),
    argument("move_amount", POSITIVE),
    argument("difficulty", "\"1\" to \"9\" or \"A\""),
    argument("continuing_episode", FLAG),
    argument("obs_all_health", FLAG),
    argument("obs_own_health", FLAG),
    argument("obs_last_action", FLAG),
    argument("obs_pathing_grid", FLAG),
    argument("obs_terrain_height", FLAG),
    argument("obs_instead_of_state", FLAG),
    argument("obs_timestep_number", FLAG),
    argument("state_last_action", FLAG),
    argument("state_timestep_number", FLAG),
    argument("reward_sparse", FLAG),
    argument("reward_only_positive", FLAG),
    argument("reward_death_value", NUMBER),
    argument("reward_win", NUMBER),
    argument("reward_defeat", NUMBER),
    argument("reward_negative_scale", NUMBER),
    argument("reward_scale", FLAG),
    argument("reward_scale_rate", POSITIVE),
    argument("heuristic_ai", FLAG),
    argument("heuristic_rest", FLAG),
    argument("obs_own_pos", FLAG),
    argument("obs_starcraft", "true, or false together with obs_timestep_number = true"),
    argument("conic_fov", FLAG),
    argument("num_fov_actions", "a whole number from 1 to 100"),
    argument("use_unit_ranges", FLAG),
    argument("min_attack_range", "a number from 0 to 100"),
    argument("prob_obs_enemy", "a number from 0 to 1"),
    argument("action_mask", FLAG),
    argument("fully_observable", FLAG),
    argument("fix_quirks", FLAG),
    argument("self_play", FLAG),
    argument(
        "opponent",
        "\"attack_move\" (the game's own orders), or a scripted policy: \"attack_nearest\", \
         \"focus_fire\", \"kiting\", \"random\" or \"stop\"",
    ),
    argument("deterministic", FLAG),
    argument("start_scatter", FLAG),
    argument("episode_limit", "a whole number from 0 (the map's own limit) to 1000000"),
];

impl SkirmishArgs {
    /// Reads the arguments from a configuration.
    ///
    /// # Errors
    ///
    /// The first argument that is unknown or has a value it may not take.
    pub fn from_table(table: &toml::Table) -> Result<Self, ArgumentError> {
        let args: Self = read(table, ARGUMENTS)?;
        args.check()?;
        Ok(args)
    }

    /// Reads the arguments of a battle on `map`, whose own defaults hold for keys that are not in `table`.
    ///
    /// # Errors
    ///
    /// Those of [`SkirmishArgs::from_table`].
    pub fn for_map(map: &Map, table: &toml::Table) -> Result<Self, ArgumentError> {
        let mut all = map.defaults.clone();
        all.extend(table.clone());
        Self::from_table(&all)
    }

    /// Refuses values that the types allow but a battle does not.
    pub(crate) fn check(&self) -> Result<(), ArgumentError> {
        let positive = |number: f32| number.is_finite() && number > 0.0;
        let values = [
            ("step_mul", (1..=1000).contains(&self.step_mul), self.step_mul as f32),
            ("move_amount", positive(self.move_amount), self.move_amount),
            ("reward_death_value", self.reward_death_value.is_finite(), self.reward_death_value),
            ("reward_win", self.reward_win.is_finite(), self.reward_win),
            ("reward_defeat", self.reward_defeat.is_finite(), self.reward_defeat),
            (
                "reward_negative_scale",
                self.reward_negative_scale.is_finite(),
                self.reward_negative_scale,
            ),
            ("reward_scale_rate", positive(self.reward_scale_rate), self.reward_scale_rate),
            (
                "num_fov_actions",
                (1..=100).contains(&self.num_fov_actions),
                self.num_fov_actions as f32,
            ),
            (
                "min_attack_range",
                (0.0..=100.0).contains(&self.min_attack_range),
                self.min_attack_range,
            ),
            ("prob_obs_enemy", (0.0..=1.0).contains(&self.prob_obs_enemy), self.prob_obs_enemy),
            ("episode_limit", self.episode_limit <= 1_000_000, self.episode_limit as f32),
        ];
        let bad = values.into_iter().find(|&(_, good, _)| !good);
        if let Some((key, _, value)) = bad {
            return Err(wrong(row(ARGUMENTS, key), value));
        }
        if !self.obs_starcraft && !self.obs_timestep_number {
            return Err(wrong(row(ARGUMENTS, "obs_starcraft"), false));
        }
        if !matches!(self.difficulty.as_bytes(), [b'1'..=b'9' | b'A']) {
            return Err(wrong(row(ARGUMENTS, "difficulty"), format!("\"{}\"", self.difficulty)));
        }
        if self.opponent != ATTACK_MOVE {
            if !SCRIPTED_POLICIES.iter().any(|(name, _)| *name == self.opponent) {
                return Err(wrong(row(ARGUMENTS, "opponent"), format!("\"{}\"", self.opponent)));
            }
            if self.self_play {
                let reason = "with self_play the enemies are agents";
                return Err(contradiction("opponent", &self.opponent, reason));
            }
        }
        Ok(())
    }
}

fn contradiction(key: &'static str, value: &str, reason: &'static str) -> ArgumentError {
    ArgumentError::Contradiction { key, value: format!("\"{value}\""), reason }
}
