//! QMIX's mixing step with generated weights, on slices:
//!
//! `m = q W_1 + b_1`, `Q_tot = ELU(m) . w_2 + V`

use pulp::{Simd, WithSimd};

use crate::simd::dispatch::{dispatch, load, store};
use crate::simd::elu::elu;

/// Inputs of the mixing step. The weights are already non-negative.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    /// The number of agents.
    pub(crate) agents: usize,
    /// The width of the mixing layer.
    pub(crate) embed: usize,
    /// Utilities, `[row, agent]`.
    pub(crate) q: &'a [f32],
    /// `[row, agent, embed]`.
    pub(crate) weight_1: &'a [f32],
    /// `[row, embed]`.
    pub(crate) bias_1: &'a [f32],
    /// `[row, embed]`.
    pub(crate) weight_2: &'a [f32],
}

/// Gradients of the inputs, in their shapes. The gradient of `V` is that of `Q_tot`.
pub(crate) struct MixGradients {
    pub(crate) q: Vec<f32>,
    pub(crate) weight_1: Vec<f32>,
    pub(crate) bias_1: Vec<f32>,
    pub(crate) weight_2: Vec<f32>,
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
        let Inputs { embed, weight_2, .. } = self.inputs;
        for (row, joint) in self.joint.iter_mut().enumerate() {
            let weight_2 = &weight_2[row * embed..][..embed];
            let mut sum = simd.splat_f32s(0.0);
            for at in (0..embed).step_by(S::F32_LANES) {
                let hidden = elu(simd, self.inputs.mixed(simd, row, at));
                sum = simd.mul_add_e_f32s(hidden, load(simd, &weight_2[at..]), sum);
            }
            *joint += simd.reduce_sum_f32s(sum);
        }
    }
}

impl Inputs<'_> {
    /// Returns a vector of `m` of one row, from unit `at` on.
    #[inline(always)]
    fn mixed<S: Simd>(&self, simd: S, row: usize, at: usize) -> S::f32s {
        let Self { agents, embed, .. } = *self;
        let mut mixed = load(simd, &self.bias_1[row * embed..][..embed][at..]);
        let weights = &self.weight_1[row * agents * embed..][..agents * embed];
        for (q, weights) in self.q[row * agents..][..agents].iter().zip(weights.chunks_exact(embed))
        {
            mixed = simd.mul_add_e_f32s(simd.splat_f32s(*q), load(simd, &weights[at..]), mixed);
        }
        mixed
    }
}

/// Computes the gradients of the inputs from that of `Q_tot`, `[row]`.
pub(crate) fn backward(inputs: Inputs<'_>, gradient: &[f32]) -> MixGradients {
    let mut gradients = MixGradients {
        q: vec![0.0; inputs.q.len()],
        weight_1: vec![0.0; inputs.weight_1.len()],
        bias_1: vec![0.0; inputs.bias_1.len()],
        weight_2: vec![0.0; inputs.weight_2.len()],
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
        let Inputs { agents, embed, q, weight_1, weight_2, .. } = self.inputs;
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        for (row, &gradient) in self.gradient.iter().enumerate() {
            let units = row * embed..(row + 1) * embed;
            let weight_2 = &weight_2[units.clone()];
            let d_bias = &mut self.gradients.bias_1[units.clone()];
            let d_weight_2 = &mut self.gradients.weight_2[units];
            let d = simd.splat_f32s(gradient);
            for at in (0..embed).step_by(S::F32_LANES) {
                let mixed = self.inputs.mixed(simd, row, at);
                let hidden = elu(simd, mixed);
                // The slope of ELU is one above zero and ELU + 1 below.
                let positive = simd.greater_than_f32s(mixed, zero);
                let slope = simd.select_f32s(positive, one, simd.add_f32s(hidden, one));
                let d_hidden = simd.mul_f32s(d, load(simd, &weight_2[at..]));
                store(simd, &mut d_bias[at..], simd.mul_f32s(d_hidden, slope));
                store(simd, &mut d_weight_2[at..], simd.mul_f32s(d, hidden));
            }
            for agent in row * agents..(row + 1) * agents {
                let weights = &weight_1[agent * embed..][..embed];
                let d_weights = &mut self.gradients.weight_1[agent * embed..][..embed];
                let utility = simd.splat_f32s(q[agent]);
                let mut d_q = zero;
                for at in (0..embed).step_by(S::F32_LANES) {
                    let d_mixed = load(simd, &d_bias[at..]);
                    d_q = simd.mul_add_e_f32s(d_mixed, load(simd, &weights[at..]), d_q);
                    store(simd, &mut d_weights[at..], simd.mul_f32s(utility, d_mixed));
                }
                self.gradients.q[agent] = simd.reduce_sum_f32s(d_q);
            }
        }
    }
}
