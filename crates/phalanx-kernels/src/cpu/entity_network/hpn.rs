//! Hyper policy networks, on slices.

use std::sync::Arc;

use super::op::EntityNetwork;
use super::outer;
use super::packing::{Embedding, Packing};
use super::targets::OutputRow;
use super::{Found, Parameters, in_blocks, rows_at_once};
use crate::Activation;
use crate::cpu::activation_grad::activation_gradient;
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::layer::{Layer, LayerGradients, backwards};
use crate::cpu::outer_sum::forward::outer_sum_dim;
use crate::entities::EntityIndices;
use crate::gemm::backward_matmul::Scratch;
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::elementwise::activate;

/// About the number of tokens that are computed at a time.
const TOKENS: usize = 512;

/// See [`hpn`](crate::hpn). The flat parameters are weight and bias of `own`, of `hyper` and of
/// `generated`.
#[derive(Clone, Debug)]
pub(crate) struct Hpn {
    /// The agent itself.
    pub(crate) own: Arc<EntityIndices>,
    pub(crate) others: Arc<EntityIndices>,
    /// The width of the hypernetworks' hidden layer.
    pub(crate) hyper_dim: usize,
    pub(crate) output: OutputRow,
}

/// Layers and the results of some rows.
struct Memory<'a> {
    hyper: Embedding<'a>,
    own: Embedding<'a>,
    generated: Layer<'a>,
    packed_hyper: Vec<Packed>,
    own_packing: Packing,
    packing: Packing,
    /// The hidden layer of the hypernetworks, `[place, hyper_dim]`.
    hidden: Buffer,
    sums: Buffer,
}

impl Hpn {
    fn memory<'a>(&self, parameters: &'a [f32], rows: usize) -> Memory<'a> {
        let mut rest = Parameters(parameters);
        let width = self.output.features();
        let sums = outer_sum_dim(&self.others, self.hyper_dim);
        let own = rest.embedding(self.own.features(), 1, width);
        let types = self.others.groups.len();
        let hyper = rest.embedding(self.others.features(), types, self.hyper_dim);
        let block = self.block();
        Memory {
            hyper,
            own,
            generated: rest.layer(sums, width),
            packed_hyper: hyper.packed(&self.others, rows),
            own_packing: Packing::default(),
            packing: Packing::default(),
            hidden: Buffer::take(block * self.others.number() * self.hyper_dim),
            sums: Buffer::take(block * sums),
        }
    }

    /// Returns the number of rows that are computed at a time.
    fn block(&self) -> usize {
        rows_at_once(self.others.number(), TOKENS)
    }
}

impl Memory<'_> {
    /// Computes the hidden layer of the hypernetworks and the sums of outer products of some rows.
    fn fill(&mut self, network: &Hpn, obs: &[f32]) {
        let (others, width) = (&network.others, network.hyper_dim);
        self.packing.fill(others, obs);
        let hidden = &mut self.hidden[..self.packing.len() * width];
        self.packing.embed(others, &self.packed_hyper, self.hyper.bias, hidden);
        activate(Activation::Relu, hidden);
        let rows = obs.len() / others.view_dim;
        let sums = &mut self.sums[..rows * outer_sum_dim(others, width)];
        outer::sum(&self.packing, others, width, hidden, sums);
    }
}

impl EntityNetwork for Hpn {
    fn output_dim(&self) -> usize {
        self.output.dim()
    }

    fn forward(&self, parameters: &[f32], obs: &[f32]) -> Vec<f32> {
        let (view, width) = (self.others.view_dim, self.output.features());
        let rows = obs.len() / view;
        let mut memory = self.memory(parameters, rows);
        let (generated, own) = (memory.generated.packed(rows), memory.own.packed(&self.own, rows));
        let block = self.block();
        let [mut features, mut own_part] = [0; 2].map(|_| Buffer::take(block * width));
        in_blocks(obs, [view, block, self.output.dim()], |obs, out| {
            let n = obs.len() / view;
            memory.fill(self, obs);
            let features = &mut features[..n * width];
            let sums = &memory.sums[..n * generated.inner()];
            multiply(sums, &generated, Some(memory.generated.bias), features);
            memory.own_packing.fill(&self.own, obs);
            let own_part = &mut own_part[..memory.own_packing.len() * width];
            memory.own_packing.embed(&self.own, &own, memory.own.bias, own_part);
            for (row, features) in features.chunks_exact_mut(width).enumerate() {
                if let (_, &[place]) = memory.own_packing.rows().row(row) {
                    let own = &own_part[usize::from(place) * width..][..width];
                    features.iter_mut().zip(own).for_each(|(x, own)| *x += own);
                }
            }
            activate(Activation::Relu, features);
            self.output.write(features, &memory.hidden, memory.packing.rows(), out);
        })
    }

    fn backward(
        &self,
        parameters: &[f32],
        obs: &[f32],
        output: &[f32],
        gradient: &[f32],
    ) -> Vec<f32> {
        let (view, width, dim) = (self.others.view_dim, self.output.features(), self.output.dim());
        let rows = obs.len() / view;
        let mut memory = self.memory(parameters, rows);
        let transposed = memory.generated.transposed(rows);
        let (mut own, mut hyper) = (memory.own.zeros(), memory.hyper.zeros());
        let mut generated = LayerGradients::zeros(&memory.generated);
        let block = self.block();
        let [mut features, mut given, mut before, mut d_own] =
            [0; 4].map(|_| Buffer::take(block * width));
        let mut d_sums = Buffer::take(memory.sums.len());
        let [mut d_hidden, mut d_before] = [0; 2].map(|_| Buffer::take(memory.hidden.len()));
        let mut scratch = Scratch::default();
        let blocks = output.chunks(block * dim).zip(gradient.chunks(block * dim));
        for (obs, (output, gradient)) in obs.chunks(block * view).zip(blocks) {
            let n = obs.len() / view;
            memory.fill(self, obs);
            let [features, given, before] =
                [&mut features, &mut given, &mut before].map(|buffer| &mut buffer[..n * width]);
            self.output.split(output, features);
            self.output.split(gradient, given);
            activation_gradient(Activation::Relu, features, given, before);

            memory.own_packing.fill(&self.own, obs);
            let d_own = &mut d_own[..memory.own_packing.len() * width];
            for (row, before) in before.chunks_exact(width).enumerate() {
                if let (_, &[place]) = memory.own_packing.rows().row(row) {
                    d_own[usize::from(place) * width..][..width].copy_from_slice(before);
                }
            }
            memory.own_packing.add_gradients(&self.own, d_own, &mut own, &mut scratch);

            let sums = &memory.sums[..n * transposed.columns()];
            generated.add(sums, before, &mut scratch);
            let d_sums = &mut d_sums[..sums.len()];
            backwards(before, &transposed, d_sums);
            let len = memory.packing.len() * self.hyper_dim;
            let (d_hidden, d_before) = (&mut d_hidden[..len], &mut d_before[..len]);
            outer::backward(&memory.packing, &self.others, self.hyper_dim, d_sums, d_hidden);
            self.output.add_gradient(gradient, memory.packing.rows(), d_hidden);
            activation_gradient(Activation::Relu, &memory.hidden[..len], d_hidden, d_before);
            memory.packing.add_gradients(&self.others, d_before, &mut hyper, &mut scratch);
        }
        let mut found = Found::default();
        found.embedding(own);
        found.embedding(hyper);
        found.layer(generated);
        found.0
    }
}
