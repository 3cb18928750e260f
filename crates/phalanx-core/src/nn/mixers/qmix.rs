//! QMIX (Rashid et al., 2018, arXiv 1803.11485): a monotone mixer with state-dependent weights.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::super::kernels;
use super::super::linear::{Activation, Linear};
use crate::rng::Rng;

/// The sizes of a [`Qmix`] mixer. The default is PyMARL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QmixConfig {
    /// The width of the mixing layer.
    pub embed_dim: usize,
    /// The width of the hidden layer of the weight hypernetworks, where they have two layers.
    pub hypernet_embed: usize,
    /// The number of layers of the weight hypernetworks: 1 or 2.
    pub hypernet_layers: usize,
}

impl Default for QmixConfig {
    fn default() -> Self {
        Self { embed_dim: 32, hypernet_embed: 64, hypernet_layers: 2 }
    }
}

impl QmixConfig {
    pub(super) fn init(
        &self,
        n_agents: usize,
        state_dim: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Qmix {
        let embed = self.embed_dim;
        Qmix {
            weight_1: Hypernetwork::new(self, state_dim, n_agents * embed, rng, device),
            bias_1: Linear::new(state_dim, embed, rng, device),
            weight_2: Hypernetwork::new(self, state_dim, embed, rng, device),
            value_hidden: Linear::new(state_dim, embed, rng, device),
            value_output: Linear::new(embed, 1, rng, device),
        }
    }
}

/// Two layers whose weights hypernetworks compute from the state `s`:
///
/// `Q_tot = ELU(q |W_1(s)| + b_1(s)) |w_2(s)| + V(s)`
///
/// The weights are non-negative, so `dQ_tot / dQ_i >= 0`: each agent's greedy action is its part
/// of the greedy joint action. `b_1` is linear in the state and `V` has one hidden layer of
/// `embed_dim` units with ReLU.
#[derive(Module, Debug)]
pub struct Qmix {
    weight_1: Hypernetwork,
    bias_1: Linear,
    weight_2: Hypernetwork,
    value_hidden: Linear,
    value_output: Linear,
}

impl Qmix {
    /// `[row, agent]` and `[row, state_dim]` to `[row, 1]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let weight_1 = self.weight_1.forward(state.clone());
        let bias_1 = self.bias_1.forward(state.clone(), Activation::Identity);
        let weight_2 = self.weight_2.forward(state.clone());
        let hidden = self.value_hidden.forward(state, Activation::Relu);
        let value = self.value_output.forward(hidden, Activation::Identity);
        kernels::qmix_mix(q, weight_1, bias_1, weight_2, value)
    }
}

/// A network whose output, made non-negative, serves as another layer's weights.
#[derive(Module, Debug)]
struct Hypernetwork {
    hidden: Option<Linear>,
    output: Linear,
}

impl Hypernetwork {
    fn new(
        config: &QmixConfig,
        state_dim: usize,
        output: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        let (hidden, width) = match config.hypernet_layers {
            1 => (None, state_dim),
            2 => {
                let width = config.hypernet_embed;
                (Some(Linear::new(state_dim, width, rng, device)), width)
            }
            layers => panic!("a hypernetwork has 1 or 2 layers, not {layers}"),
        };
        Self { hidden, output: Linear::new(width, output, rng, device) }
    }

    /// `[row, state_dim]` to non-negative weights, `[row, output]`.
    fn forward(&self, state: Tensor<2>) -> Tensor<2> {
        let features = match &self.hidden {
            Some(hidden) => hidden.forward(state, Activation::Relu),
            None => state,
        };
        self.output.forward(features, Activation::Absolute)
    }
}
