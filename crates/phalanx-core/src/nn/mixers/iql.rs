//! IQL, independent Q-learning (Tan, 1993): no mixing.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Mixer, MixerInput, MixerSizes};
use crate::rng::Rng;

/// IQL's mixer: returns the utilities unchanged, so that each agent learns its own action value.
#[derive(Module, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IqlMixer {}

impl Mixer for IqlMixer {
    const ID: &str = "iql";
    const SUMMARY: &str = "IQL: independent Q-learning, every agent learns its own action value";
    const MIXES: bool = false;
    type Network = Self;

    fn init(&self, _: MixerSizes, _: &mut Rng, _: &Device) -> Self {
        Self {}
    }

    fn forward(&self, _: &Self, input: MixerInput) -> Tensor<2> {
        input.q_chosen
    }
}
