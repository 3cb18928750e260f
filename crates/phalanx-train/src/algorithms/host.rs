//! Between vectors on the host and tensors on a device.

use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{self, Device, download};

/// Puts vectors on a device in one transfer ([`nn::upload`]).
pub(super) fn upload<const F: usize, const I: usize>(
    floats: [Vec<f32>; F],
    ints: [Vec<i32>; I],
    device: &Device,
) -> ([Tensor<1>; F], [Tensor<1, Int>; I]) {
    let (floats, ints) = nn::upload(floats.into(), ints.into(), device);
    let as_many = "as many arrive as were sent";
    (floats.try_into().expect(as_many), ints.try_into().expect(as_many))
}

/// One tensor by itself.
pub(super) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    let ([values], []) = upload([values], [], device);
    shaped(values, shape)
}

/// A vector in another shape, which may have no elements: burn's `reshape` takes a zero for the size there was.
pub(super) fn shaped<const D: usize>(flat: Tensor<1>, shape: [usize; D]) -> Tensor<D> {
    if shape.contains(&0) { Tensor::empty(shape, &flat.device()) } else { flat.reshape(shape) }
}

/// The numbers of one tensor, row-major.
pub(super) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let [numbers] = to_vecs([flat(tensor)]);
    numbers
}

/// The numbers of some tensors, in one transfer.
pub(super) fn to_vecs<const N: usize>(tensors: [Tensor<1>; N]) -> [Vec<f32>; N] {
    let numbers = download(tensors.into()).expect("the device hands out what it computed");
    numbers.try_into().expect("as many come back as were asked for")
}

/// A tensor as a vector, row-major.
pub(super) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let len = tensor.dims().iter().product::<usize>();
    tensor.reshape([len])
}
