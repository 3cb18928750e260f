//! The layers of an agent network on plain weights.

use std::ops::Range;
use std::sync::Arc;

use burn::module::Param;
use burn::tensor::Tensor;
use phalanx_kernels::{
    Convolution, Packed, PackedFilters, filter, multiply, normalise, score_entities,
};

use super::actor_network::LayerScratch;
use crate::nn::encoders::{ObservationEncoder, PlainEncoder};
use crate::nn::layers::layer_norm::EPS;
use crate::nn::layers::{FrameConvolution, LayerNorm, Linear};
use crate::nn::weights::ParameterValues;

/// An actor may have few rows now and many later, and its bits must not depend on their number.
const ROWS: usize = usize::MAX;

/// A linear layer on plain weights.
#[derive(Clone, Debug)]
pub(in crate::nn) struct Layer {
    pub(in crate::nn) weight: Packed,
    pub(super) bias: Vec<f32>,
}

impl Layer {
    /// Makes a layer of a weight `[input, output]`, row-major, and a bias `[output]`.
    pub(in crate::nn) fn new(weight: &[f32], bias: Vec<f32>, [input, output]: [usize; 2]) -> Self {
        Self { weight: Packed::new(weight, input, output, ROWS), bias }
    }

    pub(super) fn of(
        weight: &Param<Tensor<2>>,
        bias: &Param<Tensor<1>>,
        values: &mut ParameterValues,
    ) -> Self {
        let (numbers, shape) = (values.take(weight), weight.dims());
        Self::new(&numbers, values.take(bias), shape)
    }

    pub(super) fn linear(linear: &Linear, values: &mut ParameterValues) -> Self {
        Self::of(&linear.weight, &linear.bias, values)
    }

    /// Maps `[row, input]` to `[row, output]`.
    pub(in crate::nn) fn forward(&self, x: &[f32], y: &mut [f32]) {
        multiply(x, &self.weight, Some(&self.bias), y);
    }
}

/// The last layer on plain weights: a linear layer for all actions but those with heads by the encoder.
#[derive(Clone, Debug)]
pub(super) struct LastLayer {
    pub(super) layer: Layer,
    /// The actions with heads; empty without.
    pub(super) heads: Range<usize>,
}

/// The heads of actions in some rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads {
    /// The weights and biases, `[row, action, input + 1]`.
    weights: Vec<f32>,
    /// The outputs of actions with heads, and of the others.
    scores: Vec<f32>,
    others: Vec<f32>,
}

impl LastLayer {
    pub(super) fn output_dim(&self) -> usize {
        self.layer.weight.columns() + self.heads.len()
    }

    pub(super) fn multiply_adds(&self) -> usize {
        self.layer.weight.inner() * self.output_dim()
    }

    /// Maps `[row, input]` to `[row, output_dim]`.
    pub(super) fn forward(&self, x: &[f32], heads: &mut Heads, y: &mut [f32]) {
        if self.heads.is_empty() {
            return self.layer.forward(x, y);
        }
        let Heads { weights, scores, others } = heads;
        let (inner, n_others) = (self.layer.weight.inner(), self.layer.weight.columns());
        let rows = x.len() / inner;
        others.resize(rows * n_others, 0.0);
        scores.resize(rows * self.heads.len(), 0.0);
        self.layer.forward(x, others);
        score_entities(inner, x, weights, scores);
        let parts = others.chunks_exact(n_others).zip(scores.chunks_exact(self.heads.len()));
        for (y, (others, scores)) in y.chunks_exact_mut(self.output_dim()).zip(parts) {
            let (before, after) = others.split_at(self.heads.start);
            y[..self.heads.start].copy_from_slice(before);
            y[self.heads.clone()].copy_from_slice(scores);
            y[self.heads.end..].copy_from_slice(after);
        }
    }
}

/// A convolution on plain weights.
#[derive(Clone, Debug)]
pub(super) struct Filters {
    pub(super) size: Convolution,
    layers: PackedFilters,
    biases: Vec<Vec<f32>>,
}

impl Filters {
    pub(super) fn new(convolution: &FrameConvolution, values: &mut ParameterValues) -> Self {
        let (weights, biases): (Vec<_>, Vec<_>) = (convolution.layers.iter())
            .map(|layer| (values.take(&layer.weight), values.take(&layer.bias)))
            .unzip();
        let size = convolution.config();
        let weights = std::array::from_fn(|at| weights[at].as_slice());
        Self { size, layers: PackedFilters::new(size, weights, ROWS), biases }
    }

    /// Replaces the observations in `input`, `[row, input_dim]`, by the output of the filters.
    pub(super) fn forward(&self, input: &[f32], dim: usize, scratch: &mut LayerScratch) {
        let LayerScratch { seen, filtered, .. } = scratch;
        let (reads, writes) = (self.size.input_dim(), self.size.output_dim());
        let width = writes + dim - reads;
        seen.resize(input.len() / dim * width, 0.0);
        let biases = std::array::from_fn(|at| self.biases[at].as_slice());
        filter(self.size, (&self.layers, biases), (input, dim), (seen, width), filtered);
        for (row, seen) in input.chunks_exact(dim).zip(seen.chunks_exact_mut(width)) {
            seen[writes..].copy_from_slice(&row[reads..]);
        }
    }
}

/// An encoder on plain weights, with the length of the observations in a row, the number of features and
/// the number of weights of heads.
#[derive(Clone, Debug)]
pub(super) struct Features {
    pub(super) settings: ObservationEncoder,
    pub(super) encoder: Arc<dyn PlainEncoder>,
    pub(super) reads: usize,
    pub(super) writes: usize,
    pub(super) weights: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct FeatureScratch {
    obs: Vec<f32>,
    features: Vec<f32>,
    own: Vec<f32>,
}

impl Features {
    /// Replaces the observations in `input`, `[row, input_dim]`, by their features, and keeps the weights
    /// of heads.
    pub(super) fn forward(&self, input: &[f32], dim: usize, scratch: &mut LayerScratch) {
        let LayerScratch { seen, encoded: FeatureScratch { obs, features, own }, heads, .. } =
            scratch;
        let width = self.writes + self.weights;
        obs.clear();
        obs.extend(input.chunks_exact(dim).flat_map(|row| &row[..self.reads]));
        features.resize(input.len() / dim * width, 0.0);
        self.encoder.encode(obs, features, own);
        seen.clear();
        heads.weights.clear();
        for (row, encoded) in input.chunks_exact(dim).zip(features.chunks_exact(width)) {
            let (features, weights) = encoded.split_at(self.writes);
            seen.extend_from_slice(features);
            seen.extend_from_slice(&row[self.reads..]);
            heads.weights.extend_from_slice(weights);
        }
    }
}

/// Layer normalisation on plain weights.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Norm {
    pub(super) fn new(norm: &LayerNorm, values: &mut ParameterValues) -> Self {
        Self { scale: values.take(&norm.scale), shift: values.take(&norm.shift) }
    }

    /// Normalises every row in place.
    pub(super) fn forward(&self, rows: &mut [f32]) {
        normalise(rows, (&self.scale, &self.shift), EPS, None);
    }
}
