//! The fused GRU sequence as an operation of burn.

use burn::tensor::Tensor;

use super::backward::backward;
use super::forward::{SAVED, forward};
use crate::GruWeights;
use crate::cpu::sequence::Recurrence;
use crate::operation::apply;

/// The layer over a whole sequence.
pub(crate) const GRU: Recurrence = Recurrence { carry: 1, saved: SAVED, forward, backward };

/// See [`gru_sequence`](crate::gru_sequence).
pub(crate) fn gru_sequence(
    input: Tensor<3>,
    hidden: Tensor<2>,
    not_reset: Tensor<2>,
    weights: GruWeights,
) -> Tensor<3> {
    let inputs = [
        input.into_dispatch(),
        hidden.into_dispatch(),
        weights.weight_ih.into_dispatch(),
        weights.bias_ih.into_dispatch(),
        weights.weight_hh.into_dispatch(),
        weights.bias_hh.into_dispatch(),
    ];
    apply(GRU, inputs, [not_reset.into_dispatch()])
}
