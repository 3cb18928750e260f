//! Between vectors on the host and tensors on a device.

use burn::tensor::{Int, Tensor, TensorData};
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

/// The values of a tensor of indices, on the host.
pub(super) fn to_int_vec<const D: usize>(tensor: Tensor<D, Int>) -> Vec<i32> {
    let data = tensor.into_data().convert::<i32>();
    data.try_into_vec().expect("indices were just converted to 32-bit integers")
}
