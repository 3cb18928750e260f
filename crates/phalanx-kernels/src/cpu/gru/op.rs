//! The fused GRU sequence as a burn operation.

use burn::tensor::Tensor;

use super::backward::backward;
use super::forward::{SAVED, forward};
use crate::RnnWeights;
use crate::cpu::sequence::Recurrence;

/// The GRU as a recurrent layer over a whole sequence.
pub(crate) const GRU: Recurrence = Recurrence { carry: 1, saved: SAVED, forward, backward };

/// See [`gru_sequence`](crate::gru_sequence).
pub(crate) fn gru_sequence(
    input: Tensor<3>,
    carry: [Tensor<2>; 2],
    weights: RnnWeights,
) -> Tensor<3> {
    GRU.apply(input, carry, weights)
}
