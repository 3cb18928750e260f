//! Operations on the entities in rows of observations, which select the implementation for the
//! device.

use std::sync::Arc;

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::cpu;
#[cfg(feature = "flex")]
use crate::device::is_flex;
use crate::entities::{EntityAttention, EntityIndices, GraphAttention, GraphMix, Pooling};
use crate::params::{Activation, LayerWeights};
use crate::reference;

/// Computes the tokens of entities, `[row * entity, width]`, from observations `[row, view_dim]`,
/// with a linear layer for each type of entities:
///
/// ```text
/// h_j = activation(x_j W_t + b_t) if entity j, of type t, is present, otherwise 0
/// ```
///
/// `weight` is `[feature, width]`, with the features of all types one after the other, and `bias` is
/// `[type, width]`. The observations get no gradient. The activation's slope must follow from its
/// output.
///
/// On the CPU this is one operation in blocks of rows.
pub fn entity_embed(
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    weight: Tensor<2>,
    bias: Tensor<2>,
    activation: Activation,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&obs.device()) {
        return cpu::entity_embed::op::entity_embed(obs, entities, [weight, bias], activation);
    }
    reference::entity_embed(obs, entities, [weight, bias], activation)
}

/// Computes summaries of the tokens of the entities that are present, `[row, part * width]`, from
/// tokens `[row * entity, width]` and observations `[row, view_dim]`:
///
/// ```text
/// own: h_0     mean: sum_j h_j / n     sum: sum_j h_j     max: max_j h_j, entry by entry
/// ```
///
/// The sums and maxima run over the entities that are present, without entity 0 if
/// [`Pooling::of_others`] is set; over none, they are zero. The gradient of a maximum goes to one
/// token that attains it; the observations get none.
pub fn entity_pool(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    pooling: Pooling,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&tokens.device()) {
        return cpu::entity_pool::op::entity_pool(tokens, obs, entities, pooling);
    }
    reference::entity_pool(tokens, obs, entities, pooling)
}

/// Computes the mixing step of a graph convolution for the first `queries` entities, `[row * query,
/// width]`, from tokens `[row * entity, width]` and observations `[row, view_dim]`, which determine
/// the neighbours:
///
/// ```text
/// m_i = sum_j A_ij h_j / sqrt(d_i d_j),     d_i = sum_j A_ij
/// ```
///
/// `A_ij` is 1 for neighbours that are present ([`Graph`](crate::Graph)) and otherwise 0. With
/// `keep_own`, the result is `h_i` followed by `m_i`, `[row * query, 2 * width]`, so that the next
/// layer has a weight of its own for the entity itself. Rows of absent entities are zero.
///
/// On the CPU this is one operation; over a complete graph, it computes one mean per row.
pub fn graph_mix(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    settings: GraphMix,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&tokens.device()) {
        return cpu::graph_mix::op::graph_mix(tokens, obs, entities, settings);
    }
    reference::graph_mix(tokens, obs, entities, settings)
}

/// Computes attention over neighbours with additive logits (GAT, Veličković et al. 2018, arXiv
/// 1710.10903), of the first `queries` entities, `[row * query, width]`, from tokens `[row * entity,
/// width]` and observations `[row, view_dim]`, which determine the neighbours. For each head, which has its part of the columns:
///
/// ```text
/// alpha_ij = softmax_j LeakyReLU(a_1 . h_i + a_2 . h_j)     over the neighbours j of i
/// y_i = activation(sum_j alpha_ij h_j + b)
/// ```
///
/// `weights` holds `a_1` and `a_2` of all heads, `[2, width]`, and `b`. The leaky ReLU has slope 0.2
/// below zero. Rows of absent entities are zero. The activation's slope must follow from its output.
///
/// On the CPU this is one operation, whose backward pass computes the weights again.
pub fn graph_attention(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    settings: GraphAttention,
    weights: LayerWeights,
    activation: Activation,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&tokens.device()) {
        use cpu::graph_attention::op::graph_attention;
        return graph_attention(tokens, obs, entities, settings, weights, activation);
    }
    reference::graph_attention(tokens, obs, entities, settings, weights, activation)
}

/// Computes attention of the first `queries` entities to all that are present, `[row * query,
/// width]`, from queries, keys and values side by side, `[row * entity, 3 * width]`, and observations `[row, view_dim]`. For
/// each head, which has its part of the columns, `d` wide:
///
/// ```text
/// alpha_ij = softmax_j (q_i . k_j / sqrt(d) + B(p_j - p_i))
/// y_i = sum_j alpha_ij v_j
/// ```
///
/// `B` is a learned function of the relative position for each head, linear between knots in the
/// logarithm of the distance `r`, with direction `(c, s) = (p_j - p_i) / r`:
///
/// ```text
/// B = sum_k max(0, 1 - |(K - 1) ln(1 + r) / ln(1 + reach) - k|) (u_k + v_k c + w_k s),   k = 0 … K - 1
/// ```
///
/// `table` is `[3 * K, head]`, with `u_k`, `v_k` and `w_k` one after the other for each knot; without
/// it, `B` is zero. Beyond `reach`, the distance of the last knot is used. Rows of absent entities are
/// zero.
///
/// On the CPU this is one operation, whose backward pass computes the weights again.
///
/// # Panics
///
/// Panics on the CPU if there are fewer than two knots.
pub fn entity_attention(
    projected: Tensor<2>,
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    settings: EntityAttention,
    table: Option<Tensor<2>>,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&projected.device()) {
        use cpu::entity_attention::op::entity_attention;
        return entity_attention(projected, obs, entities, settings, table);
    }
    reference::entity_attention(projected, obs, entities, settings, table)
}

/// Computes features `[row, feature]` followed by the outputs of a linear layer over the tokens of some
/// entities, `[row, feature + target * output]`, from tokens of at least these entities, `[row *
/// entity, width]`:
///
/// ```text
/// [features, h_j W + b for every target j]
/// ```
///
/// `targets` are different indices of entities. On the CPU this is one operation in blocks of rows.
pub fn entity_heads(
    features: Tensor<2>,
    tokens: Tensor<2>,
    targets: &Arc<[usize]>,
    layer: LayerWeights,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&tokens.device()) {
        return cpu::entity_heads::op::entity_heads(features, tokens, targets, layer);
    }
    reference::entity_heads(features, tokens, targets, layer)
}

/// Computes sums of outer products, `[row, outer_sum_dim]`, from tokens `[row * entity, width]` and
/// observations `[row, view_dim]`. For each type of entities, one after the other:
///
/// ```text
/// Z_fa = sum_j x_jf h_ja, [feature, width]     z_f = sum_j x_jf, [feature]
/// ```
///
/// The sums run over the entities of the type that are present. A linear layer after it gives
/// `sum_j x_j W(h_j)` with a matrix `W` that is affine in `h_j`, so a hypernetwork's weights need not
/// be computed for every entity.
pub fn outer_sum(tokens: Tensor<2>, obs: Tensor<2>, entities: &Arc<EntityIndices>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&tokens.device()) {
        return cpu::outer_sum::op::outer_sum(tokens, obs, entities);
    }
    reference::outer_sum(tokens, obs, entities)
}
