//! Transfers between vectors on the host and tensors on a device.

use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{self, Device, download};

/// Uploads vectors in one transfer ([`nn::upload`]).
pub(super) fn upload<const F: usize, const I: usize>(
    floats: [Vec<f32>; F],
    ints: [Vec<i32>; I],
    device: &Device,
) -> ([Tensor<1>; F], [Tensor<1, Int>; I]) {
    let (floats, ints) = nn::upload(floats.into(), ints.into(), device);
    let same_number = "one tensor per vector";
    (floats.try_into().expect(same_number), ints.try_into().expect(same_number))
}

/// Uploads one tensor.
pub(super) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    let ([values], []) = upload([values], [], device);
    shaped(values, shape)
}

/// Reshapes a vector to a shape that may contain zeros, which burn's `reshape` would read as "keep
/// this dimension".
pub(super) fn shaped<const D: usize>(flat: Tensor<1>, shape: [usize; D]) -> Tensor<D> {
    if shape.contains(&0) { Tensor::empty(shape, &flat.device()) } else { flat.reshape(shape) }
}

/// Downloads one tensor in row-major order.
pub(super) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let [numbers] = to_vecs([flat(tensor)]);
    numbers
}

/// Downloads tensors in one transfer.
pub(super) fn to_vecs<const N: usize>(tensors: [Tensor<1>; N]) -> [Vec<f32>; N] {
    let numbers = download(tensors.into()).expect("the device returns what it computed");
    numbers.try_into().expect("one vector per tensor")
}

/// Flattens a tensor in row-major order.
pub(super) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let len = tensor.dims().iter().product::<usize>();
    tensor.reshape([len])
}
