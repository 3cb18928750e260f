//! SMAC's reward.

use std::ops::Range;

use crate::skirmish::args::SkirmishArgs;

/// SMAC's reward rule, with its scale.
///
/// With the health and shield `D` that enemies lost in a step and the number `K` of enemies that died,
/// the reward is
///
/// ```text
/// r = |D + 10 K|   (+ 200 on victory)
/// ```
///
/// divided by `max_reward / 20`, where `max_reward = 10 n + 200 + sum of all enemies' health and
/// shield`, so that a victory is worth 20 in total. The constants are arguments of the battle. SMACv2
/// uses `max(0, D + 10 K)`, because the absolute value also rewards the regeneration of enemies.
#[derive(Clone, Debug)]
pub(crate) struct RewardRule {
    args: SkirmishArgs,
    /// Whether a negative sum counts as zero; otherwise its absolute value is taken.
    clamps: bool,
    n_enemies: usize,
    /// The largest return before scaling.
    pub(crate) max_reward: f32,
    divisor: f32,
    /// Health and shield of every unit before the step; zero for dead units.
    before: Vec<f32>,
}

impl RewardRule {
    /// Returns the rule for `n_units` units, of which `n_enemies` are opponents with a total of
    /// `toughness` (health and shield).
    pub(crate) fn new(
        args: &SkirmishArgs,
        clamps: bool,
        n_units: usize,
        n_enemies: usize,
        toughness: f32,
    ) -> Self {
        let mut rule = Self {
            args: args.clone(),
            clamps: clamps || args.fix_quirks,
            n_enemies,
            max_reward: 0.0,
            divisor: 1.0,
            before: vec![0.0; n_units],
        };
        rule.scale(toughness);
        rule
    }

    /// Scales rewards to opponents with a total of `toughness`.
    pub(crate) fn scale(&mut self, toughness: f32) {
        let args = &self.args;
        self.max_reward =
            args.reward_death_value * self.n_enemies as f32 + args.reward_win + toughness;
        let scaled = args.reward_scale && !(args.reward_sparse && args.fix_quirks);
        self.divisor = if scaled { self.max_reward / args.reward_scale_rate } else { 1.0 };
    }

    /// Returns the largest return of an episode.
    pub(crate) fn max_return(&self) -> f32 {
        let unscaled = if self.args.reward_sparse { 1.0 } else { self.max_reward };
        unscaled / self.divisor
    }

    /// Records the units before a step.
    pub(crate) fn open(&mut self, health: &[f32], shield: &[f32]) {
        for (before, (health, shield)) in self.before.iter_mut().zip(health.iter().zip(shield)) {
            *before = if *health > 0.0 { health + shield } else { 0.0 };
        }
    }

    /// Returns the reward of the step that ended with these units. `won` is `None` while the battle
    /// continues or if it is a draw.
    pub(crate) fn close(
        &self,
        opponents: Range<usize>,
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
            let total = if opponents.contains(&i) { &mut enemies } else { &mut allies };
            *total += lost + if died { self.args.reward_death_value } else { 0.0 };
        }
        let mut reward = if !self.args.reward_only_positive {
            enemies - self.args.reward_negative_scale * allies
        } else if self.clamps {
            f32::max(enemies, 0.0)
        } else {
            f32::abs(enemies)
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
    use crate::skirmish::engine::{UNITS, Unit};
    use crate::skirmish::maps::{MAPS, Map};

    /// Three marines against three; the first enemy loses 12 and the second dies.
    fn step(args: &SkirmishArgs, won: Option<bool>) -> f32 {
        let mut rule = RewardRule::new(args, false, 6, 3, 135.0);
        let shield = [0.0; 6];
        rule.open(&[45.0, 45.0, 20.0, 45.0, 6.0, 0.0], &shield);
        rule.close(3..6, &[45.0, 30.0, 0.0, 33.0, 0.0, 0.0], &shield, won)
    }

    #[test]
    fn damage_and_deaths_of_enemies_are_rewarded() {
        let reward = step(&SkirmishArgs::default(), None);
        assert_eq!(reward, (12.0 + 6.0 + 10.0) / 18.25);
    }

    #[test]
    fn own_losses_count_half_if_enabled() {
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
    fn a_sparse_reward_is_scaled_too() {
        let args = SkirmishArgs { reward_sparse: true, ..Default::default() };
        assert_eq!(step(&args, None), 0.0);
        assert_eq!(step(&args, Some(true)), 1.0 / 18.25);
        assert_eq!(step(&args, Some(false)), -1.0 / 18.25);
        let unscaled = SkirmishArgs { reward_scale: false, ..args };
        assert_eq!(step(&unscaled, Some(true)), 1.0);
    }

    /// The first enemy regains 12 points of shield and nothing else happens.
    fn regain(args: &SkirmishArgs, clamps: bool) -> f32 {
        let mut rule = RewardRule::new(args, clamps, 2, 1, 160.0);
        rule.open(&[45.0, 80.0], &[0.0, 20.0]);
        rule.close(1..2, &[45.0, 80.0], &[0.0, 32.0], None)
    }

    #[test]
    fn enemy_regeneration_is_rewarded_by_smac_and_not_by_smacv2() {
        let args = SkirmishArgs { reward_scale: false, ..Default::default() };
        assert_eq!(regain(&args, false), 12.0);
        assert_eq!(regain(&args, true), 0.0);
        let fixed = SkirmishArgs { fix_quirks: true, ..args.clone() };
        assert_eq!(regain(&fixed, false), 0.0);
        let signed = SkirmishArgs { reward_only_positive: false, ..args };
        assert_eq!(regain(&signed, true), -12.0);
    }

    #[test]
    fn a_sparse_reward_is_not_scaled_once_quirks_are_fixed() {
        let args = SkirmishArgs { reward_sparse: true, fix_quirks: true, ..Default::default() };
        assert_eq!(step(&args, Some(true)), 1.0);
        assert_eq!(step(&args, Some(false)), -1.0);
    }

    /// Returns the return of an episode in which all enemies of `toughness` but the last die, and whose
    /// last step then wins the battle.
    fn all_but_the_last(toughness: &[f32]) -> f32 {
        let args = SkirmishArgs::default();
        let n = toughness.len();
        let mut rule = RewardRule::new(&args, false, n + 1, n, toughness.iter().sum());
        let mut units = vec![45.0];
        units.extend(toughness);
        let shield = vec![0.0; n + 1];
        rule.open(&units, &shield);
        units[1..n].fill(0.0);
        rule.close(1..n + 1, &units, &shield, Some(true))
    }

    #[test]
    fn a_victory_over_an_untouched_last_medivac_is_worth_less_than_twenty() {
        let (marine, marauder, medivac) = (45.0, 125.0, 150.0);
        let mmm = [vec![marauder; 2], vec![marine; 7], vec![medivac]].concat();
        assert!((all_but_the_last(&mmm) - (20.0 - 160.0 / 50.75)).abs() < 1e-5);
        let mmm2 = [vec![marauder; 3], vec![marine; 8], vec![medivac]].concat();
        assert!((all_but_the_last(&mmm2) - (20.0 - 160.0 / 60.25)).abs() < 1e-5);
    }

    #[test]
    fn the_death_of_all_enemies_is_worth_exactly_twenty_on_every_map() {
        for (name, _) in MAPS {
            let map = Map::named(name).expect("the built-in map is valid");
            if map.generate.is_some() {
                continue;
            }
            let column = |of: fn(&Unit) -> f32| -> Vec<f32> {
                map.enemies.iter().map(|placed| of(&UNITS[placed.unit])).collect()
            };
            let (health, shield) = (column(|unit| unit.health), column(|unit| unit.shield));
            let (n, toughness) = (health.len(), health.iter().chain(&shield).sum());
            let mut rule = RewardRule::new(&SkirmishArgs::default(), false, n, n, toughness);
            rule.open(&health, &shield);
            let zeros = vec![0.0; n];
            assert_eq!(rule.close(0..n, &zeros, &zeros, Some(true)), 20.0, "{name}");
        }
    }
}
