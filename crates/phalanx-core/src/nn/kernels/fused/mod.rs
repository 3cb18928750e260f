//! The operations of the CPU device: each is one operation of burn with a backward pass of its own.
//!
//! A file `…_op.rs` registers an operation; the file beside it computes on slices.

mod buffer;
mod categorical_op;
mod concave;
mod concave_op;
mod dense;
mod distribution;
mod filters;
mod gradients;
mod gru;
mod gru_op;
mod gru_shared;
mod linear_op;
mod lstm;
mod lstm_backward;
mod lstm_op;
mod mix;
mod mix_op;
mod norm;
mod norm_op;
mod perceptron;
mod primitive;
mod products;
mod qmix;
mod qmix_op;
mod recurrent;
mod recurrent_op;
mod surrogate;
mod surrogate_op;
#[cfg(test)]
mod tests;
mod three_layers_op;
mod winograd;

use burn::backend::DispatchDevice;
use burn::tensor::Device;

pub(super) use self::categorical_op::categorical;
pub(super) use self::concave_op::concave_mix;
pub(super) use self::gru_op::gru_sequence;
pub(super) use self::linear_op::linear;
pub(super) use self::lstm_op::lstm_sequence;
pub(super) use self::mix_op::qmix_mix;
pub(super) use self::norm_op::layer_norm;
pub(super) use self::qmix_op::qmix_mixer;
pub(super) use self::recurrent_op::recurrent_agent;
pub(super) use self::surrogate_op::{surrogate, value_loss};
pub(super) use self::three_layers_op::{frame_convolution, perceptron};

/// Whether the fused operations apply.
pub(super) fn on_flex(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns)] // Other devices exist with other features.
        _ => false,
    }
}
