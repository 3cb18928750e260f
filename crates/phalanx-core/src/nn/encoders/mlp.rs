//! Linear layers before the rest of the network.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::Activation;
use serde::{Deserialize, Serialize};

use super::{Encoder, EncoderSizes, PlainEncoder, PlainLinear};
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting, fields};

/// Linear layers with ReLU over the observation `o`:
///
/// ```text
/// h_0 = o
/// h_k = relu(W_k h_{k-1} + b_k),   k = 1 … layers
/// ```
///
/// The features are the last `h`. Weights begin as PyTorch's ([`Linear::new`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MlpEncoder {
    /// The width of each layer, and so the number of features.
    pub width: usize,
    /// The number of layers.
    pub layers: usize,
}

impl Default for MlpEncoder {
    fn default() -> Self {
        Self { width: 64, layers: 1 }
    }
}

/// The network of an [`MlpEncoder`].
#[derive(Module, Debug)]
pub struct MlpEncoderNetwork {
    layers: Vec<Linear>,
}

impl Encoder for MlpEncoder {
    const ID: &str = "mlp";
    const SUMMARY: &str = "linear layers with ReLU over the observation";
    type Network = MlpEncoderNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: width, layers));
        check.finish()
    }

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        self.width
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> MlpEncoderNetwork {
        let inputs = (0..self.layers).map(|k| if k == 0 { sizes.view_dim() } else { self.width });
        let layers = inputs.map(|input| Linear::new(input, self.width, rng, device)).collect();
        MlpEncoderNetwork { layers }
    }

    fn forward(&self, network: &MlpEncoderNetwork, obs: Tensor<2>) -> Tensor<2> {
        network.layers.iter().fold(obs, |h, layer| layer.forward(h, Activation::Relu))
    }

    fn plain(&self, network: &MlpEncoderNetwork) -> Option<Box<dyn PlainEncoder>> {
        let layers = network.layers.iter().map(|layer| PlainLinear::new(layer, Activation::Relu));
        Some(Box::new(PlainMlp(layers.collect())))
    }
}

#[derive(Debug)]
struct PlainMlp(Vec<PlainLinear>);

impl PlainEncoder for PlainMlp {
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>) {
        let (first, others) = self.0.split_first().expect("there is at least one layer");
        first.forward(obs, features);
        for layer in others {
            scratch.clear();
            scratch.extend_from_slice(features);
            layer.forward(scratch, features);
        }
    }

    fn multiply_adds(&self) -> usize {
        self.0.iter().map(PlainLinear::multiply_adds).sum()
    }
}
