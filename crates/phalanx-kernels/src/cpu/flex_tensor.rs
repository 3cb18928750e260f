//! Tensors of the CPU device as slices.

use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

/// Tensors of the CPU device.
pub(crate) type Tensors<const N: usize> = [FlexTensor; N];
/// Gradients of inputs; `None` for inputs that need none.
pub(crate) type Gradients<const N: usize> = [Option<FlexTensor>; N];

/// Returns the tensor itself, or a copy in row-major order if it is a view.
pub(crate) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() { tensor } else { tensor.to_contiguous() }
}

/// Returns the values of a tensor returned by [`contiguous`].
pub(crate) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("networks compute on contiguous 32-bit floats")
}

/// Creates a tensor from the values without a copy.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Creates tensors from the gradients of inputs, in the shapes of the inputs.
pub(crate) fn shaped_like<const N: usize>(
    inputs: &Tensors<N>,
    gradients: [Option<Vec<f32>>; N],
) -> Gradients<N> {
    let mut inputs = inputs.iter();
    gradients.map(|gradient| {
        let shape = inputs.next().map(TensorMetadata::shape);
        gradient
            .zip(shape)
            .map(|(values, shape)| FlexTensor::from_data(TensorData::new(values, shape)))
    })
}
