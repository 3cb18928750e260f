//! The encoder: a linear embedding of the observation.

use phalanx::burn; // `#[derive(Module)]` refers to a crate called `burn`.
use phalanx::nn::{Encoder, EncoderSizes};
use phalanx::prelude::*;
use phalanx::serde::{Deserialize, Serialize};

/// A linear layer with tanh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(crate = "phalanx::serde")]
pub struct Embedding {
    /// The number of features.
    pub width: usize,
}

impl Default for Embedding {
    fn default() -> Self {
        Self { width: 16 }
    }
}

/// The network of [`Embedding`].
#[derive(Module, Debug)]
pub struct EmbeddingNetwork {
    layer: Linear,
}

impl Encoder for Embedding {
    const ID: &str = "embedding";
    const SUMMARY: &str = "a linear embedding";
    type Network = EmbeddingNetwork;

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        self.width
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> EmbeddingNetwork {
        EmbeddingNetwork { layer: Linear::new(sizes.view_dim(), self.width, rng, device) }
    }

    fn forward(&self, network: &EmbeddingNetwork, obs: Tensor<2>) -> Tensor<2> {
        network.layer.forward(obs, Activation::Tanh)
    }
}
