//! Operations on the entities in rows of observations, which select the implementation for the
//! device.

use std::sync::Arc;

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::cpu;
#[cfg(feature = "flex")]
use crate::cpu::entity_network::op::{DeepSets, Gcn, Hpn, OutputRow, Transformer, entity_network};
#[cfg(feature = "flex")]
use crate::device::is_flex;
#[cfg(feature = "flex")]
use crate::entities::PER_KNOT;
use crate::entities::{
    EntityIndices, GcnSettings, GraphAttention, GraphMix, Pooling, TransformerSettings,
};
use crate::params::{
    Activation, DeepSetsWeights, GcnWeights, HpnWeights, LayerWeights, TransformerWeights,
};
#[cfg(feature = "flex")]
use crate::params::{EmbeddingWeights, NormWeights};
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

/// Appends the tokens of some entities, `targets`, to features, `[row, feature + target * width]`, from
/// tokens of at least these entities, `[row * entity, width]`. Tokens of absent entities become zero.
pub fn with_targets(
    features: Tensor<2>,
    tokens: Tensor<2>,
    obs: &Tensor<2>,
    entities: &EntityIndices,
    targets: &[usize],
) -> Tensor<2> {
    reference::with_targets(features, tokens, obs, entities, targets)
}

/// Computes a hyper policy network (HPN; Hao et al. 2023, arXiv 2203.05285) of observations `[row,
/// view_dim]`: features, followed by the hidden layers of the hypernetworks of `targets`, which are indices
/// of `others`, `[row, feature + target * hidden]`.
///
/// ```text
/// a_j = relu(x_j A_t + b_t)
/// Z_t = sum_j x_j ⊗ a_j,  z_t = sum_j x_j                 over the present entities j of type t
/// features = relu(x_0 W_0 + b_0 + [Z_t, z_t for every type t] M + c)
/// ```
///
/// `sum_j x_j W(a_j)` with a matrix `W` that is affine in `a_j` is a linear function of `Z` and `z`, so that
/// no weights of a hypernetwork are computed. Hidden layers of absent entities are zero, and the observations
/// get no gradient.
///
/// On the CPU this is one operation in blocks of rows; absent entities cost nothing.
pub fn hpn(
    obs: Tensor<2>,
    [own, others]: [&Arc<EntityIndices>; 2],
    targets: &[usize],
    weights: HpnWeights,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&obs.device()) {
        let HpnWeights { own: own_layer, hyper, generated } = weights;
        let ([_, hyper_dim], [_, width]) = (hyper.weight.dims(), generated.weight.dims());
        let network = Hpn {
            own: Arc::clone(own),
            others: Arc::clone(others),
            hyper_dim,
            output: OutputRow::new(width, hyper_dim, targets, others.number()),
        };
        let mut all = Flat::default();
        all.embedding(own_layer);
        all.embedding(hyper);
        all.layer(generated);
        return entity_network(network, all.join(), obs);
    }
    reference::hpn(obs, [own, others], targets, weights)
}

/// Computes deep sets (Zaheer et al. 2017, arXiv 1703.06114) of observations `[row, view_dim]`: features,
/// followed by the tokens of `targets`, `[row, feature + target * width]`.
///
/// ```text
/// h_j = relu(x_j W_t + b_t)                               entity j of type t
/// h_j = relu(h_j W_k + b_k)                               for every further layer k
/// features = relu(summaries V + c)                        see entity_pool
/// ```
///
/// Tokens of absent entities are zero, and the observations get no gradient. On the CPU this is one operation
/// in blocks of rows; absent entities cost nothing.
pub fn deep_sets(
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    targets: &[usize],
    pooling: Pooling,
    weights: DeepSetsWeights,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&obs.device()) {
        let DeepSetsWeights { embedding, layers, output } = weights;
        let ([_, width], [_, features]) = (embedding.weight.dims(), output.weight.dims());
        let network = DeepSets {
            entities: Arc::clone(entities),
            width,
            layers: layers.len(),
            pooling,
            output: OutputRow::new(features, width, targets, entities.number()),
        };
        let mut all = Flat::default();
        all.embedding(embedding);
        layers.into_iter().for_each(|layer| all.layer(layer));
        all.layer(output);
        return entity_network(network, all.join(), obs);
    }
    reference::deep_sets(obs, entities, targets, pooling, weights)
}

/// Computes graph convolutions (GCN; Kipf and Welling 2017, arXiv 1609.02907) over the entities in observations
/// `[row, view_dim]`: features, followed by the tokens of `targets`, `[row, feature + target * width]`.
///
/// ```text
/// h_j = relu(x_j W_t + b_t)                               entity j of type t
/// m_i = sum_j A_ij h_j / sqrt(d_i d_j),  d_i = sum_j A_ij
/// h_i = relu(h_i R_k + m_i W_k + b_k)                     for every layer k
/// ```
///
/// `A_ij` is 1 for neighbours that are present ([`Graph`](crate::Graph)) and otherwise 0. Without `root`, `R`
/// is zero. The features are summaries ([`entity_pool`]) of the tokens of the first `queries` entities, which
/// include all targets. Tokens of absent entities are zero, and the observations get no gradient.
///
/// On the CPU this is one operation in blocks of rows; absent entities cost nothing. Over a complete graph,
/// `m_i` and its product are computed once per row.
pub fn gcn(
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    targets: &[usize],
    settings: GcnSettings,
    weights: GcnWeights,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&obs.device()) {
        let GcnWeights { embedding, layers } = weights;
        let GcnSettings { graph, root, queries, pooling } = settings;
        let [_, width] = embedding.weight.dims();
        let features = pooling.parts.len() * width;
        let network = Gcn {
            entities: Arc::clone(entities),
            width,
            layers: layers.len(),
            graph,
            root,
            queries,
            pooling,
            output: OutputRow::new(features, width, targets, entities.number()),
        };
        let mut all = Flat::default();
        all.embedding(embedding);
        layers.into_iter().for_each(|layer| all.layer(layer));
        return entity_network(network, all.join(), obs);
    }
    reference::gcn(obs, entities, targets, settings, weights)
}

/// Computes blocks of attention among the entities in observations `[row, view_dim]`: features, followed by
/// the tokens of `targets`, `[row, feature + target * width]`.
///
/// ```text
/// h_j = x_j W_t + b_t                    entity j of type t
/// q, k, v = LN(h) [Q, K, V] + b          in every block; each head has its part of the columns, d wide
/// alpha_ij = softmax_j (q_i . k_j / sqrt(d) + B(p_j - p_i))       over the entities j that are present
/// h_i = h_i + (sum_j alpha_ij v_j) O + b
/// h_i = h_i + relu(LN(h_i) F + b) G + b
/// h_i = LN(h_i)                          after the last block
/// ```
///
/// `B` is a learned function of the relative position for each head, linear between knots in the logarithm
/// of the distance `r`, with direction `(c, s) = (p_j - p_i) / r`:
///
/// ```text
/// B = sum_k max(0, 1 - |(K - 1) ln(1 + r) / ln(1 + reach) - k|) (u_k + v_k c + w_k s),   k = 0 … K - 1
/// ```
///
/// A table is `[3 * K, head]`, with `u_k`, `v_k` and `w_k` one after the other for each knot; without it,
/// `B` is zero. Beyond `reach`, the distance of the last knot is used.
///
/// The features are summaries ([`entity_pool`]) of the tokens of the first `queries` entities, which include
/// all targets. Tokens of absent entities are zero, and the observations get no gradient. On the CPU this is
/// one operation in blocks of rows; absent entities cost nothing.
///
/// # Panics
///
/// Panics on the CPU if there are fewer than two knots.
pub fn transformer(
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    targets: &[usize],
    settings: TransformerSettings,
    weights: TransformerWeights,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&obs.device()) {
        let TransformerWeights { embedding, blocks, norm } = weights;
        let TransformerSettings { heads, reach, queries, eps, pooling } = settings;
        let [_, width] = embedding.weight.dims();
        let table = blocks.first().and_then(|block| block.table.as_ref());
        let features = pooling.parts.len() * width;
        let network = Transformer {
            entities: Arc::clone(entities),
            width,
            heads,
            layers: blocks.len(),
            feed_forward: blocks.first().map_or(0, |block| block.hidden.weight.dims()[1]),
            knots: table.map_or(0, |table| table.dims()[0] / PER_KNOT),
            reach,
            eps,
            queries,
            pooling,
            output: OutputRow::new(features, width, targets, entities.number()),
        };
        let mut all = Flat::default();
        all.embedding(embedding);
        for block in blocks {
            all.norm(block.attention_norm);
            all.layer(block.projection);
            block.table.into_iter().for_each(|table| all.add(table));
            all.layer(block.output);
            all.norm(block.norm);
            all.layer(block.hidden);
            all.layer(block.last);
        }
        all.norm(norm);
        return entity_network(network, all.join(), obs);
    }
    reference::transformer(obs, entities, targets, settings, weights)
}

/// The parameters of a network, flat and one after the other.
#[cfg(feature = "flex")]
#[derive(Default)]
struct Flat(Vec<Tensor<1>>);

#[cfg(feature = "flex")]
impl Flat {
    fn add<const D: usize>(&mut self, tensor: Tensor<D>) {
        let len: usize = tensor.dims().iter().product();
        self.0.push(tensor.reshape([len]));
    }

    fn layer(&mut self, LayerWeights { weight, bias }: LayerWeights) {
        self.add(weight);
        self.add(bias);
    }

    fn embedding(&mut self, EmbeddingWeights { weight, bias }: EmbeddingWeights) {
        self.add(weight);
        self.add(bias);
    }

    fn norm(&mut self, NormWeights { scale, shift }: NormWeights) {
        self.add(scale);
        self.add(shift);
    }

    fn join(self) -> Tensor<1> {
        Tensor::cat(self.0, 0)
    }
}
