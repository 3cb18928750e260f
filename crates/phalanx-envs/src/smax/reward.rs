//! The rewards of both teams.

use std::ops::Range;

use super::args::SmaxArgs;
use super::battle::Battle;
use super::simd::Numbers;

/// Returns the reward of one team for a step.
///
/// With the opponents `D`, their health `h` before and after the step and its maximum `H`, the reward is
///
/// `|sum over D of (h_after - h_before) / H| / |D|`
///
/// plus `won_battle_bonus` when all of `D` are dead and some units of the team are alive. With
/// `use_self_play_reward`, damage does not count, and defeat costs `won_battle_bonus`.
pub(crate) fn team_reward(
    args: &SmaxArgs,
    battle: &Battle,
    before: &Numbers,
    own: Range<usize>,
    opponents: Range<usize>,
) -> f32 {
    let any_own = battle.any_alive(own);
    let any_opponent = battle.any_alive(opponents.clone());
    let won = any_own && !any_opponent;
    let lost = any_opponent && !any_own;
    let mut reward = 0.0;
    if !args.use_self_play_reward {
        let mut change = 0.0;
        for unit in opponents.clone() {
            let lost = battle.health[unit] - before[unit];
            if lost != 0.0 {
                change += lost / battle.stats(unit).unit.health;
            }
        }
        reward = change.abs() / opponents.len() as f32;
    }
    if won {
        reward += args.won_battle_bonus;
    }
    if lost && args.use_self_play_reward {
        reward -= args.won_battle_bonus;
    }
    reward
}
