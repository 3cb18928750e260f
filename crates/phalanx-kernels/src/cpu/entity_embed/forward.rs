//! Tokens of entities from observations, on slices, in blocks of rows.

use crate::Activation;
use crate::cpu::row_scratch::with_scratch;
use crate::entities::{EntityGroup, EntityIndices};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::elementwise::activate;

/// The number of rows of a block.
pub(super) const ROWS: usize = 32;

/// A linear layer per type of entities, with an activation; see
/// [`EmbeddingWeights`](crate::EmbeddingWeights).
#[derive(Clone, Debug)]
pub struct PackedEmbedding {
    weights: Vec<Packed>,
    /// `[type, width]`.
    bias: Vec<f32>,
    width: usize,
    activation: Activation,
}

impl PackedEmbedding {
    /// Packs `weight`, `[feature of a type, width]`, and `bias`, `[type, width]`, for products with
    /// about `rows` rows. This number must not depend on the number of threads.
    pub fn new(
        entities: &EntityIndices,
        weight: &[f32],
        bias: &[f32],
        activation: Activation,
        rows: usize,
    ) -> Self {
        let width = bias.len() / entities.groups.len();
        assert_eq!(weight.len(), entities.features() * width, "the weight is [feature, width]");
        let mut rest = weight;
        let pack = |group: &EntityGroup| {
            let (weight, later) = rest.split_at(group.features * width);
            rest = later;
            Packed::new(weight, group.features, width, rows.saturating_mul(group.number()))
        };
        let weights = entities.groups.iter().map(pack).collect();
        Self { weights, bias: bias.to_vec(), width, activation }
    }

    /// Returns the width of a token.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the multiply-adds of a row.
    pub fn multiply_adds(&self, entities: &EntityIndices) -> usize {
        self.width * entities.groups.iter().map(|group| group.columns.len()).sum::<usize>()
    }

    /// Computes the tokens `[row, entity, width]` of observations `[row, view_dim]`. The bits of a
    /// row do not depend on the other rows.
    pub fn forward(&self, entities: &EntityIndices, obs: &[f32], tokens: &mut [f32]) {
        let (number, width) = (entities.number(), self.width);
        let most = |size: fn(&EntityGroup) -> usize| {
            ROWS * entities
                .groups
                .iter()
                .map(|group| group.number() * size(group))
                .max()
                .unwrap_or(0)
        };
        let [read, written] = [most(|group| group.features), width * most(|_| 1)];
        let blocks =
            obs.chunks(ROWS * entities.view_dim).zip(tokens.chunks_mut(ROWS * number * width));
        with_scratch(read + written, |scratch| {
            let (read, written) = scratch.split_at_mut(read);
            for (obs, tokens) in blocks {
                let layers = self.weights.iter().zip(self.bias.chunks_exact(width));
                for ((first, group), (weight, bias)) in entities.spans().zip(layers) {
                    let features = gather(entities, group, obs, read);
                    let own = &mut written[..features.len() / group.features * width];
                    multiply(features, weight, Some(bias), own);
                    activate(self.activation, own);
                    let rows = own.chunks_exact(group.number() * width);
                    for (own, row) in rows.zip(tokens.chunks_exact_mut(number * width)) {
                        row[first * width..][..own.len()].copy_from_slice(own);
                    }
                }
                clear_absent(entities, obs, tokens);
            }
        });
    }
}

/// Writes the features of a type, `[row, entity, feature]`, to `into` and returns them.
pub(super) fn gather<'a>(
    entities: &EntityIndices,
    group: &EntityGroup,
    obs: &[f32],
    into: &'a mut [f32],
) -> &'a [f32] {
    let len = obs.len() / entities.view_dim * group.columns.len();
    let rows = into[..len].chunks_exact_mut(group.columns.len());
    for (obs, row) in obs.chunks_exact(entities.view_dim).zip(rows) {
        for (x, &column) in row.iter_mut().zip(&group.columns) {
            *x = obs[column];
        }
    }
    &into[..len]
}

/// Sets the tokens of absent entities to zero.
fn clear_absent(entities: &EntityIndices, obs: &[f32], tokens: &mut [f32]) {
    let rows = obs.len() / entities.view_dim;
    let width = tokens.len() / (rows * entities.number());
    let rows = tokens.chunks_exact_mut(entities.number() * width);
    for (obs, row) in obs.chunks_exact(entities.view_dim).zip(rows) {
        for (entity, token) in row.chunks_exact_mut(width).enumerate() {
            if !entities.is_present(obs, entity) {
                token.fill(0.0);
            }
        }
    }
}
