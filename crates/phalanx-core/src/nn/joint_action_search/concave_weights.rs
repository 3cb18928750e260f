//! The generated weights of a concave mixer, in plain vectors.

use burn::tensor::Tensor;
use phalanx_kernels::{ConcaveWeights, Convex, RowWeights};

use crate::nn::device::download;

/// The values of [`ConcaveWeights`] in plain vectors, for a [`JointActionSearch`](super::JointActionSearch).
#[derive(Clone, Debug)]
pub struct ConcaveWeightsCpu {
    rows: usize,
    embed: usize,
    inputs: usize,
    weight_0: Vec<f32>,
    bias_0: Vec<f32>,
    weight_1: Vec<f32>,
    bias_1: Vec<f32>,
    weight_2: Vec<f32>,
    bias_2: Vec<f32>,
    weight_3: Vec<f32>,
    value: Vec<f32>,
    activation: Convex,
}

impl ConcaveWeightsCpu {
    /// Downloads the weights, without gradients. Weights in CPU memory that have no other owner are
    /// not copied.
    ///
    /// # Panics
    ///
    /// Panics if the device fails to return a tensor.
    pub fn download(weights: ConcaveWeights) -> Self {
        Self::download_with(weights, Vec::new()).0
    }

    /// Downloads the weights and the values of the tensors `extra` in one transfer.
    ///
    /// # Panics
    ///
    /// Panics if the device fails to return a tensor.
    pub fn download_with(weights: ConcaveWeights, extra: Vec<Tensor<1>>) -> (Self, Vec<Vec<f32>>) {
        let [rows, embed] = weights.bias_0.dims();
        let inputs = weights.weight_0.dims()[1] / embed;
        let own = [
            weights.weight_0,
            weights.bias_0,
            weights.weight_1,
            weights.bias_1,
            weights.weight_2,
            weights.bias_2,
            weights.weight_3,
            weights.value,
        ];
        let flat = |tensor: Tensor<2>| {
            let len = tensor.dims().iter().product::<usize>();
            tensor.inner().reshape([len])
        };
        let all = own.into_iter().map(flat).chain(extra).collect();
        let mut all = download(all).expect("weights can be read from their device").into_iter();
        let mut next = || all.next().expect("one vector per tensor");
        let weights = Self {
            rows,
            embed,
            inputs,
            weight_0: next(),
            bias_0: next(),
            weight_1: next(),
            bias_1: next(),
            weight_2: next(),
            bias_2: next(),
            weight_3: next(),
            value: next(),
            activation: weights.activation,
        };
        (weights, all.collect())
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of utilities that the mixer reads: agents times utilities per action.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns the weights of a row.
    pub(super) fn row(&self, row: usize) -> RowWeights<'_> {
        let part = |values: &'_ [f32]| -> std::ops::Range<usize> {
            let width = values.len() / self.rows;
            row * width..(row + 1) * width
        };
        RowWeights {
            inputs: self.inputs,
            embed: self.embed,
            weight_0: &self.weight_0[part(&self.weight_0)],
            bias_0: &self.bias_0[part(&self.bias_0)],
            weight_1: &self.weight_1[part(&self.weight_1)],
            bias_1: &self.bias_1[part(&self.bias_1)],
            weight_2: &self.weight_2[part(&self.weight_2)],
            bias_2: &self.bias_2[part(&self.bias_2)],
            weight_3: &self.weight_3[part(&self.weight_3)],
            value: self.value[row],
            activation: self.activation,
        }
    }
}
