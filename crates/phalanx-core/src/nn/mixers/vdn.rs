//! VDN, value decomposition networks (Sunehag et al., 2018, arXiv 1706.05296).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Mixer, MixerInput, MixerSizes};
use crate::rng::Rng;

/// VDN's mixer: the joint action value is the sum of the utilities, `Q_tot = sum_i Q_i`.
#[derive(Module, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VdnMixer {}

impl Mixer for VdnMixer {
    const ID: &str = "vdn";
    const SUMMARY: &str = "VDN: the joint action value is the sum of the utilities";
    type Network = Self;

    fn init(&self, _: MixerSizes, _: &mut Rng, _: &Device) -> Self {
        Self {}
    }

    fn forward(&self, _: &Self, input: MixerInput) -> Tensor<2> {
        input.q_chosen.sum_dim(1)
    }
}
