//! A block of attention and two layers, both with normalisation before them and a residual connection.

use super::attention::{self, Attention};
use super::{Norm, NormGradients, Normalised, Transformer};
use crate::Activation;
use crate::cpu::activation_grad::{activation_gradient, add_column_sums};
use crate::cpu::buffer_pool::Buffer;
use crate::cpu::entity_network::packing::Rows;
use crate::cpu::entity_network::{Found, Parameters, gather, scatter};
use crate::cpu::layer::{Layer, LayerGradients, backwards};
use crate::gemm::backward_matmul::{Scratch, add_transposed_left};
use crate::gemm::matmul::multiply;
use crate::gemm::pack::Packed;
use crate::simd::elementwise::activate;

/// The parameters of a block.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    attention_norm: Norm<'a>,
    /// Queries, keys and values of all heads.
    projection: Layer<'a>,
    /// The entries of the bias, `[knot, 3, head]`; empty without.
    table: &'a [f32],
    output: Layer<'a>,
    norm: Norm<'a>,
    hidden: Layer<'a>,
    last: Layer<'a>,
}

/// Packed weights for the forward pass.
pub(super) struct PackedBlock {
    queries: Packed,
    keys_values: Packed,
    output: Packed,
    hidden: Packed,
    last: Packed,
}

/// Packed transposes of the weights for the backward pass.
pub(super) struct TransposedBlock {
    queries: Packed,
    keys_values: Packed,
    output: Packed,
    hidden: Packed,
    last: Packed,
}

/// Returns some columns of a matrix with `of` columns.
fn columns(matrix: &[f32], of: usize, range: std::ops::Range<usize>) -> Vec<f32> {
    matrix.chunks_exact(of).flat_map(|row| &row[range.clone()]).copied().collect()
}

impl<'a> Block<'a> {
    pub(super) fn take(parameters: &mut Parameters<'a>, network: &Transformer) -> Self {
        let (width, feed_forward) = (network.width, network.feed_forward);
        Self {
            attention_norm: Norm::take(parameters, width),
            projection: parameters.layer(width, 3 * width),
            table: parameters.take(network.table_len()),
            output: parameters.layer(width, width),
            norm: Norm::take(parameters, width),
            hidden: parameters.layer(width, feed_forward),
            last: parameters.layer(feed_forward, width),
        }
    }

    /// Returns the weights of queries, and of keys and values.
    fn projections(&self) -> [Vec<f32>; 2] {
        let width = self.projection.inner();
        let all = 3 * width;
        [0..width, width..all].map(|range| columns(self.projection.weight, all, range))
    }

    pub(super) fn packed(&self, rows: usize) -> PackedBlock {
        let width = self.projection.inner();
        let [queries, keys_values] = self.projections();
        PackedBlock {
            queries: Packed::new(&queries, width, width, rows),
            keys_values: Packed::new(&keys_values, width, 2 * width, rows),
            output: self.output.packed(rows),
            hidden: self.hidden.packed(rows),
            last: self.last.packed(rows),
        }
    }

    pub(super) fn transposed(&self, rows: usize) -> TransposedBlock {
        let width = self.projection.inner();
        let [queries, keys_values] = self.projections();
        TransposedBlock {
            queries: Packed::transposed(&queries, width, width, rows),
            keys_values: Packed::transposed(&keys_values, 2 * width, width, rows),
            output: self.output.transposed(rows),
            hidden: self.hidden.transposed(rows),
            last: self.last.transposed(rows),
        }
    }
}

/// Intermediate results of some rows.
pub(super) struct Results {
    normalised: Normalised,
    /// The normalised tokens that have a result, `[query, width]`.
    asking: Buffer,
    /// `[query, width]`.
    queries: Buffer,
    /// Keys and values, `[place, 2 * width]`.
    keys_values: Buffer,
    /// The attention weights of each row, `[head, query, padded]`.
    weights: Buffer,
    attended: Buffer,
    /// The normalisation after attention.
    between: Normalised,
    /// `[query, feed_forward]`.
    hidden: Buffer,
}

impl Results {
    pub(super) fn new(network: &Transformer, rows: usize) -> Self {
        let (number, width) = (network.entities.number(), network.width);
        let most = rows * number;
        let [asking, queries, attended] = [0; 3].map(|_| Buffer::take(most * width));
        Self {
            normalised: Normalised::new(most, width),
            asking,
            queries,
            keys_values: Buffer::take(most * 2 * width),
            weights: Buffer::take(rows * attention::weights_len(number, network.heads)),
            attended,
            between: Normalised::new(most, width),
            hidden: Buffer::take(most * network.feed_forward),
        }
    }
}

fn add(values: &mut [f32], change: &[f32]) {
    values.iter_mut().zip(change).for_each(|(value, change)| *value += change);
}

impl Block<'_> {
    fn attention<'b>(
        &'b self,
        network: &'b Transformer,
        (obs, [all, asking]): (&'b [f32], [&'b Rows; 2]),
    ) -> Attention<'b> {
        Attention {
            entities: &network.entities,
            heads: network.heads,
            reach: network.reach,
            table: (!self.table.is_empty()).then_some(self.table),
            width: network.width,
            obs,
            all,
            asking,
        }
    }

    /// Computes the tokens that have a result, `[query, width]`, from those of all, `[place, width]`.
    pub(super) fn forward(
        &self,
        packed: &PackedBlock,
        network: &Transformer,
        (obs, rows): (&[f32], [&Rows; 2]),
        read: &[f32],
        results: &mut Results,
        write: &mut [f32],
    ) {
        let width = network.width;
        let [n, m] = rows.map(Rows::len);
        results.normalised.fill(read, self.attention_norm, network.eps);
        let normal = &results.normalised.rows[..n * width];
        let asking = &mut results.asking[..m * width];
        gather(normal, width, rows, asking);
        let (query_bias, other_bias) = self.projection.bias.split_at(width);
        let queries = &mut results.queries[..m * width];
        multiply(asking, &packed.queries, Some(query_bias), queries);
        let keys_values = &mut results.keys_values[..n * 2 * width];
        multiply(normal, &packed.keys_values, Some(other_bias), keys_values);
        let attended = &mut results.attended[..m * width];
        let attention = self.attention(network, (obs, rows));
        attention.forward(queries, keys_values, &mut results.weights, attended);
        gather(read, width, rows, write);
        let asking = &mut results.between.rows[..m * width];
        multiply(attended, &packed.output, Some(self.output.bias), asking);
        add(write, asking);
        results.between.fill(write, self.norm, network.eps);
        let hidden = &mut results.hidden[..m * network.feed_forward];
        let between = &results.between.rows[..m * width];
        multiply(between, &packed.hidden, Some(self.hidden.bias), hidden);
        activate(Activation::Relu, hidden);
        // Every product adds to what is there.
        write.chunks_exact_mut(width).for_each(|token| add(token, self.last.bias));
        multiply(hidden, &packed.last, None, write);
    }

    /// Computes the gradient of the tokens of all, `[place, width]`, from that of the tokens that have a
    /// result, and adds those of the parameters.
    pub(super) fn backward(
        &self,
        transposed: &TransposedBlock,
        network: &Transformer,
        (obs, rows): (&[f32], [&Rows; 2]),
        (results, gradient): (&Results, &[f32]),
        (found, d_read): (&mut BlockGradients, &mut [f32]),
        (spare, scratch): (&mut Spare, &mut Scratch),
    ) {
        let width = network.width;
        let [n, m] = rows.map(Rows::len);
        let wide = m * network.feed_forward;
        let hidden = &results.hidden[..wide];
        let (d_hidden, before) = (&mut spare.hidden[..wide], &mut spare.before[..wide]);
        found.last.add(hidden, gradient, scratch);
        backwards(gradient, &transposed.last, d_hidden);
        activation_gradient(Activation::Relu, hidden, d_hidden, before);
        found.hidden.add(&results.between.rows[..m * width], before, scratch);
        let d_normal = &mut spare.queries[..m * width];
        backwards(before, &transposed.hidden, d_normal);
        let d_tokens = &mut spare.tokens[..m * width];
        results.between.backward(self.norm, d_normal, &mut found.norm, d_tokens);
        add(d_tokens, gradient);

        found.output.add(&results.attended[..m * width], d_tokens, scratch);
        let d_attended = &mut spare.attended[..m * width];
        backwards(d_tokens, &transposed.output, d_attended);
        let d_queries = &mut spare.queries[..m * width];
        let d_others = &mut spare.keys_values[..n * 2 * width];
        let attention = self.attention(network, (obs, rows));
        let read = [&results.queries[..m * width], &results.keys_values[..n * 2 * width]];
        let write = [&mut *d_queries, &mut *d_others, &mut found.table];
        attention.backward(read, &results.weights, d_attended, write);

        let [queries, others] = &mut found.projection;
        let normal = &results.normalised.rows[..n * width];
        queries.add(&results.asking[..m * width], d_queries, scratch);
        add_transposed_left(normal, d_others, n, 0..width, scratch, &mut others.weight);
        add_column_sums(d_others, &mut others.bias);
        let d_normal = &mut spare.normal[..n * width];
        backwards(d_others, &transposed.keys_values, d_normal);
        let d_asking = &mut spare.attended[..m * width];
        backwards(d_queries, &transposed.queries, d_asking);
        scatter(d_asking, width, rows, d_normal);
        let norm = &mut found.attention_norm;
        results.normalised.backward(self.attention_norm, d_normal, norm, d_read);
        scatter(d_tokens, width, rows, d_read);
    }
}

/// Reused memory of the backward pass.
pub(super) struct Spare {
    hidden: Buffer,
    before: Buffer,
    queries: Buffer,
    tokens: Buffer,
    attended: Buffer,
    keys_values: Buffer,
    normal: Buffer,
}

impl Spare {
    pub(super) fn new(network: &Transformer, rows: usize) -> Self {
        let most = rows * network.entities.number();
        let [hidden, before] = [0; 2].map(|_| Buffer::take(most * network.feed_forward));
        let [queries, tokens, attended, normal] =
            [0; 4].map(|_| Buffer::take(most * network.width));
        let keys_values = Buffer::take(most * 2 * network.width);
        Self { hidden, before, queries, tokens, attended, keys_values, normal }
    }
}

/// The gradients of the parameters of a block.
pub(super) struct BlockGradients {
    attention_norm: NormGradients,
    /// Those of queries, and of keys and values.
    projection: [LayerGradients; 2],
    table: Vec<f32>,
    output: LayerGradients,
    norm: NormGradients,
    hidden: LayerGradients,
    last: LayerGradients,
}

impl BlockGradients {
    pub(super) fn zeros(block: &Block<'_>) -> Self {
        let width = block.projection.inner();
        let projection = |columns: usize| LayerGradients {
            weight: vec![0.0; width * columns],
            bias: vec![0.0; columns],
        };
        Self {
            attention_norm: NormGradients::zeros(width),
            projection: [projection(width), projection(2 * width)],
            table: vec![0.0; block.table.len()],
            output: LayerGradients::zeros(&block.output),
            norm: NormGradients::zeros(width),
            hidden: LayerGradients::zeros(&block.hidden),
            last: LayerGradients::zeros(&block.last),
        }
    }

    /// Appends the gradients in the order of the flat parameters.
    pub(super) fn append_to(self, found: &mut Found) {
        let width = self.norm.scale.len();
        let all = &mut found.0;
        all.extend(self.attention_norm.scale);
        all.extend(self.attention_norm.shift);
        let [queries, others] = self.projection;
        let rows = queries.weight.chunks_exact(width).zip(others.weight.chunks_exact(2 * width));
        for (queries, others) in rows {
            all.extend_from_slice(queries);
            all.extend_from_slice(others);
        }
        all.extend(queries.bias);
        all.extend(others.bias);
        all.extend(self.table);
        found.layer(self.output);
        found.0.extend(self.norm.scale);
        found.0.extend(self.norm.shift);
        found.layer(self.hidden);
        found.layer(self.last);
    }
}
