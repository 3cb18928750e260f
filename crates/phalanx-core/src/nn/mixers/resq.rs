//! The residual network of ResQ (Shen et al., 2022, NeurIPS 35).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::unrestricted::{UnrestrictedMixer, UnrestrictedNetwork};
use crate::rng::Rng;

/// The sizes of a [`Residual`] network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResidualConfig {
    /// The width of every hidden layer. The default, 128, is `central_mixing_embed_dim` in
    /// `ResQ.yaml` of xmu-rl-3dv/ResQ.
    pub embed_dim: usize,
    /// Whether the residual is `-|x|` of the network's output `x`. The default is true, as the
    /// theorem asks for. The released code computes `-|x|` as well, but only inside a penalty that
    /// is then always zero, and trains on `x`; where this is false, `x` itself is the residual, and
    /// the learner adds the penalty `max(Q_r, 0)^2` that keeps it from becoming positive.
    pub non_positive: bool,
}

impl Default for ResidualConfig {
    fn default() -> Self {
        Self { embed_dim: 128, non_positive: true }
    }
}

impl ResidualConfig {
    /// Makes a network for `n_agents` with initial weights drawn from `rng`.
    pub fn init(
        &self,
        n_agents: usize,
        state_dim: usize,
        rng: &mut Rng,
        device: &Device,
    ) -> Residual {
        let network = UnrestrictedMixer { mixing_embed_dim: self.embed_dim };
        Residual {
            network: network.network(n_agents, state_dim, rng, device),
            non_positive: self.non_positive,
        }
    }
}

/// What a monotonic joint action value `Q_tot` lacks:
///
/// `Q(s, u) = Q_tot(s, u) + w_r(s, u) Q_r(s, u)`, where `w_r` is 0 at the greedy joint action of
/// `Q_tot` and 1 elsewhere, and `Q_r <= 0`.
///
/// As the residual only lowers what is not greedy, `Q` and `Q_tot` have the same greedy joint
/// action, and yet `Q` can be any table. `Q_r` is an [`UnrestrictedNetwork`] of the state and of
/// the utilities of the chosen actions, which in ResQ come from an agent network of their own.
#[derive(Module, Debug)]
pub struct Residual {
    network: UnrestrictedNetwork,
    #[module(skip)]
    non_positive: bool,
}

impl Residual {
    /// Computes `Q_r`, `[row, 1]`, from utilities, `[row, agent]`, and states, `[row, state_dim]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let residual = self.network.forward(q, state);
        if self.non_positive { residual.abs().neg() } else { residual }
    }
}
