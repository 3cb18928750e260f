//! The parameters of the operations: sizes, activations, and structs of tensors.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

/// The activation of a linear layer, applied element by element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `y = x`.
    Identity,
    /// `y = max(x, 0)`.
    Relu,
    /// `y = |x|`, which makes the weights a hypernetwork generates non-negative.
    Absolute,
    /// `y = ln(1 + exp(beta x)) / beta`: smooth, and positive everywhere.
    Softplus {
        /// How sharply it bends; positive.
        beta: f32,
    },
    /// `y = x^2 / 2`.
    Quadratic,
    /// `y = 1 / (1 + exp(-x))`.
    Sigmoid,
    /// `y = tanh(x)`.
    Tanh,
}

/// The function that makes generated weights non-negative (`qmix_pos_func` in PyMARL2's `nmix.py`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Positive {
    /// `|x|`, as in PyMARL, and PyMARL2's default.
    #[default]
    Abs,
    /// `ln(1 + exp(beta x)) / beta`.
    Softplus,
    /// `x^2 / 2`.
    Quadratic,
}

impl Positive {
    /// Returns the function as an activation; only [`Positive::Softplus`] uses `beta` (`qmix_pos_func_beta`).
    pub fn activation(self, beta: f32) -> Activation {
        match self {
            Self::Abs => Activation::Absolute,
            Self::Softplus => Activation::Softplus { beta },
            Self::Quadratic => Activation::Quadratic,
        }
    }
}

/// The activation of a concave mixer's middle layers: convex and non-decreasing, as concavity needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convex {
    /// `max(x, 0)`, the paper's.
    Relu,
    /// `max(x, 0.01 x)`.
    LeakyRelu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x` above zero, `exp(x) - 1` below.
    Elu,
}

impl Convex {
    /// The slope of [`Convex::LeakyRelu`] below zero.
    pub const LEAK: f32 = 0.01;
}

/// The values of a linear layer's parameters.
#[derive(Clone, Debug)]
pub struct LayerWeights {
    /// `[input, output]`.
    pub weight: Tensor<2>,
    /// `[output]`.
    pub bias: Tensor<1>,
}

/// The values of a recurrent layer's parameters. `gates` is `3 * hidden` for a GRU, with the gates in PyTorch's
/// order reset, update, new; and `4 * hidden` for an LSTM, in the order input, forget, cell, output.
#[derive(Clone, Debug)]
pub struct RnnWeights {
    /// `[input, gates]`.
    pub weight_ih: Tensor<2>,
    /// `[gates]`.
    pub bias_ih: Tensor<1>,
    /// `[hidden, gates]`.
    pub weight_hh: Tensor<2>,
    /// `[gates]`.
    pub bias_hh: Tensor<1>,
}

/// The layers of QMIX's mixer: the two of each hypernetwork, the first followed by ReLU.
#[derive(Clone, Debug)]
pub struct QmixLayers {
    /// `[state_dim, hypernet_embed]` and `[hypernet_embed, agent * embed]`.
    pub weight_1: [LayerWeights; 2],
    /// `[state_dim, hypernet_embed]` and `[hypernet_embed, embed]`.
    pub weight_2: [LayerWeights; 2],
    /// `[state_dim, embed]` and `[embed, 1]`.
    pub value: [LayerWeights; 2],
    /// `[state_dim, embed]`.
    pub bias_1: LayerWeights,
}

/// The generated weights of a concave mixer for some rows; those of the last three layers are non-negative, and
/// not yet divided by the number of summands. `inputs` is the number of agents times that of utilities of an
/// action, `embed` the width of the layers.
#[derive(Clone, Debug)]
pub struct ConcaveWeights {
    /// `[row, inputs * embed]`.
    pub weight_0: Tensor<2>,
    /// `[row, embed]`.
    pub bias_0: Tensor<2>,
    /// `[row, embed * embed]`.
    pub weight_1: Tensor<2>,
    /// `[row, embed]`.
    pub bias_1: Tensor<2>,
    /// `[row, 2 * embed * embed]`.
    pub weight_2: Tensor<2>,
    /// `[row, embed]`.
    pub bias_2: Tensor<2>,
    /// `[row, 3 * embed]`.
    pub weight_3: Tensor<2>,
    /// `V`, `[row, 1]`.
    pub value: Tensor<2>,
    /// The activation of the two middle layers.
    pub activation: Convex,
}

impl ConcaveWeights {
    /// Returns the joint action values of the utilities of chosen actions, `[row, agent * utility_dim]`:
    /// `[row, 1]`. Gradients reach the utilities and the hypernetworks.
    pub fn mix(&self, q: Tensor<2>) -> Tensor<2> {
        crate::concave_mix(q, self.clone())
    }

    /// Returns the same weights without gradients.
    #[must_use]
    pub fn detach(self) -> Self {
        Self {
            weight_0: self.weight_0.detach(),
            bias_0: self.bias_0.detach(),
            weight_1: self.weight_1.detach(),
            bias_1: self.bias_1.detach(),
            weight_2: self.weight_2.detach(),
            bias_2: self.bias_2.detach(),
            weight_3: self.weight_3.detach(),
            value: self.value.detach(),
            activation: self.activation,
        }
    }
}

/// Inputs of the PPO policy loss that carry no gradient.
#[derive(Clone, Debug)]
pub struct PolicyTargets {
    /// Added to the logits, `[row, action]`: zero, or for an unavailable action so negative that its probability
    /// is zero.
    pub mask_bias: Tensor<2>,
    /// The actions taken, `[row, 1]`.
    pub actions: Tensor<2, Int>,
    /// Their log-probabilities under the policy that took them, `[row, 1]`.
    pub log_prob: Tensor<2>,
    /// `[row, 1]`.
    pub advantage: Tensor<2>,
    /// The weight of every row, `[row, 1]`.
    pub weight: Tensor<2>,
}

/// Targets of the value loss, `[row, 1]` each; they carry no gradient.
#[derive(Clone, Debug)]
pub struct ValueTargets {
    /// The value predictions before the update.
    pub old_value: Tensor<2>,
    /// The returns to predict.
    pub returns: Tensor<2>,
    /// The weight of every row.
    pub weight: Tensor<2>,
}

/// The number of filters of each convolution.
pub const FILTERS: [usize; 3] = [64, 128, 256];
/// The length of a filter.
pub const KERNEL: usize = 3;

/// The size of the input of three convolutions along stacked observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convolution {
    /// The number of stacked observations, which are the channels.
    pub frames: usize,
    /// The length of an observation, at least [`Convolution::SHORTEST`].
    pub length: usize,
}

impl Convolution {
    /// The length of the shortest observation of which anything is left after the last layer.
    pub const SHORTEST: usize = 9;

    /// Returns the length of the input.
    pub fn input_dim(&self) -> usize {
        self.frames * self.length
    }

    /// Returns the number of places after the first layer, which takes every second one.
    pub(crate) fn places(&self) -> usize {
        self.length.div_ceil(2)
    }

    /// Returns the number of zeros before an observation: with one more after it, as many as the first layer's
    /// windows need.
    pub(crate) fn zeros_before(&self) -> usize {
        self.length % 2
    }

    /// Returns the length of the output.
    pub fn output_dim(&self) -> usize {
        (self.places() - 2 * (KERNEL - 1)) * FILTERS[2]
    }
}
