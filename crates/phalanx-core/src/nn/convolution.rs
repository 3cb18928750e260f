//! A convolution along the observation.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::linear::{Activation, Linear};
use crate::rng::Rng;

/// The number of filters of each layer.
const FILTERS: [usize; 3] = [64, 128, 256];
/// The length of a filter.
const KERNEL: usize = 3;

/// The size of what a [`FrameConvolution`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convolution {
    /// The number of stacked observations, which are the channels.
    pub frames: usize,
    /// The length of an observation.
    pub length: usize,
}

impl Convolution {
    /// The length of the input.
    pub fn input_dim(&self) -> usize {
        self.frames * self.length
    }

    /// The number of places behind the first layer, which takes every second one.
    pub(super) fn places(&self) -> usize {
        self.length.div_ceil(2)
    }

    /// The length of the output.
    pub fn output_dim(&self) -> usize {
        self.places() * FILTERS[2]
    }

    /// A convolution with initial weights drawn from `rng`, as PyTorch initialises them.
    pub fn init(&self, rng: &mut Rng, device: &Device) -> FrameConvolution {
        let mut channels = self.frames;
        let layer = |filters: &usize| {
            let reads = KERNEL * std::mem::replace(&mut channels, *filters);
            Linear::new(reads, *filters, rng, device)
        };
        let layers = FILTERS.iter().map(layer).collect();
        FrameConvolution { layers, frames: self.frames, length: self.length }
    }
}

/// Three one-dimensional convolutions with 64, 128 and 256 filters of length 3, each followed by
/// ReLU, along an observation whose channels are the last observations. The first takes every second
/// place; beyond the ends there are zeros. This is what IPPO's agents look through (configurations
/// for SMAC in rl_games, the library of two of its authors).
///
/// ```text
/// y[place, filter] = relu(b[filter] + sum_k sum_c W[k, c, filter] x[stride * place + k - 1, c])
/// ```
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
        let [rows, _] = input.dims();
        let places = self.config().places();
        let mut x = input.reshape([rows, self.frames, self.length]).swap_dims(1, 2);
        for (at, layer) in self.layers.iter().enumerate() {
            let [_, length, channels] = x.dims();
            let device = x.device();
            let zeros = |n: usize| Tensor::<3>::zeros([rows, n, channels], &device);
            // One place of zeros before, and so many behind that every window is whole.
            let stride = if at == 0 { 2 } else { 1 };
            let behind = stride * places + KERNEL - stride - 1 - length;
            let padded = Tensor::cat(vec![zeros(1), x, zeros(behind)], 1);
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
            let filtered = layer.forward(windows, Activation::Relu);
            x = filtered.reshape([rows, places, FILTERS[at]]);
        }
        x.reshape([rows, places * FILTERS[2]])
    }
}

/// Writes the windows of a layer: `[row, length, channel]` to `[row, place, k, channel]`.
pub(super) fn windows(
    x: &[f32],
    (length, channels): (usize, usize),
    (places, stride): (usize, usize),
    out: &mut Vec<f32>,
) {
    out.clear();
    for row in x.chunks_exact(length * channels) {
        for place in 0..places {
            for k in 0..KERNEL {
                // `checked_sub` is none at the place before the first.
                match (stride * place + k).checked_sub(1).filter(|&at| at < length) {
                    Some(at) => out.extend_from_slice(&row[at * channels..(at + 1) * channels]),
                    None => out.resize(out.len() + channels, 0.0),
                }
            }
        }
    }
}
