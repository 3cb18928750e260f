//! The vectorised functions compared with double precision.

use pulp::{Arch, Simd, WithSimd};

use super::activation::{sigmoid, tanh};
use super::convex;
use super::dispatch::{load, store};
use super::elu::elu;
use super::exp::exp;
use crate::Convex;

#[derive(Clone, Copy)]
enum Function {
    Exp,
    Elu,
    Tanh,
    Sigmoid,
    Convex(Convex),
    Slope(Convex),
}

struct Map<'a>(Function, &'a mut [f32]);

impl WithSimd for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for x in self.1.chunks_mut(S::F32_LANES) {
            let value = load(simd, x);
            let value = match self.0 {
                Function::Exp => exp(simd, value),
                Function::Elu => elu(simd, value),
                Function::Tanh => tanh(simd, value),
                Function::Sigmoid => sigmoid(simd, value),
                Function::Convex(activation) => convex::value(simd, activation, value),
                Function::Slope(activation) => convex::slope(simd, activation, value),
            };
            store(simd, x, value);
        }
    }
}

fn map(function: Function, inputs: &[f32]) -> Vec<f32> {
    let mut values = inputs.to_vec();
    Arch::new().dispatch(Map(function, &mut values));
    values
}

/// Returns inputs from -30 to 30.
fn inputs() -> Vec<f32> {
    (-300_000..=300_001).map(|i| i as f32 * 1e-4).collect()
}

/// Returns the largest error on these inputs, relative to the value where that is above
/// `relative_from`.
fn largest_error(function: Function, exact: impl Fn(f64) -> f64, relative_from: f64) -> f64 {
    let inputs = inputs();
    let errors = inputs.iter().zip(map(function, &inputs)).map(|(&x, y)| {
        let exact = exact(f64::from(x));
        (f64::from(y) - exact).abs() / (exact.abs() / relative_from).max(1.0)
    });
    errors.fold(0.0, f64::max)
}

#[test]
fn the_exponential_is_within_two_millionths_of_itself() {
    let inputs: Vec<f32> = (-870_000..=500_000).map(|i| i as f32 * 1e-4).collect();
    for (&x, y) in inputs.iter().zip(map(Function::Exp, &inputs)) {
        let exact = f64::from(x).exp();
        assert!((f64::from(y) / exact - 1.0).abs() < 2e-6, "{y} at {x}");
    }
    let extreme = map(Function::Exp, &[-88.0, -1e9, f32::NEG_INFINITY, 0.0, f32::NAN]);
    assert_eq!(extreme[..4], [0.0, 0.0, 0.0, 1.0]);
    assert!(extreme[4].is_nan());
}

#[test]
fn elu_is_within_a_millionth_of_the_true_value() {
    let exact = |x: f64| if x > 0.0 { x } else { x.exp_m1() };
    assert!(largest_error(Function::Elu, exact, f64::INFINITY) < 1e-6);
}

#[test]
fn activations_are_within_a_millionth_of_the_true_value() {
    assert!(largest_error(Function::Tanh, f64::tanh, f64::INFINITY) < 5e-7);
    let exact = |x: f64| 1.0 / (1.0 + (-x).exp());
    assert!(largest_error(Function::Sigmoid, exact, f64::INFINITY) < 5e-7);
}

#[test]
fn extreme_inputs_give_the_limits_and_a_nan_stays_one() {
    let x = map(Function::Tanh, &[f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 0.0, f32::NAN]);
    for (value, limit) in x.iter().zip([1.0, -1.0, 1.0, -1.0_f32]) {
        assert!((value - limit).abs() < 5e-7 && value.abs() <= 1.0, "{value}");
    }
    assert_eq!(x[4], 0.0);
    assert!(x[5].is_nan());
}

#[test]
fn convex_activations_and_their_slopes_are_within_a_millionth_of_the_true_ones() {
    let leak = f64::from(Convex::LEAK);
    let step = |x: f64, below: f64| if x > 0.0 { 1.0 } else { below };
    for activation in [Convex::Relu, Convex::LeakyRelu, Convex::Softplus, Convex::Elu] {
        let exact = |x: f64| match activation {
            Convex::Relu => (x.max(0.0), step(x, 0.0)),
            Convex::LeakyRelu => (x.max(leak * x), step(x, leak)),
            Convex::Softplus => (x.max(0.0) + (-x.abs()).exp().ln_1p(), 1.0 / (1.0 + (-x).exp())),
            Convex::Elu if x > 0.0 => (x, 1.0),
            Convex::Elu => (x.exp_m1(), x.exp()),
        };
        let error = largest_error(Function::Convex(activation), |x| exact(x).0, 1.0);
        assert!(error < 1e-6, "{activation:?}: {error}");
        let error = largest_error(Function::Slope(activation), |x| exact(x).1, f64::INFINITY);
        assert!(error < 1e-6, "{activation:?} slope: {error}");
    }
}
