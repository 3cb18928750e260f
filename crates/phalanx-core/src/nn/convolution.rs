//! A convolution along the observation.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::agent::Init;
use super::kernels::{self, LayerWeights};
use super::linear::Linear;
use crate::rng::Rng;

/// The number of filters of each layer.
pub(super) const FILTERS: [usize; 3] = [64, 128, 256];
/// The length of a filter.
pub(super) const KERNEL: usize = 3;

/// The size of what a [`FrameConvolution`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convolution {
    /// The number of stacked observations, which are the channels.
    pub frames: usize,
    /// The length of an observation, at least [`Convolution::SHORTEST`].
    pub length: usize,
}

impl Convolution {
    /// The length of the shortest observation of which anything is left behind the last layer.
    pub const SHORTEST: usize = 9;

    /// The length of the input.
    pub fn input_dim(&self) -> usize {
        self.frames * self.length
    }

    /// The number of places behind the first layer, which takes every second one.
    pub(super) fn places(&self) -> usize {
        self.length.div_ceil(2)
    }

    /// The zeros before an observation: with one more behind it, as many as the first layer's windows need.
    pub(super) fn zeros_before(&self) -> usize {
        self.length % 2
    }

    /// The length of the output.
    pub fn output_dim(&self) -> usize {
        (self.places() - 2 * (KERNEL - 1)) * FILTERS[2]
    }

    /// A convolution with initial weights drawn from `rng`.
    ///
    /// # Panics
    /// If observations are shorter than [`Convolution::SHORTEST`].
    pub fn init(&self, init: Init, rng: &mut Rng, device: &Device) -> FrameConvolution {
        assert!(self.length >= Self::SHORTEST, "an observation has nine numbers at least");
        let mut channels = self.frames;
        let layer = |filters: &usize| {
            let reads = KERNEL * std::mem::replace(&mut channels, *filters);
            init.layer(reads, *filters, rng, device)
        };
        let layers = FILTERS.iter().map(layer).collect();
        FrameConvolution { layers, frames: self.frames, length: self.length }
    }
}

/// Three one-dimensional convolutions with 64, 128 and 256 filters of length 3, each followed by
/// ReLU, along an observation whose channels are the last observations. This is what IPPO's agents look
/// through (configurations for SMAC in rl_games, the library of two of its authors).
///
/// ```text
/// y[place, filter] = relu(b[filter] + sum_k sum_c W[k, c, filter] x[stride * place + k - before, c])
/// ```
///
/// The first layer takes every second place and is padded: there is a zero behind the observation, and
/// `before` of them, one if its length is odd, before it (TensorFlow's `same`). The others take every place
/// and are not padded (`valid`), so each is two places shorter than what it reads.
#[derive(Module, Debug)]
pub struct FrameConvolution {
    pub(super) layers: Vec<Linear>,
    frames: usize,
    length: usize,
}

impl FrameConvolution {
    /// The sizes.
    pub fn config(&self) -> Convolution {
        Convolution { frames: self.frames, length: self.length }
    }

    /// `[row, frame * entry]` to `[row, place * filter]`.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let layer = |at: usize| LayerWeights {
            weight: self.layers[at].weight.val(),
            bias: self.layers[at].bias.val(),
        };
        kernels::frame_convolution(input, [0, 1, 2].map(layer), self.config())
    }
}
