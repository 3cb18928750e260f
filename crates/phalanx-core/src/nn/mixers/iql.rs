//! IQL, independent Q-learning (Tan, 1993): no mixing at all.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Mixer, MixerInput, MixerSizes};
use crate::rng::Rng;

/// Returns the utilities unchanged: each agent's own is regressed on the reward.
#[derive(Module, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IqlMixer {}

impl Mixer for IqlMixer {
    const ID: &str = "iql";
    const SUMMARY: &str = "independent Q-learning";
    const MIXES: bool = false;
    type Network = Self;

    fn init(&self, _: MixerSizes, _: &mut Rng, _: &Device) -> Self {
        Self {}
    }

    fn forward(&self, _: &Self, input: MixerInput) -> Tensor<2> {
        input.q_chosen
    }
}
