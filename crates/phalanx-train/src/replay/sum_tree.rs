//! A sum tree, for sampling in proportion to changing weights.

use serde::{Deserialize, Serialize};

/// Weights by index, and their partial sums in a binary tree.
///
/// Every inner node is the sum of its two children and is recomputed when one of them changes.
/// Rounding errors therefore do not accumulate, and the tree depends only on the weights, not on
/// their history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<f64>", into = "Vec<f64>")]
pub(super) struct SumTree {
    /// The root is at 1, the children of node `i` at `2 i` and `2 i + 1`; the leaves come last.
    nodes: Vec<f64>,
}

impl SumTree {
    /// Creates at least `n` weights of zero; the number is rounded up to a power of two.
    pub(super) fn new(n: usize) -> Self {
        Self { nodes: vec![0.0; 2 * n.next_power_of_two()] }
    }

    /// Returns the number of weights.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() / 2
    }

    /// Returns a weight.
    pub(super) fn get(&self, index: usize) -> f64 {
        self.nodes[self.len() + index]
    }

    /// Sets a weight, which must be finite and not negative.
    pub(super) fn set(&mut self, index: usize, weight: f64) {
        debug_assert!(weight.is_finite() && weight >= 0.0, "{weight} is not a weight");
        let mut node = self.len() + index;
        self.nodes[node] = weight;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
    }

    /// Returns the sum of all weights.
    pub(super) fn total(&self) -> f64 {
        self.nodes[1]
    }

    /// Returns the index at which the cumulative sum of the weights exceeds `mass`, which lies in
    /// `[0, total)`. For a uniform `mass`, index `i` has probability `weight_i / total`. An index
    /// of weight zero is never returned unless all weights are zero.
    pub(super) fn find(&self, mut mass: f64) -> usize {
        let mut node = 1;
        while node < self.len() {
            let (left, right) = (2 * node, 2 * node + 1);
            // Rounding may move the mass past the last weight.
            if mass < self.nodes[left] || self.nodes[right] == 0.0 {
                node = left;
            } else {
                mass -= self.nodes[left];
                node = right;
            }
        }
        node - self.len()
    }
}

impl From<Vec<f64>> for SumTree {
    fn from(weights: Vec<f64>) -> Self {
        let mut tree = Self::new(weights.len());
        let first = tree.len();
        tree.nodes[first..first + weights.len()].copy_from_slice(&weights);
        for node in (1..first).rev() {
            tree.nodes[node] = tree.nodes[2 * node] + tree.nodes[2 * node + 1];
        }
        tree
    }
}

impl From<SumTree> for Vec<f64> {
    fn from(mut tree: SumTree) -> Self {
        tree.nodes.split_off(tree.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::{Purpose, Rng};

    #[test]
    fn sums_and_indices_are_those_of_a_plain_list() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        for n in [1, 2, 5, 64, 100] {
            let mut tree = SumTree::new(n);
            let mut list = vec![0.0; n];
            for _ in 0..2000 {
                // Sums of integers are exact in any order.
                let (index, weight) = (rng.below(n), rng.below(9) as f64);
                tree.set(index, weight);
                list[index] = weight;
                let total: f64 = list.iter().sum();
                assert_eq!(tree.total(), total);
                if total > 0.0 {
                    let mass = rng.below(total as usize) as f64;
                    let mut sum = 0.0;
                    let naive = list.iter().position(|weight| {
                        sum += weight;
                        sum > mass
                    });
                    assert_eq!(Some(tree.find(mass)), naive);
                }
            }
        }
    }

    #[test]
    fn a_weight_of_zero_is_never_drawn_even_by_a_mass_that_is_too_large() {
        let mut tree = SumTree::new(8);
        tree.set(2, 0.1);
        tree.set(5, 0.2);
        assert_eq!(tree.find(1e9), 5);
        tree.set(5, 0.0);
        assert_eq!(tree.find(1e9), 2);
    }

    #[test]
    fn a_tree_of_the_same_weights_is_the_same_tree() {
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        let mut tree = SumTree::new(50);
        for _ in 0..1000 {
            tree.set(rng.below(50), f64::from(rng.uniform()));
        }
        let weights: Vec<f64> = tree.clone().into();
        assert_eq!(SumTree::from(weights), tree);
    }
}
