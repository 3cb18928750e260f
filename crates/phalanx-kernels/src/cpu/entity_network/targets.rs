//! The output of networks over entities: features, followed by the tokens of the targets of actions.

use std::ops::Range;

use super::packing::Rows;

/// The layout of an output row, `[feature + target * width]`.
#[derive(Clone, Debug)]
pub(crate) struct OutputRow {
    /// The number of features.
    features: usize,
    /// The width of a token.
    width: usize,
    /// The number of targets.
    number: usize,
    /// The place of each entity among the targets, if it is one.
    slots: Vec<Option<usize>>,
}

impl OutputRow {
    /// Describes rows of `features` numbers and the tokens, `width` each, of `targets`, which are different
    /// ones of `entities` entities.
    pub(crate) fn new(features: usize, width: usize, targets: &[usize], entities: usize) -> Self {
        let slot = |entity: usize| targets.iter().position(|&target| target == entity);
        Self { features, width, number: targets.len(), slots: (0..entities).map(slot).collect() }
    }

    /// Returns the length of a row.
    pub(crate) fn dim(&self) -> usize {
        self.features + self.number * self.width
    }

    /// Returns the number of features.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// Returns where the token of an entity stands in a row, if it is a target.
    #[inline(always)]
    fn slot(&self, entity: u16) -> Option<Range<usize>> {
        let first = self.features + self.slots[usize::from(entity)]? * self.width;
        Some(first..first + self.width)
    }

    /// Writes rows from features `[row, feature]` and tokens `[place, width]`. The tokens of targets that
    /// are absent are zero.
    pub(super) fn write(&self, features: &[f32], tokens: &[f32], rows: &Rows, out: &mut [f32]) {
        let all = out.chunks_exact_mut(self.dim()).zip(features.chunks_exact(self.features));
        for (row, (out, features)) in all.enumerate() {
            let (own, targets) = out.split_at_mut(self.features);
            own.copy_from_slice(features);
            targets.fill(0.0);
            let (entities, places) = rows.row(row);
            for (&entity, &place) in entities.iter().zip(places) {
                if let Some(slot) = self.slot(entity) {
                    let token = &tokens[usize::from(place) * self.width..][..self.width];
                    out[slot].copy_from_slice(token);
                }
            }
        }
    }

    /// Adds the gradient of the tokens, `[place, width]`, from that of the output.
    pub(super) fn add_gradient(&self, gradient: &[f32], rows: &Rows, tokens: &mut [f32]) {
        for (row, gradient) in gradient.chunks_exact(self.dim()).enumerate() {
            let (entities, places) = rows.row(row);
            for (&entity, &place) in entities.iter().zip(places) {
                if let Some(slot) = self.slot(entity) {
                    let token = &mut tokens[usize::from(place) * self.width..][..self.width];
                    token.iter_mut().zip(&gradient[slot]).for_each(|(sum, d)| *sum += d);
                }
            }
        }
    }

    /// Writes the first columns of some rows, those of the features, to `features`.
    pub(super) fn split(&self, rows: &[f32], features: &mut [f32]) {
        let rows = rows.chunks_exact(self.dim()).zip(features.chunks_exact_mut(self.features));
        rows.for_each(|(row, features)| features.copy_from_slice(&row[..self.features]));
    }
}
