//! The concave mixer of ConcaveQ (Li et al., 2024, AAAI 38, arXiv 2312.15555).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{Activation, ConcaveWeights, Convex};

use super::MixerSizes;
use super::hypernetwork::Hypernetwork;
use crate::nn::layers::Linear;
use crate::nn::layers::linear::uniform;
use crate::rng::Rng;

/// The sign of the weights of the first layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstLayer {
    /// Any sign, which concavity allows: the joint action value may rise with one utility and fall
    /// with another.
    Signed,
    /// Non-negative, as the paper's text has it. The joint action value then never rises with any
    /// utility, so it is a monotone mixer upside down: no table that a monotone mixer cannot
    /// represent becomes representable.
    Absolute,
}

/// The sizes and the shape of a [`Concave`] mixer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcaveConfig {
    /// The width `H` of the mixing layers.
    pub embed_dim: usize,
    /// The width of the hidden layer of the weight hypernetworks, where they have two layers.
    pub hypernet_embed: usize,
    /// The number of layers of the weight hypernetworks: 1, as the paper has it, or 2.
    pub hypernet_layers: usize,
    /// The number `d` of utilities of each action. With one, some tables of three actions and more
    /// cannot be represented; with one less than there are actions, all can, because the joint
    /// actions may then be the corners of a product of simplices.
    pub utility_dim: usize,
    /// What follows the two middle layers.
    pub activation: Convex,
    /// The sign of the weights of the first layer.
    pub first_layer: FirstLayer,
}

impl Default for ConcaveConfig {
    fn default() -> Self {
        Self {
            embed_dim: 32,
            hypernet_embed: 64,
            hypernet_layers: 2,
            utility_dim: 1,
            activation: Convex::Relu,
            first_layer: FirstLayer::Signed,
        }
    }
}

/// The size of the first layer's initial weights.
const FIRST: f32 = 16.0;
/// The size of the other layers' initial weights, once they are divided by the number of summands.
const LATER: f32 = 0.3;

impl ConcaveConfig {
    /// A mixer with initial weights drawn from `rng`.
    ///
    /// The biases of the hypernetworks' last layers begin so that the first layer's weights are
    /// uniform in `±16` and the others, divided by the number of summands, in `±0.3`; everything
    /// else begins as PyTorch does. With PyTorch's small biases throughout, the mixer begins almost
    /// constant, learns the plane that fits the payoffs best, and bends no further.
    ///
    /// # Panics
    ///
    /// When the hypernetworks have neither one nor two layers.
    pub fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> Concave {
        let MixerSizes { n_agents, state_dim, .. } = sizes;
        let embed = self.embed_dim;
        let inputs = n_agents * self.utility_dim;
        let mut weight = |summands: usize, units: usize, bound: f32| {
            let linear = |input, output| Linear::new(input, output, rng, device);
            let (layers, hidden_dim) = (self.hypernet_layers, self.hypernet_embed);
            let outputs = summands * units;
            let mut network = Hypernetwork::new(layers, hidden_dim, state_dim, outputs, linear);
            network.output.bias = uniform([outputs], bound, rng, device);
            network
        };
        let later = |summands: usize| LATER * summands as f32;
        let weight_0 = weight(inputs, embed, FIRST);
        let weight_1 = weight(embed, embed, later(embed));
        let weight_2 = weight(2 * embed, embed, later(2 * embed));
        let weight_3 = weight(3 * embed, 1, later(3 * embed));
        let mut bias = || Linear::new(state_dim, embed, rng, device);
        let (bias_0, bias_1, bias_2) = (bias(), bias(), bias());
        Concave {
            weight_0,
            bias_0,
            weight_1,
            bias_1,
            weight_2,
            bias_2,
            weight_3,
            value_hidden: Linear::new(state_dim, embed, rng, device),
            value_output: Linear::new(embed, 1, rng, device),
            activation: self.activation,
            first_layer: self.first_layer,
        }
    }
}

/// Four layers, concave in the utilities, whose weights hypernetworks compute from the state `s`.
///
/// With `x` the utilities of all agents side by side, `H` the width and `r` convex and
/// non-decreasing:
///
/// `z_1 = x W_0(s) + b_0(s)`
///
/// `z_2 = r(z_1 |W_1(s)| / H + b_1(s))`
///
/// `z_3 = r([z_1, z_2] |W_2(s)| / 2H + b_2(s))`
///
/// `Q_tot = -[z_1, z_2, z_3] . |w_3(s)| / 3H + V(s)`
///
/// Every layer after the first is a non-negative combination of convex functions of `x`, followed
/// by a convex non-decreasing one, so the sum is convex and its negative concave (Amos et al.,
/// 2017, arXiv 1609.07152, Proposition 1). The division by the number of summands keeps the sums
/// of non-negative weights from growing with the width. `W_0` is signed unless
/// [`FirstLayer::Absolute`] is chosen. The biases are linear in the state and `V` has one hidden
/// layer of `H` units with ReLU.
///
/// Each agent's greedy action need not be its part of the greedy joint action: see
/// [`JointActionSearch`](crate::nn::JointActionSearch).
#[derive(Module, Debug)]
pub struct Concave {
    weight_0: Hypernetwork,
    bias_0: Linear,
    weight_1: Hypernetwork,
    bias_1: Linear,
    weight_2: Hypernetwork,
    bias_2: Linear,
    weight_3: Hypernetwork,
    value_hidden: Linear,
    value_output: Linear,
    #[module(skip)]
    activation: Convex,
    #[module(skip)]
    first_layer: FirstLayer,
}

impl Concave {
    /// The joint action values: utilities of the chosen actions, `[row, agent * utility_dim]`, and
    /// states, `[row, state_dim]`, to `[row, 1]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        self.weights(state).mix(q)
    }

    /// The weights that the hypernetworks generate for the states, `[row, state_dim]`.
    pub fn weights(&self, state: Tensor<2>) -> ConcaveWeights {
        let first = match self.first_layer {
            FirstLayer::Signed => Activation::Identity,
            FirstLayer::Absolute => Activation::Absolute,
        };
        let weight = |hypernetwork: &Hypernetwork, sign| hypernetwork.forward(state.clone(), sign);
        let bias = |layer: &Linear| layer.forward(state.clone(), Activation::Identity);
        let hidden = self.value_hidden.forward(state.clone(), Activation::Relu);
        ConcaveWeights {
            weight_0: weight(&self.weight_0, first),
            bias_0: bias(&self.bias_0),
            weight_1: weight(&self.weight_1, Activation::Absolute),
            bias_1: bias(&self.bias_1),
            weight_2: weight(&self.weight_2, Activation::Absolute),
            bias_2: bias(&self.bias_2),
            weight_3: weight(&self.weight_3, Activation::Absolute),
            value: self.value_output.forward(hidden, Activation::Identity),
            activation: self.activation,
        }
    }
}
