//! A concave mixer with the generated weights of one row, prepared for evaluating many joint
//! actions.

use pulp::{Simd, WithSimd};

use crate::Convex;
use crate::gemm::matmul::Product;
use crate::gemm::pack::{Right, lanes};
use crate::simd::convex;
use crate::simd::dispatch::{dispatch, load, store};

/// Generated weights of a concave mixer for one row. Those of the last three layers are already
/// non-negative, and not yet divided by the number of summands.
#[derive(Clone, Copy)]
pub struct RowWeights<'a> {
    /// The number of utilities of the row.
    pub inputs: usize,
    /// `H`, the width of the layers.
    pub embed: usize,
    /// `[inputs, embed]`.
    pub weight_0: &'a [f32],
    /// `[embed]`.
    pub bias_0: &'a [f32],
    /// `[embed, embed]`.
    pub weight_1: &'a [f32],
    /// `[embed]`.
    pub bias_1: &'a [f32],
    /// `[2 * embed, embed]`.
    pub weight_2: &'a [f32],
    /// `[embed]`.
    pub bias_2: &'a [f32],
    /// `[3 * embed]`.
    pub weight_3: &'a [f32],
    /// `V`.
    pub value: f32,
    /// The activation of the two middle layers, `r`.
    pub activation: Convex,
}

/// A concave mixer for one row as a function of the utilities `x`, with its linear first layer
/// multiplied into the layers above:
///
/// `z_2 = r(p_2 + x P_2)`, `z_3 = r(p_3 + x P_3 + z_2 A)`, `Q_tot = v + x . c - z_2 . d - z_3 . e`
///
/// A joint action that differs in one agent then costs one product of `z_2` with `A` and little
/// else. Rows of matrices are padded with zeros to whole vectors.
#[derive(Debug, Default)]
pub struct ConcaveRow {
    inputs: usize,
    /// The width of the layers, padded to whole vectors.
    width: usize,
    activation: Option<Convex>,
    /// `[p_2, p_3]`, `[2 * width]`.
    start: Vec<f32>,
    /// `[P_2, P_3]`, `[inputs, 2 * width]`.
    slopes: Vec<f32>,
    /// `A`, `[width, width]`.
    inner: Vec<f32>,
    /// `[d, e]`, `[2 * width]`.
    output: Vec<f32>,
    /// `v`.
    value: f32,
    /// `c`, `[inputs]`.
    linear: Vec<f32>,
    /// `[W_1, top of W_2]`, divided by their numbers of summands, `[embed, 2 * width]`.
    above: Vec<f32>,
    /// The utilities of all agents, with zeros for the deviating one, `[inputs]`.
    fixed: Vec<f32>,
    /// The part of both activations' arguments that all candidates share, `[2 * width]`.
    common: Vec<f32>,
    /// `z_2` of each candidate, `[candidate, width]`.
    second: Vec<f32>,
    /// The argument of `z_3` of each candidate, `[candidate, width]`.
    third: Vec<f32>,
}

impl ConcaveRow {
    /// Loads the weights of a row, reusing memory.
    pub fn load(&mut self, weights: RowWeights<'_>) {
        let RowWeights { inputs, embed, .. } = weights;
        let width = embed.next_multiple_of(lanes());
        if (self.inputs, self.width) != (inputs, width) {
            // Padding is written once here and stays zero.
            *self = Self {
                inputs,
                width,
                start: vec![0.0; 2 * width],
                slopes: vec![0.0; inputs * 2 * width],
                inner: vec![0.0; width * width],
                output: vec![0.0; 2 * width],
                linear: vec![0.0; inputs],
                fixed: vec![0.0; inputs],
                common: vec![0.0; 2 * width],
                ..Self::default()
            };
        }
        self.above.resize(embed * 2 * width, 0.0);
        self.activation = Some(weights.activation);
        dispatch(Load { row: self, weights });
    }

    /// Returns the values of joint actions that differ in one agent.
    ///
    /// `fixed` yields the utilities of each of the other agents and their offset in the row.
    /// `candidates` yields the utilities of the deviating agent's actions, one slice each, at
    /// offset `from`.
    pub fn values<'a>(
        &mut self,
        fixed: impl Iterator<Item = (usize, &'a [f32])>,
        from: usize,
        candidates: impl ExactSizeIterator<Item = &'a [f32]>,
        values: &mut [f32],
    ) {
        self.fixed.fill(0.0);
        for (input, utilities) in fixed {
            self.fixed[input..][..utilities.len()].copy_from_slice(utilities);
        }
        dispatch(Values { row: self, from, candidates, values });
    }
}

struct Load<'a> {
    row: &'a mut ConcaveRow,
    weights: RowWeights<'a>,
}

impl WithSimd for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { row, weights } = self;
        let RowWeights { inputs, embed, weight_0, bias_0, weight_3, .. } = weights;
        let width = row.width;
        let (top, bottom) = weights.weight_2.split_at(embed * embed);
        let [by_one, by_two, by_three] = [1.0, 2.0, 3.0].map(|n| 1.0 / (n * embed as f32));
        for (k, above) in row.above.chunks_exact_mut(2 * width).enumerate() {
            let (second, third) = above.split_at_mut(width);
            scale(simd, by_one, &weights.weight_1[k * embed..][..embed], second);
            scale(simd, by_two, &top[k * embed..][..embed], third);
        }
        for (inner, bottom) in row.inner.chunks_exact_mut(width).zip(bottom.chunks_exact(embed)) {
            scale(simd, by_two, bottom, inner);
        }
        let (first, last) = weight_3.split_at(embed);
        for (output, last) in row.output.chunks_exact_mut(width).zip(last.chunks_exact(embed)) {
            scale(simd, by_three, last, output);
        }
        row.start[..embed].copy_from_slice(weights.bias_1);
        row.start[width..][..embed].copy_from_slice(weights.bias_2);
        row.slopes.fill(0.0);
        let above = Right { inner: embed, columns: 2 * width, data: &row.above, packed: false };
        let start = Product::<false> {
            a: bias_0,
            stride: 0,
            rows: 1,
            b: above,
            bias: None,
            c: &mut row.start,
        };
        start.with_simd(simd);
        let c = &mut row.slopes;
        Product::<false> {
            a: weight_0,
            stride: above.inner,
            rows: inputs,
            b: above,
            bias: None,
            c,
        }
        .with_simd(simd);
        row.value = weights.value - by_three * dot(simd, bias_0, first);
        for (linear, weight) in row.linear.iter_mut().zip(weight_0.chunks_exact(embed)) {
            *linear = -by_three * dot(simd, weight, first);
        }
    }
}

/// Computes `y = factor * x`; `y` may be longer.
#[inline(always)]
fn scale<S: Simd>(simd: S, factor: f32, x: &[f32], y: &mut [f32]) {
    let factor = simd.splat_f32s(factor);
    for (x, y) in x.chunks(S::F32_LANES).zip(y.chunks_mut(S::F32_LANES)) {
        store(simd, y, simd.mul_f32s(factor, load(simd, x)));
    }
}

#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let mut sum = simd.splat_f32s(0.0);
    for (a, b) in a.chunks(S::F32_LANES).zip(b.chunks(S::F32_LANES)) {
        sum = simd.mul_add_e_f32s(load(simd, a), load(simd, b), sum);
    }
    simd.reduce_sum_f32s(sum)
}

struct Values<'r, 'v, C> {
    row: &'r mut ConcaveRow,
    from: usize,
    candidates: C,
    values: &'v mut [f32],
}

impl<'a, C: ExactSizeIterator<Item = &'a [f32]>> WithSimd for Values<'_, '_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { row, from, candidates, values } = self;
        let width = row.width;
        let activation = row.activation.expect("`load` must be called before `values`");
        let value = row.value + dot(simd, &row.fixed, &row.linear);
        let slopes =
            Right { inner: row.inputs, columns: 2 * width, data: &row.slopes, packed: false };
        let (a, bias, c) = (&row.fixed, Some(&row.start[..]), &mut row.common);
        Product::<false> { a, stride: 0, rows: 1, b: slopes, bias, c }.with_simd(simd);
        let count = candidates.len();
        if row.second.len() < count * width {
            row.second.resize(count * width, 0.0);
            row.third.resize(count * width, 0.0);
        }
        let (second, third) = (&mut row.second[..count * width], &mut row.third[..count * width]);
        let units = second.chunks_exact_mut(width).zip(third.chunks_exact_mut(width));
        for ((second, third), (utilities, result)) in units.zip(candidates.zip(&mut *values)) {
            let mut sum = value;
            for (input, &x) in (from..).zip(utilities) {
                sum += x * row.linear[input];
            }
            *result = sum;
            for at in (0..width).step_by(S::F32_LANES) {
                let mut p_2 = load(simd, &row.common[at..]);
                let mut p_3 = load(simd, &row.common[width + at..]);
                for (input, &x) in (from..).zip(utilities) {
                    let slopes = &row.slopes[input * 2 * width..][..2 * width];
                    let x = simd.splat_f32s(x);
                    p_2 = simd.mul_add_e_f32s(x, load(simd, &slopes[at..]), p_2);
                    p_3 = simd.mul_add_e_f32s(x, load(simd, &slopes[width + at..]), p_3);
                }
                store(simd, &mut second[at..], convex::value(simd, activation, p_2));
                store(simd, &mut third[at..], p_3);
            }
        }
        let inner = Right { inner: width, columns: width, data: &row.inner, packed: false };
        Product::<false> {
            a: second,
            stride: inner.inner,
            rows: count,
            b: inner,
            bias: None,
            c: third,
        }
        .with_simd(simd);
        let units = second.chunks_exact(width).zip(third.chunks_exact(width));
        for ((second, third), value) in units.zip(values) {
            let mut sum = simd.splat_f32s(0.0);
            for at in (0..width).step_by(S::F32_LANES) {
                let third = convex::value(simd, activation, load(simd, &third[at..]));
                sum = simd.mul_add_e_f32s(third, load(simd, &row.output[width + at..]), sum);
                let second = load(simd, &second[at..]);
                sum = simd.mul_add_e_f32s(second, load(simd, &row.output[at..]), sum);
            }
            *value -= simd.reduce_sum_f32s(sum);
        }
    }
}
