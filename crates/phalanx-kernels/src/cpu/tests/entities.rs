//! The operations on entities compared with the reference.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::{Leaf, assert_same, layer};
use crate::entities::{
    EntityAttention, EntityGroup, EntityIndices, Graph, GraphAttention, GraphMix, PER_KNOT, Pool,
    Pooling,
};
use crate::simd::dispatch::Vectors;
use crate::test_random::Rng;
use crate::{
    Activation, entity_attention, entity_embed, entity_heads, entity_pool, graph_attention,
    graph_mix, outer_sum, outer_sum_dim, reference,
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

/// Returns the number of entities that have a result: all, or with odd widths some.
fn queries(entities: &EntityIndices, width: usize) -> usize {
    if width.is_multiple_of(2) { entities.number() } else { entities.number().div_ceil(2) }
}

fn graphs() -> [Graph; 4] {
    [Graph::Complete, Graph::Nearest(2), Graph::Nearest(100), Graph::Radius(1.5)]
}

#[test]
fn the_embedding_of_entities_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(20);
        for (entities, obs) in cases(&mut rng) {
            for (width, activation) in
                [(32, Activation::Relu), (5, Activation::Identity), (48, Activation::Tanh)]
            {
                let weight = Leaf::new(&mut rng, [entities.features(), width]);
                let bias = Leaf::new(&mut rng, [entities.groups.len(), width]);
                let weights = || [weight.tensor(), bias.tensor()];
                let [w, b] = weights();
                let fused = entity_embed(obs.clone(), &entities, w, b, activation);
                let plain = reference::entity_embed(obs.clone(), &entities, weights(), activation);
                assert_equivalent!(&mut rng, fused, plain, [weight, bias]);
            }
        }
    }
}

#[test]
fn summaries_of_tokens_have_the_values_and_gradients_of_the_reference() {
    const ALL: &[Pool] = &[Pool::Own, Pool::Mean, Pool::Sum, Pool::Max];
    for _ in Vectors::each() {
        let mut rng = Rng::stream(21);
        for (entities, obs) in cases(&mut rng) {
            let [rows, _] = obs.dims();
            for (width, of_others, parts) in
                [(32, false, ALL), (5, true, ALL), (64, true, &ALL[3..]), (9, false, &ALL[1..2])]
            {
                let tokens = Leaf::new(&mut rng, [rows * entities.number(), width]);
                let pooling = Pooling { parts, of_others };
                let fused = entity_pool(tokens.tensor(), obs.clone(), &entities, pooling);
                let plain =
                    reference::entity_pool(tokens.tensor(), obs.clone(), &entities, pooling);
                assert_equivalent!(&mut rng, fused, plain, [tokens]);
            }
        }
    }
}

#[test]
fn sums_of_outer_products_have_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(22);
        for (entities, obs) in cases(&mut rng) {
            let [rows, _] = obs.dims();
            for width in [32, 5, 64] {
                let tokens = Leaf::new(&mut rng, [rows * entities.number(), width]);
                let fused = outer_sum(tokens.tensor(), obs.clone(), &entities);
                assert_eq!(fused.dims(), [rows, outer_sum_dim(&entities, width)]);
                let plain = reference::outer_sum(tokens.tensor(), obs.clone(), &entities);
                assert_equivalent!(&mut rng, fused, plain, [tokens]);
            }
        }
    }
}

#[test]
fn layers_over_targets_have_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(26);
        for (rows, number, width, columns) in [(70, 5, 32, 17), (3, 9, 7, 33), (1, 4, 64, 65)] {
            let targets: Arc<[usize]> = Arc::new([3, 1, 2]);
            let features = Leaf::new(&mut rng, [rows, 11]);
            let tokens = Leaf::new(&mut rng, [rows * number, width]);
            let weight = Leaf::new(&mut rng, [width, columns]);
            let bias = Leaf::new(&mut rng, [columns]);
            let input = || (features.tensor(), tokens.tensor());
            let (x, h) = input();
            let fused = entity_heads(x, h, &targets, layer(&weight, &bias));
            let (x, h) = input();
            let plain = reference::entity_heads(x, h, &targets, layer(&weight, &bias));
            assert_equivalent!(&mut rng, fused, plain, [features, tokens, weight, bias]);
        }
    }
}

#[test]
fn mixing_over_graphs_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(23);
        for (entities, obs) in cases(&mut rng) {
            let [rows, _] = obs.dims();
            for graph in graphs() {
                for (width, keep_own) in [(32, true), (5, false), (201, true)] {
                    let queries = queries(&entities, width);
                    let tokens = Leaf::new(&mut rng, [rows * entities.number(), width]);
                    let settings = GraphMix { graph, keep_own, queries };
                    let fused = graph_mix(tokens.tensor(), obs.clone(), &entities, settings);
                    let (h, o) = (tokens.tensor(), obs.clone());
                    let plain = reference::graph_mix(h, o, &entities, settings);
                    assert_equivalent!(&mut rng, fused, plain, [tokens]);
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
            let [rows, _] = obs.dims();
            for graph in graphs() {
                for (width, heads, activation) in
                    [(32, 4, Activation::Elu), (15, 3, Activation::Identity)]
                {
                    let tokens = Leaf::new(&mut rng, [rows * entities.number(), width]);
                    let weight = Leaf::new(&mut rng, [2, width]);
                    let bias = Leaf::new(&mut rng, [width]);
                    let queries = queries(&entities, width);
                    let settings = GraphAttention { heads, graph, queries };
                    let weights = || layer(&weight, &bias);
                    let input = || (tokens.tensor(), obs.clone());
                    let (h, o) = input();
                    let fused = graph_attention(h, o, &entities, settings, weights(), activation);
                    let (h, o) = input();
                    let plain = reference::graph_attention(
                        h,
                        o,
                        &entities,
                        settings,
                        weights(),
                        activation,
                    );
                    assert_equivalent!(&mut rng, fused, plain, [tokens, weight, bias]);
                }
            }
        }
    }
}

#[test]
fn attention_among_entities_has_the_values_and_gradients_of_the_reference() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(25);
        for (entities, obs) in cases(&mut rng) {
            let [rows, _] = obs.dims();
            for (width, heads) in [(32, 4), (15, 3), (64, 2)] {
                let projected = Leaf::new(&mut rng, [rows * entities.number(), 3 * width]);
                let queries = queries(&entities, width);
                let settings = EntityAttention { heads, reach: 3.0, queries };
                let input = || (projected.tensor(), obs.clone());
                let (x, o) = input();
                let fused = entity_attention(x, o, &entities, settings, None);
                let (x, o) = input();
                let plain = reference::entity_attention(x, o, &entities, settings, None);
                assert_equivalent!(&mut rng, fused, plain, [projected]);

                let table = Leaf::new(&mut rng, [5 * PER_KNOT, heads]);
                let (x, o) = input();
                let fused = entity_attention(x, o, &entities, settings, Some(table.tensor()));
                let (x, o) = input();
                let plain =
                    reference::entity_attention(x, o, &entities, settings, Some(table.tensor()));
                assert_equivalent!(&mut rng, fused, plain, [projected, table]);
            }
        }
    }
}
