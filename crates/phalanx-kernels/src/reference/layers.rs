//! Feed-forward layers.

use burn::tensor::{Tensor, activation};

use crate::params::{Activation, Convolution, FILTERS, KERNEL, LayerWeights};

/// See [`linear`](crate::linear).
pub(crate) fn linear(input: Tensor<2>, layer: LayerWeights, activation: Activation) -> Tensor<2> {
    activate(input.matmul(layer.weight) + layer.bias.unsqueeze(), activation)
}

/// Applies an activation.
pub(super) fn activate(output: Tensor<2>, activation: Activation) -> Tensor<2> {
    match activation {
        Activation::Identity => output,
        Activation::Relu => activation::relu(output),
        Activation::Absolute => output.abs(),
        Activation::Softplus { beta } => activation::softplus(output, f64::from(beta)),
        Activation::Quadratic => output.square().mul_scalar(0.5),
        Activation::Sigmoid => activation::sigmoid(output),
        Activation::Tanh => output.tanh(),
        Activation::Elu => activation::elu(output, 1.0),
    }
}

/// See [`mlp`](crate::mlp).
pub(crate) fn mlp(
    input: Tensor<2>,
    layers: [LayerWeights; 3],
    activation: Activation,
) -> Tensor<2> {
    let [first, second, third] = layers;
    let hidden = linear(input, first, activation);
    let hidden = linear(hidden, second, activation);
    linear(hidden, third, Activation::Identity)
}

/// See [`conv1d`](crate::conv1d).
pub(crate) fn conv1d(input: Tensor<2>, layers: [LayerWeights; 3], size: Convolution) -> Tensor<2> {
    let [rows, _] = input.dims();
    let mut places = size.places();
    let mut x = input.reshape([rows, size.frames, size.length]).swap_dims(1, 2);
    for (at, layer) in layers.into_iter().enumerate() {
        let [_, length, channels] = x.dims();
        let device = x.device();
        let zeros = |n: usize| Tensor::<3>::zeros([rows, n, channels], &device);
        // Only the first layer is padded.
        let stride = if at == 0 { 2 } else { 1 };
        let padded = if at == 0 {
            let whole = vec![x, zeros(1)];
            // Some devices do not support tensors without elements.
            let before = (size.zeros_before() > 0).then(|| zeros(size.zeros_before()));
            Tensor::cat(before.into_iter().chain(whole).collect(), 1)
        } else {
            places = length + 1 - KERNEL;
            x
        };
        let windows: Vec<Tensor<3>> = (0..KERNEL)
            .map(|k| {
                let span = padded.clone().narrow(1, k, stride * (places - 1) + 1);
                if stride == 1 {
                    return span;
                }
                // Every second place: pairs, of which the first half is kept.
                let whole = Tensor::cat(vec![span, zeros(1)], 1);
                whole.reshape([rows, places, 2 * channels]).narrow(2, 0, channels)
            })
            .collect();
        let windows = Tensor::cat(windows, 2).reshape([rows * places, KERNEL * channels]);
        x = linear(windows, layer, Activation::Relu).reshape([rows, places, FILTERS[at]]);
    }
    x.reshape([rows, size.output_dim()])
}

/// See [`layer_norm`](crate::layer_norm).
pub(crate) fn layer_norm(input: Tensor<2>, [scale, shift]: [Tensor<1>; 2], eps: f32) -> Tensor<2> {
    let centred = input.clone() - input.mean_dim(1);
    let deviation = centred.clone().square().mean_dim(1).add_scalar(eps).sqrt();
    centred / deviation * scale.unsqueeze() + shift.unsqueeze()
}

/// See [`entity_scores`](crate::entity_scores).
pub(crate) fn entity_scores(hidden: Tensor<2>, weights: Tensor<2>) -> Tensor<2> {
    let ([rows, width], [_, columns]) = (hidden.dims(), weights.dims());
    let actions = columns / (width + 1);
    let heads: Tensor<3> = weights.reshape([rows, actions, width + 1]);
    let (weights, biases) = (heads.clone().narrow(2, 0, width), heads.narrow(2, width, 1));
    let products = weights * hidden.reshape([rows, 1, width]);
    (products.sum_dim(2) + biases).reshape([rows, actions])
}
