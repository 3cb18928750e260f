//! The mixer: VDN with a value of the state.

use phalanx::burn; // `#[derive(Module)]` refers to a crate called `burn`.
use phalanx::prelude::*;
use phalanx::serde::{Deserialize, Serialize};

/// A sum of the utilities, and a linear function of the state times `state_scale`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(crate = "phalanx::serde")]
pub struct SumAndState {
    /// Multiplies the function of the state.
    pub state_scale: f32,
}

impl Default for SumAndState {
    fn default() -> Self {
        Self { state_scale: 1.0 }
    }
}

/// The network of [`SumAndState`].
#[derive(Module, Debug)]
pub struct SumAndStateNetwork {
    value: Linear,
}

impl Mixer for SumAndState {
    const ID: &str = "sum_and_state";
    const SUMMARY: &str = "VDN with a value of the state";
    type Network = SumAndStateNetwork;

    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> SumAndStateNetwork {
        SumAndStateNetwork { value: Linear::new(sizes.state_dim, 1, rng, device) }
    }

    fn forward(&self, network: &SumAndStateNetwork, input: MixerInput) -> Tensor<2> {
        let value = network.value.forward(input.state, Activation::Identity);
        input.q_chosen.sum_dim(1) + value * self.state_scale
    }
}
