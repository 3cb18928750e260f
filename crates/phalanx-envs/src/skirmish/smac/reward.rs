//! SMAC's reward.

use crate::skirmish::args::SkirmishArgs;

/// What SMAC pays for, with its scale.
///
/// With `D` the health and shield that enemies lost in a step and `K` the number that died,
///
/// ```text
/// r = |D + 10 K|   (+ 200 on victory)
/// ```
///
/// divided by `max_reward / 20`, where `max_reward = 10 n + 200 + sum of all enemies' health and
/// shield`: a victory is worth 20 in total. The numbers are arguments of the battle.
#[derive(Clone, Debug)]
pub(crate) struct RewardRule {
    args: SkirmishArgs,
    /// The largest return before scaling.
    pub(crate) max_reward: f32,
    divisor: f32,
    /// Health and shield of every unit before the step.
    before: Vec<f32>,
}

impl RewardRule {
    /// The rule for `n_units` units, where the enemies have `toughness` (health and shield) each.
    pub(crate) fn new(args: &SkirmishArgs, n_units: usize, toughness: &[f32]) -> Self {
        let max_reward = args.reward_death_value * toughness.len() as f32
            + args.reward_win
            + toughness.iter().sum::<f32>();
        let divisor = if args.reward_scale { max_reward / args.reward_scale_rate } else { 1.0 };
        Self { args: args.clone(), max_reward, divisor, before: vec![0.0; n_units] }
    }

    /// The largest return of an episode.
    pub(crate) fn max_return(&self) -> f32 {
        let unscaled = if self.args.reward_sparse { 1.0 } else { self.max_reward };
        unscaled / self.divisor
    }

    /// Remembers the units before a step.
    pub(crate) fn open(&mut self, health: &[f32], shield: &[f32]) {
        for (before, (health, shield)) in self.before.iter_mut().zip(health.iter().zip(shield)) {
            *before = health + shield;
        }
    }

    /// The reward of the step that ended with these units; `won` is `None` while it goes on or
    /// when nobody won.
    pub(crate) fn close(
        &self,
        n_allies: usize,
        health: &[f32],
        shield: &[f32],
        won: Option<bool>,
    ) -> f32 {
        if self.args.reward_sparse {
            let reward = won.map_or(0.0, |won| if won { 1.0 } else { -1.0 });
            return reward / self.divisor;
        }
        let (mut allies, mut enemies) = (0.0, 0.0);
        for (i, &before) in self.before.iter().enumerate() {
            if before == 0.0 {
                continue;
            }
            let died = health[i] <= 0.0;
            let lost = if died { before } else { before - health[i] - shield[i] };
            let total = if i < n_allies { &mut allies } else { &mut enemies };
            *total += lost + if died { self.args.reward_death_value } else { 0.0 };
        }
        let mut reward = if self.args.reward_only_positive {
            f32::abs(enemies)
        } else {
            enemies - self.args.reward_negative_scale * allies
        };
        reward += match won {
            Some(true) => self.args.reward_win,
            Some(false) => self.args.reward_defeat,
            None => 0.0,
        };
        reward / self.divisor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three marines against three; the first enemy loses 12 and the second dies.
    fn step(args: &SkirmishArgs, won: Option<bool>) -> f32 {
        let mut rule = RewardRule::new(args, 6, &[45.0; 3]);
        let shield = [0.0; 6];
        rule.open(&[45.0, 45.0, 20.0, 45.0, 6.0, 0.0], &shield);
        rule.close(3, &[45.0, 30.0, 0.0, 33.0, 0.0, 0.0], &shield, won)
    }

    #[test]
    fn damage_and_deaths_of_enemies_are_paid_for() {
        let reward = step(&SkirmishArgs::default(), None);
        assert_eq!(reward, (12.0 + 6.0 + 10.0) / 18.25);
    }

    #[test]
    fn own_losses_count_half_where_they_count() {
        let args = SkirmishArgs { reward_only_positive: false, ..Default::default() };
        let own = 15.0 + 20.0 + 10.0;
        assert_eq!(step(&args, None), (28.0 - 0.5 * own) / 18.25);
    }

    #[test]
    fn victory_and_defeat_are_added() {
        let args = SkirmishArgs { reward_defeat: -7.0, reward_scale: false, ..Default::default() };
        assert_eq!(step(&args, Some(true)), 228.0);
        assert_eq!(step(&args, Some(false)), 21.0);
    }

    #[test]
    fn a_sparse_reward_is_scaled_all_the_same() {
        let args = SkirmishArgs { reward_sparse: true, ..Default::default() };
        assert_eq!(step(&args, None), 0.0);
        assert_eq!(step(&args, Some(true)), 1.0 / 18.25);
        assert_eq!(step(&args, Some(false)), -1.0 / 18.25);
        let unscaled = SkirmishArgs { reward_scale: false, ..args };
        assert_eq!(step(&unscaled, Some(true)), 1.0);
    }
}
