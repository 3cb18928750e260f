//! Which episodes are replayed more often.

use phalanx_core::rl::LinearSchedule;
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::sum_tree::SumTree;

/// Proportional prioritisation (Schaul et al. 2016, arXiv:1511.05952, section 3.3) of episodes.
///
/// Episode `i` is drawn with probability `P(i) = p_i^alpha / sum_k p_k^alpha`, where
/// `p_i = |error_i| + 1e-6`; a new episode gets the largest priority there has been, at first 1.
/// The loss of an episode is to be multiplied by
///
/// ```text
/// w_i = (N P(i))^-beta / max_j w_j
/// ```
///
/// with the number of episodes `N` and the maximum over the batch, as in the paper (PyMARL2
/// divides by that of the whole memory). The defaults of `alpha` and of `beta`'s start are
/// PyMARL2's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prioritised {
    /// How much priorities matter: zero draws uniformly, one in proportion.
    pub alpha: f64,
    /// How much of the bias is corrected, as a function of the environment steps stored so far.
    pub beta: LinearSchedule,
}

impl Prioritised {
    /// `alpha = 0.6`, and a `beta` that grows from 0.4 to 1 over a training of `t_max` steps.
    pub fn over(t_max: u64) -> Self {
        Self { alpha: 0.6, beta: LinearSchedule { start: 0.4, finish: 1.0, anneal_time: t_max } }
    }
}

/// Added to every error, so that no episode is lost for ever.
const EPSILON: f64 = 1e-6;

/// The priorities of the episodes at numbered places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Priorities {
    alpha: f64,
    /// `p^alpha` by place; zero where no episode is.
    tree: SumTree,
    /// The largest `p` so far.
    largest: f64,
}

impl Priorities {
    /// No episode at any of `places` places.
    pub(super) fn new(alpha: f64, places: usize) -> Self {
        Self { alpha, tree: SumTree::new(places), largest: 1.0 }
    }

    /// A new episode has come to a place.
    pub(super) fn add(&mut self, place: usize) {
        self.tree.set(place, self.largest.powf(self.alpha));
    }

    /// The episode at a place has gone.
    pub(super) fn remove(&mut self, place: usize) {
        self.tree.set(place, 0.0);
    }

    /// The episode at a place was found to have this error.
    ///
    /// # Panics
    ///
    /// When the error is not finite.
    pub(super) fn update(&mut self, place: usize, error: f32) {
        assert!(error.is_finite(), "the error {error} gives no priority");
        let priority = f64::from(error.abs()) + EPSILON;
        self.largest = self.largest.max(priority);
        self.tree.set(place, priority.powf(self.alpha));
    }

    /// Draws `n` places with replacement, one from each of `n` equal parts of the total (the
    /// paper's appendix B.2.1): place `i` is expected `n P(i)` times.
    pub(super) fn sample(&self, n: usize, rng: &mut Rng) -> Vec<usize> {
        let part = self.tree.total() / n as f64;
        let mut draw = |k| {
            // The 53 bits an `f64` can hold.
            let uniform = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            self.tree.find((k as f64 + uniform) * part)
        };
        (0..n).map(&mut draw).collect()
    }

    /// The importance weights of drawn places, when `held` episodes are held.
    pub(super) fn weights(&self, places: &[usize], held: usize, beta: f64) -> Vec<f32> {
        let expected = |&place| self.tree.get(place) / self.tree.total() * held as f64;
        let weights: Vec<f64> =
            places.iter().map(|place| f64::powf(expected(place), -beta)).collect();
        let largest = weights.iter().copied().fold(0.0, f64::max);
        weights.iter().map(|weight| (weight / largest) as f32).collect()
    }

    /// `P(i)` of a place.
    #[cfg(test)]
    pub(super) fn probability(&self, place: usize) -> f64 {
        self.tree.get(place) / self.tree.total()
    }

    /// Whether there are as many places as `places` need.
    pub(super) fn is_sound(&self, places: usize) -> bool {
        self.tree.places() == places.next_power_of_two()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::Purpose;

    fn priorities(alpha: f64, errors: &[f32]) -> Priorities {
        let mut priorities = Priorities::new(alpha, errors.len());
        for (place, &error) in errors.iter().enumerate() {
            priorities.add(place);
            priorities.update(place, error);
        }
        priorities
    }

    #[test]
    fn places_are_drawn_as_often_as_their_priorities_say() {
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
                    for place in priorities.sample(n, &mut rng) {
                        counts[place] += 1;
                    }
                }
                let draws = (rounds * n) as f64;
                for (&count, power) in counts.iter().zip(&powers) {
                    let expected = power / total;
                    // Five standard deviations of independent draws; drawing from parts varies less.
                    let allowed = 5.0 * (expected * (1.0 - expected) / draws).sqrt();
                    assert!((count as f64 / draws - expected).abs() <= allowed, "{counts:?}");
                }
            }
        }
    }

    #[test]
    fn weights_correct_the_bias_and_the_largest_is_one() {
        let priorities = priorities(1.0, &[1.0, 3.0]);
        let places = [0, 1, 1];
        assert_eq!(priorities.weights(&places, 2, 0.0), [1.0; 3]);
        let ratio = (1.0 + 1e-6) / (3.0 + 1e-6);
        for beta in [0.4, 1.0] {
            let weights = priorities.weights(&places, 2, beta);
            assert_eq!(weights[0], 1.0);
            assert!((f64::from(weights[1]) - f64::powf(ratio, beta)).abs() < 1e-7);
            assert_eq!(weights[1], weights[2]);
        }
        // With beta one the weighted draws are uniform on average.
        let weights = priorities.weights(&[0, 1], 2, 1.0);
        let share = |place| priorities.probability(place) * f64::from(weights[place]);
        assert!((share(0) - share(1)).abs() < 1e-7);
    }

    #[test]
    fn a_new_episode_gets_the_largest_priority_there_has_been() {
        let mut priorities = priorities(1.0, &[4.0, 1.0, 1.0]);
        priorities.update(0, 0.5);
        priorities.add(1);
        assert_eq!(priorities.tree.get(1), 4.0 + 1e-6);
        priorities.remove(1);
        assert_eq!(priorities.probability(1), 0.0);
    }
}
