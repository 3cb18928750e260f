//! An optimizer step, on slices.

use crate::simd::dispatch::dispatch;

/// Constants of one optimizer step; `g` is the gradient times `clip`.
#[derive(Clone, Copy, Debug)]
pub enum OptimizerStep {
    /// Adam and RAdam: `m = d_1 m + (1 - d_1) g`, `v = d_2 v + (1 - d_2) g^2`, `x -= rate m /
    /// (sqrt(v) / root + eps)`, or `x -= rate m` without a root.
    Moments {
        /// `d_1` and `d_2`.
        decays: [f64; 2],
        /// The learning rate, corrected for the bias of `m`.
        rate: f64,
        /// The square root of the bias correction of `v`.
        root: Option<f64>,
        /// The term added to the denominator.
        eps: f32,
    },
    /// RMSprop: `v = d v + (1 - d) g^2`, `x -= rate g / (sqrt(v) + eps)`.
    MeanSquare {
        /// `d`.
        decay: f64,
        /// The learning rate.
        rate: f64,
        /// The term added to the denominator.
        eps: f32,
    },
}

/// Takes a step in place. All slices have the same length, except that `first` may be empty for
/// RMSprop, which has no first moment.
pub fn optimizer_step(
    step: OptimizerStep,
    clip: f32,
    gradient: &[f32],
    x: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let blended = |moment: f32, decay: f32, rest: f32, new: f32| moment * decay + new * rest;
    let parts = |decay: f64| (decay as f32, (1.0 - decay) as f32);
    // The closures are compiled for the processor's vectors.
    dispatch(|| match step {
        OptimizerStep::Moments { decays: [d_1, d_2], rate, root, eps } => {
            let ((d_1, rest_1), (d_2, rest_2)) = (parts(d_1), parts(d_2));
            let rate = rate as f32;
            let moments = first.iter_mut().zip(second);
            for ((x, g), (first, second)) in x.iter_mut().zip(gradient).zip(moments) {
                let g = g * clip;
                *first = blended(*first, d_1, rest_1, g);
                *second = blended(*second, d_2, rest_2, g * g);
                *x -= rate
                    * match root {
                        Some(root) => *first / (second.sqrt() / root as f32 + eps),
                        None => *first,
                    };
            }
        }
        OptimizerStep::MeanSquare { decay, rate, eps } => {
            let ((decay, rest), rate) = (parts(decay), rate as f32);
            for ((x, g), second) in x.iter_mut().zip(gradient).zip(second) {
                let g = g * clip;
                *second = blended(*second, decay, rest, g * g);
                *x -= g / (second.sqrt() + eps) * rate;
            }
        }
    });
}
