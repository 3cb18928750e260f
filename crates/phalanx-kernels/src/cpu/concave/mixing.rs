//! The mixing step of a concave mixer with generated weights, on slices:
//!
//! `z_1 = x W_0 + b_0`, `z_2 = r(z_1 W_1 / H + b_1)`, `z_3 = r([z_1, z_2] W_2 / 2H + b_2)`,
//! `Q_tot = -[z_1, z_2, z_3] . w_3 / 3H + V`

use pulp::{Simd, WithSimd};

use crate::Convex;
use crate::simd::convex;
use crate::simd::dispatch::{dispatch, load, store};

/// Inputs of the mixing step. The weights are already non-negative.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    /// The number of utilities per row.
    pub(crate) inputs: usize,
    /// `H`, the width of the layers.
    pub(crate) embed: usize,
    /// `r`.
    pub(crate) activation: Convex,
    /// Utilities, `[row, inputs]`.
    pub(crate) q: &'a [f32],
    /// `[row, inputs, embed]`.
    pub(crate) weight_0: &'a [f32],
    /// `[row, embed]`.
    pub(crate) bias_0: &'a [f32],
    /// `[row, embed, embed]`.
    pub(crate) weight_1: &'a [f32],
    /// `[row, embed]`.
    pub(crate) bias_1: &'a [f32],
    /// `[row, 2 * embed, embed]`.
    pub(crate) weight_2: &'a [f32],
    /// `[row, embed]`.
    pub(crate) bias_2: &'a [f32],
    /// `[row, 3 * embed]`.
    pub(crate) weight_3: &'a [f32],
}

/// Gradients of the inputs, in their shapes. The gradient of `V` is that of `Q_tot`.
pub(crate) struct MixGradients {
    pub(crate) q: Vec<f32>,
    pub(crate) weight_0: Vec<f32>,
    pub(crate) bias_0: Vec<f32>,
    pub(crate) weight_1: Vec<f32>,
    pub(crate) bias_1: Vec<f32>,
    pub(crate) weight_2: Vec<f32>,
    pub(crate) bias_2: Vec<f32>,
    pub(crate) weight_3: Vec<f32>,
}

/// Intermediate results for one row.
struct Layers {
    /// `[z_1, z_2, z_3]`, `[3 * embed]`.
    units: Vec<f32>,
    /// The inputs of the activation for `z_2` and `z_3`, `[2 * embed]`.
    before: Vec<f32>,
}

impl Layers {
    fn new(embed: usize) -> Self {
        Self { units: vec![0.0; 3 * embed], before: vec![0.0; 2 * embed] }
    }

    #[inline(always)]
    fn compute<S: Simd>(&mut self, simd: S, inputs: &Inputs<'_>, row: usize) {
        let embed = inputs.embed;
        let (first, rest) = self.units.split_at_mut(embed);
        let (q, weight, bias) = (inputs.q, inputs.weight_0, inputs.bias_0);
        layer(simd, of(q, row, inputs.inputs), weight, of(bias, row, embed), row, 1.0, first);
        let before = &mut self.before[..embed];
        let scale = 1.0 / embed as f32;
        layer(simd, first, inputs.weight_1, of(inputs.bias_1, row, embed), row, scale, before);
        activate(simd, inputs.activation, before, &mut rest[..embed]);
        let (units, third) = self.units.split_at_mut(2 * embed);
        let before = &mut self.before[embed..];
        let scale = 0.5 / embed as f32;
        layer(simd, units, inputs.weight_2, of(inputs.bias_2, row, embed), row, scale, before);
        activate(simd, inputs.activation, before, third);
    }
}

/// Returns the part of one row, `[width]`, of an array `[row, width]`.
#[inline(always)]
fn of(values: &[f32], row: usize, width: usize) -> &[f32] {
    &values[row * width..][..width]
}

#[inline(always)]
fn of_mut(values: &mut [f32], row: usize, width: usize) -> &mut [f32] {
    &mut values[row * width..][..width]
}

/// Computes `y = scale * x W + b` with the weights `[row, x, y]` of one row.
#[inline(always)]
fn layer<S: Simd>(
    simd: S,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    row: usize,
    scale: f32,
    y: &mut [f32],
) {
    let embed = y.len();
    let weights = of(weights, row, x.len() * embed);
    for at in (0..embed).step_by(S::F32_LANES) {
        let mut sum = simd.splat_f32s(0.0);
        for (x, weights) in x.iter().zip(weights.chunks_exact(embed)) {
            sum = simd.mul_add_e_f32s(simd.splat_f32s(*x), load(simd, &weights[at..]), sum);
        }
        let sum = simd.mul_add_e_f32s(simd.splat_f32s(scale), sum, load(simd, &bias[at..]));
        store(simd, &mut y[at..], sum);
    }
}

#[inline(always)]
fn activate<S: Simd>(simd: S, activation: Convex, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks(S::F32_LANES).zip(y.chunks_mut(S::F32_LANES)) {
        store(simd, y, convex::value(simd, activation, load(simd, x)));
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

/// Computes `Q_tot`, `[row]`, from the inputs and `V`, `[row]`.
pub(crate) fn forward(inputs: Inputs<'_>, value: &[f32]) -> Vec<f32> {
    let mut joint = value.to_vec();
    dispatch(Forward { inputs, joint: &mut joint });
    joint
}

struct Forward<'a> {
    inputs: Inputs<'a>,
    joint: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = 3 * self.inputs.embed;
        let mut layers = Layers::new(self.inputs.embed);
        for (row, joint) in self.joint.iter_mut().enumerate() {
            layers.compute(simd, &self.inputs, row);
            let sum = dot(simd, &layers.units, of(self.inputs.weight_3, row, width));
            *joint -= sum / width as f32;
        }
    }
}

/// Computes the gradients of the inputs from that of `Q_tot`, `[row]`.
pub(crate) fn backward(inputs: Inputs<'_>, gradient: &[f32]) -> MixGradients {
    let zeros = |values: &[f32]| vec![0.0; values.len()];
    let mut gradients = MixGradients {
        q: zeros(inputs.q),
        weight_0: zeros(inputs.weight_0),
        bias_0: zeros(inputs.bias_0),
        weight_1: zeros(inputs.weight_1),
        bias_1: zeros(inputs.bias_1),
        weight_2: zeros(inputs.weight_2),
        bias_2: zeros(inputs.bias_2),
        weight_3: zeros(inputs.weight_3),
    };
    dispatch(Backward { inputs, gradient, gradients: &mut gradients });
    gradients
}

struct Backward<'a> {
    inputs: Inputs<'a>,
    gradient: &'a [f32],
    gradients: &'a mut MixGradients,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { inputs, gradient, gradients } = self;
        let embed = inputs.embed;
        let mut layers = Layers::new(embed);
        // The gradient of the units, `[3 * embed]`.
        let mut d_units = vec![0.0; 3 * embed];
        for (row, &gradient) in gradient.iter().enumerate() {
            layers.compute(simd, &inputs, row);
            let Layers { units, before } = &layers;
            let d = -gradient / (3 * embed) as f32;
            scaled(simd, d, units, of_mut(&mut gradients.weight_3, row, 3 * embed));
            scaled(simd, d, of(inputs.weight_3, row, 3 * embed), &mut d_units);

            let (d_below, d_third) = d_units.split_at_mut(2 * embed);
            let bias = of_mut(&mut gradients.bias_2, row, embed);
            through(simd, inputs.activation, &before[embed..], d_third, bias);
            let weights = of(inputs.weight_2, row, 2 * embed * embed);
            let d_weights = of_mut(&mut gradients.weight_2, row, 2 * embed * embed);
            let scale = 0.5 / embed as f32;
            descend(simd, scale, &units[..2 * embed], weights, bias, d_weights, d_below);

            let (d_first, d_second) = d_below.split_at_mut(embed);
            let bias = of_mut(&mut gradients.bias_1, row, embed);
            through(simd, inputs.activation, &before[..embed], d_second, bias);
            let weights = of(inputs.weight_1, row, embed * embed);
            let d_weights = of_mut(&mut gradients.weight_1, row, embed * embed);
            let scale = 1.0 / embed as f32;
            descend(simd, scale, &units[..embed], weights, bias, d_weights, d_first);

            of_mut(&mut gradients.bias_0, row, embed).copy_from_slice(d_first);
            let weights = of(inputs.weight_0, row, inputs.inputs * embed);
            let d_weights = of_mut(&mut gradients.weight_0, row, inputs.inputs * embed);
            let q = of(inputs.q, row, inputs.inputs);
            let d_q = of_mut(&mut gradients.q, row, inputs.inputs);
            descend(simd, 1.0, q, weights, d_first, d_weights, d_q);
        }
    }
}

/// Computes `y = scale * x`.
#[inline(always)]
fn scaled<S: Simd>(simd: S, scale: f32, x: &[f32], y: &mut [f32]) {
    let scale = simd.splat_f32s(scale);
    for (x, y) in x.chunks(S::F32_LANES).zip(y.chunks_mut(S::F32_LANES)) {
        store(simd, y, simd.mul_f32s(scale, load(simd, x)));
    }
}

/// Computes the gradient `to` of an activation's input `at` from the gradient of its output.
#[inline(always)]
fn through<S: Simd>(simd: S, activation: Convex, at: &[f32], output: &[f32], to: &mut [f32]) {
    let vectors = at.chunks(S::F32_LANES).zip(output.chunks(S::F32_LANES));
    for ((at, output), to) in vectors.zip(to.chunks_mut(S::F32_LANES)) {
        let slope = convex::slope(simd, activation, load(simd, at));
        store(simd, to, simd.mul_f32s(slope, load(simd, output)));
    }
}

/// Runs `y = scale * x W` backwards: writes the gradient of `W`, and adds that of `x` to `d_x`.
#[inline(always)]
fn descend<S: Simd>(
    simd: S,
    scale: f32,
    x: &[f32],
    weights: &[f32],
    d_y: &[f32],
    d_weights: &mut [f32],
    d_x: &mut [f32],
) {
    let embed = d_y.len();
    let rows = weights.chunks_exact(embed).zip(d_weights.chunks_exact_mut(embed));
    for ((x, d_x), (weights, d_weights)) in x.iter().zip(d_x).zip(rows) {
        scaled(simd, scale * x, d_y, d_weights);
        *d_x += scale * dot(simd, weights, d_y);
    }
}
