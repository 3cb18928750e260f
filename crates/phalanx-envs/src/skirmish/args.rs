//! The arguments of a battle: the constructor arguments of SMAC and SMACv2, under their names and
//! with their defaults.

use serde::{Deserialize, Serialize};

use super::interface::ATTACK_MOVE;
use super::maps::Map;
use super::scripted::SCRIPTED_POLICIES;
use crate::arguments::{Argument, ArgumentError, FLAG, NUMBER, argument, read, row, wrong};

/// The arguments of a battle, apart from its map.
///
/// Names and defaults are those of `StarCraft2Env` in SMAC and (from `obs_own_pos` to
/// `fully_observable`) in SMACv2; the last six are our own. A map may override defaults: maps that
/// generate their teams set `use_unit_ranges` and `obs_own_pos`, as the configurations of SMACv2 do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkirmishArgs {
    /// Game loops per step; 16 loops are one second.
    pub step_mul: u32,
    /// The distance of the target of a move. The mask looks for cliffs at half this distance.
    pub move_amount: f32,
    /// The level of the game's built-in opponent, "1" to "9" or "A". It has no effect, because the
    /// game's scripts contain no tactics for the units of these maps.
    pub difficulty: String,
    /// Treats the time limit as a truncation, so that the last state keeps its value, instead of a
    /// termination.
    pub continuing_episode: bool,
    /// Observations contain the health (and shield) of visible units.
    pub obs_all_health: bool,
    /// Observations contain the agent's own health (and shield). It has no effect unless
    /// `obs_all_health` is off, as in SMAC.
    pub obs_own_health: bool,
    /// Observations contain the last actions of visible allies.
    pub obs_last_action: bool,
    /// Observations contain whether eight points around the agent are walkable.
    pub obs_pathing_grid: bool,
    /// Observations contain the terrain height at nine points: eight around the agent and its own
    /// position.
    pub obs_terrain_height: bool,
    /// The state is the concatenation of all observations.
    pub obs_instead_of_state: bool,
    /// Observations end with the time step divided by the episode limit.
    pub obs_timestep_number: bool,
    /// The state contains the last actions of all agents.
    pub state_last_action: bool,
    /// The state ends with the time step divided by the episode limit.
    pub state_timestep_number: bool,
    /// Rewards only the result: 1 for victory and -1 for defeat.
    pub reward_sparse: bool,
    /// Ignores the losses of the allies.
    pub reward_only_positive: bool,
    /// The reward for the death of an enemy.
    pub reward_death_value: f32,
    /// The reward for victory.
    pub reward_win: f32,
    /// The reward for defeat.
    pub reward_defeat: f32,
    /// The weight of the allies' losses, if they count.
    pub reward_negative_scale: f32,
    /// Divides rewards so that the largest return is `reward_scale_rate`.
    pub reward_scale: bool,
    /// The largest return after scaling.
    pub reward_scale_rate: f32,
    /// A scripted policy controls the allies. The actions passed to `step` are ignored, but appear as
    /// last actions.
    pub heuristic_ai: bool,
    /// The scripted policy `attack_nearest`, when it controls a team, respects the mask: it walks while
    /// it cannot attack.
    pub heuristic_rest: bool,
    /// Observations contain the agent's own position, as fractions of the map.
    pub obs_own_pos: bool,
    /// Observations contain more than the time step. If off, they contain only the time step
    /// (`obs_timestep_number` must be set), so that agents play blindly.
    pub obs_starcraft: bool,
    /// Agents see (and attack) only within a cone, which look actions rotate.
    pub conic_fov: bool,
    /// The number of look actions; the cone is `360 / num_fov_actions` degrees wide.
    pub num_fov_actions: usize,
    /// Sight ranges and the ranges in which the mask allows attacks depend on the unit type.
    pub use_unit_ranges: bool,
    /// The smallest range in which the mask allows attacks, with `use_unit_ranges`.
    pub min_attack_range: f32,
    /// The probability that an agent can see an enemy that another agent saw first.
    pub prob_obs_enemy: f32,
    /// The mask excludes attacks out of range. If off, such an attack gives no order.
    pub action_mask: bool,
    /// Agents see all living units at any distance.
    pub fully_observable: bool,
    /// Fixes the known bugs of SMAC and SMACv2. If off, they are reproduced.
    ///
    /// 1. The one-hot type of an enemy equals that of an ally of the same unit type (on SMAC's maps of
    ///    stalkers and zealots they are swapped).
    /// 2. The first feature of an enemy, *can be attacked*, is 0 for an observer that cannot attack
    ///    (SMAC writes whether it can heal the *ally* with that number).
    /// 3. The reward is `max(0, .)` of the enemies' losses, as in SMACv2 (SMAC takes the absolute value,
    ///    and so rewards the regeneration of enemies).
    /// 4. The cooldown of stalkers is divided by 24 and that of colossi by 35 in the state (SMAC swaps
    ///    the two).
    /// 5. The sparse reward is not divided by the scale of the dense one.
    /// 6. Moves off the western and southern edges of the map are unavailable (SMAC truncates
    ///    coordinates towards zero, so that positions beyond these edges count as the first cell).
    /// 7. If healers take part, a team is beaten when only healers are left of it, and a battle that
    ///    beats both teams is a draw (SMAC counts it as lost and treats the enemies' healers
    ///    differently).
    /// 8. An enemy that no agent has seen hides only its own features (in SMACv2 it also hides those of
    ///    all enemies listed before it).
    /// 9. The field of view covers one direction only (SMACv2's also covers part of the opposite one).
    /// 10. Rewards are scaled by the enemies of the episode (SMACv2 scales all episodes by those of the
    ///     first; see [`Skirmish::max_reward`](super::Skirmish::max_reward)).
    /// 11. With `heuristic_ai` the last actions are those of the scripted policy.
    pub fix_quirks: bool,
    /// Agents control both teams: the enemies follow the allies in the list of agents, with the
    /// observations and masks that SMAC would give them if the teams were exchanged. Observations and
    /// masks of the team with the smaller ones are padded with zeros. State and reward are the allies';
    /// `enemy_reward` in the info is the enemies' reward for the last step.
    pub self_play: bool,
    /// The policy of the enemies: `attack_move` (the orders that SMAC's maps give them, with the game's
    /// own choice of targets), or a scripted policy of [`SCRIPTED_POLICIES`], which chooses from SMAC's
    /// actions in every step as if the teams were exchanged. In the latter case they stand still at the
    /// start.
    pub opponent: String,
    /// Sets every random term of the rules to zero; starting positions stay random.
    pub deterministic: bool,
    /// Scatters the units at the start of an episode by a few hundredths of a length unit.
    pub start_scatter: bool,
    /// Replaces the map's episode limit; zero keeps it.
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
    /// Returns an error for the first argument that is unknown or has an invalid value.
    pub fn from_table(table: &toml::Table) -> Result<Self, ArgumentError> {
        let args: Self = read(table, ARGUMENTS)?;
        args.check()?;
        Ok(args)
    }

    /// Reads the arguments of a battle on `map`, whose own defaults apply to keys that are not in
    /// `table`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`SkirmishArgs::from_table`].
    pub fn for_map(map: &Map, table: &toml::Table) -> Result<Self, ArgumentError> {
        let mut all = map.defaults.clone();
        all.extend(table.clone());
        Self::from_table(&all)
    }

    /// Rejects values that the types allow but the rules do not.
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
