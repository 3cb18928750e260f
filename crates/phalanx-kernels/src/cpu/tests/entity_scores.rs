//! Outputs whose weights differ from row to row.

use super::{Leaf, assert_same};
use crate::gemm::tests::random;
use crate::simd::dispatch::Vectors;
use crate::test_random::Rng;
use crate::{entity_scores, reference, score_entities};

#[test]
fn entity_scores_have_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(31);
        for [rows, width, actions] in [[1, 1, 1], [7, 20, 3], [64, 33, 11], [3000, 64, 9]] {
            let hidden = Leaf::new(&mut rng, [rows, width]);
            let weights = Leaf::new(&mut rng, [rows, actions * (width + 1)]);
            assert_equivalent!(
                &mut rng,
                entity_scores(hidden.tensor(), weights.tensor()),
                reference::entity_scores(hidden.tensor(), weights.tensor()),
                [hidden, weights]
            );
        }
    }
}

#[test]
fn the_bits_of_a_row_of_entity_scores_do_not_depend_on_other_rows() {
    let mut rng = Rng::stream(32);
    let (rows, width, actions) = (5, 13, 4);
    let hidden = random(&mut rng, rows * width);
    let weights = random(&mut rng, rows * actions * (width + 1));
    let mut all = vec![0.0; rows * actions];
    score_entities(width, &hidden, &weights, &mut all);
    let stride = actions * (width + 1);
    for row in 0..rows {
        let mut one = vec![0.0; actions];
        let (hidden, weights) =
            (&hidden[row * width..][..width], &weights[row * stride..][..stride]);
        score_entities(width, hidden, weights, &mut one);
        assert_eq!(one, all[row * actions..][..actions]);
    }
}
