//! The arguments of SMAX: those of JaxMARL's constructors, under their names and defaults.

use serde::{Deserialize, Serialize};

use crate::arguments::{Argument, ArgumentError, FLAG, argument, read, row, wrong};

/// The layout of an agent's observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservationType {
    /// One row per other unit, in a fixed order.
    #[default]
    UnitList,
    /// 32 sectors around the agent, with up to two units each.
    Conic,
}

/// How the scripted policy chooses its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackMode {
    /// The nearest unit within range.
    #[default]
    Closest,
    /// Any unit within range.
    Random,
}

/// The arguments of a battle, apart from its scenario.
///
/// Names and defaults are those of JaxMARL's `SMAX` and `HeuristicEnemySMAX`, except for the last
/// two. The tables of unit types and the continuous action type are not arguments here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmaxArgs {
    /// The width of the map.
    pub map_width: f32,
    /// The height of the map.
    pub map_height: f32,
    /// Game loops per step.
    pub world_steps_per_env_step: u32,
    /// Seconds per game loop.
    pub time_per_step: f32,
    /// Rewards only victory and defeat, so that the rewards of both teams sum to zero.
    pub use_self_play_reward: bool,
    /// Observations contain the last actions of visible opponents.
    pub see_enemy_actions: bool,
    /// The reward for victory.
    pub won_battle_bonus: f32,
    /// A unit that touches the edge of the map dies.
    pub walls_cause_death: bool,
    /// The step count after which one more step is played: an episode has at most `max_steps + 1` steps.
    pub max_steps: u32,
    /// The layout of observations.
    pub observation_type: ObservationType,
    /// The scripted enemies shoot; otherwise they only walk.
    pub enemy_shoots: bool,
    /// How the scripted policy chooses its targets.
    pub attack_mode: AttackMode,
    /// Sets the random term of weapon cooldowns to zero. Starting positions and the choices of the
    /// scripted policy stay random.
    pub deterministic: bool,
    /// The enemies are agents too, listed after the allies, and no unit is scripted.
    pub self_play: bool,
}

impl Default for SmaxArgs {
    fn default() -> Self {
        Self {
            map_width: 32.0,
            map_height: 32.0,
            world_steps_per_env_step: 8,
            time_per_step: 1.0 / 16.0,
            use_self_play_reward: false,
            see_enemy_actions: true,
            won_battle_bonus: 1.0,
            walls_cause_death: true,
            max_steps: 100,
            observation_type: ObservationType::UnitList,
            enemy_shoots: true,
            attack_mode: AttackMode::Closest,
            deterministic: false,
            self_play: false,
        }
    }
}

const LENGTH: &str = "a number from 1 to 1000";

/// The arguments of SMAX, in the order of the fields of [`SmaxArgs`].
pub const ARGUMENTS: &[Argument] = &[
    argument("map_width", LENGTH),
    argument("map_height", LENGTH),
    argument("world_steps_per_env_step", "a whole number from 1 to 1000"),
    argument("time_per_step", "a number above zero, at most 1"),
    argument("use_self_play_reward", FLAG),
    argument("see_enemy_actions", FLAG),
    argument("won_battle_bonus", "a finite number"),
    argument("walls_cause_death", FLAG),
    argument("max_steps", "a whole number from 1 to 1000000"),
    argument("observation_type", "\"unit_list\" or \"conic\""),
    argument("enemy_shoots", FLAG),
    argument("attack_mode", "\"closest\" or \"random\""),
    argument("deterministic", FLAG),
    argument("self_play", FLAG),
];

impl SmaxArgs {
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

    /// Rejects values that the types allow but the rules do not.
    pub(crate) fn check(&self) -> Result<(), ArgumentError> {
        let length = |number: f32| (1.0..=1000.0).contains(&number);
        let loops = self.world_steps_per_env_step;
        let values = [
            ("map_width", length(self.map_width), self.map_width),
            ("map_height", length(self.map_height), self.map_height),
            ("world_steps_per_env_step", (1..=1000).contains(&loops), loops as f32),
            (
                "time_per_step",
                self.time_per_step > 0.0 && self.time_per_step <= 1.0,
                self.time_per_step,
            ),
            ("won_battle_bonus", self.won_battle_bonus.is_finite(), self.won_battle_bonus),
            ("max_steps", (1..=1_000_000).contains(&self.max_steps), self.max_steps as f32),
        ];
        match values.into_iter().find(|&(_, good, _)| !good) {
            Some((key, _, value)) => Err(wrong(row(ARGUMENTS, key), value)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::promises;

    #[test]
    fn every_field_is_a_documented_argument() {
        promises::every_field_is_documented::<SmaxArgs>(ARGUMENTS);
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        let texts = r#"
            map_width = 0
            map_height = nan
            world_steps_per_env_step = 0
            time_per_step = -1.0
            won_battle_bonus = inf
            max_steps = 0
            observation_type = "image"
            attack_mode = "furthest"
            deterministic = 1
        "#;
        promises::values_are_refused_by_name(SmaxArgs::from_table, texts);
    }
}
