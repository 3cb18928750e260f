//! Mixing steps.

use burn::tensor::{Tensor, activation};

use super::layers::linear;
use crate::{Activation, ConcaveWeights, Convex, LayerWeights, QmixLayers};

/// See [`qmix_mix`](crate::qmix_mix); the inputs are its arguments in order.
pub(crate) fn qmix_mix([q, weight_1, bias_1, weight_2, value]: [Tensor<2>; 5]) -> Tensor<2> {
    let [row, agent] = q.dims();
    let [_, embed] = bias_1.dims();
    let weight_1 = weight_1.reshape([row, agent, embed]);
    let mixed = (q.reshape([row, agent, 1]) * weight_1).sum_dim(1).reshape([row, embed]) + bias_1;
    (activation::elu(mixed, 1.0) * weight_2).sum_dim(1) + value
}

/// See [`qmix_mixer`](crate::qmix_mixer).
pub(crate) fn qmix_mixer(
    [q, state]: [Tensor<2>; 2],
    layers: QmixLayers,
    positive: Activation,
) -> Tensor<2> {
    let generated = |[hidden, output]: [LayerWeights; 2], after| {
        linear(linear(state.clone(), hidden, Activation::Relu), output, after)
    };
    qmix_mix([
        q,
        generated(layers.weight_1, positive),
        linear(state.clone(), layers.bias_1, Activation::Identity),
        generated(layers.weight_2, positive),
        generated(layers.value, Activation::Identity),
    ])
}

/// See [`concave_mix`](crate::concave_mix).
pub(crate) fn concave_mix(q: Tensor<2>, weights: ConcaveWeights) -> Tensor<2> {
    let activation = weights.activation;
    let [_, embed] = weights.bias_0.dims();
    let first = layer(q, weights.weight_0, weights.bias_0, 1);
    let second = convex(activation, layer(first.clone(), weights.weight_1, weights.bias_1, embed));
    let units = Tensor::cat(vec![first, second], 1);
    let third =
        convex(activation, layer(units.clone(), weights.weight_2, weights.bias_2, 2 * embed));
    let units = Tensor::cat(vec![units, third], 1);
    weights.value - (units * weights.weight_3).sum_dim(1).div_scalar((3 * embed) as f32)
}

/// Computes `x W / divisor + b` with the weights of each row: `x` is `[row, input]`, `weight`
/// `[row, input * output]` and `bias` `[row, output]`.
fn layer(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<2>, divisor: usize) -> Tensor<2> {
    let [row, input] = x.dims();
    let [_, output] = bias.dims();
    let products = x.reshape([row, input, 1]) * weight.reshape([row, input, output]);
    products.sum_dim(1).reshape([row, output]).div_scalar(divisor as f32) + bias
}

fn convex(activation: Convex, x: Tensor<2>) -> Tensor<2> {
    match activation {
        Convex::Relu => activation::relu(x),
        Convex::LeakyRelu => activation::leaky_relu(x, f64::from(Convex::LEAK)),
        Convex::Softplus => activation::relu(x.clone()) + x.abs().neg().exp().add_scalar(1.0).log(),
        Convex::Elu => activation::elu(x, 1.0),
    }
}
