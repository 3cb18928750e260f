//! Operations of the CPU device, one folder each: `op` registers the operation with burn; `forward`
//! and `backward` compute on slices. Without the feature `flex`, only the parts that actors need
//! are compiled.

#[cfg(feature = "flex")]
mod activation_grad;
#[cfg(feature = "flex")]
mod buffer_pool;
#[cfg(feature = "flex")]
pub(crate) mod categorical;
pub(crate) mod concave;
pub(crate) mod conv1d;
pub(crate) mod entity_attention;
pub(crate) mod entity_embed;
#[cfg(feature = "flex")]
pub(crate) mod entity_network;
pub(crate) mod entity_pool;
pub(crate) mod entity_scores;
#[cfg(feature = "flex")]
mod flex_tensor;
pub(crate) mod gates;
pub(crate) mod graph_attention;
pub(crate) mod graph_mix;
pub(crate) mod gru;
#[cfg(feature = "flex")]
mod layer;
pub(crate) mod layer_norm;
#[cfg(feature = "flex")]
pub(crate) mod linear;
pub(crate) mod lstm;
#[cfg(feature = "flex")]
pub(crate) mod mlp;
mod neighbours;
pub(crate) mod outer_sum;
#[cfg(feature = "flex")]
pub(crate) mod ppo_loss;
#[cfg(feature = "flex")]
pub(crate) mod qmix;
#[cfg(feature = "flex")]
pub(crate) mod rnn_agent;
mod row_scratch;
#[cfg(feature = "flex")]
mod sequence;
#[cfg(all(test, feature = "flex"))]
mod tests;
mod tokens;
