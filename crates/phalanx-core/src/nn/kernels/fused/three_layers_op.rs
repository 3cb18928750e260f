//! Networks of three layers as an operation of burn on the CPU device: a perceptron, and the convolutions along
//! an observation.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::convolution::Convolution;
use super::super::super::linear::Activation;
use super::super::LayerWeights;
use super::buffer::Buffer;
use super::filters;
use super::perceptron::{self, Layer, LayerGradients};
use super::primitive::{contiguous, tensor, values};

/// What three layers are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The arguments are those of [`super::super::perceptron`].
    Perceptron(Activation),
    /// The arguments are those of [`super::super::frame_convolution`].
    Filters(Convolution),
}

#[backend_extension(Flex, Autodiff)]
pub(super) trait ThreeLayers: Backend {
    /// `[row, output]`.
    #[allow(clippy::too_many_arguments)]
    fn three_layers(
        input: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        bias_1: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        bias_2: FloatTensor<Self>,
        weight_3: FloatTensor<Self>,
        bias_3: FloatTensor<Self>,
        kind: Kind,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn perceptron(
    input: Tensor<2>,
    layers: [LayerWeights; 3],
    activation: Activation,
) -> Tensor<2> {
    three_layers(input, layers, Kind::Perceptron(activation))
}

pub(in super::super) fn frame_convolution(
    input: Tensor<2>,
    layers: [LayerWeights; 3],
    size: Convolution,
) -> Tensor<2> {
    three_layers(input, layers, Kind::Filters(size))
}

fn three_layers(input: Tensor<2>, layers: [LayerWeights; 3], kind: Kind) -> Tensor<2> {
    let [first, second, third] = layers;
    Tensor::from_dispatch(Dispatch::three_layers(
        input.into_dispatch(),
        first.weight.into_dispatch(),
        first.bias.into_dispatch(),
        second.weight.into_dispatch(),
        second.bias.into_dispatch(),
        third.weight.into_dispatch(),
        third.bias.into_dispatch(),
        kind,
    ))
}

impl ThreeLayers for Flex {
    fn three_layers(
        input: FlexTensor,
        weight_1: FlexTensor,
        bias_1: FlexTensor,
        weight_2: FlexTensor,
        bias_2: FlexTensor,
        weight_3: FlexTensor,
        bias_3: FlexTensor,
        kind: Kind,
    ) -> FlexTensor {
        let inputs = [input, weight_1, bias_1, weight_2, bias_2, weight_3, bias_3];
        Network::new(inputs, kind).run().0
    }
}

impl<C: CheckpointStrategy> ThreeLayers for Autodiff<Flex, C> {
    fn three_layers(
        input: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        bias_1: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        bias_2: FloatTensor<Self>,
        weight_3: FloatTensor<Self>,
        bias_3: FloatTensor<Self>,
        kind: Kind,
    ) -> FloatTensor<Self> {
        let inputs = [input, weight_1, bias_1, weight_2, bias_2, weight_3, bias_3];
        let nodes = inputs.each_ref().map(FloatTensor::<Self>::node);
        let network = Network::new(inputs.map(FloatTensor::<Self>::into_primitive), kind);
        let (output, saved) = network.run();
        match ThreeLayersBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                operation.finish((network, Arc::new(saved), output.clone()), output)
            }
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }
}

/// Everything in row-major order, in the order of the arguments.
#[derive(Clone, Debug)]
struct Network {
    inputs: [FlexTensor; 7],
    kind: Kind,
}

impl Network {
    fn new(inputs: [FlexTensor; 7], kind: Kind) -> Self {
        Self { inputs: inputs.map(contiguous), kind }
    }

    fn layers(&self) -> [Layer<'_>; 3] {
        let values = |at: usize| values(&self.inputs[at]);
        [1, 3, 5].map(|at| Layer { weight: values(at), bias: values(at + 1) })
    }

    /// The output, and what else the backward pass needs.
    fn run(&self) -> (FlexTensor, Vec<Buffer>) {
        let (input, layers) = (values(&self.inputs[0]), self.layers());
        let rows = self.inputs[0].shape()[0];
        match self.kind {
            Kind::Perceptron(activation) => {
                let (output, hidden) = perceptron::forward(input, &layers, activation);
                (tensor(output, [rows, self.inputs[6].shape()[0]]), hidden)
            }
            Kind::Filters(size) => {
                let (output, saved) = filters::forward(size, layers, input);
                (tensor(output, [rows, size.output_dim()]), saved)
            }
        }
    }

    /// The gradients of the input, where they are wanted, and of the layers, given the output and its gradient.
    fn back(
        &self,
        saved: &[Buffer],
        (output, gradient): (&[f32], &[f32]),
        wanted: bool,
    ) -> (Option<Vec<f32>>, Vec<LayerGradients>) {
        let (input, layers) = (values(&self.inputs[0]), self.layers());
        match self.kind {
            Kind::Perceptron(activation) => {
                perceptron::backward(input, &layers, activation, saved, gradient, wanted)
            }
            Kind::Filters(size) => {
                filters::backward(size, layers, saved, (output, gradient), wanted)
            }
        }
    }
}

#[derive(Debug)]
struct ThreeLayersBackward;

impl Backward<Flex, 7> for ThreeLayersBackward {
    /// With the output.
    type State = (Network, Arc<Vec<Buffer>>, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 7>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let (network, saved, output) = ops.state;
        let (inputs, parents) = (&network.inputs, ops.parents);
        let (input, found) =
            network.back(&saved, (values(&output), values(&gradient)), parents[0].is_some());
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
