//! The unrestricted mixer: a feed-forward network of the state and the utilities.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::Activation;

use crate::nn::layers::Mlp;
use crate::rng::Rng;

/// The sizes of an [`Unrestricted`] network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnrestrictedConfig {
    /// The width of every hidden layer. The default, 256, is that of the central network of WQMIX
    /// (`central_mixing_embed_dim` in oxwhirl/wqmix) and of PAC.
    pub embed_dim: usize,
}

impl Default for UnrestrictedConfig {
    fn default() -> Self {
        Self { embed_dim: 256 }
    }
}

impl UnrestrictedConfig {
    /// A network of `n_utilities` utilities, the number of agents where an agent has one for each
    /// action, with initial weights drawn from `rng`.
    pub fn init(
        &self,
        n_utilities: usize,
        state_dim: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Unrestricted {
        let width = self.embed_dim;
        Unrestricted {
            joint: Mlp::new(state_dim + n_utilities, &[width; 3], 1, rng, device),
            value: Mlp::new(state_dim, &[width], 1, rng, device),
        }
    }
}

/// A network without any restriction on how the joint action value depends on the utilities:
///
/// `Q(s, q) = f([s, q]) + V(s)`
///
/// `f` has three hidden layers with ReLU and `V` has one, all of width `embed_dim`. It can
/// represent every joint action value, so the greedy actions of the agents need not be the greedy
/// joint action. It serves as the baseline that constrained mixers are compared with, and as the
/// central estimator `Q*` of WQMIX (Rashid et al., 2020, arXiv 2006.10800), ResQ and ConcaveQ,
/// where its utilities come from an agent network of their own.
#[derive(Module, Debug)]
pub struct Unrestricted {
    joint: Mlp,
    value: Mlp,
}

impl Unrestricted {
    /// `[row, n_utilities]` and `[row, state_dim]` to `[row, 1]`. Where an agent has `d` utilities
    /// for each action, `q` is `[row, agent * d]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let value = self.value.forward(state.clone(), Activation::Identity);
        self.joint.forward(Tensor::cat(vec![state, q], 1), Activation::Identity) + value
    }
}
