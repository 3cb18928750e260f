//! The arguments of a battle: SMAC's constructor arguments, under SMAC's names and defaults.

use serde::{Deserialize, Serialize};

use crate::arguments::{Argument, ArgumentError, read, wrong};

/// A set of rules: whose numbers and whose engine the battle follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rules {
    /// The units and the game loop of *Wings of Liberty*, which SMAC's maps run.
    #[default]
    Liberty,
}

/// What can be chosen about a battle, beside its map.
///
/// Names and defaults are those of SMAC's `StarCraft2Env`, except for the last four.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkirmishArgs {
    /// Game loops per step; 16 loops are one second.
    pub step_mul: u32,
    /// How far away the target of a move is set. Half of it is how far the mask looks for cliffs.
    pub move_amount: f32,
    /// Declares that reaching the limit is no true end: the last state keeps its value.
    pub continuing_episode: bool,
    /// Observations hold the health (and shield) of visible units.
    pub obs_all_health: bool,
    /// Observations hold the agent's own health (and shield).
    pub obs_own_health: bool,
    /// Observations hold the last actions of visible allies.
    pub obs_last_action: bool,
    /// Observations hold whether eight points around the agent can be walked on.
    pub obs_pathing_grid: bool,
    /// Not available: the maps are flat. `true` is refused.
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
    /// A scripted player gives the orders; the actions handed to `step` are ignored.
    pub heuristic_ai: bool,
    /// The scripted player keeps to the mask: it walks where it may not attack.
    pub heuristic_rest: bool,
    /// The set of rules.
    pub rules: Rules,
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
            rules: Rules::Liberty,
            deterministic: false,
            start_scatter: true,
            episode_limit: 0,
        }
    }
}

const FLAG: &str = "true or false";
const NUMBER: &str = "a finite number";
const POSITIVE: &str = "a number above zero";

const fn argument(key: &'static str, allowed: &'static str) -> Argument {
    Argument { key, allowed }
}

/// The arguments of a battle, in the order of the fields of [`SkirmishArgs`].
pub const ARGUMENTS: &[Argument] = &[
    argument("step_mul", "a whole number from 1 to 1000"),
    argument("move_amount", POSITIVE),
    argument("continuing_episode", FLAG),
    argument("obs_all_health", FLAG),
    argument("obs_own_health", FLAG),
    argument("obs_last_action", FLAG),
    argument("obs_pathing_grid", FLAG),
    argument("obs_terrain_height", "false (terrain heights are not available: the maps are flat)"),
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
    argument("rules", "\"liberty\""),
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
            ("episode_limit", self.episode_limit <= 1_000_000, self.episode_limit as f32),
        ];
        let bad = values.into_iter().find(|&(_, good, _)| !good);
        if let Some((key, _, value)) = bad {
            return Err(wrong(find(key), value));
        }
        if self.obs_terrain_height {
            return Err(wrong(find("obs_terrain_height"), true));
        }
        Ok(())
    }
}

fn find(key: &str) -> &'static Argument {
    let found = ARGUMENTS.iter().find(|argument| argument.key == key);
    found.expect("every field has a row, as a test holds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_a_documented_argument() {
        let table = toml::Table::try_from(SkirmishArgs::default()).expect("plain data");
        let mut fields: Vec<_> = table.keys().map(String::as_str).collect();
        let mut known: Vec<_> = ARGUMENTS.iter().map(|argument| argument.key).collect();
        fields.sort_unstable();
        known.sort_unstable();
        assert_eq!(fields, known);
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        for text in [
            "step_mul = 0",
            "step_mul = -1",
            "move_amount = 0",
            "reward_scale_rate = -1.0",
            "reward_win = inf",
            "obs_terrain_height = true",
            "rules = \"brood_war\"",
            "deterministic = 1",
        ] {
            let table = text.parse().expect("valid TOML");
            let error = SkirmishArgs::from_table(&table).expect_err(text);
            let key = text.split(' ').next().unwrap_or_default();
            assert!(
                matches!(&error, ArgumentError::Wrong { key: named, .. } if *named == key),
                "{text}: {error}"
            );
        }
    }
}
