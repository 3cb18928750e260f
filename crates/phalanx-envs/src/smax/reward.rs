//! The rewards of both teams.

use std::ops::Range;

use super::args::SmaxArgs;
use super::battle::Battle;
use super::simd::Numbers;

/// Returns what the step brought one team.
///
/// With `D` the opponents, `h` health before and after the step and `H` its maximum, the reward is
///
/// `|sum over D of (h_after - h_before) / H| / |D|`
///
/// and `won_battle_bonus` when all of `D` are dead and some of the own team live. With
/// `use_self_play_reward`, the damage does not count, and defeat costs `won_battle_bonus`.
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
