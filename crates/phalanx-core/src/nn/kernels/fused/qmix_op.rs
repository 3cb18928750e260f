//! QMIX's mixer with its hypernetworks as an operation of burn on the CPU device.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::linear::Activation;
use super::super::QmixLayers;
use super::perceptron::Layer;
use super::primitive::{contiguous, tensor, values};
use super::qmix::{Mixer, Saved};

/// The mixer. The layers are the one before and that of `weight_1`, the same of `weight_2` and of the
/// value, and the bias of the mixing layer. No gradient reaches the state.
#[backend_extension(Flex, Autodiff)]
pub(super) trait QmixMixer: Backend {
    /// `[row, 1]`.
    #[allow(clippy::too_many_arguments)]
    fn qmix_mixer(
        q: FloatTensor<Self>,
        state: FloatTensor<Self>,
        hidden_1: FloatTensor<Self>,
        hidden_1_bias: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        weight_1_bias: FloatTensor<Self>,
        hidden_2: FloatTensor<Self>,
        hidden_2_bias: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        weight_2_bias: FloatTensor<Self>,
        value_hidden: FloatTensor<Self>,
        value_hidden_bias: FloatTensor<Self>,
        value: FloatTensor<Self>,
        value_bias: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        bias_bias: FloatTensor<Self>,
        positive: Activation,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn qmix_mixer(
    q: Tensor<2>,
    state: Tensor<2>,
    layers: QmixLayers,
    positive: Activation,
) -> Tensor<2> {
    let [(a, a_bias), (b, b_bias), (c, c_bias), (d, d_bias), (e, e_bias), (f, f_bias), (g, g_bias)] =
        [
            layers.weight_1[0].clone(),
            layers.weight_1[1].clone(),
            layers.weight_2[0].clone(),
            layers.weight_2[1].clone(),
            layers.value[0].clone(),
            layers.value[1].clone(),
            layers.bias_1,
        ]
        .map(|layer| (layer.weight.into_dispatch(), layer.bias.into_dispatch()));
    Tensor::from_dispatch(Dispatch::qmix_mixer(
        q.into_dispatch(),
        state.into_dispatch(),
        a,
        a_bias,
        b,
        b_bias,
        c,
        c_bias,
        d,
        d_bias,
        e,
        e_bias,
        f,
        f_bias,
        g,
        g_bias,
        positive,
    ))
}

/// Everything in row-major order: the state, and the rest in the order of the arguments.
#[derive(Clone, Debug)]
struct Network {
    state: FlexTensor,
    inputs: [FlexTensor; 15],
    positive: Activation,
}

impl Network {
    fn new(state: FlexTensor, inputs: [FlexTensor; 15], positive: Activation) -> Self {
        Self { state: contiguous(state), inputs: inputs.map(contiguous), positive }
    }

    fn mixer(&self) -> Mixer<'_> {
        let at = |k: usize| values(&self.inputs[k]);
        let layer = |k: usize| Layer { weight: at(2 * k + 1), bias: at(2 * k + 2) };
        Mixer {
            q: at(0),
            state: values(&self.state),
            first: [0, 2, 4, 6].map(layer),
            weight_1: layer(1),
            weight_2: layer(3),
            value: layer(5),
            positive: self.positive,
        }
    }

    fn run(&self) -> (FlexTensor, Saved) {
        let (joint, saved) = self.mixer().forward();
        let rows = joint.len();
        (tensor(joint, [rows, 1]), saved)
    }
}

impl QmixMixer for Flex {
    fn qmix_mixer(
        q: FlexTensor,
        state: FlexTensor,
        hidden_1: FlexTensor,
        hidden_1_bias: FlexTensor,
        weight_1: FlexTensor,
        weight_1_bias: FlexTensor,
        hidden_2: FlexTensor,
        hidden_2_bias: FlexTensor,
        weight_2: FlexTensor,
        weight_2_bias: FlexTensor,
        value_hidden: FlexTensor,
        value_hidden_bias: FlexTensor,
        value: FlexTensor,
        value_bias: FlexTensor,
        bias: FlexTensor,
        bias_bias: FlexTensor,
        positive: Activation,
    ) -> FlexTensor {
        let inputs = [
            q,
            hidden_1,
            hidden_1_bias,
            weight_1,
            weight_1_bias,
            hidden_2,
            hidden_2_bias,
            weight_2,
            weight_2_bias,
            value_hidden,
            value_hidden_bias,
            value,
            value_bias,
            bias,
            bias_bias,
        ];
        Network::new(state, inputs, positive).run().0
    }
}

impl<C: CheckpointStrategy> QmixMixer for Autodiff<Flex, C> {
    fn qmix_mixer(
        q: FloatTensor<Self>,
        state: FloatTensor<Self>,
        hidden_1: FloatTensor<Self>,
        hidden_1_bias: FloatTensor<Self>,
        weight_1: FloatTensor<Self>,
        weight_1_bias: FloatTensor<Self>,
        hidden_2: FloatTensor<Self>,
        hidden_2_bias: FloatTensor<Self>,
        weight_2: FloatTensor<Self>,
        weight_2_bias: FloatTensor<Self>,
        value_hidden: FloatTensor<Self>,
        value_hidden_bias: FloatTensor<Self>,
        value: FloatTensor<Self>,
        value_bias: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        bias_bias: FloatTensor<Self>,
        positive: Activation,
    ) -> FloatTensor<Self> {
        let inputs = [
            q,
            hidden_1,
            hidden_1_bias,
            weight_1,
            weight_1_bias,
            hidden_2,
            hidden_2_bias,
            weight_2,
            weight_2_bias,
            value_hidden,
            value_hidden_bias,
            value,
            value_bias,
            bias,
            bias_bias,
        ];
        let nodes = inputs.each_ref().map(FloatTensor::<Self>::node);
        let inputs = inputs.map(FloatTensor::<Self>::into_primitive);
        let network = Network::new(state.into_primitive(), inputs, positive);
        let (joint, saved) = network.run();
        match QmixBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((network, Arc::new(saved)), joint),
            OpsKind::UnTracked(operation) => operation.finish(joint),
        }
    }
}

#[derive(Debug)]
struct QmixBackward;

impl Backward<Flex, 15> for QmixBackward {
    type State = (Network, Arc<Saved>);

    fn backward(self, ops: Ops<Self::State, 15>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let (network, saved) = ops.state;
        let found = network.mixer().backward(&saved, values(&output));
        let [hidden_1, hidden_2, value_hidden, bias_1] = found.first;
        let layers =
            [hidden_1, found.weight_1, hidden_2, found.weight_2, value_hidden, found.value, bias_1];
        let layers = layers.into_iter().flat_map(|layer| [layer.weight, layer.bias]);
        let all = std::iter::once(found.q).chain(layers);
        for ((parent, found), input) in ops.parents.iter().zip(all).zip(&network.inputs) {
            if let Some(parent) = parent {
                let flat = tensor(found, [input.shape().num_elements()]);
                gradients.register::<Flex>(parent.id, flat.reshape(input.shape().clone()));
            }
        }
    }
}
