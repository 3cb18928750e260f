//! Prioritised replay.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use phalanx_core::rl::LinearSchedule;
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::sum_tree::SumTree;

/// Proportional prioritisation of episodes (Schaul et al. 2016, arXiv:1511.05952, section 3.3).
///
/// Episode `i` is drawn with probability `P(i) = p_i^alpha / sum_k p_k^alpha`, where `p_i =
/// |error_i| + 1e-6`. A new episode gets the largest priority so far, initially 1. The loss of an
/// episode is multiplied by
///
/// ```text
/// w_i = (N P(i))^-beta / max_j w_j
/// ```
///
/// where `N` is the number of episodes, and the maximum is over the batch, as in the paper (PyMARL2
/// uses the maximum over the whole buffer). The defaults of `alpha` and of the initial `beta` are
/// PyMARL2's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prioritised {
    /// The prioritisation exponent: zero draws uniformly, one in proportion to the priorities.
    pub alpha: f64,
    /// The importance-sampling exponent, as a function of the environment steps stored so far.
    pub beta: LinearSchedule,
}

impl Prioritised {
    /// Creates settings with `alpha = 0.6` and a `beta` that rises from 0.4 to 1 over `t_max`
    /// steps.
    pub fn over(t_max: u64) -> Self {
        Self { alpha: 0.6, beta: LinearSchedule { start: 0.4, finish: 1.0, anneal_time: t_max } }
    }
}

/// Added to every error, so that every episode has a positive probability.
const EPSILON: f64 = 1e-6;

/// The weights that episodes can have: their sums are finite, and their quotients are numbers.
const LEAST_TO_GREATEST: RangeInclusive<f64> = 1e-150..=1e150;

/// The priorities of episodes, by slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Priorities {
    alpha: f64,
    /// `p^alpha` of each slot; zero for empty slots.
    tree: SumTree,
    /// The largest `p` so far.
    largest: f64,
}

impl Priorities {
    /// Creates priorities for `slots` empty slots.
    pub(super) fn new(alpha: f64, slots: usize) -> Self {
        Self { alpha, tree: SumTree::new(slots), largest: 1.0 }
    }

    /// Adds a new episode in a slot, with the largest priority so far.
    pub(super) fn add(&mut self, slot: usize) {
        self.tree.set(slot, self.weight(self.largest));
    }

    /// Removes the episode in a slot.
    pub(super) fn remove(&mut self, slot: usize) {
        self.tree.set(slot, 0.0);
    }

    /// Sets the priority of the episode in a slot from its error.
    ///
    /// # Panics
    ///
    /// Panics if the error is not finite.
    pub(super) fn update(&mut self, slot: usize, error: f32) {
        assert!(error.is_finite(), "the error {error} of an episode is not finite");
        let priority = f64::from(error.abs()) + EPSILON;
        self.largest = self.largest.max(priority);
        self.tree.set(slot, self.weight(priority));
    }

    /// Draws `n` slots with replacement, one from each of `n` equal ranges of the total (appendix
    /// B.2.1 of the paper). The expected count of slot `i` is `n P(i)`.
    pub(super) fn sample(&self, n: usize, rng: &mut Rng) -> Vec<usize> {
        let part = self.tree.total() / n as f64;
        let mut draw = |k| {
            // The 53 random bits of an `f64`'s mantissa.
            let uniform = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            self.tree.find((k as f64 + uniform) * part)
        };
        (0..n).map(&mut draw).collect()
    }

    /// Returns the importance weights of drawn slots if `held` episodes are stored.
    pub(super) fn weights(&self, slots: &[usize], held: usize, beta: f64) -> Vec<f32> {
        let expected = |&slot| self.tree.get(slot) / self.tree.total() * held as f64;
        let weights: Vec<f64> = slots.iter().map(|slot| f64::powf(expected(slot), -beta)).collect();
        let largest = weights.iter().copied().fold(0.0, f64::max);
        weights.iter().map(|weight| (weight / largest) as f32).collect()
    }

    /// Returns the probability `P(i)` of a slot.
    #[cfg(test)]
    pub(super) fn probability(&self, slot: usize) -> f64 {
        self.tree.get(slot) / self.tree.total()
    }

    /// Returns whether there are as many slots as `slots` requires, and those in `stored`, and no others, have weights
    /// to draw by.
    pub(super) fn is_sound(&self, slots: usize, stored: &HashSet<usize>) -> bool {
        let weight_fits = |slot: usize| match stored.contains(&slot) {
            true => LEAST_TO_GREATEST.contains(&self.tree.get(slot)),
            false => self.tree.get(slot) == 0.0,
        };
        slots.checked_next_power_of_two() == Some(self.tree.len())
            && (0..self.tree.len()).all(weight_fits)
            && self.alpha >= 0.0
            && self.largest.is_finite()
            && self.largest > 0.0
    }

    /// Returns the weight of a priority. However large `alpha` is, it can be drawn by.
    fn weight(&self, priority: f64) -> f64 {
        priority.powf(self.alpha).clamp(*LEAST_TO_GREATEST.start(), *LEAST_TO_GREATEST.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::Purpose;

    fn priorities(alpha: f64, errors: &[f32]) -> Priorities {
        let mut priorities = Priorities::new(alpha, errors.len());
        for (slot, &error) in errors.iter().enumerate() {
            priorities.add(slot);
            priorities.update(slot, error);
        }
        priorities
    }

    #[test]
    fn slots_are_drawn_in_proportion_to_their_priorities() {
        let errors = [0.0, 0.5, 1.0, -2.0, 3.0, 0.1, 7.0];
        let rounds = 20_000_usize;
        for alpha in [0.0, 0.6, 1.0] {
            let priorities = priorities(alpha, &errors);
            let powers: Vec<f64> =
                errors.iter().map(|e| (f64::from(e.abs()) + 1e-6).powf(alpha)).collect();
            let total: f64 = powers.iter().sum();
            for n in [1, 5] {
                let mut rng = Rng::stream(0, Purpose::Replay, n as u32);
                let mut counts = [0_usize; 7];
                for _ in 0..rounds {
                    for slot in priorities.sample(n, &mut rng) {
                        counts[slot] += 1;
                    }
                }
                let draws = (rounds * n) as f64;
                for (&count, power) in counts.iter().zip(&powers) {
                    let expected = power / total;
                    // Five standard deviations of independent draws; stratified draws vary less.
                    let allowed = 5.0 * (expected * (1.0 - expected) / draws).sqrt();
                    assert!((count as f64 / draws - expected).abs() <= allowed, "{counts:?}");
                }
            }
        }
    }

    #[test]
    fn weights_correct_the_bias_and_the_largest_is_one() {
        let priorities = priorities(1.0, &[1.0, 3.0]);
        let slots = [0, 1, 1];
        assert_eq!(priorities.weights(&slots, 2, 0.0), [1.0; 3]);
        let ratio = (1.0 + 1e-6) / (3.0 + 1e-6);
        for beta in [0.4, 1.0] {
            let weights = priorities.weights(&slots, 2, beta);
            assert_eq!(weights[0], 1.0);
            assert!((f64::from(weights[1]) - f64::powf(ratio, beta)).abs() < 1e-7);
            assert_eq!(weights[1], weights[2]);
        }
        // With beta one, the weighted draws are uniform in expectation.
        let weights = priorities.weights(&[0, 1], 2, 1.0);
        let share = |slot| priorities.probability(slot) * f64::from(weights[slot]);
        assert!((share(0) - share(1)).abs() < 1e-7);
    }

    #[test]
    fn a_new_episode_gets_the_largest_priority_so_far() {
        let mut priorities = priorities(1.0, &[4.0, 1.0, 1.0]);
        priorities.update(0, 0.5);
        priorities.add(1);
        assert_eq!(priorities.tree.get(1), 4.0 + 1e-6);
        priorities.remove(1);
        assert_eq!(priorities.probability(1), 0.0);
    }

    #[test]
    fn slots_that_cannot_be_drawn_by_are_recognised_and_no_exponent_makes_one() {
        let stored = |slots: &[usize]| slots.iter().copied().collect::<HashSet<usize>>();
        for alpha in [0.0, 0.6, 1e308] {
            let priorities = priorities(alpha, &[0.5, 3.0]);
            assert!(priorities.is_sound(2, &stored(&[0, 1])), "{alpha}");
            assert!(!priorities.is_sound(2, &stored(&[0])), "slot 1 is empty");
            assert!(!priorities.is_sound(3, &stored(&[0, 1])), "there are three slots");
            let weights = priorities.weights(&[0, 1], 2, 1.0);
            assert!(weights.iter().all(|weight| weight.is_finite()), "{alpha}: {weights:?}");
        }
        for weight in [f64::NAN, -1.0, f64::INFINITY, 0.0] {
            let mut priorities = priorities(1.0, &[0.5, 3.0]);
            priorities.tree = SumTree::from(vec![1.0, weight]);
            assert!(!priorities.is_sound(2, &stored(&[0, 1])), "{weight}");
        }
    }
}
