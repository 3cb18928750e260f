//! The generated weights of a concave mixer, as tensors and as plain numbers.

use burn::tensor::Tensor;

use super::super::kernels::{self, RowWeights};
use super::super::transfer::download;
use super::concaveq::Convex;

/// What the hypernetworks of a [`ConcaveMixer`](super::ConcaveMixer) generated for a batch of rows.
///
/// With `H` the width and `inputs` the number of agents times that of utilities of an action. The
/// weights of the last three layers are non-negative and not yet divided by the number of
/// summands; mixing and selection divide.
#[derive(Clone, Debug)]
pub struct ConcaveWeights {
    /// `[row, inputs * H]`.
    pub(in super::super) weight_0: Tensor<2>,
    /// `[row, H]`.
    pub(in super::super) bias_0: Tensor<2>,
    /// `[row, H * H]`, summand by summand.
    pub(in super::super) weight_1: Tensor<2>,
    /// `[row, H]`.
    pub(in super::super) bias_1: Tensor<2>,
    /// `[row, 2H * H]`, summand by summand.
    pub(in super::super) weight_2: Tensor<2>,
    /// `[row, H]`.
    pub(in super::super) bias_2: Tensor<2>,
    /// `[row, 3H]`.
    pub(in super::super) weight_3: Tensor<2>,
    /// `V(s)`, `[row, 1]`.
    pub(in super::super) value: Tensor<2>,
    pub(in super::super) activation: Convex,
}

impl ConcaveWeights {
    /// The joint action values of the utilities of chosen actions, `[row, agent * utility_dim]`:
    /// `[row, 1]`. Gradients reach the utilities and the hypernetworks.
    pub fn mix(&self, q: Tensor<2>) -> Tensor<2> {
        kernels::concave_mix(q, self.clone())
    }

    /// The same weights, which no gradient reaches.
    #[must_use]
    pub fn detach(self) -> Self {
        Self {
            weight_0: self.weight_0.detach(),
            bias_0: self.bias_0.detach(),
            weight_1: self.weight_1.detach(),
            bias_1: self.bias_1.detach(),
            weight_2: self.weight_2.detach(),
            bias_2: self.bias_2.detach(),
            weight_3: self.weight_3.detach(),
            value: self.value.detach(),
            activation: self.activation,
        }
    }

    /// The weights as plain numbers, for [`Selection`](crate::nn::Selection); no gradient follows.
    pub fn to_host(&self) -> HostWeights {
        self.clone().into_host()
    }

    /// The same with the numbers of the tensors `more`, all in one transfer from the device.
    ///
    /// # Panics
    ///
    /// When the device cannot hand them out.
    pub fn to_host_and(&self, more: Vec<Tensor<1>>) -> (HostWeights, Vec<Vec<f32>>) {
        self.clone().into_host_and(more)
    }

    /// As [`ConcaveWeights::to_host`]; without a copy where these are the only owners of memory of
    /// the CPU.
    ///
    /// # Panics
    ///
    /// When the device cannot hand out a tensor.
    pub fn into_host(self) -> HostWeights {
        self.into_host_and(Vec::new()).0
    }

    fn into_host_and(self, more: Vec<Tensor<1>>) -> (HostWeights, Vec<Vec<f32>>) {
        let [rows, embed] = self.bias_0.dims();
        let inputs = self.weight_0.dims()[1] / embed;
        let own = [
            self.weight_0,
            self.bias_0,
            self.weight_1,
            self.bias_1,
            self.weight_2,
            self.bias_2,
            self.weight_3,
            self.value,
        ];
        let flat = |tensor: Tensor<2>| {
            let len = tensor.dims().iter().product::<usize>();
            tensor.inner().reshape([len])
        };
        let all = own.into_iter().map(flat).chain(more).collect();
        let mut all = download(all).expect("weights can be read from their device").into_iter();
        let mut next = || all.next().expect("as many come back as were asked for");
        let weights = HostWeights {
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
            activation: self.activation,
        };
        (weights, all.collect())
    }
}

/// The weights of [`ConcaveWeights`] as plain numbers.
#[derive(Clone, Debug)]
pub struct HostWeights {
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

impl HostWeights {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of agents times that of utilities of an action.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub(in super::super) fn row(&self, row: usize) -> RowWeights<'_> {
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
