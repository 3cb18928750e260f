//! The fused LSTM sequence as a burn operation.

use burn::tensor::Tensor;

use super::backward::backward;
use super::forward::{SAVED, forward};
use crate::RnnWeights;
use crate::cpu::sequence::Recurrence;

/// The LSTM as a recurrent layer over a whole sequence.
pub(crate) const LSTM: Recurrence = Recurrence { carry: 2, saved: SAVED, forward, backward };

/// See [`lstm_sequence`](crate::lstm_sequence).
pub(crate) fn lstm_sequence(
    input: Tensor<3>,
    carry: [Tensor<2>; 2],
    weights: RnnWeights,
) -> (Tensor<3>, Tensor<2>) {
    let time = input.dims()[0];
    // An operation has one output, so its last step holds the cell after the sequence.
    let states = LSTM.apply(input, carry, weights);
    let at = |t: usize| states.clone().narrow(0, t, 1).squeeze_dim(0);
    let carry = Tensor::cat(vec![at(time - 1), at(time)], 1);
    (states.narrow(0, 0, time), carry)
}
