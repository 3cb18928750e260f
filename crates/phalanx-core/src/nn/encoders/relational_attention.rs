//! Attention among entities that knows where they are.

use burn::tensor::{Device, Tensor};

use serde::{Deserialize, Serialize};

use super::entities::{Readout, check_entities};
use super::entity_heads::EntityHeads;
use super::transformer::{Shape, TransformerNetwork};
use super::{Encoder, EncoderSizes, PlainEncoder};
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::{InvalidSetting, fields};

/// Attention among entities ([`EntityAttentionEncoder`](super::EntityAttentionEncoder)) whose logits have a
/// learned function of the relative position in addition:
///
/// ```text
/// alpha_ij = softmax_j (q_i . k_j / sqrt(d) + B(p_j - p_i))
/// B(p) = sum_k f_k(r) (u_k + v_k x / r + w_k y / r),      p = (x, y),  r = |p|
/// f_k(r) = max(0, 1 - |(K - 1) ln(1 + r) / ln(1 + reach) - k|),    k = 0 … K - 1
/// ```
///
/// `B` is linear between `K` knots in the logarithm of the distance, dense nearby and sparse far away, and
/// depends on the direction. Every head of every block learns its own `u`, `v` and `w`, which begin at zero.
/// Positions are those of the environment's entity layout, in its unit of length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelationalAttention {
    /// The width of tokens.
    pub width: usize,
    /// The number of attention heads, which divides the width.
    pub heads: usize,
    /// The number of blocks.
    pub layers: usize,
    /// The width of the layer between `F` and `G`.
    pub feed_forward: usize,
    /// `K`, at least 2.
    pub knots: usize,
    /// The distance of the last knot, in the environment's unit of length.
    pub reach: f64,
    /// Which tokens become the features.
    pub readout: Readout,
    /// Whether the outputs of actions that target entities have heads computed from their tokens.
    pub entity_heads: bool,
}

impl Default for RelationalAttention {
    fn default() -> Self {
        Self {
            width: 64,
            heads: 4,
            layers: 1,
            feed_forward: 128,
            knots: 8,
            reach: 64.0,
            readout: Readout::Own,
            entity_heads: true,
        }
    }
}

impl RelationalAttention {
    fn shape(&self) -> Shape {
        let &Self { width, heads, layers, feed_forward, knots, reach, readout, entity_heads } =
            self;
        let reach = reach as f32;
        Shape { width, layers, feed_forward, heads, reach, knots, readout, entity_heads }
    }
}

impl Encoder for RelationalAttention {
    const ID: &str = "relational_attention";
    const SUMMARY: &str = "attention among entities with a bias for relative positions";
    type Network = TransformerNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = self.shape().check();
        check.that(self.knots >= 2, "knots", "must be at least 2");
        check.positive(fields!(self: reach));
        check.finish()
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
