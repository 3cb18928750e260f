//! The residual network of ResQ (Shen et al., 2022, NeurIPS 35).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::unrestricted::{UnrestrictedMixer, UnrestrictedNetwork};
use super::{Mixer, MixerSizes};
use crate::rng::Rng;

/// ResQ's residual `Q_r`, which is added to a monotonic joint action value `Q_tot`:
///
/// `Q(s, u) = Q_tot(s, u) + w_r(s, u) Q_r(s, u)`, where `w_r` is 0 at the greedy joint action of
/// `Q_tot` and 1 elsewhere, and `Q_r <= 0`.
///
/// The residual only lowers joint actions that are not greedy. `Q` and `Q_tot` therefore have the
/// same greedy joint action, and yet `Q` can be any table. `Q_r` is an [`UnrestrictedNetwork`] of
/// the state and of the utilities of the chosen actions, which in ResQ come from separate agent
/// networks.
#[derive(Module, Debug)]
pub struct Residual {
    network: UnrestrictedNetwork,
    #[module(skip)]
    non_positive: bool,
}

impl Residual {
    /// Creates a network whose hidden layers have `width` units, with initial weights drawn from
    /// `rng`.
    ///
    /// If `non_positive` is set, the residual is `-|x|` for a network output `x`, as the theorem
    /// requires. The released code also computes `-|x|`, but only inside a penalty that is then
    /// always zero, and trains on `x`. If it is not set, the residual is `x`, and the learner adds
    /// the penalty `max(Q_r, 0)^2` to discourage positive values.
    pub fn new(
        width: usize,
        non_positive: bool,
        sizes: MixerSizes,
        rng: &mut Rng,
        device: &Device,
    ) -> Self {
        let network = UnrestrictedMixer { mixing_embed_dim: width };
        Self { network: network.init(sizes, rng, device), non_positive }
    }

    /// Computes `Q_r`, `[row, 1]`, from utilities, `[row, agent]`, and states, `[row, state_dim]`.
    pub fn forward(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let residual = self.network.forward(q, state);
        if self.non_positive { residual.abs().neg() } else { residual }
    }
}
