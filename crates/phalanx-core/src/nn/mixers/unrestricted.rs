//! The unrestricted mixer: a feed-forward network of state and utilities.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Mixer, MixerInput, MixerSizes, zero_sizes};
use crate::nn::layers::Mlp;
use crate::rng::Rng;
use crate::settings::{InvalidSetting, fields};
use phalanx_kernels::Activation;

/// Unrestricted mixer: the joint action value may depend on the utilities in any way,
///
/// `Q(s, q) = f([s, q]) + V(s)`
///
/// where `f` has three hidden layers with ReLU and `V` has one, all of width `mixing_embed_dim`. It
/// can represent every joint action value, so the greedy joint action may differ from the agents'
/// greedy actions. It is the baseline for mixers with a restriction, and the central estimator `Q*`
/// of WQMIX (Rashid et al., 2020, arXiv 2006.10800), ResQ and ConcaveQ, where its utilities come
/// from separate agent networks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnrestrictedMixer {
    /// The width of every hidden layer. The default, 256, is that of the central network of WQMIX
    /// (`central_mixing_embed_dim` in oxwhirl/wqmix) and of PAC.
    pub mixing_embed_dim: usize,
}

impl Default for UnrestrictedMixer {
    fn default() -> Self {
        Self { mixing_embed_dim: 256 }
    }
}

impl UnrestrictedMixer {
    /// Creates a network of `n_utilities` utilities with initial weights drawn from `rng`. There is
    /// one utility per agent, or `d` per agent if an action has `d` utilities.
    pub fn network(
        &self,
        n_utilities: usize,
        state_dim: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> UnrestrictedNetwork {
        let width = self.mixing_embed_dim;
        UnrestrictedNetwork {
            joint: Mlp::new(state_dim + n_utilities, &[width; 3], 1, rng, device),
            value: Mlp::new(state_dim, &[width], 1, rng, device),
        }
    }
}

impl Mixer for UnrestrictedMixer {
    const ID: &str = "unrestricted";
    const SUMMARY: &str = "Unrestricted mixing by a feed-forward network, a baseline";
    type Network = UnrestrictedNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        zero_sizes(fields!(self: mixing_embed_dim))
    }

    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> UnrestrictedNetwork {
        self.network(sizes.n_agents, sizes.state_dim, rng, device)
    }

    fn forward(&self, network: &UnrestrictedNetwork, input: MixerInput) -> Tensor<2> {
        network.forward(input.q_chosen, input.state)
    }
}

/// The network of [`UnrestrictedMixer`].
#[derive(Module, Debug)]
pub struct UnrestrictedNetwork {
    joint: Mlp,
    value: Mlp,
}

impl UnrestrictedNetwork {
    /// Computes `Q`, `[row, 1]`, from the utilities of the chosen actions, `[row, n_utilities]`,
    /// and the states, `[row, state_dim]`. If an action has `d` utilities, `q` is `[row, agent *
    /// d]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let value = self.value.forward(state.clone(), Activation::Identity);
        self.joint.forward(Tensor::cat(vec![state, q], 1), Activation::Identity) + value
    }
}
