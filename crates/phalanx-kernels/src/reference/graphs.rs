//! Operations on graphs of entities.

use burn::tensor::{Tensor, activation};

use super::entities::{MASKED, constant, is_zero, presence, relative};
use super::layers::activate;
use crate::entities::{EntityIndices, Graph, GraphAttention, GraphMix, LEAK};
use crate::params::{Activation, LayerWeights};

/// Returns 1 for neighbours that are present and otherwise 0, `[row, entity, entity]`.
fn adjacency(obs: &Tensor<2>, entities: &EntityIndices, graph: Graph) -> Tensor<3> {
    let present = presence(obs, entities);
    let (from, to): (Tensor<3>, Tensor<3>) =
        (present.clone().unsqueeze_dim(2), present.unsqueeze_dim(1));
    let pairs = from * to;
    if graph == Graph::Complete {
        return pairs;
    }
    let [rows, number, _] = pairs.dims();
    let own = Tensor::<2>::eye(number, &pairs.device()).unsqueeze::<3>();
    let square = relative(obs, entities, 0).square() + relative(obs, entities, 1).square();
    let near = match graph {
        Graph::Radius(radius) => square.lower_equal_elem(radius * radius).float(),
        Graph::Nearest(most) => {
            // An entity comes first among those that are nearest to it, absent ones last.
            let far = is_zero(pairs.clone());
            let square = square.mask_fill(far, 1e30) - own.clone();
            let last = square.clone().sort(2).narrow(2, most.min(number - 1), 1);
            let near = square.lower_equal(last.expand([rows, number, number])).float();
            let either = near.clone() + near.swap_dims(1, 2);
            either.greater_elem(0.5).float()
        }
        Graph::Complete => unreachable!("it was returned"),
    };
    (near + own).clamp_max(1.0) * pairs
}

/// Computes the mixed tokens of [`gcn`](crate::gcn), after the own ones with `keep_own`.
pub(super) fn graph_mix(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &EntityIndices,
    GraphMix { graph, keep_own, queries }: GraphMix,
) -> Tensor<2> {
    let obs = constant(obs);
    let [[rows, _], [_, width]] = [obs.dims(), tokens.dims()];
    let number = entities.number();
    let weights = adjacency(&obs, entities, graph);
    let inverse = weights.clone().sum_dim(2).clamp_min(1.0).sqrt().recip();
    let weights = weights * inverse.clone() * inverse.swap_dims(1, 2);
    let tokens: Tensor<3> = tokens.reshape([rows, number, width]);
    let mixed = weights.matmul(tokens.clone());
    let first = |all: Tensor<3>, width| all.narrow(1, 0, queries).reshape([rows * queries, width]);
    if !keep_own {
        return first(mixed, width);
    }
    let present: Tensor<3> = presence(&obs, entities).unsqueeze_dim(2);
    first(Tensor::cat(vec![tokens * present, mixed], 2), 2 * width)
}

/// Computes the attention of [`gat`](crate::gat); `weights` holds the vectors and the bias.
pub(super) fn graph_attention(
    tokens: Tensor<2>,
    obs: Tensor<2>,
    entities: &EntityIndices,
    GraphAttention { heads, graph, queries }: GraphAttention,
    LayerWeights { weight, bias }: LayerWeights,
    activation: Activation,
) -> Tensor<2> {
    let obs = constant(obs);
    let [[rows, _], [_, width]] = [obs.dims(), tokens.dims()];
    let (number, head) = (entities.number(), width / heads);
    let by_head: Tensor<4> = tokens.clone().reshape([rows, number, heads, head]);
    // `[row, head, entity]`.
    let along = |vector: usize| {
        let vector: Tensor<4> = weight.clone().narrow(0, vector, 1).reshape([1, 1, heads, head]);
        let sums = (by_head.clone() * vector).sum_dim(3).reshape([rows, number, heads]);
        sums.swap_dims(1, 2)
    };
    let (from, to): (Tensor<4>, Tensor<4>) = (along(0).unsqueeze_dim(3), along(1).unsqueeze_dim(2));
    let logits = activation::leaky_relu(from + to, f64::from(LEAK));
    let apart: Tensor<4> = adjacency(&obs, entities, graph).unsqueeze_dim(1);
    let apart = is_zero(apart).expand([rows, heads, number, number]);
    let weights = activation::softmax(logits.mask_fill(apart, MASKED), 3);
    let out = weights.matmul(by_head.swap_dims(1, 2)).swap_dims(1, 2);
    let out = out.reshape([rows * number, width]) + bias.unsqueeze();
    let present: Tensor<2> = presence(&obs, entities).reshape([rows * number, 1]);
    let out: Tensor<3> = (activate(out, activation) * present).reshape([rows, number, width]);
    out.narrow(1, 0, queries).reshape([rows * queries, width])
}
