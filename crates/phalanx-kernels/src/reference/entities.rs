//! Operations on the entities in rows of observations.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData, activation};

use super::graphs::{graph_attention, graph_mix};
use super::layers::{activate, layer_norm, linear};
use crate::entities::{
    EntityAttention, EntityGroup, EntityIndices, GcnSettings, GraphAttention, GraphMix, PER_KNOT,
    Pool, Pooling, TransformerSettings,
};
use crate::params::{
    Activation, DeepSetsWeights, EmbeddingWeights, GatLayerWeights, GatWeights, GcnWeights,
    HpnWeights, LayerWeights, NormWeights, TransformerWeights,
};

/// The logit of what gets no weight.
pub(super) const MASKED: f32 = -1e30;

/// Returns some columns of observations, `[row, column]`.
pub(super) fn select(obs: &Tensor<2>, columns: impl IntoIterator<Item = usize>) -> Tensor<2> {
    let columns: Vec<i32> = columns.into_iter().map(|column| column as i32).collect();
    let len = columns.len();
    let columns = Tensor::<1, Int>::from_data(TensorData::new(columns, [len]), &obs.device());
    obs.clone().select(1, columns)
}

/// Returns 1 for entities that are present and otherwise 0, `[row, entity]`.
pub(super) fn presence(obs: &Tensor<2>, entities: &EntityIndices) -> Tensor<2> {
    let [rows, _] = obs.dims();
    let of = |columns: &Vec<usize>| {
        if columns.is_empty() {
            return Tensor::ones([rows, 1], &obs.device());
        }
        select(obs, columns.iter().copied()).not_equal_elem(0.0).float().max_dim(1)
    };
    Tensor::cat(entities.presence.iter().map(of).collect(), 1)
}

/// Returns where a matrix is zero.
pub(super) fn is_zero<const D: usize>(matrix: Tensor<D>) -> Tensor<D, Bool> {
    matrix.equal_elem(0.0)
}

/// Returns the position of every entity along one axis, `[row, entity]`.
pub(super) fn positions(obs: &Tensor<2>, entities: &EntityIndices, axis: usize) -> Tensor<2> {
    let [rows, _] = obs.dims();
    let of = |position: &Option<[usize; 2]>| match position {
        None => Tensor::zeros([rows, 1], &obs.device()),
        Some(columns) => select(obs, [columns[axis]]).mul_scalar(entities.position_scale[axis]),
    };
    Tensor::cat(entities.positions.iter().map(of).collect(), 1)
}

/// Returns the coordinate of every entity as seen from every other along one axis, `[row, entity,
/// entity]`.
pub(super) fn relative(obs: &Tensor<2>, entities: &EntityIndices, axis: usize) -> Tensor<3> {
    let places = positions(obs, entities, axis);
    let (to, from): (Tensor<3>, Tensor<3>) =
        (places.clone().unsqueeze_dim(1), places.unsqueeze_dim(2));
    to - from
}

/// Returns the observations without a gradient.
pub(super) fn constant(obs: Tensor<2>) -> Tensor<2> {
    obs.detach()
}

/// Computes tokens, `[row * entity, width]`; those of absent entities are zero.
fn entity_embed(
    obs: Tensor<2>,
    entities: &EntityIndices,
    [weight, bias]: [Tensor<2>; 2],
    activation: Activation,
) -> Tensor<2> {
    let obs = constant(obs);
    let [[rows, _], [_, width]] = [obs.dims(), weight.dims()];
    let mut first = 0;
    let embed = |(at, group): (usize, &EntityGroup)| {
        let n = group.features;
        let features = select(&obs, group.columns.iter().copied());
        let features = features.reshape([rows * group.number(), n]);
        let weight = weight.clone().narrow(0, first, n);
        first += n;
        let tokens = features.matmul(weight) + bias.clone().narrow(0, at, 1);
        activate(tokens, activation).reshape([rows, group.number(), width])
    };
    let tokens: Tensor<3> = Tensor::cat(entities.groups.iter().enumerate().map(embed).collect(), 1);
    let present: Tensor<3> = presence(&obs, entities).unsqueeze_dim(2);
    (tokens * present).reshape([rows * entities.number(), width])
}

/// Computes summaries, `[row, part * width]`; see [`Pooling`].
fn entity_pool(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &EntityIndices,
    pooling: Pooling,
) -> Tensor<2> {
    let obs = constant(obs);
    let [[rows, _], [_, width]] = [obs.dims(), tokens.dims()];
    let number = entities.number();
    let tokens: Tensor<3> = tokens.reshape([rows, number, width]);
    let mut present = presence(&obs, entities);
    if pooling.of_others {
        let own = Tensor::zeros([rows, 1], &present.device());
        present = Tensor::cat(vec![own, present.narrow(1, 1, number - 1)], 1);
    }
    let count: Tensor<2> = present.clone().sum_dim(1);
    let present: Tensor<3> = present.unsqueeze_dim(2);
    let sum = || (tokens.clone() * present.clone()).sum_dim(1).reshape([rows, width]);
    let part = |pool: &Pool| match pool {
        Pool::Own => tokens.clone().narrow(1, 0, 1).reshape([rows, width]),
        Pool::Sum => sum(),
        Pool::Mean => sum() / count.clone().clamp_min(1.0),
        Pool::Max => {
            let absent = is_zero(present.clone()).expand([rows, number, width]);
            let largest = tokens.clone().mask_fill(absent, MASKED).max_dim(1);
            largest.reshape([rows, width]) * count.clone().clamp_max(1.0)
        }
    };
    Tensor::cat(pooling.parts.iter().map(part).collect(), 1)
}

/// Appends the tokens of `targets` that are present to features, `[row, feature + target * width]`, and zeros for
/// absent ones.
fn with_targets(
    features: Tensor<2>,
    tokens: Tensor<2>,
    obs: &Tensor<2>,
    entities: &EntityIndices,
    targets: &[usize],
) -> Tensor<2> {
    if targets.is_empty() {
        return features;
    }
    let [[rows, _], [all, width]] = [features.dims(), tokens.dims()];
    let present = presence(&constant(obs.clone()), entities);
    let tokens: Tensor<3> = tokens.reshape([rows, all / rows.max(1), width]);
    let token = |&target: &usize| {
        let token = tokens.clone().narrow(1, target, 1).reshape([rows, width]);
        token * present.clone().narrow(1, target, 1)
    };
    let parts = std::iter::once(features).chain(targets.iter().map(token));
    Tensor::cat(parts.collect(), 1)
}

/// See [`hpn`](crate::hpn).
pub(crate) fn hpn(
    obs: Tensor<2>,
    [own, others]: [&EntityIndices; 2],
    targets: &[usize],
    HpnWeights { own: own_layer, hyper, generated }: HpnWeights,
) -> Tensor<2> {
    let own_part = embed(&obs, own, own_layer, Activation::Identity);
    let hidden = embed(&obs, others, hyper, Activation::Relu);
    let sums = outer_sum(hidden.clone(), obs.clone(), others);
    let features = activation::relu(own_part + linear(sums, generated, Activation::Identity));
    with_targets(features, hidden, &obs, others, targets)
}

/// See [`deep_sets`](crate::deep_sets).
pub(crate) fn deep_sets(
    obs: Tensor<2>,
    entities: &EntityIndices,
    targets: &[usize],
    pooling: Pooling,
    DeepSetsWeights { embedding, layers, output }: DeepSetsWeights,
) -> Tensor<2> {
    let tokens = embed(&obs, entities, embedding, Activation::Relu);
    let tokens = layers.into_iter().fold(tokens, |h, layer| linear(h, layer, Activation::Relu));
    // Only the agent itself is read whether it is present or not.
    let tokens = present_only(tokens, &obs, entities, entities.number());
    let summaries = entity_pool(tokens.clone(), obs.clone(), entities, pooling);
    let features = linear(summaries, output, Activation::Relu);
    with_targets(features, tokens, &obs, entities, targets)
}

/// See [`transformer`](crate::transformer).
pub(crate) fn transformer(
    obs: Tensor<2>,
    entities: &EntityIndices,
    targets: &[usize],
    settings: TransformerSettings,
    TransformerWeights { embedding, blocks, norm }: TransformerWeights,
) -> Tensor<2> {
    let TransformerSettings { heads, reach, queries, eps, pooling } = settings;
    let (number, layers) = (entities.number(), blocks.len());
    let normalised =
        |x: Tensor<2>, NormWeights { scale, shift }| layer_norm(x, [scale, shift], eps);
    let mut tokens = embed(&obs, entities, embedding, Activation::Identity);
    for (at, block) in blocks.into_iter().enumerate() {
        let queries = if at + 1 == layers { queries } else { number };
        let settings = EntityAttention { heads, reach, queries };
        let normal = normalised(tokens.clone(), block.attention_norm);
        let projected = linear(normal, block.projection, Activation::Identity);
        let attended = entity_attention(projected, obs.clone(), entities, settings, block.table);
        let [all, width] = tokens.dims();
        let all: Tensor<3> = tokens.reshape([all / number, number, width]);
        let [rows, _, _] = all.dims();
        let asking = all.narrow(1, 0, queries).reshape([rows * queries, width]);
        let sum = asking + linear(attended, block.output, Activation::Identity);
        let hidden = linear(normalised(sum.clone(), block.norm), block.hidden, Activation::Relu);
        tokens = sum + linear(hidden, block.last, Activation::Identity);
    }
    summarised(normalised(tokens, norm), obs, entities, targets, (queries, pooling))
}

/// See [`gcn`](crate::gcn).
pub(crate) fn gcn(
    obs: Tensor<2>,
    entities: &EntityIndices,
    targets: &[usize],
    settings: GcnSettings,
    GcnWeights { embedding, layers }: GcnWeights,
) -> Tensor<2> {
    let GcnSettings { graph, root: keep_own, queries, pooling } = settings;
    let (number, n) = (entities.number(), layers.len());
    let mut tokens = embed(&obs, entities, embedding, Activation::Relu);
    for (at, layer) in layers.into_iter().enumerate() {
        let queries = if at + 1 == n { queries } else { number };
        let mix = GraphMix { graph, keep_own, queries };
        tokens = linear(graph_mix(tokens, obs.clone(), entities, mix), layer, Activation::Relu);
    }
    summarised(tokens, obs, entities, targets, (queries, pooling))
}

/// See [`gat`](crate::gat).
pub(crate) fn gat(
    obs: Tensor<2>,
    entities: &EntityIndices,
    targets: &[usize],
    (attention, pooling): (GraphAttention, Pooling),
    GatWeights { embedding, layers }: GatWeights,
) -> Tensor<2> {
    let (number, n) = (entities.number(), layers.len());
    let mut tokens = embed(&obs, entities, embedding, Activation::Relu);
    for (at, GatLayerWeights { weight, vectors, bias }) in layers.into_iter().enumerate() {
        let queries = if at + 1 == n { attention.queries } else { number };
        let settings = GraphAttention { queries, ..attention };
        let weights = LayerWeights { weight: vectors, bias };
        let products = tokens.matmul(weight);
        let obs = obs.clone();
        tokens = graph_attention(products, obs, entities, settings, weights, Activation::Elu);
    }
    summarised(tokens, obs, entities, targets, (attention.queries, pooling))
}

/// Computes features from the tokens of the first `queries` entities that are present, followed by those of
/// `targets`.
fn summarised(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &EntityIndices,
    targets: &[usize],
    (queries, pooling): (usize, Pooling),
) -> Tensor<2> {
    let tokens = present_only(tokens, &obs, entities, queries);
    let features = if queries == entities.number() {
        entity_pool(tokens.clone(), obs.clone(), entities, pooling)
    } else {
        assert_eq!(pooling.parts, [Pool::Own], "other summaries need all tokens");
        let [[rows, _], [_, width]] = [obs.dims(), tokens.dims()];
        tokens.clone().reshape([rows, queries * width]).narrow(1, 0, width)
    };
    with_targets(features, tokens, &obs, entities, targets)
}

fn embed(
    obs: &Tensor<2>,
    entities: &EntityIndices,
    EmbeddingWeights { weight, bias }: EmbeddingWeights,
    activation: Activation,
) -> Tensor<2> {
    entity_embed(obs.clone(), entities, [weight, bias], activation)
}

/// Sets the tokens of absent entities to zero, `[row * query, width]`.
fn present_only(
    tokens: Tensor<2>,
    obs: &Tensor<2>,
    entities: &EntityIndices,
    queries: usize,
) -> Tensor<2> {
    let [[rows, _], [all, width]] = [obs.dims(), tokens.dims()];
    let present = presence(&constant(obs.clone()), entities).narrow(1, 0, queries);
    let tokens: Tensor<3> = tokens.reshape([rows, queries, width]);
    (tokens * present.unsqueeze_dim(2)).reshape([all, width])
}

/// Computes the sums of [`sum_outer`](crate::sum_outer).
fn outer_sum(tokens: Tensor<2>, obs: Tensor<2>, entities: &EntityIndices) -> Tensor<2> {
    let obs = constant(obs);
    let [[rows, _], [_, width]] = [obs.dims(), tokens.dims()];
    let tokens: Tensor<3> = tokens.reshape([rows, entities.number(), width]);
    let present: Tensor<3> = presence(&obs, entities).unsqueeze_dim(2);
    let parts = entities.spans().flat_map(|(first, group)| {
        let (n, features) = (group.number(), group.features);
        let x = select(&obs, group.columns.iter().copied()).reshape([rows, n, features]);
        let x = x * present.clone().narrow(1, first, n);
        let products = x.clone().swap_dims(1, 2).matmul(tokens.clone().narrow(1, first, n));
        [products.reshape([rows, features * width]), x.sum_dim(1).reshape([rows, features])]
    });
    Tensor::cat(parts.collect(), 1)
}

/// Computes attention of the first `queries` entities to all that are present, `[row * query, width]`, from
/// queries, keys and values side by side, `[row * entity, 3 * width]`; see
/// [`transformer`](crate::transformer). Rows of absent entities are zero.
fn entity_attention(
    projected: Tensor<2>,
    obs: Tensor<2>,
    entities: &EntityIndices,
    EntityAttention { heads, reach, queries }: EntityAttention,
    table: Option<Tensor<2>>,
) -> Tensor<2> {
    let obs = constant(obs);
    let [[rows, _], [_, columns]] = [obs.dims(), projected.dims()];
    let (number, width) = (entities.number(), columns / 3);
    let head = width / heads;
    let projected: Tensor<5> = projected.reshape([rows, number, 3, heads, head]);
    // `[row, head, entity, head_width]`.
    let of = |part: usize| -> Tensor<4> {
        let part = projected.clone().narrow(2, part, 1);
        part.reshape([rows, number, heads, head]).swap_dims(1, 2)
    };
    let mut logits = of(0).matmul(of(1).swap_dims(2, 3)).div_scalar((head as f32).sqrt());
    if let Some(table) = table {
        let [functions, _] = table.dims();
        let basis = basis(&obs, entities, functions / PER_KNOT, reach);
        let bias = basis.reshape([rows * number * number, functions]).matmul(table);
        let bias: Tensor<4> = bias.reshape([rows, number, number, heads]);
        logits = logits + bias.swap_dims(2, 3).swap_dims(1, 2);
    }
    let present = presence(&obs, entities);
    let keys: Tensor<4> = present.clone().reshape([rows, 1, 1, number]);
    let logits = logits.mask_fill(is_zero(keys).expand([rows, heads, number, number]), MASKED);
    let out = activation::softmax(logits, 3).matmul(of(2)).swap_dims(1, 2);
    let out: Tensor<3> = out.reshape([rows, number, width]);
    let out = (out * present.unsqueeze_dim(2)).narrow(1, 0, queries);
    out.reshape([rows * queries, width])
}

/// Returns the functions of the relative position of every pair, `[row, entity, entity, 3 * knot]`.
fn basis(obs: &Tensor<2>, entities: &EntityIndices, knots: usize, reach: f32) -> Tensor<4> {
    let [dx, dy] = [0, 1].map(|axis| relative(obs, entities, axis));
    let distance = (dx.clone().square() + dy.clone().square()).sqrt();
    let scale = (knots - 1) as f32 / reach.ln_1p();
    let at = distance.clone().log1p().mul_scalar(scale).clamp_max((knots - 1) as f32);
    // Where the distance is zero, so are both coordinates.
    let distance = distance.clone().mask_fill(is_zero(distance), 1.0);
    let [x, y] = [dx, dy].map(|along| along / distance.clone());
    let device: Device = at.device();
    let functions = (0..knots).flat_map(|knot| {
        let hat = activation::relu(at.clone().sub_scalar(knot as f32).abs().neg().add_scalar(1.0));
        [Tensor::ones(hat.dims(), &device), x.clone(), y.clone()]
            .map(|factor: Tensor<3>| (hat.clone() * factor).unsqueeze_dim::<4>(3))
    });
    Tensor::cat(functions.collect(), 3)
}
