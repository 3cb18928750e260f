//! A perceptron of three layers as an operation of burn on the CPU device.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::linear::Activation;
use super::super::LayerWeights;
use super::buffer::Buffer;
use super::perceptron::{self, Layer};
use super::primitive::{contiguous, tensor, values};

/// The arguments are those of [`super::super::perceptron`].
#[backend_extension(Flex, Autodiff)]
pub(super) trait Perceptron: Backend {
    /// `[row, output]`.
    #[allow(clippy::too_many_arguments)]
    fn perceptron(
        input: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        bias_1: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        bias_2: FloatTensor<Self>,
        weight_3: FloatTensor<Self>,
        bias_3: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn perceptron(
    input: Tensor<2>,
    layers: [LayerWeights; 3],
    activation: Activation,
) -> Tensor<2> {
    let [first, second, third] = layers;
    Tensor::from_dispatch(Dispatch::perceptron(
        input.into_dispatch(),
        first.weight.into_dispatch(),
        first.bias.into_dispatch(),
        second.weight.into_dispatch(),
        second.bias.into_dispatch(),
        third.weight.into_dispatch(),
        third.bias.into_dispatch(),
        activation,
    ))
}

impl Perceptron for Flex {
    fn perceptron(
        input: FlexTensor,
        weight_1: FlexTensor,
        bias_1: FlexTensor,
        weight_2: FlexTensor,
        bias_2: FlexTensor,
        weight_3: FlexTensor,
        bias_3: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        let inputs = [input, weight_1, bias_1, weight_2, bias_2, weight_3, bias_3];
        Network::new(inputs, activation).run().0
    }
}

impl<C: CheckpointStrategy> Perceptron for Autodiff<Flex, C> {
    fn perceptron(
        input: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        bias_1: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        bias_2: FloatTensor<Self>,
        weight_3: FloatTensor<Self>,
        bias_3: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let inputs = [input, weight_1, bias_1, weight_2, bias_2, weight_3, bias_3];
        let nodes = inputs.each_ref().map(FloatTensor::<Self>::node);
        let network = Network::new(inputs.map(FloatTensor::<Self>::into_primitive), activation);
        let (output, hidden) = network.run();
        match PerceptronBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((network, Arc::new(hidden)), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }
}

/// Everything in row-major order, in the order of the arguments.
#[derive(Clone, Debug)]
struct Network {
    inputs: [FlexTensor; 7],
    activation: Activation,
}

impl Network {
    fn new(inputs: [FlexTensor; 7], activation: Activation) -> Self {
        Self { inputs: inputs.map(contiguous), activation }
    }

    fn layers(&self) -> [Layer<'_>; 3] {
        let values = |at: usize| values(&self.inputs[at]);
        [1, 3, 5].map(|at| Layer { weight: values(at), bias: values(at + 1) })
    }

    /// The output and the hidden layers.
    fn run(&self) -> (FlexTensor, Vec<Buffer>) {
        let input = values(&self.inputs[0]);
        let (output, hidden) = perceptron::forward(input, &self.layers(), self.activation);
        let shape = [self.inputs[0].shape()[0], self.inputs[6].shape()[0]];
        (tensor(output, shape), hidden)
    }
}

#[derive(Debug)]
struct PerceptronBackward;

impl Backward<Flex, 7> for PerceptronBackward {
    type State = (Network, Arc<Vec<Buffer>>);

    fn backward(self, ops: Ops<Self::State, 7>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let (network, hidden) = ops.state;
        let (inputs, parents) = (&network.inputs, ops.parents);
        let (input, found) = perceptron::backward(
            values(&inputs[0]),
            &network.layers(),
            network.activation,
            &hidden,
            values(&output),
            parents[0].is_some(),
        );
        if let (Some(parent), Some(input)) = (&parents[0], input) {
            let shape: [usize; 2] = inputs[0].shape().dims();
            gradients.register::<Flex>(parent.id, tensor(input, shape));
        }
        for (at, layer) in [1, 3, 5].into_iter().zip(found) {
            let [inner, columns] = inputs[at].shape().dims();
            if let Some(parent) = &parents[at] {
                gradients.register::<Flex>(parent.id, tensor(layer.weight, [inner, columns]));
            }
            if let Some(parent) = &parents[at + 1] {
                gradients.register::<Flex>(parent.id, tensor(layer.bias, [columns]));
            }
        }
    }
}
