//! Convolutions along the observation.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{self as kernels, Convolution, FILTERS, KERNEL};

use super::linear::Linear;
use crate::nn::agent::Init;
use crate::rng::Rng;

/// Three one-dimensional convolutions along an observation with 64, 128 and 256 filters of length
/// 3, each followed by ReLU. The channels are the stacked observations. These are the input layers
/// of IPPO's agents (configurations for SMAC in rl_games, the library of two of its authors).
///
/// ```text
/// y[place, filter] = relu(b[filter] + sum_k sum_c W[k, c, filter] x[stride * place + k - before, c])
/// ```
///
/// The first layer has stride 2 and is padded by one zero after the observation and `before` zeros
/// in front of it: one if its length is odd, otherwise none (TensorFlow's `same`). The others have
/// stride 1 and are not padded (`valid`), so that each is two places shorter than its input.
#[derive(Module, Debug)]
pub struct FrameConvolution {
    pub(in crate::nn) layers: Vec<Linear>,
    frames: usize,
    length: usize,
}

impl FrameConvolution {
    /// Creates a convolution with initial weights drawn from `rng`.
    ///
    /// # Panics
    ///
    /// Panics if observations are shorter than [`Convolution::SHORTEST`].
    pub fn new(size: Convolution, init: Init, rng: &mut Rng, device: &Device) -> Self {
        let Convolution { frames, length } = size;
        assert!(length >= Convolution::SHORTEST, "the observation must have at least nine entries");
        let mut channels = frames;
        let layer = |filters: &usize| {
            let in_dim = KERNEL * std::mem::replace(&mut channels, *filters);
            init.layer(in_dim, *filters, rng, device)
        };
        let layers = FILTERS.iter().map(layer).collect();
        Self { layers, frames, length }
    }

    /// Returns the sizes.
    pub fn config(&self) -> Convolution {
        Convolution { frames: self.frames, length: self.length }
    }

    /// Maps `[row, frame * entry]` to `[row, place * filter]`.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        kernels::conv1d(input, [0, 1, 2].map(|at| self.layers[at].values()), self.config())
    }
}
