//! The concave mixer of ConcaveQ (Li et al., 2024, AAAI 38, arXiv 2312.15555).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::hypernetwork::Hypernetwork;
use super::{Mixer, MixerInput, MixerSizes};
use crate::nn::layers::Linear;
use crate::nn::layers::linear::uniform;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting, fields};
use phalanx_kernels::{Activation, ConcaveWeights, Convex};

/// Sign of the first layer's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstLayer {
    /// Any sign, which preserves concavity: the joint action value may increase in one utility and
    /// decrease in another.
    Signed,
    /// Non-negative, as in the text of the paper. The joint action value then never increases in
    /// any utility, so the mixer is a monotonic mixer with the opposite sign and represents no more
    /// tables than one.
    Absolute,
}

/// ConcaveQ's mixer: four layers, concave in the utilities, whose weights are computed from the
/// state `s` by hypernetworks.
///
/// With `x` the utilities of all agents in a row, `H` the width and `r` convex and
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
/// Every layer after the first is a convex non-decreasing function of a non-negative combination of
/// convex functions of `x`. The sum is therefore convex, and its negative concave (Amos et al.,
/// 2017, arXiv 1609.07152, Proposition 1). Dividing by the number of summands keeps sums of
/// non-negative weights from growing with the width. `W_0` is signed unless
/// [`FirstLayer::Absolute`] is set. The biases are linear in the state, and `V` has one hidden
/// layer of `H` units with ReLU.
///
/// The greedy joint action may differ from the agents' greedy actions; see
/// [`JointActionSearch`](crate::nn::JointActionSearch).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConcaveMixer {
    /// The width `H` of the mixing layers.
    pub mixing_embed_dim: usize,
    /// The width of the hidden layer of the weight hypernetworks, if they have two layers.
    pub hypernet_embed: usize,
    /// The number of layers of the weight hypernetworks: 1, as in the paper, or 2.
    pub hypernet_layers: usize,
    /// The number `d` of utilities per action. With one, some tables of three or more actions
    /// cannot be represented. With one less than there are actions, all tables can, because the
    /// joint actions may then be the corners of a product of simplices.
    pub utility_dim: usize,
    /// The convex function after the two middle layers: `relu`, `leaky_relu`, `softplus` or `elu`.
    pub activation: Convex,
    /// The sign of the weights of the first layer: `signed` or `absolute`.
    pub first_layer: FirstLayer,
}

impl Default for ConcaveMixer {
    fn default() -> Self {
        Self {
            mixing_embed_dim: 32,
            hypernet_embed: 64,
            hypernet_layers: 2,
            utility_dim: 1,
            activation: Convex::Relu,
            first_layer: FirstLayer::Signed,
        }
    }
}

/// The range of the first layer's initial weights.
const FIRST: f32 = 16.0;
/// The range of the other layers' initial weights after division by the number of summands.
const LATER: f32 = 0.3;

impl Mixer for ConcaveMixer {
    const ID: &str = "concave";
    const SUMMARY: &str = "ConcaveQ's mixer: concave in the utilities";
    type Network = ConcaveNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: mixing_embed_dim, hypernet_embed, utility_dim));
        check.that(matches!(self.hypernet_layers, 1 | 2), "hypernet_layers", "must be 1 or 2");
        check.finish()
    }

    /// Creates a network with initial weights drawn from `rng`.
    ///
    /// The biases of the hypernetworks' last layers are initialised such that the first layer's
    /// weights are uniform in `±16`, and the others, divided by the number of summands, in `±0.3`.
    /// Everything else is initialised as in PyTorch. With PyTorch's small biases throughout, the
    /// mixer is almost constant at first, learns the plane that fits the payoffs best, and stays
    /// there.
    ///
    /// # Panics
    ///
    /// Panics if `hypernet_layers` is neither 1 nor 2.
    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> ConcaveNetwork {
        let MixerSizes { n_agents, state_dim, .. } = sizes;
        let embed = self.mixing_embed_dim;
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
        ConcaveNetwork {
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

    /// Computes `Q_tot`, `[row, 1]`, from utilities with `utility_dim` entries per action:
    /// `q_chosen` is `[row, agent * utility_dim]`.
    fn forward(&self, network: &ConcaveNetwork, input: MixerInput) -> Tensor<2> {
        network.forward(input.q_chosen, input.state)
    }
}

/// The network of [`ConcaveMixer`].
#[derive(Module, Debug)]
pub struct ConcaveNetwork {
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

impl ConcaveNetwork {
    /// Computes the joint action values, `[row, 1]`, from the utilities of the chosen actions,
    /// `[row, agent * utility_dim]`, and the states, `[row, state_dim]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        self.weights(state).mix(q)
    }

    /// Computes the weights that the hypernetworks generate for the states, `[row, state_dim]`.
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
