//! QMIX (Rashid et al., 2018, arXiv 1803.11485): a monotone mixer with state-dependent weights.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::{self as kernels, Activation, Positive, QmixLayers};

use super::hypernetwork::Hypernetwork;
use crate::nn::layers::Linear;
use crate::rng::Rng;

/// The sizes of a [`Qmix`] mixer. The default is that of `qmix.yaml` in both PyMARL and PyMARL2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QmixConfig {
    /// The width of the mixing layer: 32 (`mixing_embed_dim`).
    pub embed_dim: usize,
    /// The width of the hidden layer of the weight hypernetworks, where they have two layers: 64.
    pub hypernet_embed: usize,
    /// The number of layers of the weight hypernetworks: 1 or 2, the default; PyMARL2 knows 2 only.
    pub hypernet_layers: usize,
    /// What makes the generated weights non-negative: the absolute value.
    pub positive: Positive,
    /// How sharply [`Positive::Softplus`] bends: 1 (`qmix_pos_func_beta`).
    pub positive_beta: f32,
    /// Whether all weights begin orthogonal and all biases zero ([`Linear::orthogonal`]), as with
    /// `use_orthogonal` in PyMARL2, rather than as PyTorch begins: false.
    pub orthogonal: bool,
}

impl Default for QmixConfig {
    fn default() -> Self {
        Self {
            embed_dim: 32,
            hypernet_embed: 64,
            hypernet_layers: 2,
            positive: Positive::Abs,
            positive_beta: 1.0,
            orthogonal: false,
        }
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
            weight_1: self.hypernetwork(state_dim, n_agents * embed, rng, device),
            bias_1: self.linear(state_dim, embed, rng, device),
            weight_2: self.hypernetwork(state_dim, embed, rng, device),
            value_hidden: self.linear(state_dim, embed, rng, device),
            value_output: self.linear(embed, 1, rng, device),
            positive: self.positive.activation(self.positive_beta),
        }
    }

    fn hypernetwork(
        &self,
        state_dim: usize,
        outputs: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Hypernetwork {
        let linear = |input, output| self.linear(input, output, rng, device);
        Hypernetwork::new(self.hypernet_layers, self.hypernet_embed, state_dim, outputs, linear)
    }

    fn linear(&self, input: usize, output: usize, rng: &mut Rng, device: &Device) -> Linear {
        if self.orthogonal {
            Linear::orthogonal(input, output, 1.0, rng, device)
        } else {
            Linear::new(input, output, rng, device)
        }
    }
}

/// Two layers whose weights hypernetworks compute from the state `s`:
///
/// `Q_tot = ELU(q p(W_1(s)) + b_1(s)) p(w_2(s)) + V(s)`
///
/// `p` is the function [`Positive`]. The weights are non-negative, so `dQ_tot / dQ_i >= 0`: each
/// agent's greedy action is its part of the greedy joint action. `b_1` is linear in the state and `V`
/// has one hidden layer of `embed_dim` units with ReLU.
#[derive(Module, Debug)]
pub struct Qmix {
    weight_1: Hypernetwork,
    bias_1: Linear,
    weight_2: Hypernetwork,
    value_hidden: Linear,
    value_output: Linear,
    #[module(skip)]
    positive: Activation,
}

impl Qmix {
    /// `[row, agent]` and `[row, state_dim]` to `[row, 1]`.
    ///
    /// In a shard of a batch on the CPU device ([`in_shards`](crate::nn::in_shards)), the whole mixer
    /// is one operation, in which no gradient reaches the state.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let positive = self.positive;
        let pairs = (self.weight_1.pair(), self.weight_2.pair());
        if let (true, (Some(weight_1), Some(weight_2))) = (kernels::is_in_shard(), pairs) {
            let value = [self.value_hidden.values(), self.value_output.values()];
            let bias_1 = self.bias_1.values();
            let layers = QmixLayers { weight_1, weight_2, value, bias_1 };
            return kernels::qmix_mixer(q, state, layers, positive);
        }
        let weight_1 = self.weight_1.forward(state.clone(), positive);
        let bias_1 = self.bias_1.forward(state.clone(), Activation::Identity);
        let weight_2 = self.weight_2.forward(state.clone(), positive);
        let hidden = self.value_hidden.forward(state, Activation::Relu);
        let value = self.value_output.forward(hidden, Activation::Identity);
        kernels::qmix_mix(q, weight_1, bias_1, weight_2, value)
    }
}
