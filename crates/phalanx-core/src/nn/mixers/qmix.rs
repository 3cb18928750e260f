//! QMIX (Rashid et al., 2018, arXiv 1803.11485): a monotonic mixer with state-dependent weights.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::hypernetwork::Hypernetwork;
use super::{Mixer, MixerInput, MixerSizes};
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::{Check, InvalidSetting, fields};
use phalanx_kernels::{self as kernels, Activation, Positive, QmixLayers};

/// QMIX's mixer: two layers with non-negative weights, computed from the state `s` by
/// hypernetworks,
///
/// `Q_tot = ELU(q p(W_1(s)) + b_1(s)) p(w_2(s)) + V(s)`
///
/// `p` is the function [`Positive`]. The weights are non-negative, so `dQ_tot / dQ_i >= 0`, and the
/// agents' greedy actions form the greedy joint action. `b_1` is linear in the state, and `V` has
/// one hidden layer of `mixing_embed_dim` units with ReLU.
///
/// Names and defaults are those of `qmix.yaml` in PyMARL and PyMARL2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QmixMixer {
    /// The width of the mixing layer.
    pub mixing_embed_dim: usize,
    /// The width of the hidden layer of the weight hypernetworks, if they have two layers.
    pub hypernet_embed: usize,
    /// The number of layers of the weight hypernetworks, 1 or 2; PyMARL2 always has 2.
    pub hypernet_layers: usize,
    /// The function that makes the generated weights non-negative: `abs`, `softplus` or
    /// `quadratic`.
    pub qmix_pos_func: Positive,
    /// The sharpness of softplus; positive.
    pub qmix_pos_func_beta: f64,
    /// Whether initial weights are orthogonal and biases zero ([`Linear::orthogonal`]), as in
    /// PyMARL2; otherwise PyTorch's initialisation is used.
    pub use_orthogonal: bool,
}

impl Default for QmixMixer {
    fn default() -> Self {
        Self {
            mixing_embed_dim: 32,
            hypernet_embed: 64,
            hypernet_layers: 2,
            qmix_pos_func: Positive::Abs,
            qmix_pos_func_beta: 1.0,
            use_orthogonal: false,
        }
    }
}

impl QmixMixer {
    fn positive(&self) -> Activation {
        self.qmix_pos_func.activation(self.qmix_pos_func_beta as f32)
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
        if self.use_orthogonal {
            Linear::orthogonal(input, output, 1.0, rng, device)
        } else {
            Linear::new(input, output, rng, device)
        }
    }
}

/// The network of [`QmixMixer`].
#[derive(Module, Debug)]
pub struct QmixNetwork {
    weight_1: Hypernetwork,
    bias_1: Linear,
    weight_2: Hypernetwork,
    value_hidden: Linear,
    value_output: Linear,
}

impl Mixer for QmixMixer {
    const ID: &str = "qmix";
    const SUMMARY: &str = "QMIX: monotonic mixing, with weights computed from the state";
    type Network = QmixNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: mixing_embed_dim, hypernet_embed));
        check.positive(fields!(self: qmix_pos_func_beta));
        check.that(matches!(self.hypernet_layers, 1 | 2), "hypernet_layers", "must be 1 or 2");
        check.finish()
    }

    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> QmixNetwork {
        let MixerSizes { n_agents, state_dim, .. } = sizes;
        let embed = self.mixing_embed_dim;
        QmixNetwork {
            weight_1: self.hypernetwork(state_dim, n_agents * embed, rng, device),
            bias_1: self.linear(state_dim, embed, rng, device),
            weight_2: self.hypernetwork(state_dim, embed, rng, device),
            value_hidden: self.linear(state_dim, embed, rng, device),
            value_output: self.linear(embed, 1, rng, device),
        }
    }

    /// Computes `Q_tot`, `[row, 1]`.
    ///
    /// In a shard of a batch on the CPU ([`in_shards`](super::super::in_shards)), the whole mixer
    /// is one fused operation without a gradient for the state.
    fn forward(&self, network: &QmixNetwork, input: MixerInput) -> Tensor<2> {
        let MixerInput { q_chosen: q, state, .. } = input;
        let positive = self.positive();
        let pairs = (network.weight_1.pair(), network.weight_2.pair());
        if let (true, (Some(weight_1), Some(weight_2))) = (kernels::is_in_shard(), pairs) {
            let value = [network.value_hidden.values(), network.value_output.values()];
            let bias_1 = network.bias_1.values();
            let layers = QmixLayers { weight_1, weight_2, value, bias_1 };
            return kernels::qmix_mixer(q, state, layers, positive);
        }
        let weight_1 = network.weight_1.forward(state.clone(), positive);
        let bias_1 = network.bias_1.forward(state.clone(), Activation::Identity);
        let weight_2 = network.weight_2.forward(state.clone(), positive);
        let hidden = network.value_hidden.forward(state, Activation::Relu);
        let value = network.value_output.forward(hidden, Activation::Identity);
        kernels::qmix_mix(q, weight_1, bias_1, weight_2, value)
    }
}
