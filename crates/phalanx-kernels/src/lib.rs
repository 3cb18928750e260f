//! Performance-critical operations of Phalanx on tensors and slices.
//!
//! - The operations on tensors ([`linear`], [`gru_sequence`], [`ppo_loss`], …) run on any device.
//!   On the device `cpu` (feature `flex`), each is one fused operation with its own backward pass;
//!   on other devices it is composed of burn's operations. Both give the same values up to
//!   rounding.
//! - The operations on slices ([`multiply`], [`gru_cell`], [`activate`], …) are for actors, which
//!   use plain weights.
//! - [`parallel_for`] and related functions divide work over threads such that results do not
//!   depend on their number.
//!
//! | module | contents |
//! |---|---|
//! | `ops`, `entity_ops` | the operations on tensors, which choose a device's implementation |
//! | `reference` | unfused versions of burn operations, the oracle of the tests |
//! | `cpu` | one folder per operation of the CPU device: registration, forward and backward pass |
//! | `gpu` | kernels for GPUs |
//! | `gemm` | matrix products: packing, AVX-512, AVX2, AMX and portable tiles |
//! | `entities` | how rows of observations consist of entities |
//! | `simd` | vectorised activations and element-wise loops |
//! | `params` | sizes, activations and structs of tensors |
//!
//! The crate does not depend on networks, agents or environments.

mod cpu;
mod device;
mod entities;
mod entity_ops;
mod flops;
mod gemm;
#[cfg(feature = "wgpu")]
mod gpu;
#[cfg(any(feature = "flex", feature = "wgpu"))]
mod operation;
mod ops;
mod params;
mod reference;
mod simd;
#[cfg(all(test, feature = "flex"))]
mod test_random;
mod threads;

pub use self::cpu::concave::row::{ConcaveRow, RowWeights};
pub use self::cpu::conv1d::layers::{FilterScratch, PackedFilters, filter, filter_multiply_adds};
pub use self::cpu::entity_attention::forward::attend_entities;
pub use self::cpu::entity_embed::forward::PackedEmbedding;
pub use self::cpu::entity_pool::forward::pool_entities;
pub use self::cpu::entity_scores::forward::score_entities;
pub use self::cpu::graph_attention::forward::attend_graph;
pub use self::cpu::graph_mix::forward::mix_graph;
pub use self::cpu::gru::cell::update as gru_cell;
pub use self::cpu::layer_norm::forward::normalise;
pub use self::cpu::lstm::cell::update as lstm_cell;
pub use self::cpu::outer_sum::forward::{outer_sum_dim, sum_outer};
pub use self::device::is_cpu;
pub use self::entities::{
    EntityAttention, EntityGroup, EntityIndices, GcnSettings, Graph, GraphAttention, GraphMix,
    MAX_ENTITIES, PER_KNOT, Pool, Pooling, TransformerSettings,
};
pub use self::entity_ops::{deep_sets, gat, gcn, hpn, transformer};
pub use self::flops::{count_multiply_adds, peak_fma_per_second};
pub use self::gemm::matmul::multiply;
pub use self::gemm::pack::Packed;
pub use self::ops::{
    categorical, concave_mix, conv1d, entity_scores, gru_sequence, layer_norm, linear,
    lstm_sequence, mlp, ppo_loss, qmix_mix, qmix_mixer, rnn_agent, rnn_agent_with_heads,
    token_scores, value_loss,
};
pub use self::params::{
    Activation, ConcaveWeights, Convex, Convolution, DeepSetsWeights, EmbeddingWeights, FILTERS,
    GatLayerWeights, GatWeights, GcnWeights, HpnWeights, KERNEL, LayerWeights, NormWeights,
    PolicyTargets, Positive, QmixLayers, RnnWeights, TransformerBlock, TransformerWeights,
    ValueTargets,
};
pub use self::simd::elementwise::activate;
pub use self::simd::optimizer_step::{OptimizerStep, optimizer_step};
pub use self::threads::{in_shard, is_in_shard, parallel_for, row_ranges, split_rows};
