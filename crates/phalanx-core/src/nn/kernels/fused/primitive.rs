//! Tensors of the CPU device as slices.

use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

/// The tensor itself, or a copy in row-major order where it is a view.
pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() { tensor } else { tensor.to_contiguous() }
}

/// The values of a tensor that [`contiguous`] returned.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("networks compute on contiguous 32-bit floats")
}

/// A tensor that takes over the values, without a copy.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
