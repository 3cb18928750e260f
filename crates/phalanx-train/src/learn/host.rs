//! Between vectors on the host and tensors on a device.

use burn::tensor::{Tensor, TensorData};
use phalanx_core::nn::Device;

/// A host vector as a tensor.
pub(super) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The values of a tensor, on the host.
pub(super) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("all networks compute in 32-bit floats")
}
