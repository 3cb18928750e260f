//! Features followed by the outputs of a layer over tokens, on slices, in blocks of rows.

use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::Layer;
use crate::gemm::matmul::multiply;

/// The number of rows of a block.
pub(super) const ROWS: usize = 32;

/// The inputs, and the widths of their rows.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    /// `[row, entity, width]`.
    pub(super) tokens: &'a [f32],
    /// The length of the tokens of a row.
    pub(super) row: usize,
    pub(super) targets: &'a [usize],
    pub(super) layer: Layer<'a>,
}

impl Inputs<'_> {
    /// Writes the tokens of the targets of some rows, `[row, target, width]`, to `into`.
    pub(super) fn gather(&self, tokens: &[f32], into: &mut [f32]) {
        let width = self.layer.inner();
        let mut into = into.chunks_exact_mut(width);
        for row in tokens.chunks_exact(self.row) {
            for (&target, into) in self.targets.iter().zip(&mut into) {
                into.copy_from_slice(&row[target * width..][..width]);
            }
        }
    }
}

/// Computes `[row, feature + target * output]` from features `[row, feature]`.
pub(super) fn forward(inputs: Inputs<'_>, features: &[f32], n_features: usize) -> Vec<f32> {
    let Inputs { tokens, row, targets, layer } = inputs;
    let rows = tokens.len() / row;
    let weights = targets.len() * layer.columns();
    let columns = n_features + weights;
    let packed = layer.packed(rows * targets.len());
    let mut read = Buffer::take(ROWS * targets.len() * layer.inner());
    let mut written = Buffer::take(ROWS * weights);
    let mut out = vec![0.0; rows * columns];
    let blocks = tokens.chunks(ROWS * row).zip(features.chunks(ROWS * n_features));
    for ((tokens, features), out) in blocks.zip(out.chunks_mut(ROWS * columns)) {
        let n = out.len() / columns;
        let read = &mut read[..n * targets.len() * layer.inner()];
        let written = &mut written[..n * weights];
        inputs.gather(tokens, read);
        multiply(read, &packed, Some(layer.bias), written);
        let parts = features.chunks_exact(n_features).zip(written.chunks_exact(weights));
        for (out, (features, written)) in out.chunks_exact_mut(columns).zip(parts) {
            out[..n_features].copy_from_slice(features);
            out[n_features..].copy_from_slice(written);
        }
    }
    out
}
