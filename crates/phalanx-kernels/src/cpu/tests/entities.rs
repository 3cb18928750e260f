//! The operations on entities compared with the reference.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::{Leaf, assert_same, layer};
use crate::entities::{
    EntityGroup, EntityIndices, GcnSettings, Graph, GraphAttention, PER_KNOT, Pool, Pooling,
    TransformerSettings,
};
use crate::simd::dispatch::Vectors;
use crate::test_random::Rng;
use crate::{
    DeepSetsWeights, EmbeddingWeights, GatLayerWeights, GatWeights, GcnWeights, HpnWeights,
    NormWeights, TransformerBlock, TransformerWeights, deep_sets, gat, gcn, hpn, reference,
    transformer,
};

/// Returns entities of types with these numbers of entities and features. The columns of a row are
/// in disorder. The first entity is always present unless `all_optional` is set.
fn entities(rng: &mut Rng, types: &[[usize; 2]], all_optional: bool) -> Arc<EntityIndices> {
    let view_dim = types.iter().map(|[n, features]| n * features).sum::<usize>() + 3;
    let mut order: Vec<usize> = (0..view_dim).collect();
    (1..view_dim).for_each(|at| order.swap(at, rng.below(at + 1)));
    let mut order = order.into_iter();
    let groups: Vec<EntityGroup> = types
        .iter()
        .map(|&[n, features]| EntityGroup {
            features,
            columns: (&mut order).take(n * features).collect(),
        })
        .collect();
    let [mut presence, mut positions] = [Vec::new(), Vec::new()].map(|none: Vec<Vec<usize>>| none);
    for group in &groups {
        for columns in group.columns.chunks_exact(group.features) {
            // Some depend on one column, others on all.
            let optional = all_optional || !presence.is_empty();
            let n = if rng.below(2) == 0 { 1 } else { columns.len() };
            presence.push(if optional { columns[..n].to_vec() } else { Vec::new() });
            positions.push(vec![columns[0], columns[columns.len() - 1]]);
        }
    }
    let positions = positions.into_iter().enumerate();
    let positions = positions.map(|(at, xy)| (at > 0).then(|| [xy[0], xy[1]])).collect();
    Arc::new(EntityIndices { view_dim, groups, presence, positions, position_scale: [2.0, 3.0] })
}

/// Returns observations in which a third of the entities are absent.
fn observations(rng: &mut Rng, entities: &EntityIndices, rows: usize) -> Tensor<2> {
    let view = entities.view_dim;
    let mut obs: Vec<f32> = (0..rows * view).map(|_| rng.range(-1.0, 1.0)).collect();
    for row in obs.chunks_exact_mut(view) {
        for columns in &entities.presence {
            if rng.below(3) == 0 {
                columns.iter().for_each(|&column| row[column] = 0.0);
            }
        }
    }
    Tensor::from_data(TensorData::new(obs, [rows, view]), &Device::flex().autodiff())
}

fn cases(rng: &mut Rng) -> Vec<(Arc<EntityIndices>, Tensor<2>)> {
    let shapes: [(&[[usize; 2]], usize, bool); 5] = [
        (&[[1, 4], [6, 5], [4, 3]], 41, false),
        (&[[2, 3]], 7, true),
        (&[[1, 2], [20, 7]], 5, true),
        (&[[3, 9], [1, 2], [17, 4], [2, 6]], 3, false),
        (&[[1, 3], [1, 3]], 1, true),
    ];
    shapes
        .into_iter()
        .map(|(types, rows, optional)| {
            let entities = entities(rng, types, optional);
            let obs = observations(rng, &entities, rows);
            (entities, obs)
        })
        .collect()
}

fn graphs() -> [Graph; 4] {
    [Graph::Complete, Graph::Nearest(2), Graph::Nearest(100), Graph::Radius(1.5)]
}

/// Returns weight and bias of a layer for each type of entities.
fn embedding_leaves(rng: &mut Rng, entities: &EntityIndices, width: usize) -> [Leaf<2>; 2] {
    let weight = Leaf::weights(rng, [entities.features(), width], 4);
    [weight, Leaf::new(rng, [entities.groups.len(), width])]
}

fn embedding([weight, bias]: [&Leaf<2>; 2]) -> EmbeddingWeights {
    EmbeddingWeights { weight: weight.tensor(), bias: bias.tensor() }
}

/// Returns some entities that are targets of actions; with odd widths none.
fn targets(number: usize, width: usize) -> Vec<usize> {
    if width % 2 == 1 { Vec::new() } else { (0..number).rev().step_by(2).collect() }
}

#[test]
fn hyper_policy_networks_have_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(22);
        for (entities, obs) in cases(&mut rng) {
            let (own, others) = (Arc::new(entities.own()), Arc::new(entities.others()));
            for (width, hidden) in [(32, 16), (5, 7), (64, 64)] {
                let sums = (hidden + 1) * others.features();
                let [w, b] = embedding_leaves(&mut rng, &own, width);
                let [h, c] = embedding_leaves(&mut rng, &others, hidden);
                let m = Leaf::weights(&mut rng, [sums, width], sums);
                let d = Leaf::new(&mut rng, [width]);
                let weights = || HpnWeights {
                    own: embedding([&w, &b]),
                    hyper: embedding([&h, &c]),
                    generated: layer(&m, &d),
                };
                let targets = targets(others.number(), width);
                let fused = hpn(obs.clone(), [&own, &others], &targets, weights());
                let entities = [&*own, &*others];
                let plain = reference::hpn(obs.clone(), entities, &targets, weights());
                assert_equivalent!(&mut rng, fused, plain, [w, b, h, c, m, d]);
            }
        }
    }
}

#[test]
fn deep_sets_have_the_values_and_gradients_of_the_reference() {
    const ALL: &[Pool] = &[Pool::Own, Pool::Mean, Pool::Sum, Pool::Max];
    for _ in Vectors::each() {
        let mut rng = Rng::stream(27);
        for (entities, obs) in cases(&mut rng) {
            for (width, features, layers, of_others) in
                [(32, 16, 2, true), (5, 7, 0, false), (64, 64, 1, true)]
            {
                let [w, b] = embedding_leaves(&mut rng, &entities, width);
                let [w1, w2] = [0; 2].map(|_| Leaf::weights(&mut rng, [width, width], width));
                let [b1, b2] = [0; 2].map(|_| Leaf::new(&mut rng, [width]));
                let v = Leaf::weights(&mut rng, [4 * width, features], 4 * width);
                let c = Leaf::new(&mut rng, [features]);
                let further = [(&w1, &b1), (&w2, &b2)];
                let weights = || DeepSetsWeights {
                    embedding: embedding([&w, &b]),
                    layers: further[..layers].iter().map(|(w, b)| layer(w, b)).collect(),
                    output: layer(&v, &c),
                };
                let targets = targets(entities.number(), width);
                let pooling = Pooling { parts: ALL, of_others };
                let fused = deep_sets(obs.clone(), &entities, &targets, pooling, weights());
                let plain =
                    reference::deep_sets(obs.clone(), &entities, &targets, pooling, weights());
                match layers {
                    0 => assert_equivalent!(&mut rng, fused, plain, [w, b, v, c]),
                    1 => assert_equivalent!(&mut rng, fused, plain, [w, b, w1, b1, v, c]),
                    _ => {
                        assert_equivalent!(&mut rng, fused, plain, [w, b, w1, b1, w2, b2, v, c]);
                    }
                }
            }
        }
    }
}

#[test]
fn graph_convolutions_have_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(28);
        for (entities, obs) in cases(&mut rng) {
            for (at, graph) in graphs().into_iter().enumerate() {
                for (width, root) in [(32, true), (5, false), (16, true)] {
                    let read = if root { 2 * width } else { width };
                    let [w, b] = embedding_leaves(&mut rng, &entities, width);
                    let [w1, w2] = [0; 2].map(|_| Leaf::weights(&mut rng, [read, width], read));
                    let [b1, b2] = [0; 2].map(|_| Leaf::new(&mut rng, [width]));
                    let weights = || GcnWeights {
                        embedding: embedding([&w, &b]),
                        layers: vec![layer(&w1, &b1), layer(&w2, &b2)],
                    };
                    let number = entities.number();
                    let own = at % 2 == 0;
                    let parts: &'static [Pool] =
                        if own { &[Pool::Own] } else { &[Pool::Own, Pool::Mean] };
                    let settings = GcnSettings {
                        graph,
                        root,
                        queries: if own { number.div_ceil(2) } else { number },
                        pooling: Pooling { parts, of_others: false },
                    };
                    let targets = targets(settings.queries, width);
                    let fused = gcn(obs.clone(), &entities, &targets, settings, weights());
                    let plain =
                        reference::gcn(obs.clone(), &entities, &targets, settings, weights());
                    assert_equivalent!(&mut rng, fused, plain, [w, b, w1, b1, w2, b2]);
                }
            }
        }
    }
}

#[test]
fn graph_attention_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(24);
        for (entities, obs) in cases(&mut rng) {
            for (at, graph) in graphs().into_iter().enumerate() {
                for (width, heads) in [(32, 4), (15, 3)] {
                    let [w, b] = embedding_leaves(&mut rng, &entities, width);
                    let [w1, w2] = [0; 2].map(|_| Leaf::weights(&mut rng, [width, width], width));
                    let [v1, v2] = [0; 2].map(|_| Leaf::new(&mut rng, [2, width]));
                    let [b1, b2] = [0; 2].map(|_| Leaf::new(&mut rng, [width]));
                    let layer = |weight: &Leaf<2>, vectors: &Leaf<2>, bias: &Leaf<1>| {
                        let (weight, vectors) = (weight.tensor(), vectors.tensor());
                        GatLayerWeights { weight, vectors, bias: bias.tensor() }
                    };
                    let weights = || GatWeights {
                        embedding: embedding([&w, &b]),
                        layers: vec![layer(&w1, &v1, &b1), layer(&w2, &v2, &b2)],
                    };
                    let number = entities.number();
                    let own = at % 2 == 0;
                    let parts: &'static [Pool] =
                        if own { &[Pool::Own] } else { &[Pool::Own, Pool::Sum] };
                    let queries = if own { number.div_ceil(2) } else { number };
                    let settings = GraphAttention { heads, graph, queries };
                    let settings = (settings, Pooling { parts, of_others: false });
                    let targets = targets(queries, width);
                    let fused = gat(obs.clone(), &entities, &targets, settings, weights());
                    let plain =
                        reference::gat(obs.clone(), &entities, &targets, settings, weights());
                    assert_equivalent!(&mut rng, fused, plain, [w, b, w1, v1, b1, w2, v2, b2]);
                }
            }
        }
    }
}

/// The parameters of a block of attention.
struct BlockLeaves {
    scales: [Leaf<1>; 4],
    weights: [Leaf<2>; 4],
    biases: [Leaf<1>; 4],
    table: Leaf<2>,
}

impl BlockLeaves {
    fn new(rng: &mut Rng, width: usize, wide: usize, heads: usize) -> Self {
        let shapes = [[width, 3 * width], [width, width], [width, wide], [wide, width]];
        Self {
            scales: [0; 4].map(|_| Leaf::new(rng, [width])),
            weights: shapes.map(|shape| Leaf::weights(rng, shape, shape[0])),
            biases: shapes.map(|[_, columns]| Leaf::new(rng, [columns])),
            table: Leaf::new(rng, [5 * PER_KNOT, heads]),
        }
    }

    fn values(&self, relative: bool) -> TransformerBlock {
        let [s1, s2, s3, s4] = &self.scales;
        let norm = |scale: &Leaf<1>, shift: &Leaf<1>| NormWeights {
            scale: scale.tensor(),
            shift: shift.tensor(),
        };
        let layer = |at: usize| layer(&self.weights[at], &self.biases[at]);
        TransformerBlock {
            attention_norm: norm(s1, s2),
            projection: layer(0),
            table: relative.then(|| self.table.tensor()),
            output: layer(1),
            norm: norm(s3, s4),
            hidden: layer(2),
            last: layer(3),
        }
    }
}

#[test]
fn blocks_of_attention_have_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(25);
        for (entities, obs) in cases(&mut rng) {
            for (width, wide, heads, layers) in [(32, 48, 4, 1), (15, 10, 3, 2), (64, 32, 2, 1)] {
                let [w, b] = embedding_leaves(&mut rng, &entities, width);
                let [one, two] = [0; 2].map(|_| BlockLeaves::new(&mut rng, width, wide, heads));
                let [scale, shift] = [0; 2].map(|_| Leaf::new(&mut rng, [width]));
                for (relative, own) in [(false, true), (true, false)] {
                    let weights = || TransformerWeights {
                        embedding: embedding([&w, &b]),
                        blocks: [&one, &two][..layers].iter().map(|x| x.values(relative)).collect(),
                        norm: NormWeights { scale: scale.tensor(), shift: shift.tensor() },
                    };
                    let number = entities.number();
                    let parts: &'static [Pool] =
                        if own { &[Pool::Own] } else { &[Pool::Own, Pool::Mean] };
                    let settings = TransformerSettings {
                        heads,
                        reach: 3.0,
                        queries: if own { number.div_ceil(2) } else { number },
                        // Large enough that tokens of absent entities, which are constant, have no
                        // gradient in the thousands from rounding alone.
                        eps: 1e-2,
                        pooling: Pooling { parts, of_others: false },
                    };
                    let targets = targets(settings.queries, width);
                    let fused = transformer(obs.clone(), &entities, &targets, settings, weights());
                    let plain = reference::transformer(
                        obs.clone(),
                        &entities,
                        &targets,
                        settings,
                        weights(),
                    );
                    let BlockLeaves { scales, weights, biases, table } = &one;
                    let ([s1, s2, s3, s4], [w1, w2, w3, w4]) = (scales, weights);
                    let [b1, b2, b3, b4] = biases;
                    if relative {
                        assert_equivalent!(
                            &mut rng,
                            fused,
                            plain,
                            [
                                w, b, s1, s2, s3, s4, w1, w2, w3, w4, b1, b2, b3, b4, table, scale,
                                shift
                            ]
                        );
                    } else {
                        assert_equivalent!(
                            &mut rng,
                            fused,
                            plain,
                            [w, b, s1, s2, s3, s4, w1, w2, w3, w4, b1, b2, b3, b4, scale, shift]
                        );
                    }
                }
            }
        }
    }
}
