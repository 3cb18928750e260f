//! The entities that are present in some rows of observations, packed type by type, and the layers that
//! embed them. Absent entities take no place.

use std::ops::Range;

use crate::cpu::activation_grad::add_column_sums;
use crate::entities::{EntityIndices, MAX_ENTITIES};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;

/// The present entities of some rows. The place of an entity is the index of its token.
#[derive(Debug, Default)]
pub(super) struct Packing {
    /// The features of each type, `[entity, feature]`, one type after the other.
    features: Vec<f32>,
    /// The first of the features of each type.
    features_from: Vec<usize>,
    /// The first place of each type, and the number of places.
    firsts: Vec<usize>,
    /// The first place of each type in each row, `[row, type]`.
    spans: Vec<usize>,
    /// The number of types.
    types: usize,
    rows: Rows,
}

/// The tokens of each of some rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The first token of each row in both lists, and their length.
    pub(super) starts: Vec<usize>,
    /// The entities, in order.
    pub(super) entities: Vec<u16>,
    /// Their places.
    pub(super) places: Vec<u16>,
}

impl Rows {
    /// Returns the entities of a row and their places.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> (&[u16], &[u16]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.entities[range.clone()], &self.places[range])
    }

    /// Returns the number of tokens.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Becomes the first `queries` entities of each row of `all`, with places in order.
    pub(super) fn fill_first(&mut self, all: &Self, queries: usize) {
        self.starts.clear();
        self.entities.clear();
        self.places.clear();
        for row in 0..all.starts.len() - 1 {
            self.starts.push(self.entities.len());
            let (entities, _) = all.row(row);
            let first = entities.iter().copied().filter(|&entity| usize::from(entity) < queries);
            self.entities.extend(first);
        }
        self.starts.push(self.entities.len());
        self.places.extend(0..self.entities.len() as u16);
    }
}

impl Packing {
    /// Packs the entities of some rows of observations, `[row, view_dim]`.
    pub(super) fn fill(&mut self, entities: &EntityIndices, obs: &[f32]) {
        let Self { features, features_from, firsts, spans, types, rows } = self;
        *types = entities.groups.len();
        features.clear();
        features_from.clear();
        firsts.clear();
        spans.clear();
        rows.starts.clear();
        rows.entities.clear();
        rows.places.clear();
        let mut list = [0; MAX_ENTITIES];
        for obs in obs.chunks_exact(entities.view_dim) {
            rows.starts.push(rows.entities.len());
            rows.entities.extend_from_slice(entities.present(obs, &mut list));
        }
        rows.starts.push(rows.entities.len());
        let n = rows.starts.len() - 1;
        spans.resize(n * *types, 0);
        let mut place = 0;
        for (kind, (first, group)) in entities.spans().enumerate() {
            firsts.push(place);
            features_from.push(features.len());
            for (row, obs) in obs.chunks_exact(entities.view_dim).enumerate() {
                spans[row * *types + kind] = place;
                let list = &rows.entities[rows.starts[row]..rows.starts[row + 1]];
                for entity in of_type(list, first..first + group.number()) {
                    let columns = &group.columns[(usize::from(*entity) - first) * group.features..];
                    features.extend(columns[..group.features].iter().map(|&column| obs[column]));
                    place += 1;
                }
            }
        }
        firsts.push(place);
        for row in 0..n {
            let list = &rows.entities[rows.starts[row]..rows.starts[row + 1]];
            for (kind, (first, group)) in entities.spans().enumerate() {
                let of_type = of_type(list, first..first + group.number()).len();
                let first = spans[row * *types + kind];
                rows.places.extend((first..first + of_type).map(|place| place as u16));
            }
        }
    }

    /// Returns the tokens of each row.
    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Returns the number of present entities.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Iterates over the places and the features of each type, `[entity, feature]`.
    fn features<'a>(
        &'a self,
        entities: &'a EntityIndices,
    ) -> impl Iterator<Item = (Range<usize>, &'a [f32])> {
        entities.groups.iter().enumerate().map(move |(kind, group)| {
            let places = self.firsts[kind]..self.firsts[kind + 1];
            let features = &self.features[self.features_from[kind]..];
            let len = places.len() * group.features;
            (places, &features[..len])
        })
    }

    /// Returns the places and the `n` features of the entities of one type in a row.
    #[inline(always)]
    pub(super) fn of_type(&self, row: usize, kind: usize, n: usize) -> (Range<usize>, &[f32]) {
        let first = self.spans[row * self.types + kind];
        let next = self.spans.get((row + 1) * self.types + kind);
        let next = next.copied().unwrap_or(self.firsts[kind + 1]);
        let from = self.features_from[kind] + (first - self.firsts[kind]) * n;
        (first..next, &self.features[from..from + (next - first) * n])
    }

    /// Computes the tokens of all present entities, `[place, width]`, before an activation.
    pub(super) fn embed(
        &self,
        entities: &EntityIndices,
        layers: &[Packed],
        bias: &[f32],
        tokens: &mut [f32],
    ) {
        let width = bias.len() / layers.len();
        let layers = layers.iter().zip(bias.chunks_exact(width));
        for ((places, features), (layer, bias)) in self.features(entities).zip(layers) {
            let tokens = &mut tokens[places.start * width..places.end * width];
            multiply(features, layer, Some(bias), tokens);
        }
    }

    /// Adds the gradients of the weight, `[feature, width]`, and the bias, `[type, width]`, from that of the
    /// tokens before the activation, `[place, width]`.
    pub(super) fn add_gradients(
        &self,
        entities: &EntityIndices,
        gradient: &[f32],
        embedding: &mut EmbeddingGradients,
        scratch: &mut Scratch,
    ) {
        let EmbeddingGradients { weight, bias } = embedding;
        let width = bias.len() / entities.groups.len();
        let mut rest = &mut weight[..];
        let types = entities.groups.iter().zip(bias.chunks_exact_mut(width));
        for ((places, features), (group, bias)) in self.features(entities).zip(types) {
            let (weight, later) = rest.split_at_mut(group.features * width);
            rest = later;
            let gradient = &gradient[places.start * width..places.end * width];
            let n = places.len();
            add_transposed_left(features, gradient, n, 0..group.features, scratch, weight);
            add_column_sums(gradient, bias);
        }
    }
}

/// Returns the entities of a sorted list that are in `range`.
#[inline(always)]
fn of_type(list: &[u16], range: Range<usize>) -> &[u16] {
    let first = list.partition_point(|&entity| usize::from(entity) < range.start);
    let last = list.partition_point(|&entity| usize::from(entity) < range.end);
    &list[first..last]
}

/// The layer of each type of entities.
#[derive(Clone, Copy)]
pub(super) struct Embedding<'a> {
    /// `[feature of a type, width]`.
    pub(super) weight: &'a [f32],
    /// `[type, width]`.
    pub(super) bias: &'a [f32],
}

/// The gradients of an [`Embedding`].
pub(super) struct EmbeddingGradients {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Embedding<'_> {
    /// Packs the weights of each type for products with the entities of about `rows` rows.
    pub(super) fn packed(&self, entities: &EntityIndices, rows: usize) -> Vec<Packed> {
        let width = self.bias.len() / entities.groups.len();
        let mut rest = self.weight;
        let pack = |group: &crate::entities::EntityGroup| {
            let (weight, later) = rest.split_at(group.features * width);
            rest = later;
            Packed::new(weight, group.features, width, rows.saturating_mul(group.number()))
        };
        entities.groups.iter().map(pack).collect()
    }

    pub(super) fn zeros(&self) -> EmbeddingGradients {
        let [weight, bias] = [self.weight, self.bias].map(|like| vec![0.0; like.len()]);
        EmbeddingGradients { weight, bias }
    }
}
