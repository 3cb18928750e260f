//! Attention among entities.

use burn::tensor::{Device, Tensor};

use serde::{Deserialize, Serialize};

use super::entities::{Readout, check_entities};
use super::entity_heads::EntityHeads;
use super::transformer::{Shape, TransformerNetwork};
use super::{Encoder, EncoderSizes, PlainEncoder};
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::InvalidSetting;

/// Blocks of attention among the entities that are present, as in UPDeT (Hu et al. 2021, arXiv 2101.08001)
/// and TransfQMIX (Gallici et al. 2023, arXiv 2301.05334):
///
/// ```text
/// h_j = x_j W_t + b_t                    entity j of type t, with features x_j
/// q, k, v = LN(h) [Q, K, V] + b          in every block; each head has its part of the columns, d wide
/// alpha_ij = softmax_j (q_i . k_j / sqrt(d))              over the entities j that are present
/// h_i = h_i + (sum_j alpha_ij v_j) O + b
/// h_i = h_i + relu(LN(h_i) F + b) G + b
/// h_i = LN(h_i)                          after the last block
/// features = h_0, the mean or the sum of all h_i, or [h_0, mean_i h_i]
/// (w_j, b_j) = h_j U + d                 head of the action that targets entity j
/// ```
///
/// `LN` is layer normalisation with its own scale and shift in every place. Memory over time is left to the
/// agent network's recurrent layer; UPDeT carries a token along instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityAttentionEncoder {
    /// The width of tokens.
    pub width: usize,
    /// The number of attention heads, which divides the width.
    pub heads: usize,
    /// The number of blocks.
    pub layers: usize,
    /// The width of the layer between `F` and `G`.
    pub feed_forward: usize,
    /// Which tokens become the features.
    pub readout: Readout,
    /// Whether the outputs of actions that target entities have heads computed from their tokens.
    pub entity_heads: bool,
}

impl Default for EntityAttentionEncoder {
    fn default() -> Self {
        Self {
            width: 64,
            heads: 4,
            layers: 1,
            feed_forward: 128,
            readout: Readout::Own,
            entity_heads: true,
        }
    }
}

impl EntityAttentionEncoder {
    fn shape(&self) -> Shape {
        let &Self { width, heads, layers, feed_forward, readout, entity_heads } = self;
        let (reach, knots) = (1.0, 0);
        Shape { width, layers, feed_forward, heads, reach, knots, readout, entity_heads }
    }
}

impl Encoder for EntityAttentionEncoder {
    const ID: &str = "entity_attention";
    const SUMMARY: &str = "attention among entities";
    type Network = TransformerNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        self.shape().check().finish()
    }

    fn validate_for(&self, sizes: &EncoderSizes) -> Vec<InvalidSetting> {
        check_entities(sizes, "width")
    }

    fn reads_entities(&self) -> bool {
        true
    }

    fn action_weights(&self, sizes: &EncoderSizes) -> bool {
        EntityHeads::are_wanted(self.entity_heads, sizes)
    }

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        self.readout.output_dim(self.width)
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> TransformerNetwork {
        TransformerNetwork::new(self.shape(), sizes, rng, device)
    }

    fn head_layer<'a>(&self, network: &'a TransformerNetwork) -> Option<&'a Linear> {
        network.head_layer()
    }

    fn forward(&self, network: &TransformerNetwork, obs: Tensor<2>) -> Tensor<2> {
        network.forward(self.shape(), obs)
    }

    fn plain(&self, network: &TransformerNetwork) -> Option<Box<dyn PlainEncoder>> {
        Some(network.plain(self.shape()))
    }
}
