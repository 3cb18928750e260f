//! QMIX's mixer with its hypernetworks as a burn operation.

use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::whole::{Mixer, Saved};
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, tensor, values};
use crate::cpu::layer::{Layer, layer_gradients, layer_inputs};
use crate::operation::{Operation, apply};
use crate::{Activation, QmixLayers};

/// See [`qmix_mixer`](crate::qmix_mixer).
pub(crate) fn qmix_mixer(
    [q, state]: [Tensor<2>; 2],
    layers: QmixLayers,
    positive: Activation,
) -> Tensor<2> {
    let QmixLayers { weight_1, weight_2, value, bias_1 } = layers;
    let layers = [weight_1, weight_2, value].into_iter().flatten().chain([bias_1]);
    let inputs: [_; 15] = layer_inputs([q.into_dispatch()], layers);
    apply(QmixMixer { positive }, inputs, [state.into_dispatch()])
}

#[derive(Debug)]
struct QmixMixer {
    positive: Activation,
}

/// Tensors in row-major order. The inputs are the utilities, the two layers of `weight_1`, of
/// `weight_2` and of the value, and the layer of `bias_1`.
#[derive(Clone, Debug)]
struct Network {
    inputs: Tensors<15>,
    state: FlexTensor,
    positive: Activation,
}

impl Network {
    fn mixer(&self) -> Mixer<'_> {
        let layer = |k: usize| Layer::at(&self.inputs, 2 * k + 1);
        Mixer {
            q: values(&self.inputs[0]),
            state: values(&self.state),
            first: [0, 2, 4, 6].map(layer),
            weight_1: layer(1),
            weight_2: layer(3),
            value: layer(5),
            positive: self.positive,
        }
    }
}

impl Operation<Flex, 15, 1> for QmixMixer {
    type Saved = (Network, Arc<Saved>);

    fn forward(
        self,
        inputs: Tensors<15>,
        [state]: Tensors<1>,
        _: bool,
    ) -> (FlexTensor, Self::Saved) {
        let (inputs, state) = (inputs.map(contiguous), contiguous(state));
        let network = Network { inputs, state, positive: self.positive };
        let (joint, saved) = network.mixer().forward();
        let rows = joint.len();
        (tensor(joint, [rows, 1]), (network, Arc::new(saved)))
    }

    fn backward(
        (network, saved): Self::Saved,
        gradient: FlexTensor,
        _: [bool; 15],
    ) -> Gradients<15> {
        let found = network.mixer().backward(&saved, values(&contiguous(gradient)));
        let [hidden_1, hidden_2, value_hidden, bias_1] = found.first;
        let layers =
            [hidden_1, found.weight_1, hidden_2, found.weight_2, value_hidden, found.value, bias_1];
        layer_gradients(&network.inputs, [Some(found.q)], layers)
    }
}
