//! The networks of QTRAN-base (Son et al., 2019, arXiv 1905.05408).

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use phalanx_kernels::Activation;

use super::{MixerSizes, one_hot};
use crate::nn::layers::Mlp;
use crate::rng::Rng;

/// QTRAN's unrestricted joint action value:
///
/// `Q_jt(s, u) = f([s, sum_i g([h_i, onehot(u_i)])])`
///
/// where `h_i` are the features of agent `i`
/// ([`AgentOutput::features`](super::super::AgentOutput::features)). The encoder `g` has one hidden
/// layer as wide as its input, and all hidden layers have ReLU. The network's size is independent
/// of the number of agents, and its value of their order.
#[derive(Module, Debug)]
pub struct QtranJoint {
    encoder: Mlp,
    joint: Mlp,
    #[module(skip)]
    n_actions: usize,
}

impl QtranJoint {
    /// Creates a network for agents with `feature_dim` features, whose `f` has these hidden layers.
    /// PyMARL's `network_size: small`, its default, has two layers of 64 units, and `big` three.
    pub fn new(
        sizes: MixerSizes,
        feature_dim: usize,
        hidden: &[usize],
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        let encoding = feature_dim + sizes.n_actions;
        Self {
            encoder: Mlp::new(encoding, &[encoding], encoding, rng, device),
            joint: Mlp::new(sizes.state_dim + encoding, hidden, 1, rng, device),
            n_actions: sizes.n_actions,
        }
    }

    /// Computes `Q_jt`, `[row, 1]`, from `features`, `[row, agent, feature_dim]`, `actions`, `[row,
    /// agent]`, and `state`, `[row, state_dim]`.
    pub fn forward(
        &self,
        features: Tensor<3>,
        actions: Tensor<2, Int>,
        state: Tensor<2>,
    ) -> Tensor<2> {
        let [row, agent, width] = features.dims();
        let encoding = width + self.n_actions;
        let actions = one_hot(actions, self.n_actions);
        let pairs = Tensor::cat(vec![features, actions], 2).reshape([row * agent, encoding]);
        let encoded = self.encoder.forward(pairs, Activation::Identity);
        let sum = encoded.reshape([row, agent, encoding]).sum_dim(1).reshape([row, encoding]);
        self.joint.forward(Tensor::cat(vec![state, sum], 1), Activation::Identity)
    }
}

/// QTRAN's state value `V(s)`, which corrects for what the sum of the utilities cannot represent.
/// Hidden layers have ReLU.
#[derive(Module, Debug)]
pub struct QtranValue {
    value: Mlp,
}

impl QtranValue {
    /// Creates a network with these hidden layers.
    pub fn new(state_dim: usize, hidden: &[usize], rng: &mut Rng, device: &Device) -> Self {
        Self { value: Mlp::new(state_dim, hidden, 1, rng, device) }
    }

    /// Computes `V`, `[row, 1]`, from `state`, `[row, state_dim]`.
    pub fn forward(&self, state: Tensor<2>) -> Tensor<2> {
        self.value.forward(state, Activation::Identity)
    }
}
