//! Operations on the entities in rows of observations, which select the implementation for the
//! device.

use std::sync::Arc;

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::cpu::entity_network::op::{
    DeepSets, Gat, Gcn, Hpn, OutputRow, Transformer, entity_network,
};
#[cfg(feature = "flex")]
use crate::device::is_flex;
#[cfg(feature = "flex")]
use crate::entities::PER_KNOT;
use crate::entities::{EntityIndices, GcnSettings, GraphAttention, Pooling, TransformerSettings};
use crate::params::{DeepSetsWeights, GatWeights, GcnWeights, HpnWeights, TransformerWeights};
#[cfg(feature = "flex")]
use crate::params::{EmbeddingWeights, LayerWeights, NormWeights};
use crate::reference;

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
/// features = relu(summaries V + c)                        see Pooling
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
/// is zero. The features are summaries ([`Pooling`]) of the tokens of the first `queries` entities, which
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

/// Computes graph attention (GAT; Veličković et al. 2018, arXiv 1710.10903) over the entities in observations
/// `[row, view_dim]`: features, followed by the tokens of `targets`, `[row, feature + target * width]`. For each
/// head, which has its part of the columns:
///
/// ```text
/// h_j = relu(x_j W_t + b_t)                               entity j of type t
/// g_j = h_j W_k                                           for every layer k
/// alpha_ij = softmax_j LeakyReLU(a_k . g_i + c_k . g_j)   over the neighbours j of i
/// h_i = elu(sum_j alpha_ij g_j + b_k)
/// ```
///
/// The leaky ReLU has slope 0.2 below zero. The features are summaries ([`Pooling`]) of the tokens of the
/// first `queries` entities, which include all targets. Tokens of absent entities are zero, and the
/// observations get no gradient. On the CPU this is one operation in blocks of rows; absent entities cost
/// nothing.
pub fn gat(
    obs: Tensor<2>,
    entities: &Arc<EntityIndices>,
    targets: &[usize],
    (attention, pooling): (GraphAttention, Pooling),
    weights: GatWeights,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_flex(&obs.device()) {
        let GatWeights { embedding, layers } = weights;
        let [_, width] = embedding.weight.dims();
        let features = pooling.parts.len() * width;
        let network = Gat {
            entities: Arc::clone(entities),
            width,
            layers: layers.len(),
            attention,
            pooling,
            output: OutputRow::new(features, width, targets, entities.number()),
        };
        let mut all = Flat::default();
        all.embedding(embedding);
        for layer in layers {
            all.add(layer.weight);
            all.add(layer.vectors);
            all.add(layer.bias);
        }
        return entity_network(network, all.join(), obs);
    }
    reference::gat(obs, entities, targets, (attention, pooling), weights)
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
/// The features are summaries ([`Pooling`]) of the tokens of the first `queries` entities, which include
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
